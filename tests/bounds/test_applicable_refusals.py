"""What `applicable` may leave out: failing hypotheses and constants that are not given, never a broken table."""

import pytest

import clipbounds as cb
from clipbounds.bounds import applicable
from clipbounds.facts import MissingConstant

SETTING = cb.Setting(
    cb.problems.Quadratic([1.0], [3.0]), cb.noise.Gaussian(1.0), cb.methods.ClippedSGD(0.1, cb.clipping.NormClip(1.0))
)


def names(setting):
    return [bound.name for bound in applicable(setting)]


def test_a_broken_table_is_an_error(monkeypatch):
    kept = type(applicable(SETTING)[0])

    def broken(self, setting):
        raise ValueError("a mistake in this table")

    monkeypatch.setattr(kept, "conditions", broken)
    with pytest.raises(ValueError, match="a mistake in this table"):
        applicable(SETTING)


def test_a_constant_that_is_not_given_leaves_the_bound_out(monkeypatch):
    kept = type(applicable(SETTING)[0])

    def missing(self, setting):
        raise MissingConstant("needs sigma")

    monkeypatch.setattr(kept, "conditions", missing)
    assert kept.__name__ not in names(SETTING) and names(SETTING)


@pytest.mark.parametrize("given", range(2**6))
def test_a_described_setting_with_any_constants_gets_a_list(given):
    """Every choice among the constants that a user may give."""
    offered = {"L": 2.0, "F0": 1.0, "R0": 3.0, "sigma": 1.0, "mu": 0.5, "dim": 2}
    chosen = {name: value for k, (name, value) in enumerate(offered.items()) if given >> k & 1}
    for extra in ({}, {"L0": 1.0, "L1": 0.5}, {"convex": True}):
        if "L" in chosen and "L0" in extra:
            continue
        for method in (SETTING.method, cb.methods.SGD(0.1)):
            assert isinstance(applicable(cb.Constants(method=method, **chosen, **extra)), list)


def test_what_takes_seconds_is_asked_for_by_name():
    setting = cb.Setting(
        cb.problems.Quadratic([1.0], [0.25]),
        cb.noise.TwoPoint(1.0, 0.5),
        cb.methods.ClippedSGD(0.01, cb.clipping.NormClip(1.0)),
    )
    listed = {type(bound).__name__ for bound in cb.applicable(setting)}
    slow = cb.bounds.koloskova2023.S0Finite()
    assert "S0Star" in listed and "S0Finite" not in listed
    assert all(row.holds for row in slow.hypotheses(setting))
