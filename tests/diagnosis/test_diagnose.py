"""What a log says about a threshold: counted shares, Hill's index with calibrated interval, assumed bounds."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats

import clipbounds as cb
from clipbounds.bounds.koloskova2023 import S0Star
from clipbounds.bounds.nobile2026 import Theorem3Star
from clipbounds.cli import main
from clipbounds.diagnosis import diagnose
from clipbounds.verdict.tail import hill

NORMS = np.array([0.5, 1.0, 2.0, 4.0])


def norms(count=1000, index=1.5, seed=0):
    return np.random.default_rng(seed).pareto(index, count) + 1


def test_shares_and_effective_step_by_hand():
    found = diagnose(NORMS, 1.0)
    assert found.clipped == 0.5
    assert found.step_factor == pytest.approx((1 + 1 + 0.5 + 0.25) / 4, rel=1e-15)
    assert found.quantiles[0.5] == 1.5
    assert found.tail is None and "at least 50" in found.tail_words


def test_hill_of_exact_quantiles():
    """Spacings of exponential order statistics at their means: the estimate is the index for every k."""
    n, index = 400, 2.5
    logs = np.cumsum(1 / np.arange(n, 0, -1.0)) / index
    tail = hill(np.exp(logs), k=50)
    assert tail.index == pytest.approx(index, rel=1e-12)
    assert np.allclose(tail.all, index, rtol=1e-9)


@pytest.mark.parametrize("index", [1.5, 3.0])
def test_hill_interval_covers_pareto_laws(index):
    """300 samples at level 0.9: no more misses than a binomial (300, 0.1) has in a millionth of cases."""
    draws = np.random.default_rng(5)
    found = [hill(draws.pareto(index, 500) + 1, 0.9) for _ in range(300)]
    misses = sum(not t.low <= index <= t.high for t in found)
    assert misses <= stats.binom.ppf(1 - 1e-6, 300, 0.1)


def test_gaussian_norms_are_no_evidence_and_heavy_ones_are():
    """The control of the words, either way."""
    light = np.abs(np.random.default_rng(1).standard_normal(5000))
    assert str(hill(light)).startswith("no evidence of a heavy tail")
    assert hill(norms(5000)).heavy and str(hill(norms(5000))).startswith("tail index")


def test_the_assumed_bounds_are_s0_star_and_theorem_3_star():
    found = diagnose(norms(200), 1.0, step_size=0.05, sigma=0.5, L=1.0, F0=6.0)
    assert found.missing == ""
    for name, bound in (("S0*", S0Star()), ("Theorem 3*", Theorem3Star(p=2.0))):
        curve = found.curve(name)
        assert np.isfinite(curve.values).all()
        k = len(curve.values) // 2
        method = cb.methods.ClippedSGD(0.05, cb.clipping.NormClip(float(curve.thresholds[k])))
        setting = cb.Constants(method=method, L=1.0, F0=6.0, sigma=0.5)
        assert curve.values[k] == bound.value(setting, 200)
        assert (
            curve.least == curve.values.min()
            and curve.values[list(curve.thresholds).index(curve.least_at)] == curve.least
        )
    assert found.floor_at == pytest.approx(0.5**2 / 4, rel=1e-12)  # sigma²/(4c)
    assert "assumed" in str(found)


def test_the_word_is_never_said():
    for given in ({}, {"sigma": 0.5}, {"step_size": 0.05, "sigma": 0.5, "L": 1.0, "F0": 6.0}):
        found = diagnose(norms(1000, 1.9), 1.0, **given)
        assert not any(
            "prove" in text
            for text in (str(found), found._repr_html_().partition("base64")[0], json.dumps(found.to_dict()))
        )


def test_a_heavier_tail_raises_the_floor_and_the_bound():
    """The tail's interval reaches below p = 2: the same numbers, as a lower moment only, say less."""
    given = {"step_size": 0.05, "L": 1.0, "F0": 6.0}
    found = diagnose(norms(1000, 1.9), 1.0, sigma=0.5, **given)
    assert 1 < found.lower_p < 2 and found.lower_floor_at > found.floor_at
    lower = next(curve for curve in found.lower_curves if curve.name == "Theorem 3*")
    assert lower.p == found.lower_p and lower.least > found.curve("Theorem 3*").least
    light = diagnose(np.abs(np.random.default_rng(1).standard_normal(5000)), 1.0, sigma=0.5, **given)
    assert light.lower_p is None and light.lower_curves == []
    assert "need step_size, F0, L too" in str(diagnose(norms(100), 1.0, sigma=0.5))


def test_the_command(tmp_path):
    history = [{"step": t, "grad_norm": float(g)} for t, g in enumerate(norms(300))]
    log = tmp_path / "trainer_state.json"
    log.write_text(json.dumps({"log_history": history}), encoding="utf-8")
    out = tmp_path / "d.png"
    done = CliRunner().invoke(main, ["diagnose", str(log), "--threshold", "2", "--sigma", "1", "--out", str(out)])
    assert done.exit_code == 0 and "share of steps clipped at c = 2" in done.output and out.stat().st_size > 1000
    page = tmp_path / "d.html"
    assert CliRunner().invoke(main, ["diagnose", str(log), "--threshold", "2", "--out", str(page)]).exit_code == 0
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>") and "data:image/png;base64," in text and "share of steps clipped" in text
    refused = CliRunner().invoke(main, ["diagnose", str(log), "--threshold", "2", "--out", str(tmp_path / "d.doc")])
    assert refused.exit_code == 2 and ".html" in refused.output and not (tmp_path / "d.doc").exists()
    done = CliRunner().invoke(main, ["diagnose", str(log), "--threshold", "2", "--json"])
    assert json.loads(done.output)["count"] == 300


@pytest.mark.parametrize(
    ("given", "threshold", "sentence"),
    [
        ([], 1.0, "no finite one"),
        ([-1.0], 1.0, "cannot be negative"),
        ([1.0], 0.0, "threshold"),
        ([1.0], "1", "threshold"),
    ],
)
def test_bad_input_gets_a_sentence(given, threshold, sentence):
    with pytest.raises(ValueError, match=sentence):
        diagnose(given, threshold)
    with pytest.raises(ValueError, match="k must be"):
        hill(norms(100), k=100)
