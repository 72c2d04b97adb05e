"""The explorer in Chromium: its numbers against Python's, its address, its keyboard, its silence, and axe on it."""

import html
import importlib.resources
import json
import math
import re
import warnings

import numpy as np
import pytest
from headless import browser, load
from test_theory_js import expected

import clipbounds as cb
from clipbounds.bounds import koloskova2023, nobile2026, reisizadeh2023, yu2023
from clipbounds.methods import SClipEF
from clipbounds.report.explorer import EXPLORERS

pytestmark = pytest.mark.skipif(
    browser() is None,
    reason="no Chromium on this machine (Debian: apt-get install chromium); the explorer was not loaded",
)
TOLERANCE = 1e-12
POSITIONS = 50
FEW = 12  # where one position takes most of a second: S0*
PAGES = {page.paper: page for page in EXPLORERS}


def run_script(root, page, script, folder, change=lambda text: text):
    """What `script`, the body of a function that may wait, returns on a copy of the page, and the console."""
    text = change((root / "figures" / page.file).read_text(encoding="utf-8"))
    tell = f"""<pre id="answer"></pre><script>
      const answer = async () => {{ {script} }};
      addEventListener("load", async () => {{
        document.getElementById("answer").textContent = JSON.stringify(await answer());
      }});
    </script>"""
    (folder / "page.html").write_text(text.replace("</body>", tell + "</body>"), encoding="utf-8")
    dom, console = load(folder / "page.html")
    return json.loads(html.unescape(re.search('<pre id="answer">(.*?)</pre>', dom, re.S).group(1))), console


def with_few_points(text):
    """A page whose curve of S0* has 3 points for 25, which take five seconds: for what does not depend on how many there are."""
    return text.replace("s0star: 25", "s0star: 3")


def at_positions(root, page, folder, change=lambda text: text, count=POSITIONS):
    """States and numbers of the page at random positions of its sliders, which are moved as a hand would."""
    rng = np.random.default_rng(2026)
    places = [[int(rng.integers(0, 301)) for _ in page.sliders] for _ in range(count)]
    switches = [[int(rng.integers(0, 2)) for _ in page.switches] for _ in range(count)]
    script = f"""
      const names = {json.dumps([s.name for s in page.sliders])}, boxes = {json.dumps([name for name, _ in page.switches])};
      const places = {json.dumps(places)}, switches = {json.dumps(switches)};
      return places.map((place, k) => {{
        names.forEach((name, j) => {{ document.getElementById(name).value = place[j]; }});
        boxes.forEach((name, j) => {{ document.getElementById(name).checked = switches[k][j]; }});
        const state = explorer.state(), values = explorer.values();
        return {{ state, values }};
      }});"""
    found, console = run_script(root, page, script, folder, change)
    assert console == []
    return found


def floor_numbers(k):
    k = {**k, "F0": cb.worst_case.floor(k["c"], k["sigma"]) ** 2 / 2, "L0": 1.0, "L1": 0.0, "u": 1.0, "q": 0.5}
    method = cb.methods.ClippedSGD(k["eta"], cb.clipping.NormClip(k["c"]))
    setting = cb.Setting(cb.problems.Quadratic(1.0, math.sqrt(2 * k["F0"])), cb.noise.Rademacher(k["sigma"]), method)
    values = expected({**k, "q": 0.5 * min(1.0, k["sigma"] / k["c"])})
    found = {"s1": values["s1"], "s0": values["s0"], "floor": values["floor"]}
    found["heavy"] = cb.worst_case.floor(k["c"], k["sigma"], k["p"])
    found["lower"] = values["best"] if values["best"] > 0 else None
    found["s0star"] = koloskova2023.S0Star(k["p"]).value(setting, k["steps"])
    return found


def deviation_numbers(k):
    n, p, delta = k["n"], k["p"], k["delta"]
    one = nobile2026.constant_thresholds(k["scale"] * n ** (1 / p), n)
    growing = nobile2026.growing_thresholds(k["scale"], p, n)
    arguments = (k["norm"], 1.0, p, delta)
    return {
        "constant": nobile2026.deviation_bound(one, *arguments),
        "growing": nobile2026.deviation_bound(growing, *arguments),
        "bernstein": nobile2026.deviation_bound(one, *arguments, form="bernstein"),
        "least": nobile2026.mean_estimation_lower_bound(n, 1.0, p, delta, families=("two", "gaussian")),
        "star": nobile2026.deviation_star(one, *arguments) if k["norm"] <= one[0] else None,
        "starGrowing": nobile2026.deviation_star(growing, *arguments) if k["norm"] <= growing[0] else None,
    }


