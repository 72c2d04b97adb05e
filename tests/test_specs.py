"""Specs are values: validated, frozen, hashable, JSON round-trip, content-addressed."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import clipbounds as cb
from clipbounds.specs import Interval, Spec, switch

positive = st.floats(1e-6, 1e6)
EXAMPLES = [
    cb.problems.Quadratic([1.0, 2.0], [3.0, 4.0]),
    cb.problems.Huber(1.0, 2.0, 5.0),
    cb.problems.Cosh(1.0, 2.0, [1.0]),
    cb.problems.Power(4, [1.0, 2.0]),
    cb.problems.DoubleWell(2.0),
    cb.problems.Sombrero([1.0, 2.0]),
    cb.noise.NoNoise(),
    cb.noise.TwoPoint(1.0, 0.5, along=[0.6, 0.8]),
    cb.noise.StudentT(3, 1.0, radial=True),
    cb.clipping.NormClip(1.0),
    cb.methods.ClippedSGD(0.1, cb.clipping.NormClip(2.0), batch_size=3, momentum=0.5, per_sample=True),
    cb.Setting(cb.problems.Quadratic(1.0, 1.0), cb.noise.Gaussian(1.0), cb.methods.SGD(0.1)),
]


@pytest.mark.parametrize("spec", EXAMPLES, ids=lambda s: type(s).__name__)
def test_round_trip(spec):
    again = Spec.from_json(spec.to_json())
    assert again == spec and hash(again) == hash(spec) and again.digest == spec.digest
    assert type(again) is type(spec)


@given(positive, positive)
def test_digest_tells_values_apart(a, b):
    assert (cb.clipping.NormClip(a).digest == cb.clipping.NormClip(b).digest) == (a == b)


def test_specs_are_frozen():
    problem = cb.problems.Quadratic([1.0], [1.0])
    with pytest.raises(dataclasses.FrozenInstanceError):
        problem.x0 = np.ones(1)
    with pytest.raises(ValueError):
        problem.x0[0] = 5.0


def test_integers_are_coerced_so_that_kernels_do_not_recompile():
    assert isinstance(cb.clipping.NormClip(1).threshold, float)
    assert cb.clipping.NormClip(1) == cb.clipping.NormClip(1.0)


def test_a_dataclass_decorator_on_top_does_no_harm():
    @dataclasses.dataclass(frozen=True)
    class Again(cb.problems.Quadratic):
        pass

    assert Again([1.0], [2.0]) == Again([1.0], [2.0])
    assert {Again([1.0], [2.0]): 1}


@pytest.mark.parametrize(
    ("build", "parts"),
    [
        (lambda: cb.clipping.NormClip(0.0), ("threshold", "(0, inf)", "0.0")),
        (lambda: cb.clipping.NormClip(-1), ("threshold", "-1")),
        (lambda: cb.clipping.NormClip(math.nan), ("threshold", "nan")),
        (lambda: cb.clipping.NormClip("wide"), ("threshold", "'wide'")),
        (lambda: cb.clipping.NormClip("1"), ("threshold", "a number in (0, inf)", "'1'")),
        (lambda: cb.clipping.NormClip(True), ("threshold", "True")),
        (lambda: cb.problems.Quadratic(["1"], [1.0]), ("eigenvalues", "a vector with entries in [0, inf)", "['1']")),
        (lambda: cb.methods.SGD(0.0), ("step_size", "(0, inf)")),
        (lambda: cb.methods.SGD(math.inf), ("step_size", "inf")),
        (lambda: cb.methods.ClippedSGD(0.1, 5.0), ("clip", "NormClip(threshold)", "5.0")),
        (lambda: cb.methods.SGD(0.1, batch_size=1.5), ("batch_size", "integer >= 1")),
        (lambda: cb.methods.SGD(0.1, momentum=1.0), ("momentum", "[0, 1)")),
        (lambda: cb.problems.Quadratic([1, 2], [1, 2, 3]), ("x0 needs 2 entries", "3 were given")),
        (lambda: cb.problems.Quadratic([0.0], [1.0]), ("at least one eigenvalue",)),
        (lambda: cb.problems.Quadratic([1.0], [math.nan]), ("x0", "nan")),
        (lambda: cb.problems.DoubleWell([1.0, 2.0]), ("one-dimensional", "Sombrero")),
        (lambda: cb.problems.Power(2.0, 1.0), ("exponent", "(2, inf)")),
        (lambda: cb.noise.Pareto(1.0, 1.0), ("tail_index", "(1, inf)", "mean")),
        (lambda: cb.noise.StudentT(0.0, 1.0), ("dof", "[0.1, inf)")),
        (lambda: cb.noise.TwoPoint(1.0, 1.5), ("skew", "(0, 1]")),
        (lambda: cb.noise.Gaussian(1.0, along=[1.0, 1.0]), ("unit vector", "1.41421")),
        (lambda: cb.noise.Gaussian(1.0, along=[1.0], radial=True), ("not both",)),
        (lambda: cb.Setting(1, 2, 3), ("problem must be a Problem",)),
        (
            lambda: cb.Setting(
                cb.problems.Quadratic(1.0, 1.0), cb.noise.Gaussian(1.0, along=[0.6, 0.8]), cb.methods.SGD(0.1)
            ),
            ("2 entries", "dimension 1"),
        ),
    ],
)
def test_bad_input_names_parameter_value_and_domain(build, parts):
    with pytest.raises(ValueError) as caught:
        build()
    for part in parts:
        assert part in str(caught.value)


def test_unknown_type_in_json():
    with pytest.raises(ValueError, match="is not imported; import it first"):
        Spec.from_json('{"type": "nowhere:Thing"}')


def test_interval_ends():
    assert Interval(0, 1, closed_high=True).contains(1) and not Interval(0, 1).contains(1)
    assert not Interval(0, 1).contains(math.nan)
    assert str(Interval(0, 1, closed_low=True)) == "[0, 1)"


@given(st.floats(), st.floats(), st.floats(), st.booleans(), st.booleans(), st.integers(0, 2))
def test_one_number_and_an_array_are_judged_alike(low, high, number, closed_low, closed_high, at):
    interval = Interval(low, high, closed_low, closed_high)
    number = (number, low, high)[at]
    assert (number in interval) is interval.contains([number]) is interval.contains([number, number])


def test_flags_are_stored_as_plain_booleans():
    """numpy's True cannot be written as JSON, and 1 == True must not have another digest."""
    clip = cb.clipping.NormClip(1.0)
    for flag in (1, np.True_):
        assert cb.methods.ClippedSGD(0.1, clip, per_sample=flag) == cb.methods.ClippedSGD(0.1, clip, per_sample=True)
        assert cb.noise.Gaussian(1.0, radial=flag).digest == cb.noise.Gaussian(1.0, radial=True).digest


