"""Small parts of the error, vacuous bounds, the scope of a verdict, and the bounds that apply."""

from typing import ClassVar

import numpy as np
import pytest
from scipy.stats import beta, binom
from toy_bounds import FLANK, NOISY, PLAIN, Level, LevelBelow, Tail, only, run_of

import clipbounds as cb
from clipbounds.bounds import koloskova2023 as K
from clipbounds.report import row_from_verdicts
from clipbounds.verdict import clopper_pearson, quantile_limits


def test_a_confidence_next_to_one_is_divided_without_loss():
    """1e-15 shared by 34 checkpoints, two bounds and two sides: its parts are no confidences, as 1 - 1e-17 is 1."""
    confidence = 1 - 1e-15
    run = cb.simulate(NOISY, 200, 4096, seed=1, checkpoints=range(1, 35))
    verdicts = cb.compare(run, [Level(2.9), LevelBelow(1e-9), Tail(3.0)], confidence).verdicts
    assert [v.verdict for v in verdicts][:1] == ["holds"] and all(v.confidence == confidence for v in verdicts)
    assert np.all(np.isfinite(verdicts[0].high)) and np.all(verdicts[0].high > verdicts[0].measured)


def test_limits_at_an_error_of_1e_20():
    upper = clopper_pearson(0, 1000, error=2e-20)[1]
    assert upper == pytest.approx(-np.expm1(np.log(1e-20) / 1000), rel=1e-10)  # (1 - p)^n = delta
    lower = clopper_pearson(900, 1000, error=2e-20)[0]
    assert binom.sf(899, 1000, lower) == pytest.approx(1e-20, rel=1e-6)
    assert clopper_pearson(30, 1000, 0.99)[1] == pytest.approx(beta.isf(0.005, 31, 970), rel=1e-12)
    low, high = quantile_limits(np.arange(10_000.0), 0.5, error=1e-20)
    assert 4400 < low < 4600 and 5400 < high < 5600


def test_a_bound_that_says_nothing_is_vacuous():
    class Nothing(Level):
        def evaluate(self, setting, steps):
            return np.full(steps.shape, np.inf)

    class NothingBelow(LevelBelow):
        def evaluate(self, setting, steps):
            return np.zeros(steps.shape)

    class Once(Level):
        """Infinite at the first checkpoint, and a bound at the others."""

        def evaluate(self, setting, steps):
            return np.where(steps == steps.min(), np.inf, self.level)

    for setting in (FLANK, NOISY):
        run = run_of(setting, 512)
        words = [v.verdict for v in cb.compare(run, [Nothing(1.0), NothingBelow(1.0), Level(3.0), Once(3.0)]).verdicts]
        assert words == ["vacuous", "vacuous", "holds", "holds"]
        assert only(run, Once(1e-3)).verdict == "violated"
    nothing, something = cb.compare(run, [Nothing(1.0), Level(3.0)]).verdicts
    assert "says nothing" in nothing.reason and nothing.tightness == 0
    assert np.array_equal(something.high, only(run, Level(3.0)).high)  # it takes no part of the error
    assert row_from_verdicts("c", "k", [nothing, nothing]).verdict == "vacuous"
    assert row_from_verdicts("c", "k", [nothing, something]).verdict == "holds"


def test_a_row_on_a_bound_that_does_not_apply_is_refused():
    refused = cb.compare(run_of(PLAIN, 4), K.S1(), 0.9).verdicts
    assert refused[0].verdict == "does not apply"
    with pytest.raises(ValueError, match=r"apply to its settings[\s\S]*FAILS"):
        row_from_verdicts("c", "k", refused)


def test_a_comparison_says_that_it_speaks_of_checkpoints():
    comparison = cb.compare(run_of(NOISY, 300), Level(3.0))
    assert "the 4 checkpoints measured, not of the steps between them" in " ".join(str(comparison).split())
    assert "checkpoints measured" in comparison._repr_html_()


def test_applicable_lists_the_bounds_whose_hypotheses_hold():
    setting = K.two_point_setting(1.0, 1.0, 0.5, 1.0, 1e-2)
    found = cb.applicable(setting)
    assert {"S0", "S1", "S2", "FiniteLowerBound"} <= {b.name for b in found}
    assert all(row.holds for bound in found for row in bound.hypotheses(setting))
    assert not {"D1Min", "D2LastIterate", "D3", "Rate"} & {
        b.name for b in found
    }  # those want no noise, or another method
    run = cb.simulate(setting, 500, 256)
    assert not {v.verdict for v in cb.compare(run, found).verdicts} & {"violated", "does not apply"}
    quiet = cb.Setting(cb.problems.Quadratic([1.0, 3.0], [1.0, 2.0]), cb.noise.NoNoise(), setting.method)
    assert {"D1Min", "D2LastIterate", "D3"} <= {b.name for b in cb.applicable(quiet)}
    assert cb.applicable(setting.replace(noise=cb.noise.Pareto(1.01, 1.0))) == []
    with pytest.raises(ValueError, match="expected a Setting"):
        cb.applicable("S0")


class _Own(Level):
    quantity: ClassVar = "gap"


def test_applicable_leaves_out_what_is_not_the_packages():
    assert not any(isinstance(b, _Own) for b in cb.applicable(NOISY))
