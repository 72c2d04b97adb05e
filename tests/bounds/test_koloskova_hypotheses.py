"""Bounds refuse settings outside their hypotheses, with the table; recalled statements are never asserted."""

import numpy as np
import pytest

import clipbounds as cb
from clipbounds.bounds import Bound, HypothesesFail, Recalled
from clipbounds.bounds import koloskova2023 as K
from clipbounds.worst_case import floor

QUADRATIC = cb.problems.Quadratic([1.0], [2.0])
COSH = cb.problems.Cosh(1.0, 1.0, [2.0])
WELL = cb.problems.DoubleWell([2.0])
NOISE = cb.noise.Gaussian(1.0)
DETERMINISTIC = [K.D1Phi, K.D1Min, K.D1Mean, K.D1Refined, K.D2LastIterate, K.D2WeightedAverage, K.D3, K.D3ClosedForm]
STOCHASTIC = [K.S0, K.S1, K.S2, K.S3]
RECALLED = [K.RecalledNonConvex, K.RecalledConvex, K.RecalledStochastic, K.RecalledFloor]


def clipped(problem, noise=None, eta=1e-2, c=0.4, **options):
    method = cb.methods.ClippedSGD(eta, cb.clipping.NormClip(c), **options)
    return cb.Setting(problem, noise or cb.noise.NoNoise(), method)


def refused(bound, setting, what):
    with pytest.raises(HypothesesFail) as error:
        bound.value(setting, 10)
    lines = [line for line in str(error.value).splitlines() if "FAILS" in line]
    assert any(what in line for line in lines), (what, lines)


@pytest.mark.parametrize("kind", [*DETERMINISTIC, K.D1Hessian])
def test_deterministic_bounds_check_method_noise_and_step(kind):
    bound = kind()
    assert np.all(bound.value(clipped(QUADRATIC), [1, 10]) > 0)
    assert bound.aggregate == "every" and bound.asserted and bound.statement and bound.source and kind.__doc__
    refused(bound, clipped(QUADRATIC, momentum=0.5), "momentum 0")
    refused(bound, cb.Setting(QUADRATIC, cb.noise.NoNoise(), cb.methods.SGD(0.1)), "ClippedSGD")
    other = cb.methods.ClippedSGD(0.1, cb.clipping.Identity())
    refused(bound, cb.Setting(QUADRATIC, cb.noise.NoNoise(), other), "NormClip")
    refused(bound, clipped(QUADRATIC, NOISE), "NoNoise")
    refused(bound, clipped(QUADRATIC, eta=2.5), "theta")


@pytest.mark.parametrize("kind", DETERMINISTIC)
def test_first_order_bounds_check_the_radius(kind):
    """eta c <= ln2/H1 = 1/L1: a step of Hessian length 1/H1 is refused although theta may be small."""
    small = cb.problems.Cosh(1e-3, 1.0, [2.0])
    refused(kind(), clipped(small, eta=0.9, c=1.0), "eta c <= radius")
    refused(kind(), clipped(small, eta=0.9, c=1.0), "eta c L1 <= 1")


def test_convex_bounds_check_convexity_and_the_minimum():
    refused(K.D2LastIterate(), clipped(WELL), "convex")
    refused(K.D3(), clipped(cb.problems.Huber(1.0, 1.0, [2.0])), "mu > 0")

    class Shifted(cb.problems.Quadratic):
        f_star = -1.0
        f_star_attained = False

    refused(K.D2LastIterate(), clipped(Shifted([1.0], [2.0])), "f* = f(x*)")
    # and it must refuse: with a mere lower bound of inf f, (a) is violated, since the gap stays >= 1
    setting = clipped(QUADRATIC, eta=0.1, c=5.0)
    assert K.D2LastIterate().value(setting, 10**4) < 1


def test_uncertified_constants_are_undecided():
    class Mine(cb.problems.Quadratic):
        certificate = cb.problems.Problem.certificate

    setting = clipped(Mine([1.0], [2.0]))
    with pytest.raises(HypothesesFail, match="accept_sampled"):
        K.D1Min().value(setting, 5)
    assert K.D1Min(accept_sampled=True).value(setting, 5) == K.D1Min().value(clipped(QUADRATIC), 5)


def test_stochastic_bounds_check_their_hypotheses():
    for kind in STOCHASTIC:
        bound = kind()
        assert bound.aggregate == "mean" and bound.quantity == "mean_gradient_norm"
        assert np.all(bound.value(clipped(QUADRATIC, NOISE), [1, 10]) > 0)
        refused(bound, clipped(QUADRATIC, cb.noise.StudentT(2.0, 1.0)), "sigma² < inf")
        refused(bound, clipped(QUADRATIC, NOISE, momentum=0.9), "momentum 0")
        if kind is not K.S1:
            refused(bound, clipped(cb.problems.Cosh(1e-3, 1.0, [1.0]), NOISE, eta=2.0), "eta c")
    refused(K.S1(), clipped(COSH, NOISE), "L-smooth")
    refused(K.S2(), clipped(QUADRATIC, NOISE, eta=0.7, c=1.0), "kappa")  # q = 1/2: kappa = 0.6096
    assert K.S2().value(clipped(QUADRATIC, NOISE, eta=0.6, c=1.0), 5) > 0
    refused(K.S3(), clipped(QUADRATIC, NOISE, c=0.6), "c <= sigma/2")
    assert K.S1().value(clipped(QUADRATIC, NOISE, eta=50.0), 5) > 0  # any eta


