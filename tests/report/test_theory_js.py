"""The formulas of the interactive page against those of the package, to 1e-12."""

import html
import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from headless import browser, load

import clipbounds as cb
from clipbounds.bounds import koloskova2023 as theory
from clipbounds.bounds.koloskova2023.lower import finite_value
from clipbounds.report.gallery import template_text

TOLERANCE = 1e-12
CALLS = """(theory, cases) => cases.map((k) => ({
  drift: theory.drift(k.u, k.c, k.sigma),
  floor: theory.floor(k.c, k.sigma),
  heavy: theory.floor(k.c, k.sigma, k.p),
  s0: theory.s0(k),
  s1: theory.s1({ ...k, L0: k.L0 + (k.L1 > 0) }),
  finite: theory.finiteValue({ ...k, L: k.L0 }),
  best: theory.bestSkew({ ...k, L: k.L0 }).value,
}))"""


def with_node(source, cases, folder):
    (folder / "theory.js").write_text(source)
    program = (
        f"const theory = require('./theory.js'); console.log(JSON.stringify(({CALLS})(theory, {json.dumps(cases)})))"
    )
    done = subprocess.run([shutil.which("node"), "-e", program], cwd=folder, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def with_browser(source, cases, folder):
    page = folder / "theory.html"
    show = f"document.body.textContent = JSON.stringify(({CALLS})(clipboundsTheory, {json.dumps(cases)}))"
    page.write_text(f"<!DOCTYPE html><meta charset=utf-8><body><script>{source}\n{show}</script>")
    dom, console = load(page)
    assert console == []
    return json.loads(html.unescape(re.search("<body>(.*)</body>", dom, re.S).group(1)))


ENGINES = [
    pytest.param(
        with_node,
        id="node",
        marks=pytest.mark.skipif(not shutil.which("node"), reason="no node on this machine to run JavaScript"),
    ),
    pytest.param(
        with_browser,
        id="chromium",
        marks=pytest.mark.skipif(
            bool(shutil.which("node")) or not browser(), reason="node does it, or no Chromium on this machine"
        ),
    ),
]


class Wall(cb.problems.Quadratic):
    """x²/2 with an (L0, L1) pair put in by hand: S0 reads the pair and F0, and its curve depends on nothing else."""

    L1: float = cb.specs.parameter(cb.specs.NON_NEGATIVE, "slope", default=0.0)

    @property
    def smoothness(self):
        return cb.facts.FirstOrderSmoothness(1.0, self.L1)


def draw(count):
    """Parameters over the ranges of the sliders and beyond; every third one with L1 > 0 and eta c L1 <= 1."""
    rng = np.random.default_rng(20231)
    cases = []
    for k in range(count):
        c, sigma, u = (float(10 ** rng.uniform(low, high)) for low, high in ((-1.7, 1.7), (-1, 1), (-3, 2)))
        eta = float(10 ** rng.uniform(-5, 0))
        q = min(1.0, sigma / c) * float(rng.uniform(0.05, 0.99))
        case = {"c": c, "sigma": sigma, "eta": eta, "steps": int(10 ** rng.uniform(1, 7)), "u": u, "q": q}
        L1 = float(rng.uniform(0, 1)) / (eta * c) if k % 3 == 2 else 0.0
        cases.append(
            {**case, "p": float(rng.uniform(1.05, 2)), "F0": float(10 ** rng.uniform(-4, 1)), "L0": 1.0, "L1": L1}
        )
    cases[0].update(p=2.0, sigma=2 * cases[0]["c"])  # the border of the two regimes
    return cases


def expected(k):
    problem = (
        (Wall(1.0, np.sqrt(2 * k["F0"]), L1=k["L1"])) if k["L1"] else cb.problems.Quadratic(1.0, np.sqrt(2 * k["F0"]))
    )
    method = cb.methods.ClippedSGD(k["eta"], cb.clipping.NormClip(k["c"]))
    setting = cb.Setting(problem, cb.noise.Rademacher(k["sigma"]), method)
    steps = k["steps"]
    return {
        "drift": cb.worst_case.drift(k["u"], k["c"], k["sigma"]),
        "floor": cb.worst_case.floor(k["c"], k["sigma"]),
        "heavy": cb.worst_case.floor(k["c"], k["sigma"], k["p"]),
        "s0": theory.S0().value(setting, steps),
        "finite": finite_value(k["c"], k["sigma"], k["q"], 1.0, k["eta"], steps),
        "best": theory.best_skew(k["c"], k["sigma"], 1.0, k["eta"], steps)[1],
    } | ({} if k["L1"] else {"s1": theory.S1().value(setting, steps)})


@pytest.mark.parametrize("engine", ENGINES)
def test_same_numbers(engine, tmp_path):
    """S0 to 1e-12 of its value; differences of larger terms to 1e-12 of the largest."""
    cases = draw(45)
    source = str(template_text("theory.js"))
    wrong, sharper = [], 0
    for k, found in zip(cases, engine(source, cases, tmp_path), strict=True):
        for name, value in expected(k).items():
            scale = max(abs(float(value)), k["sigma"] + k["c"] if name in ("finite", "best", "drift") else 0.0)
            if not abs(found[name] - float(value)) <= TOLERANCE * scale:
                wrong.append((name, k, float(value), found[name]))
        sharper += not k["L1"] and found["s0"] < 0.999 * found["s1"]
    assert wrong == []
    assert sharper >= 5  # S0 was not S1 in disguise


@pytest.mark.parametrize("engine", ENGINES)
def test_a_wrong_constant_is_seen(engine, tmp_path):
    """The negative control: 1e-9 more in one constant of each formula."""
    source = str(template_text("theory.js"))
    changed = source.replace("(sigma / 4)", "(sigma / 4.00000001)").replace("0.5 * eta", "0.500000005 * eta")
    assert changed != source
    cases = draw(6)
    for k, found in zip(cases, engine(changed, cases, tmp_path), strict=True):
        value = expected(k)
        assert abs(found["s0"] - float(value["s0"])) > TOLERANCE * float(value["s0"])
