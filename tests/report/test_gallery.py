"""The gallery as files: what each page says, that its references resolve, and that it needs nothing from outside."""

import csv
import json
import re

import numpy as np
import pytest
from click.testing import CliRunner
from headless import Elements, broken_links, images_without_text

import clipbounds as cb
from clipbounds.cli import main
from clipbounds.report.describe import setting_text
from clipbounds.report.explorer import EXPLORERS
from clipbounds.report.gallery import csv_bytes, write_gallery


def pages(root):
    return sorted((root / "figures").rglob("*.html"))


def test_one_page_a_claim_that_has_been_run(gallery):
    names = [page.relative_to(gallery / "figures").as_posix() for page in pages(gallery)]
    explorers = [page.file for page in EXPLORERS]
    assert sorted(names) == sorted(["index.html", *explorers, "koloskova2023/drawn.html", "mine/bare.html"])


def test_references_resolve_inside_the_folder(gallery):
    for page in pages(gallery):
        assert broken_links(page) == []
        assert images_without_text(page) == []


def test_the_checks_see_a_broken_link_and_a_mute_image(gallery, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(
        '<a href="nowhere.html"></a><a href="#no"></a><a href="https://x.org"></a><img src="data:," alt=" ">'
    )
    assert broken_links(page) == ["nowhere.html", "#no", "https://x.org"]
    assert images_without_text(page) == ["data:,"]


def test_the_page_of_a_claim_says_everything(gallery):
    text = (gallery / "figures/koloskova2023/drawn.html").read_text()
    record = json.loads((gallery / "figures/koloskova2023/drawn.json").read_text())
    assert "Bounds &amp; &lt;measurements&gt;: they meet" in text and "<measurements>" not in text
    assert "<p>Why they meet.</p>" in text and "<p>Second paragraph.</p>" in text
    assert "clipbounds run koloskova2023/drawn --budget quick --seed 3" in text
    assert record["kernels"] and all(f"{name} <code>{digest}" in text for name, digest in record["kernels"].items())
    assert record["version"] in text
    assert re.search('alttext="a *&lt; *b".*?</math> &amp; <math', text) and "the constant is not known" in text
    assert text.count('<span class="badge display">display only</span>') == 2  # the second row and RecalledFloor
    assert text.count('<div class="formula"') == 3
    assert "@misc{koloskova2023" in text and "@software{clipbounds" in text and "run_experiment(file" in text
    assert "Setting(Quadratic(eigenvalues=1, x0=0.25), TwoPoint(sigma=1, skew=0.5)" in text


def test_a_failing_hypothesis_is_shown(gallery):
    """S3 needs c <= sigma/2, and here c = sigma."""
    record = json.loads((gallery / "figures/koloskova2023/drawn.json").read_text())
    failing = [row for bound in record["bounds"] for row in bound["hypotheses"] if row["holds"] is False]
    assert [row["what"] for row in failing] == ["c <= sigma/2"]
    text = (gallery / "figures/koloskova2023/drawn.html").read_text()
    assert text.count("<td>no</td>") == 1


def test_the_image_is_described(gallery):
    page = Elements((gallery / "figures/koloskova2023/drawn.html").read_text())
    (image,) = page.all("img")
    assert image["src"] == "drawn.svg"
    assert "Panel 1 shows ‖∇f‖ against threshold c/σ (logarithmic). Drawn: u^*(c,σ), floor." in image["alt"]
    assert "Panel 2 shows gap against steps T." in image["alt"]


def test_without_svg_the_png_is_shown(gallery, tmp_path):
    for name in (
        "experiments/koloskova2023/drawn.py",
        "figures/koloskova2023/drawn.png",
        "figures/koloskova2023/drawn.json",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((gallery / name).read_bytes())
    write_gallery(tmp_path)
    assert Elements((tmp_path / "figures/koloskova2023/drawn.html").read_text()).all("img")[0]["src"] == "drawn.png"
    assert all(broken_links(page) == [] for page in pages(tmp_path))


def test_csv_reads_back_exactly(gallery):
    with (gallery / "figures/koloskova2023/drawn.line_one.csv").open(newline="") as stream:
        header, *lines = csv.reader(stream)
    assert header == ["x", "y, z"] and lines == [["0.1", "1"], ["inf", "2"]]
    values = list(np.random.default_rng(0).standard_cauchy(100))
    back = [float(line) for line in csv_bytes({"v": values}).decode().splitlines()[1:]]
    assert back == values
    assert (gallery / "figures/koloskova2023/drawn.uneven.csv").read_text() == "a,b\n1.0,3.0\n2.0,\n"


def test_settings_are_written_briefly():
    eigenvalues = np.arange(1.0, 101.0)
    method = cb.methods.ClippedSGD(0.1, cb.clipping.NormClip(2.0), batch_size=4)
    setting = cb.Setting(cb.problems.Quadratic(eigenvalues, np.ones(100)), cb.noise.Gaussian(1.0, radial=True), method)
    text = setting_text(setting)
    assert "eigenvalues=[1, 2, 3, 4, 5, 6, 7, ... 100 in all]" in text
    assert "clip=NormClip(threshold=2)" in text and "batch_size=4" in text and "radial=True" in text
    assert "momentum" not in text  # the default


def test_the_index_tells_what_has_not_been_run(gallery):
    text = (gallery / "figures/index.html").read_text()
    assert "clipbounds run mine/later" in text
    assert "A. Koloskova" in text and 'id="mine"' in text


def test_equal_records_give_equal_pages(gallery):
    before = {page: page.read_bytes() for page in pages(gallery)}
    write_gallery(gallery)
    assert before == {page: page.read_bytes() for page in pages(gallery)}


def test_the_command(gallery, tmp_path):
    done = CliRunner().invoke(main, ["report", "--root", str(gallery), "--json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout)[0].endswith("index.html")
    refused = CliRunner().invoke(main, ["report", "--root", str(tmp_path / "nowhere")])
    assert refused.exit_code == 2 and "there is no folder" in refused.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["index.html", "koloskova2023/drawn.html", *(page.file for page in EXPLORERS)])
def test_names_for_everything_that_can_be_used(gallery, name):
    """Controls and scrolling regions have names; headings start with one h1; the language is given."""
    page = Elements((gallery / "figures" / name).read_text())
    assert page.all("html")[0]["lang"] == "en" and len(page.all("h1")) == 1
    labelled = {label["for"] for label in page.all("label")}
    assert all(field["id"] in labelled for field in page.all("input"))
    for _, attributes in page.found:
        if attributes.get("role") in ("region", "group"):
            assert attributes["aria-label"]