def test_lower_bounds_check_the_extremal_setting():
    refused(K.D1LowerBound(), clipped(QUADRATIC), "Huber")
    refused(K.D1LowerBound(), clipped(cb.problems.Huber(1.0, 1.0, [2.0, 2.0])), "dimension 1")
    refused(K.D2LowerBound(), clipped(cb.problems.Huber(1.0, 1.0, [0.5])), "|x0| >= G/L")
    two_point = K.two_point_setting(1.0, 1.0, 0.5, 1.0, 0.1)
    assert K.FiniteLowerBound().value(two_point, 10**6) > 0
    refused(K.FiniteLowerBound(), two_point.replace(noise=NOISE), "two-point")
    refused(K.FiniteLowerBound(), two_point.replace(noise=cb.noise.TwoPoint(1.0, 1.0)), "q < 1")
    refused(K.FiniteLowerBound(), two_point.replace(noise=cb.noise.TwoPoint(0.3, 0.5)), "q <= sigma/c")
    refused(K.FiniteLowerBound(), two_point.replace(noise=cb.noise.TwoPoint(1.0, 0.5, along=[-1.0])), "along +x")
    refused(K.FiniteLowerBound(), two_point.replace(noise=cb.noise.TwoPoint(1.0, 0.5, radial=True)), "along +x")
    with pytest.raises(ValueError, match="of_class"):
        K.D1LowerBound.of_class(clipped(COSH), 10)


def test_bad_arguments():
    with pytest.raises(ValueError, match="steps must be >= 1"):
        K.D1Min().value(clipped(QUADRATIC), 0)
    with pytest.raises(ValueError, match="accuracy"):
        K.D1Iterations(0.0)
    with pytest.raises(ValueError, match="reference_L1"):
        K.D1Min(reference_L1=-1.0)
    with pytest.raises(ValueError, match="Setting"):
        K.S0().value(QUADRATIC, 5)


def test_recalled_statements_are_display_only():
    gradient_descent, noisy = clipped(QUADRATIC), clipped(QUADRATIC, NOISE)
    for kind in RECALLED:
        bound = kind()
        assert isinstance(bound, Recalled) and not bound.asserted and "unconfirmed" in bound.source
        setting = gradient_descent if kind in (K.RecalledNonConvex, K.RecalledConvex) else noisy
        assert np.all(bound.value(setting, [1, 100]) > 0)
        run = cb.simulate(setting, 10)
        with pytest.raises(ValueError, match=kind.__name__):
            cb.compare(run, [bound])
        assert cb.compare(run, [], draw=[bound]).verdicts == []
    refused(K.RecalledStochastic(), clipped(QUADRATIC, NOISE, eta=0.2), "9(L0 + c L1)")
    refused(K.RecalledConvex(), clipped(WELL), "convex")


def test_no_asserted_bound_uses_a_recalled_one():
    """Exactly the classes of `recalled` are not asserted, and no asserted bound inherits from that module."""
    exported = [getattr(K, name) for name in K.__all__]
    bounds = [kind for kind in exported if isinstance(kind, type) and issubclass(kind, Bound)]
    assert {kind for kind in bounds if not kind.asserted} == set(RECALLED)
    for kind in bounds:
        assert kind.asserted == (not issubclass(kind, Recalled))
        assert kind.asserted == (K.recalled.__name__ not in {base.__module__ for base in kind.__mro__})


@pytest.mark.parametrize("c", np.geomspace(0.03, 30, 13))
def test_the_floor_is_at_least_one_and_a_half_times_the_recalled_one(c):
    setting = clipped(QUADRATIC, NOISE, c=c)
    assert K.StochasticFloor().kind == K.RecalledFloor().kind == "floor"
    exact = float(K.StochasticFloor().value(setting, 1))
    assert exact == pytest.approx(float(floor(c, 1.0)))
    assert exact >= 1.5 * (1 - 1e-12) * K.RecalledFloor().value(setting, 1)


@pytest.mark.parametrize("threshold", [1e200, 1e-200])
def test_thresholds_whose_square_is_no_float(threshold):
    """A huge threshold is how clipping is switched off: the value is an upper bound, possibly inf, never nan."""
    setting = clipped(QUADRATIC, eta=0.1, c=threshold)
    for bound in (K.S0(), K.S1(), K.D3(), *([K.D2LastIterate(), K.D1Refined()] if threshold > 1 else [])):
        values = bound.value(setting, [1, 1000])
        assert not np.isnan(values).any() and (values > 0).all()
    run = cb.simulate(setting, 100)
    for verdict in cb.compare(run, [K.S0(), K.S1(), K.D3()]).verdicts:
        assert verdict.verdict == ("vacuous" if np.all(np.isinf(verdict.value)) else "holds")


def test_strong_convexity_beyond_the_range_of_squares():
    tiny = clipped(cb.problems.Quadratic([1e-5, 1.0], [1e-160, 1e-160]))
    assert 0 < K.D3().value(tiny, 10) < 2e-160
    assert K.D3().value(clipped(QUADRATIC), np.inf) == 0
    assert K.D3().value(clipped(QUADRATIC), []).shape == (0,)