class Switched(Spec):
    size: float = 1.0
    on: bool = switch("what it is for", default=False, kw_only=True)


def test_a_switch_that_is_off_leaves_no_trace():
    """So that a new one changes neither texts nor digests of what was there before it."""
    off, on = Switched(2.0), Switched(2.0, on=1)
    assert repr(off) == "Switched(size=2.0)" and repr(on) == "Switched(size=2.0, on=True)"
    assert "on" not in off.to_dict() and on.to_dict()["on"] is True
    assert off != on and off == on.replace(on=False) and off.digest != on.digest
    assert all(Spec.from_json(spec.to_json()) == spec for spec in (off, on))
    with pytest.raises(ValueError, match=r"on must be True or False \(what it is for\), but 'yes'"):
        Switched(2.0, on="yes")


@pytest.mark.parametrize(
    "text",
    [
        '{"type": "builtins:print", "end": "called"}',
        '{"type": "clipbounds.clipping.norm:NormClip", "threshold": 1.0, "colour": 2}',
        '{"type": "clipbounds.clipping.norm:NormClip"}',
        '{"type": "nowhere.at:all"}',
        '{"type": 3}',
        "[1, 2]",
        "no JSON",
        None,
    ],
)
def test_from_json_builds_specs_and_calls_nothing_else(text, capsys):
    with pytest.raises(ValueError) as caught:
        Spec.from_json(text)
    assert "\n" not in str(caught.value)
    assert capsys.readouterr().out == ""
