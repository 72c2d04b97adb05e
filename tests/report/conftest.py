"""A small project with a gallery: two claims that have been run, one that has not."""

import pytest

from clipbounds.report.gallery import write_gallery
from clipbounds.report.runner import run_experiment

DRAWN = '''
"""Bounds & <measurements>: they meet.

Why they meet.

Second paragraph.
"""

import numpy as np

import clipbounds as cb
from clipbounds.bounds import koloskova2023 as theory
from clipbounds.report import Outcome, Row, style


def run(lab):
    figure, (left, right) = style.figure(2)
    style.upper(left, [1, 2], [2, 3], "$u^*(c,\\\\sigma)$, floor")
    left.set(xscale="log", xlabel="threshold $c/\\\\sigma$", ylabel="$\\\\|\\\\nabla f\\\\|$", title="One")
    right.set(xlabel="steps $T$", ylabel="gap", title="Two")
    noise = cb.noise.TwoPoint(1.0, 0.5)
    method = cb.methods.ClippedSGD(0.001, cb.clipping.NormClip(1.0))
    setting = cb.Setting(cb.problems.Quadratic(1.0, 0.25), noise, method)
    rows = [
        Row("a < b & c", "by hand", "1", "2", 0.5, "holds"),
        Row("recalled", "not at all", "", "", None, "violated", asserted=False, reason="the constant is not known"),
    ]
    data = {"line one": {"x": np.array([0.1, np.inf]), "y, z": np.array([1, 2])}, "uneven": {"a": [1.0, 2.0], "b": [3.0]}}
    return Outcome(rows, figure, data, [(theory.S0(), setting), (theory.RecalledFloor(), setting), (theory.S3(), setting)])
'''
BARE = '''
"""No figure."""

from clipbounds.report import Outcome, Row


def run(lab):
    return Outcome([Row("nothing", "nothing", "", "", None, "not measured")], None)
'''


@pytest.fixture(scope="session")
def gallery(tmp_path_factory):
    """Root of the project, which is laid out like a checkout; figures/ holds the gallery."""
    root = tmp_path_factory.mktemp("project")
    (root / "clipbounds").mkdir()
    for file in ("pyproject.toml", "clipbounds/__init__.py"):
        (root / file).touch()
    for name, text in (("koloskova2023/drawn", DRAWN), ("mine/bare", BARE), ("mine/later", BARE)):
        file = root / "experiments" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    for name in ("koloskova2023/drawn", "mine/bare"):
        run_experiment(root / "experiments" / f"{name}.py", root, "quick", seed=3)
    write_gallery(root)
    return root
