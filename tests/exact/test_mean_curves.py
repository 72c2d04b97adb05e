"""The law of the iterate against enumeration, against simulation, against itself on finer grids; its certificate can fail."""

import itertools

import numpy as np
import pytest
from enumerations import SETTINGS, enumerated, name

import clipbounds as cb
from clipbounds.clipping import NormClip, SmoothClip
from clipbounds.exact import QUANTITIES, mean_curves, why_not
from clipbounds.methods import ClippedSGD
from clipbounds.noise import Rademacher, Stable, ThreePoint, TwoPoint
from clipbounds.problems import DoubleWell, Huber, Quadratic


@pytest.mark.parametrize("setting", SETTINGS, ids=name)
def test_enumeration_lies_in_the_enclosure(setting):
    steps = 10
    slopes, gaps = enumerated(setting, steps)
    curves = mean_curves(setting, steps, range(1, steps + 1), nodes=2000)
    for quantity, exact in (("gradient_norm", slopes), ("gap", gaps)):
        low, high = curves.enclosure(quantity)
        assert np.all(low <= exact) and np.all(exact <= high)
    start = abs(setting.problem.gradient(setting.problem.x0)[0])
    average = np.cumsum([start, *slopes[:-1]]) / np.arange(1, steps + 1)
    low, high = curves.enclosure("mean_gradient_norm")
    assert np.all(low <= average) and np.all(average <= high)


def test_the_certificate_is_not_empty_and_smaller_ones_would_be_wrong():
    """A grid that does not carry the lattice of the steps errs by more than rounding, and a thousandth of its error is false."""
    misses = 0
    for setting in SETTINGS:
        steps = 10
        slopes, _ = enumerated(setting, steps)
        curves = mean_curves(setting, steps, range(1, steps + 1), nodes=150)
        misses += np.any(np.abs(curves.gradient_norm - slopes) > 1e-3 * curves.errors["gradient_norm"] + 1e-12)
    assert misses >= 5


@pytest.mark.parametrize("setting", SETTINGS[::2], ids=name)
def test_a_finer_grid_lies_in_the_enclosure_of_a_coarse_one(setting):
    coarse = mean_curves(setting, 300, [3, 30, 300], nodes=1500)
    fine = mean_curves(setting, 300, [3, 30, 300], nodes=24_000)
    for quantity in QUANTITIES:
        gap = np.abs(getattr(coarse, quantity) - getattr(fine, quantity))
        assert np.all(gap <= coarse.errors[quantity] + fine.errors[quantity])
        assert np.all(fine.errors[quantity] < coarse.errors[quantity] + 1e-9)


@pytest.mark.full
@pytest.mark.parametrize("setting", SETTINGS[:20], ids=name)
def test_simulation_agrees_and_the_error_is_below_its_tolerance(setting):
    """20 settings, T = 1000: the certified error is below 1e-4, and the means of 40,000 runs lie within their band."""
    at = [10, 100, 1000]
    curves = mean_curves(setting, 1000, at)
    assert np.all(curves.errors["mean_gradient_norm"] <= 1e-4 * curves.mean_gradient_norm)
    run = cb.simulate(setting, 1000, 40_000, seed=7, checkpoints=at)
    for quantity in QUANTITIES:
        values = run[quantity].sel(checkpoint=at).transpose("trajectory", "checkpoint").to_numpy()
        # bounded variables: Bernstein's band at 1e-8 a comparison
        spread, width = values.std(axis=0), np.ptp(values, axis=0)
        log = np.log(2 / 1e-8)
        band = spread * np.sqrt(2 * log / len(values)) + 3 * width * log / len(values)
        assert np.all(np.abs(values.mean(axis=0) - getattr(curves, quantity)) <= band + curves.errors[quantity])


def test_the_curves_do_not_depend_on_the_last_step():
    setting = SETTINGS[0]
    short = mean_curves(setting, 50, [50], nodes=3000, certify=False)
    assert np.isinf(short.errors["gap"]).all()
    certified = mean_curves(setting, 50, [50], nodes=3000)
    assert short.gap == certified.gap and short.nodes == certified.nodes


