"""The gallery in a real browser: pages load, their scripts run, nothing is complained about."""

import re

import pytest
from headless import Elements, broken_links, browser, images_without_text, load

from clipbounds.report.gallery import template_text

pytestmark = pytest.mark.skipif(
    browser() is None,
    reason="no Chromium on this machine (Debian: apt-get install chromium); the pages were not loaded",
)


def text_of(dom, name):
    return re.search(rf'id="{name}"[^>]*>(.*?)</', dom, re.S).group(1)


def test_every_page_loads_in_silence(gallery, tmp_path):
    """All pages at once, in frames; then what their scripts made of them is checked one by one below."""
    pages = sorted((gallery / "figures").rglob("*.html"))
    frames = "".join(f'<iframe src="{page.resolve().as_uri()}" width=1200 height=900></iframe>' for page in pages)
    (tmp_path / "frames.html").write_text(f"<!DOCTYPE html><title>all</title>{frames}")
    _, console = load(tmp_path / "frames.html", size=(1300, 4000))
    assert console == []
    for page in pages:
        assert broken_links(page) == [] and images_without_text(page) == []


def test_complaints_are_heard(tmp_path):
    """The negative control: an exception and an error message, in a frame. (Missing files are found by broken_links.)"""
    (tmp_path / "bad.html").write_text("<!DOCTYPE html><script>console.error('so'); undefinedName()</script>")
    (tmp_path / "frames.html").write_text('<!DOCTYPE html><iframe src="bad.html"></iframe>')
    _, console = load(tmp_path / "frames.html")
    assert len(console) == 2 and "so" in console[0] and "undefinedName" in console[1]


def test_zoom_appears_with_scripts(gallery):
    page = gallery / "figures/koloskova2023/drawn.html"
    bar = next(attributes for attributes in Elements(page.read_text()).all("div") if attributes.get("class") == "zoom")
    assert "hidden" in bar  # useless without scripts
    dom, console = load(page, size=(1200, 900))
    bar = next(attributes for attributes in Elements(dom).all("div") if attributes.get("class") == "zoom")
    assert "hidden" not in bar and console == []


def test_the_keyboard_zooms(gallery, tmp_path):
    """Plus, plus, minus on the focused picture, with the page's own markup and script."""
    page = (gallery / "figures/koloskova2023/drawn.html").read_text()
    press = """<script>
      addEventListener("load", () => {
        const picture = document.querySelector(".picture");
        for (const key of ["0", "+", "+", "-"]) picture.dispatchEvent(new KeyboardEvent("keydown", { key }));
        document.title = document.querySelector("output").textContent;
      });
    </script>"""
    folder = tmp_path / "figures/koloskova2023"
    folder.mkdir(parents=True)
    (folder / "drawn.svg").write_bytes((gallery / "figures/koloskova2023/drawn.svg").read_bytes())
    (folder / "page.html").write_text(page.replace("</body>", press + "</body>"))
    for name in ("gallery.css", "gallery.js"):
        (tmp_path / "figures" / name).write_text(str(template_text(name)))
    dom, console = load(folder / "page.html")
    assert console == [] and "<title>150 %</title>" in dom


@pytest.mark.parametrize(("size", "dark"), [((1200, 900), False), ((390, 844), True)])
def test_the_interactive_page_draws(gallery, size, dark):
    """At its start c = sigma = 1 the floor is 1/4, S1 and S0 lie above it, and six curves are drawn."""
    dom, console = load(gallery / "figures/interactive.html", size, dark)
    assert console == []
    assert float(text_of(dom, "floor-number")) == 0.25
    lower, sharp, closed = (float(text_of(dom, f"{name}-number")) for name in ("lower", "s0", "s1"))
    assert 0.2 < lower < 0.25 < sharp <= closed < 0.3
    curves = {path["data-curve"]: path["d"] for path in Elements(dom).all("path")}
    assert set(curves) == {"s0", "s0star", "s1", "floor", "lower", "heavy"}
    for name, line in curves.items():
        assert line.count("L") > (20 if name != "lower" else 5) and "NaN" not in line
    assert 'data-ready="yes"' in dom


def test_nothing_is_wider_than_a_phone(gallery, tmp_path):
    """Measured in a frame of 390 pixels: no page scrolls sideways."""
    pages = sorted((gallery / "figures").rglob("*.html"))
    for number, page in enumerate(pages):
        text = page.read_text()
        tell = '<script>addEventListener("load", () => { if (document.documentElement.scrollWidth > innerWidth) console.error(`wide ${document.documentElement.scrollWidth}`); });</script>'
        copy = page.with_name(f"phone{number}.htm")
        copy.write_text(text.replace("</body>", tell + "</body>"))
    try:
        copies = sorted((gallery / "figures").rglob("phone*.htm"))
        assert len(copies) == len(pages)
        frames = "".join(f'<iframe src="{copy.resolve().as_uri()}" width=390 height=844></iframe>' for copy in copies)
        wide = tmp_path / "wide.html"
        wide.write_text('<!DOCTYPE html><div style="width:900px">x</div>' + tell)
        frames += f'<iframe src="{wide.resolve().as_uri()}" width=390 height=844></iframe>'  # the negative control
        (tmp_path / "frames.html").write_text(f"<!DOCTYPE html>{frames}")
        _, console = load(tmp_path / "frames.html", size=(1300, 4000))
    finally:
        for copy in (gallery / "figures").rglob("phone*.htm"):
            copy.unlink()
    assert [line.split(", source: ")[1].rpartition("/")[2].split(" ")[0] for line in console] == ["wide.html"]
