"""A headless Chromium for tests: load a page, return what it became and what it wrote to its console."""

import html.parser
import os
import shutil
import subprocess
import tempfile

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--enable-logging=stderr",
    "--virtual-time-budget=8000",
    "--dump-dom",
)


def browser():
    """Path of a Chromium, or None."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def load(page, size=(1200, 900), dark=False):
    """The page's DOM after its scripts have run, and the lines of its console.

    Parameters
    ----------
    page : path of a file

    Returns
    -------
    dom : str
    console : list of str
    """
    look = ["--blink-settings=preferredColorScheme=0"] if dark else []
    with tempfile.TemporaryDirectory() as profile:
        command = [browser(), *FLAGS, *look, f"--window-size={size[0]},{size[1]}", f"--user-data-dir={profile}"]
        done = subprocess.run(
            [*command, page.resolve().as_uri()],
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, "HOME": profile},
        )
    if done.returncode:
        raise RuntimeError(f"{browser()} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout, [line for line in done.stderr.splitlines() if ":CONSOLE" in line]


class Elements(html.parser.HTMLParser):
    """The start tags of a page, as (name, attributes), and its ids."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)
        self.ids = {attributes["id"] for _, attributes in self.found if "id" in attributes}

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def all(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


def broken_links(page):
    """References of a page to files or anchors that do not exist, and references that leave the file system."""
    elements = Elements(page.read_text(encoding="utf-8"))
    wrong = []
    for _, attributes in elements.found:
        for target in (attributes.get("href"), attributes.get("src")):
            if target is None or target.startswith("data:"):
                continue
            if "//" in target:
                wrong.append(target)
                continue
            name, _, anchor = target.partition("#")
            file = (page.parent / name) if name else page
            if not file.is_file() or (anchor and anchor not in Elements(file.read_text(encoding="utf-8")).ids):
                wrong.append(target)
    return wrong


def images_without_text(page):
    """Sources of images whose alternative text is missing or empty."""
    images = Elements(page.read_text(encoding="utf-8")).all("img")
    return [image.get("src") for image in images if not image.get("alt", "").strip()]