@pytest.mark.parametrize("law", [TwoPoint(1.0, 0.5), ThreePoint(1.0, 0.5, 0.3)], ids=lambda law: type(law).__name__)
def test_means_of_batches_are_atoms(law):
    """All pairs of atoms, three steps; one sample a step is another law, and so are pairs that are clipped before their mean."""
    setting = cb.Setting(Quadratic([1.0], [0.6]), law, ClippedSGD(0.2, NormClip(0.5), batch_size=2))
    places, weights = law.atoms()
    x, mass = np.array([0.6]), np.ones(1)
    for _ in range(3):
        pairs = list(itertools.product(range(len(places)), repeat=2))
        x = np.concatenate([x - 0.2 * np.clip(x + places[list(k)].mean(), -0.5, 0.5) for k in pairs])
        mass = np.concatenate([mass * weights[list(k)].prod() for k in pairs])
    exact = mass @ np.abs(x)
    curves = mean_curves(setting, 3, [3])
    assert abs(curves.gradient_norm[0] - exact) <= curves.errors["gradient_norm"][0] + 1e-15 <= 1e-4 * exact
    one = mean_curves(setting.replace(method=ClippedSGD(0.2, NormClip(0.5))), 3, [3])
    assert abs(one.gradient_norm[0] - exact) > 0.01 * exact
    for method in (
        ClippedSGD(0.2, NormClip(0.5), batch_size=2, per_sample=True),
        ClippedSGD(0.2, NormClip(0.5), batch_size=99),
    ):
        assert "a mean that has at most 32 values" in why_not(setting.replace(method=method))


def test_long_products_of_atoms_are_what_they_are():
    """The oracle of this file: two steps by hand."""
    setting = cb.Setting(Quadratic([1.0], [1.0]), Rademacher(1.0), ClippedSGD(0.5, NormClip(10.0)))
    ends = [0.5 * (1 - 0.5 * (1 + a)) - 0.5 * b for a, b in itertools.product((-1, 1), repeat=2)]
    assert enumerated(setting, 2)[0][1] == pytest.approx(np.mean(np.abs(ends)), rel=1e-15)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (dict(problem=DoubleWell([1.0])), "must be one of Quadratic"),
        (dict(problem=Quadratic([1.0, 2.0], [1.0, 1.0])), "of dimension 1, .* but is Quadratic in dimension 2"),
        (dict(noise=Stable(1.5, 1.0)), "finitely many atoms, or be one of Gaussian, .*, but is Stable"),
        (dict(method=ClippedSGD(0.1, SmoothClip(1.0, 0.1))), "must be ClippedSGD with NormClip"),
        (dict(method=ClippedSGD(0.1, NormClip(1.0), momentum=0.5)), "momentum 0"),
        (dict(method=ClippedSGD(1.5, NormClip(1.0))), "eta f'' <= 1"),
    ],
)
def test_what_is_not_propagated_is_said_in_one_sentence(change, words):
    setting = SETTINGS[0].replace(**change)
    with pytest.raises(ValueError, match=words) as caught:
        mean_curves(setting, 10)
    assert "\n" not in str(caught.value)
    assert why_not(SETTINGS[0]) is None


@pytest.mark.parametrize(("key", "value"), [("steps", 0), ("tolerance", 0.0), ("nodes", 1)])
def test_bad_numbers_are_refused(key, value):
    with pytest.raises(ValueError, match=key):
        mean_curves(SETTINGS[0], **{"steps": 10, key: value})


def test_the_tolerance_is_of_what_is_wanted():
    """A smaller grid, fine enough for the one that is named and not for another; without a name all are."""
    setting = cb.Setting(Huber(1.0, 1.0, [2.0]), TwoPoint(1.0, 0.5), ClippedSGD(0.1, NormClip(1.0)))
    one = mean_curves(setting, 300, [300], 1e-3, wanted=["mean_gradient_norm"])
    every = mean_curves(setting, 300, [300], 1e-3)
    assert one.errors["mean_gradient_norm"] <= 1e-3 * one.mean_gradient_norm and one.errors["gap"] > 1e-3 * one.gap
    assert all(np.all(every.errors[name] <= 1e-3 * every.values[name]) for name in every.values)
    assert one.nodes < every.nodes
    for quantity in one.values:
        low, high = one.enclosure(quantity)
        assert low <= every.values[quantity] + every.errors[quantity]
        assert every.values[quantity] - every.errors[quantity] <= high
    with pytest.raises(
        ValueError, match="wanted must name some of gradient_norm, gap, mean_gradient_norm, but 'loss' was"
    ):
        mean_curves(setting, 300, [300], wanted=["loss"])
