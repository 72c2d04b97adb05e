"""Formulas in plain text: what is found, what is left alone, and that nothing is lost."""

import ast
import re
from pathlib import Path

import pytest

import clipbounds
import clipbounds as cb
from clipbounds.formulas import as_html, as_line, mathml, pieces
from clipbounds.report.catalogue import find_experiments, title

ROOT = Path(clipbounds.__file__).parents[1]


def formulas(text):
    """The LaTeX of the formulas in a text, without spaces."""
    return [re.sub(r"\s+|\\,", "", piece.content) for piece in pieces(text) if piece.kind == "math"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("with x_t, x_{t+1} and L0", ["x_{t}", "x_{t+1}", "L_{0}"]),
        ("falls like c^{-(p-1)}, or c^-(p-1), or eps^-3", ["c^{-(p-1)}", "c^{-(p-1)}", r"\varepsilon^{-3}"]),
        ("f* <= inf f, and sigma < inf", [r"f^{*}\le\inff", r"\sigma<\infty"]),
        ("E‖g - grad f‖^p <= sigma^p", [r"\mathbbE{\|g-\nablaf\|}^{p}", r"\le\sigma^{p}"]),
        ("<grad f(x), d> > 0", [r"\langle\nablaf(x),d\rangle>0"]),
        ("sqrt(2 L D) and 2 sqrt eps", [r"\sqrt{2LD}", r"2\sqrt{\varepsilon}"]),
        ("for p in (1, 2] and t on [0, inf)", ["p", "t", r"[0,\infty)"]),
        ("(1/T) sum_{t<T} u_t", [r"(1/T)\sum_{t<T}u_{t}"]),
        ("u*² and u*(c, sigma)", ["u^{*2}", r"u^{*}(c,\sigma)"]),
        ("D0/(eta T) by D0", [r"D_{0}/(\etaT)"]),
        ("the mean is 1.2 (c = 4)", ["(c=4)"]),
        (
            "avg_{k<K} u_k, f'' <= 1 and q/S2 (S0)",
            [r"\operatorname{avg}_{k<K}u_{k}", r"f^{\prime\prime}\le1", "q/S_{2}"],
        ),
        ("a factor of at most 1 + tau a step", [r"1+\tau"]),
        ("mu_inf, Psi_lambda", [r"\mu_{\infty}", r"\Psi_{\lambda}"]),
    ],
)
def test_found(text, found):
    assert formulas(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "A two-point law is a law; I have seen one in 2023, at 5 %.",
        "the paper's statements, e.g. those of S0 and D1, i.e. the first two",
        "stochastic gradient descent (SGD) is not clipped (S)GD",
        "`sum_{t<T} x_t` is code, and so is drift_atoms or np.geomspace",
        "at most max and min of all, in the sum of the log",
        "",
    ],
)
def test_left_alone(text):
    assert formulas(text) == []


def texts():
    """All docstrings of the package by paragraphs, and all titles of experiments."""
    for file in sorted((ROOT / "clipbounds").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
                yield from (ast.get_docstring(node) or "").split("\n\n")
    yield from map(title, find_experiments(ROOT))


def test_nothing_is_lost_and_every_formula_is_one():
    """Every paragraph of every docstring: its pieces are the text, and the converter understands their LaTeX."""
    count = 0
    for text in texts():
        found = pieces(text)
        assert re.sub(r"\s", "", "".join(piece.plain for piece in found)).translate({10216: "<", 10217: ">"}) == re.sub(
            r"\s", "", text
        )
        for latex in {piece.content for piece in found if piece.kind == "math"}:
            count += 1
            assert mathml(latex, False).startswith("<math"), (latex, text)
    assert count > 5000


def test_a_formula_that_is_none_is_seen():
    """The negative control of the test above."""
    assert mathml("b_{0}_{k}", False).startswith("<code>")


def test_html_is_escaped():
    assert as_html("a & <script>") == "a &amp; &lt;script&gt;"
    assert "<script" not in as_html("x_t <script> y_t")
    assert "<code>x_t</code>" in as_html("`x_t`")


def test_lines():
    assert as_line("the floor falls like c^{-(p-1)} <= eps^-3") == "the floor falls like c⁻⁽ᵖ⁻¹⁾ ≤ eps⁻³"
    assert as_line("x^{alpha}") == "x^{alpha}"  # no such signs


def test_long_formulas_may_be_broken():
    found = pieces("Gbar <= v + (1/c + 1/v) eps <= u* + 2 sqrt eps + eps/c")
    assert [piece.kind for piece in found] == ["math", "text", "math", "text", "math"]


def test_what_notebooks_show():
    from clipbounds.bounds import koloskova2023 as theory

    method = cb.methods.ClippedSGD(0.01, cb.clipping.NormClip(1.0))
    setting = cb.Setting(cb.problems.Quadratic(1.0, 0.25), cb.noise.TwoPoint(1.0, 0.5), method)
    shown = setting._repr_html_()
    assert shown.count("<tr>") == 3 and "<math" in shown and "threshold=1" in shown
    bound = theory.S0()
    assert "<math" in bound._repr_html_() and "Proved here" not in bound.name
    rows = bound.hypotheses(setting)
    assert isinstance(rows, list) and all(row.holds for row in rows) and rows[0].what == "certified constants of f"
    assert repr(rows) == cb.bounds.hypotheses_table(rows) and rows._repr_html_().count("<tr>") == len(rows) + 1
    failing = theory.S3().hypotheses(setting)
    assert "<b>fails</b>" in failing._repr_html_() and "FAILS" in str(failing)
    assert failing == list(failing)
