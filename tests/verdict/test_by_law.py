"""Sampling until a verdict is decided, with the law of the iterate where that is cheaper."""

import numpy as np
import pytest
from scipy.special import ndtr
from toy_bounds import LevelOf as Level

import clipbounds as cb
from clipbounds.clipping import NormClip
from clipbounds.methods import ClippedSGD
from clipbounds.noise import Gaussian, TwoPoint
from clipbounds.problems import Quadratic
from clipbounds.verdict import until_decided
from clipbounds.verdict.by_law import law_work, work_of

GAUSS = cb.Setting(Quadratic([1.0], [1.0]), Gaussian(1.0), ClippedSGD(0.1, NormClip(1.0)))
PLANE = GAUSS.replace(problem=Quadratic([1.0, 1.0], [1.0, 1.0]))


def truth(steps):
    """E of the mean of |x_s| over s < t: E|x_s| as a function of the start, on a fine grid. No part of the package."""
    z, u = np.linspace(-2.5, 2.5, 1501), np.linspace(-1, 1, 401)
    # x' = x - .1 u for |u| < 1, u ~ N(x, 1), else x ∓ .1
    inner = np.exp(-0.5 * (u - z[:, np.newaxis]) ** 2) / np.sqrt(2 * np.pi)
    value, total = np.abs(z), 0.0
    for _ in range(steps):
        total += float(np.interp(1.0, z, value))
        middle = np.trapezoid(np.interp(z[:, np.newaxis] - 0.1 * u, z, value) * inner, u, axis=1)
        value = middle + ndtr(z - 1) * np.interp(z - 0.1, z, value) + ndtr(-1 - z) * np.interp(z + 0.1, z, value)
    return total / steps


def test_a_margin_that_sampling_leaves_open_is_decided_by_the_law():
    mean = truth(40)
    bounds = [Level((1 + s * 1e-3) * mean, side, "mean_gradient_norm") for side in ("upper", "lower") for s in (1, -1)]
    for one in (False, True):
        if one:  # a first look that costs more than the enclosure: nothing is sampled
            found = until_decided(GAUSS, 40, bounds, start=2**20, checkpoints=[40])
            assert found.run.attrs["engine"] == "exact"
        else:
            found = until_decided(GAUSS, 40, bounds, budget=512, checkpoints=[40])
            assert found.run.sizes["trajectory"] == 512
        assert [v.verdict for v in found.verdicts] == ["holds", "violated", "violated", "holds"]
        assert {v.method for v in found.verdicts} == {"exact"}
    sampled = until_decided(GAUSS, 40, bounds, budget=512, checkpoints=[40], engine="sample")
    assert {v.verdict for v in sampled.verdicts} == {"undecided"}


def test_what_the_law_does_not_have_is_sampled():
    """Another quantity beside, a plane: no enclosure, and the verdicts are those of sampling."""
    bounds = [Level(1e9, "upper", "distance"), Level(0.5, "upper", "mean_gradient_norm")]
    found = until_decided(GAUSS, 40, bounds, checkpoints=[40], start=256)
    assert found.run.attrs["engine"] == "sample" and found.verdicts[0].verdict == "holds"
    assert law_work(PLANE, 40) == np.inf > law_work(GAUSS, 40)
    one, other = (
        until_decided(PLANE, 40, bounds[1], checkpoints=[40], engine=e, budget=1024) for e in ("auto", "sample")
    )
    assert str(one) == str(other)


def test_the_work_of_a_law_does_not_grow_once_it_has_settled():
    long = GAUSS.replace(problem=Quadratic([1.0] * 100, [1.0] * 100))
    assert work_of(long, 10) == 1000
    two = GAUSS.replace(noise=TwoPoint(1.0, 0.5))
    assert law_work(two, 10**6) == law_work(two, 10)


def test_methods_without_a_batch_size_have_a_first_look():
    from clipbounds.bounds.yu2023.instances import main_problem

    clients = cb.Setting(main_problem(), cb.noise.Gaussian(1.0), cb.methods.SClipEF.standard(0.5))
    rule = cb.methods.ClippedStep(0.1, 0.05)
    spider = cb.Setting(
        Quadratic([1.0, 0.5], [1.0, 1.0]),
        cb.oracles.GaussianPhase(Quadratic([1.0, 0.5], [1.0, 1.0]), 1.0, 1.0),
        cb.methods.Spider(rule, 16, 64, 8),
    )
    for setting, quantity in ((clients, "squared_distance"), (spider, "mean_gradient_norm")):
        found = until_decided(setting, 20, Level(1e9, "upper", quantity), checkpoints=[20], budget=128)
        assert found.verdicts[0].verdict == "holds" and found.run.sizes["trajectory"] <= 128


def test_an_unknown_engine_is_refused():
    with pytest.raises(ValueError, match="compare: engine must be 'sample' or 'auto', but 'exact' was given"):
        cb.compare(cb.simulate(GAUSS, 10, 2), Level(1.0, "upper", "gap"), engine="exact")


@pytest.mark.parametrize("quantity", ["gap", "mean_squared_gradient_norm"])
@pytest.mark.parametrize("dim", [1, 2])
def test_closed_forms_and_coordinates_settle_too(quantity, dim):
    """SGD without clipping: E x_t² by its recursion, in exact rational arithmetic here."""
    from fractions import Fraction

    keep, noise, square, total = Fraction(81, 100), Fraction(1, 100), Fraction(1), Fraction(0)  # (1 - eta)², eta²
    for _ in range(30):
        total += square
        square = keep * square + noise
    mean = float(square / 2 * dim) if quantity == "gap" else float(total / 30 * dim)
    plain = cb.Setting(Quadratic([1.0] * dim, [1.0] * dim), Gaussian(1.0), cb.methods.SGD(0.1))
    bounds = [Level((1 + s * 1e-4) * mean, "upper", quantity) for s in (1, -1)]
    found = until_decided(plain, 30, bounds, checkpoints=[30], budget=256)
    assert [(v.verdict, v.method) for v in found.verdicts] == [("holds", "exact"), ("violated", "exact")]


def test_a_warning_is_not_settled_away():
    """Values beyond a range that the caller calls proved: undecided with that reason, whatever the law says."""
    bound = Level(0.5, "upper")
    wrong = {"ranges": {"mean_gradient_norm": (0.0, 0.1)}, "checkpoints": [40], "start": 64, "budget": 128}
    (verdict,) = until_decided(GAUSS, 40, bound, **wrong).verdicts
    assert verdict.verdict == "undecided" and "leaves the proved range" in verdict.reason
    (plain,) = until_decided(GAUSS, 40, bound, checkpoints=[40]).verdicts
    assert plain.verdict == "holds"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"budget": "many"}, "until_decided: budget must be an integer >= 1"),
        ({"budget": 0}, "until_decided: budget must be an integer >= 1"),
        ({"start": 0}, "until_decided: start must be an integer >= 1"),
        ({"steps": "ten"}, "steps must be an integer"),
        ({"setting": 3}, "Setting"),
        ({"checkpoints": [99]}, "checkpoints must lie in"),
    ],
)
def test_wrong_arguments_are_one_sentence(change, words):
    given = {"setting": GAUSS, "steps": 10, "bounds": Level(1.0, "upper"), "checkpoints": [10]} | change
    with pytest.raises(ValueError, match=words) as caught:
        until_decided(**given)
    assert "\n" not in str(caught.value)
