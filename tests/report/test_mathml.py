"""Formulas for pages and for descriptions."""

import xml.etree.ElementTree as ET

import pytest

from clipbounds.formulas.mathml import mathml, plain_text


def every_bound():
    import clipbounds.bounds as rooms
    from clipbounds.bounds import koloskova2023, nobile2026, reisizadeh2023, yu2023  # noqa: F401 (defines them)

    def below(cls):
        for sub in cls.__subclasses__():
            yield sub
            yield from below(sub)

    return [cls for cls in below(rooms.Bound) if cls.statement and cls.__module__.startswith("clipbounds.")]


def test_every_statement_becomes_mathml():
    found = every_bound()
    assert found
    for cls in found:
        made = mathml(cls.statement)
        assert made.startswith("<math ") and "\\" not in "".join(ET.fromstring(made).itertext()), cls


def test_what_browsers_need():
    made = mathml(r"\max_{t<T} \mathbb E x")
    assert "<munder><mo>max</mo>" in made and "𝔼" in made and "mathvariant" not in made
    assert 'display="inline"' in mathml("x", display=False)


def test_what_is_no_latex_is_shown_as_it_is():
    assert mathml(r"\left( x < y") == r"<code>\left( x &lt; y</code>"


@pytest.mark.parametrize(
    ("label", "plain"),
    [
        ("steps $T$", "steps T"),
        (r"$\|\nabla f\|/\sigma$", "‖∇f‖/σ"),
        (r"falls like $c^{-(p-1)}$ (lines: $u^*_p$)", "falls like c^(−(p−1)) (lines: u_p^*)"),
        (r"$\frac{a+b}{2}$, $\sqrt{\eta/\pi}$", "(a+b)/2, √(η/π)"),
        ("no formula", "no formula"),
    ],
)
def test_labels_in_words(label, plain):
    assert plain_text(label) == plain