def spent(k, method, noise):
    """What the plan spends, or None where it is refused."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # small batches
        try:
            problem = cb.problems.RampValley(k["eps"], k["gap"], rate=k["rate"])
            return reisizadeh2023.plan(k["eps"], problem, noise(problem, k["sigma"], quiet=1), method).evaluations
        except ValueError:
            return None


def spider_numbers(k):
    phase, coin = cb.oracles.GaussianPhase, cb.oracles.RademacherNoise
    return {
        "spider": spent(k, "H", phase), "paper": spent(k, "P", phase), "mini": spent(k, "M", phase), "clipped": spent(k, "C", coin),
    }  # fmt: skip


def exponent_numbers(k):
    scales = (1.0, 1.0, 10.0) if k["unequal"] else None
    problem = cb.problems.ClientQuadratics.scalar((1.0, 1.0, k["third"]), (0.0, 0.0, 10.0), 6.0, noise_scales=scales)
    setting = cb.Setting(problem, cb.noise.SymmetricLomax(k["alpha"], 1.0), SClipEF.standard(k["theta"]))
    law = yu2023.NearOptimumLaw()
    try:
        proved = yu2023.Rate().exponent(setting)
    except cb.bounds.HypothesesFail:
        proved = None
    strong = yu2023.exponents(
        k["theta"], problem.strong_convexity, max(problem.client_lipschitz), min(k["alpha"], 2.0), power=k["power"], dim=1,
        curvature=min(problem.client_curvature), equal_laws=not k["unequal"],
    )  # fmt: skip
    return {**law.exponents(setting), "law": law.exponent(setting), "proved": proved, "strong": strong.smallest}


NUMBERS = {
    "koloskova2023": floor_numbers,
    "nobile2026": deviation_numbers,
    "reisizadeh2023": spider_numbers,
    "yu2023": exponent_numbers,
}


def disagreements(found, numbers):
    wrong = []
    for answer in found:
        state, values = answer["state"], answer["values"]
        for name, value in numbers(state).items():
            shown = values[name]  # JSON has null for nan
            # the finite lower bound is a difference of terms as large as c + sigma
            scale = state["c"] + state["sigma"] if name == "lower" else abs(float(value)) if value is not None else 0.0
            if value is None or shown is None:
                if value is not shown and not (name == "lower" and abs(value or shown) <= TOLERANCE * scale):
                    wrong.append((name, state, value, shown))
            elif not abs(shown - float(value)) <= TOLERANCE * scale:
                wrong.append((name, state, float(value), shown))
    return wrong


SLOW = {"koloskova2023": FEW}


@pytest.mark.parametrize(
    ("paper", "count"),
    [
        *((paper, SLOW.get(paper, POSITIONS)) for paper in PAGES),
        *(pytest.param(paper, POSITIONS, marks=pytest.mark.full) for paper in SLOW),
    ],
)
def test_numbers_are_pythons(gallery, tmp_path, paper, count):
    change = with_few_points if count == FEW else str
    found = at_positions(gallery, PAGES[paper], tmp_path, change, count)
    assert len(found) == count and len({json.dumps(answer["state"]) for answer in found}) == count
    assert disagreements(found, NUMBERS[paper]) == []
    for name in found[0]["values"]:  # every number was really there, several times
        assert sum(answer["values"][name] is not None for answer in found) >= 5, name


def test_the_slow_curve_has_as_many_points_as_said(gallery):
    text = (gallery / "figures" / PAGES["koloskova2023"].file).read_text(encoding="utf-8")
    assert with_few_points(text) != text


# what the page has, what it is made to have, and at how many of the 50 positions that must be seen at least
WRONG = [
    # times the spacing of floats: 1e-8 of S0*; most of a minute
    pytest.param("koloskova2023", "(16 + 8 / (p - 1))", "(16 + 8e7 / (p - 1))", 10, marks=pytest.mark.full),
    ("nobile2026", "logTerm) / t", "logTerm * 1.00000001) / t", 10),
    ("nobile2026", "let size = -Math.log(delta)", "let size = -1.00000001 * Math.log(delta)", 10),
    (
        "reisizadeh2023",
        "(4 * sigma ** 2)",
        "(4.0001 * sigma ** 2)",
        10,
    ),  # counts of gradients: the constant must move one
    ("yu2023", "0.4 + 0.3 *", "0.40000001 + 0.3 *", 10),
    (
        "yu2023",
        "1 - 2 * power + power * p",
        "1 - 2.00000001 * power + power * p",
        5,
    ),  # it is the least exponent at a sixth of the positions
]


@pytest.mark.parametrize(("paper", "right", "wrong", "least"), WRONG)
def test_a_wrong_constant_is_seen(gallery, tmp_path, paper, right, wrong, least):
    """The negative control: about 1e-8 more in one constant."""

    def change(text):
        assert right in text
        return text.replace(right, wrong)

    assert len(disagreements(at_positions(gallery, PAGES[paper], tmp_path, change), NUMBERS[paper])) >= least


@pytest.mark.parametrize("paper", PAGES)
def test_the_address_has_the_state(gallery, tmp_path, paper):
    page = PAGES[paper]
    script = """
      const input = document.querySelector("#sliders input"), before = explorer.state();
      input.value = 77;
      input.dispatchEvent(new Event("input", { bubbles: true }));
      const moved = explorer.state(), address = location.hash, link = document.getElementById("address").hash;
      document.querySelector("button[type=reset]").click();
      const again = explorer.state();
      location.hash = address;
      await new Promise((done) => addEventListener("hashchange", done, { once: true }));
      location.hash = "#nonsense=3&" + input.id + "=nan&p=-4";
      await new Promise((done) => setTimeout(done, 50));
      return { before, moved, address, link, again, last: explorer.state() };"""
    found, console = run_script(gallery, page, script, tmp_path, with_few_points)
    assert console == []
    assert found["moved"] != found["before"] == found["again"]
    assert found["last"] == found["moved"] and found["link"] == found["address"]
    assert dict(part.split("=") for part in found["address"][1:].split("&")).keys() == found["moved"].keys()


@pytest.mark.parametrize("paper", PAGES)
def test_curves_numbers_and_words(gallery, paper):
    """All curves are drawn, the picture is described in words, and every number says how it is read aloud."""
    page = PAGES[paper]
    dom, console = load(gallery / "figures" / page.file)
    assert console == [] and dom.count('data-ready="yes"') == len(page.axes)
    for curve in page.curves:
        assert len(re.findall(rf'data-curve="{curve.name}" d="[^"]*L', dom)) >= 1, curve.name
    seen = re.sub(r"<script>.*?</script>", "", dom, flags=re.S)
    assert "NaN" not in seen and "undefined" not in seen
    for axis in page.axes:
        assert re.search(rf'<desc id="description-{axis}">Against [^<]+At [^<]+</desc>', dom)
    assert dom.count("aria-valuetext") >= len(page.sliders)


@pytest.mark.parametrize("paper", PAGES)
def test_nothing_leaves_the_machine(gallery, tmp_path, paper):
    """No address of another machine is in the page, its policy forbids every request, and the browser has made none."""
    page = PAGES[paper]
    text = (gallery / "figures" / page.file).read_text(encoding="utf-8")
    assert re.findall(r"https?://[^\s\"'<>)]+", text.replace("http://www.w3.org/2000/svg", "")) == []
    assert "default-src 'none'" in text
    count = 'return performance.getEntriesByType("resource").length;'
    assert run_script(gallery, page, count, tmp_path, with_few_points) == (0, [])
    asking = 'try { await fetch("page.html"); } catch { return "refused"; } return "allowed";'
    found, console = run_script(gallery, page, asking, tmp_path, with_few_points)
    assert found == "refused" and console  # the control: a request is refused, and told


def axe(root, page, folder, change=lambda text: text):
    engine = (importlib.resources.files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")

    def with_engine(text):
        return change(text).replace("</head>", f"<script>{engine}</script></head>")

    script = """
      const { violations } = await axe.run(document);
      return violations.map(({ id, impact, nodes }) => [id, impact, nodes.map((node) => node.html.slice(0, 120))]);"""
    return run_script(root, page, script, folder, with_engine)[0]


@pytest.mark.parametrize("paper", PAGES)
def test_axe_finds_nothing(gallery, tmp_path, paper):
    pytest.importorskip("axe_core_python", reason="axe comes with the extra test")
    assert axe(gallery, PAGES[paper], tmp_path) == []


@pytest.mark.parametrize("name", ["index.html", "koloskova2023/drawn.html"])
@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing_in_the_gallery(gallery, name, dark):
    pytest.importorskip("axe_core_python", reason="axe comes with the extra test")
    page = gallery / "figures" / name
    engine = (importlib.resources.files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")
    tell = """<pre id="answer"></pre><script>addEventListener("load", async () => {
      const { violations } = await axe.run(document);
      document.getElementById("answer").textContent = JSON.stringify(violations.map(({ id, nodes }) => [id, nodes[0].html]));
    });</script>"""
    copy = page.with_name("axe.htm")  # beside the page, for its style
    text = page.read_text(encoding="utf-8").replace("</head>", f"<script>{engine}</script></head>")
    copy.write_text(text.replace("</body>", tell + "</body>"), encoding="utf-8")
    try:
        dom, _ = load(copy, dark=dark)
    finally:
        copy.unlink()
    assert json.loads(html.unescape(re.search('<pre id="answer">(.*?)</pre>', dom, re.S).group(1))) == []


def test_axe_finds_a_fault(gallery, tmp_path):
    """The negative control: a slider without its label, and grey on white."""
    pytest.importorskip("axe_core_python", reason="axe comes with the extra test")

    def spoil(text):
        return text.replace('<label for="c">', "<label>").replace("<h1>", '<h1 style="color: #ccc; background: #fff">')

    assert {"label", "color-contrast"} <= {name for name, *_ in axe(gallery, PAGES["koloskova2023"], tmp_path, spoil)}
