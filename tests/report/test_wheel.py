"""The wheel, installed in an environment of its own and used away from the checkout."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from clipbounds.sweep.sources import package_digest

CHECKOUT = Path(__file__).parents[2]
AWAY = "Maß und Größe"  # a space and letters that are not ASCII


def ran(*arguments, cwd, code=0, **environment):
    done = subprocess.run(
        [str(a) for a in arguments],
        cwd=cwd, capture_output=True, text=True, encoding="utf-8", check=False,
        env={**os.environ, "PYTHONPATH": "", "PYTHONUTF8": "1", **environment},
    )  # fmt: skip
    assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder of programs of an environment with nothing of ours but the wheel.

    The libraries are those of the environment that runs the tests, so that no network is needed: a path file makes
    them visible, but not the checkout, which a path file of theirs adds.
    """
    pytest.importorskip("hatchling")
    home = tmp_path_factory.mktemp("wheel") / AWAY
    ran(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", home, cwd=CHECKOUT)
    (wheel,) = home.glob("clipbounds-*.whl")
    ran(sys.executable, "-m", "venv", "--without-pip", home / "venv", cwd=home)
    python = home / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    ran(
        sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel,
        cwd=home,
    )  # fmt: skip
    (site,) = (home / "venv").rglob("site-packages")
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return python.parent


@pytest.fixture
def away(tmp_path):
    folder = tmp_path / AWAY
    folder.mkdir()
    return folder


def test_list_run_check_and_report_away_from_the_checkout(installed, away):
    program = installed / "clipbounds"
    where = ran(installed / "python", "-c", "import clipbounds; print(clipbounds.__file__)", cwd=away).stdout
    assert Path(where.strip()).is_relative_to(installed.parent)
    entries = json.loads(ran(program, "list", "--json", cwd=away).stdout)
    assert {entry["id"] for entry in entries} == {
        f"{f.parent.name}/{f.stem}" for f in CHECKOUT.glob("experiments/*/*.py")
    }
    assert all(Path(entry["file"]).is_relative_to(installed.parent) for entry in entries)
    done = ran(program, "run", "koloskova2023/negative_controls", "--budget", "quick", cwd=away)
    assert "1 experiment in" in done.stdout
    results = away / "clipbounds-results"
    record = json.loads((results / "figures/koloskova2023/negative_controls.json").read_text(encoding="utf-8"))
    assert {row["verdict"] for row in record["rows"]} == {"holds"}
    ran(program, "check", cwd=away)
    assert "negative_controls.1" in (results / "paper_checks.md").read_text(encoding="utf-8")
    ran(program, "report", cwd=away)
    page = results / "figures/koloskova2023/negative_controls.html"
    assert "clipbounds run koloskova2023/negative_controls" in page.read_text(encoding="utf-8")
    assert [path.name for path in away.iterdir()] == ["clipbounds-results"]


def test_every_packaged_experiment_and_every_room_can_be_imported(installed, away):
    program = """
import importlib, pkgutil
import clipbounds
from clipbounds.report.catalogue import find_experiments
from clipbounds.report.runner import load

for module in pkgutil.walk_packages(clipbounds.__path__, "clipbounds."):
    importlib.import_module(module.name)
print(len([load(file) for file in find_experiments("results")]))
"""
    count = ran(installed / "python", "-c", program, cwd=away).stdout
    assert int(count) == len(list(CHECKOUT.glob("experiments/*/*.py")))


def test_the_suites_for_other_projects_work(installed, away):
    program = """
import clipbounds as cb
from clipbounds.testing import check_clip_operator, check_noise

check_noise(cb.noise.Gaussian(1.0), draws=10_000)
check_clip_operator(cb.clipping.NormClip(1.0), examples=5)
"""
    ran(installed / "python", "-c", program, cwd=away)


def test_a_journal_of_the_checkout_serves_the_installed_package(installed, away):
    program = "from clipbounds.sweep.sources import package_digest; print(package_digest())"
    assert ran(installed / "python", "-c", program, cwd=away).stdout.strip() == package_digest()


SIZES = """
import re
from importlib.metadata import distribution

waiting, sizes = ["clipbounds"], {}
while waiting:
    found = distribution(waiting.pop())
    if found.name not in sizes:
        sizes[found.name] = sum(file.locate().stat().st_size for file in found.files if file.locate().is_file())
        needs = [line for line in found.requires or () if "extra ==" not in line and "platform" not in line]
        waiting += [re.match("[A-Za-z0-9._-]+", line)[0] for line in needs if "version <" not in line]
print(sizes["clipbounds"], sum(sizes.values()), len(sizes))
"""


OURS = {".py", ".typed", ".j2", ".css", ".js"}


def test_size(installed, away):
    """What is installed without extras; the package itself holds its text and nothing that somebody left lying about."""
    own, total, count = map(int, ran(installed / "python", "-c", SIZES, cwd=away).stdout.split())
    print(f"installed: clipbounds {own / 1e6:.1f} MB, with {count - 1} libraries {total / 1e6:.0f} MB")
    root = Path(__file__).parents[2]
    files = [f for folder in ("clipbounds", "experiments") for f in (root / folder).rglob("*") if f.suffix in OURS]
    # compiled files take about 1.7 times their text
    assert own < 3.5 * sum(file.stat().st_size for file in files) and own < 8e6
    names = {file.relative_to(installed.parent).parts for file in installed.parent.rglob("clipbounds*/**/*.*")}
    assert {Path(parts[-1]).suffix for parts in names if "clipbounds" in parts} <= OURS | {".pyc"}


def test_wrong_use_is_one_sentence(installed, away):
    done = ran(installed / "clipbounds", "run", "koloskova2023/skewnes", cwd=away, code=2)
    assert "did you mean koloskova2023/skewness?" in " ".join(done.stderr.split())
    (away / "clipbounds-results").write_text("mine")
    done = ran(installed / "clipbounds", "run", "koloskova2023/skewness", cwd=away, code=2)
    assert "is a file" in done.stderr and (away / "clipbounds-results").read_text() == "mine"
