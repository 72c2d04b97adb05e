"""sigma_p from repeated gradients, and the least line above curvatures, against laws and optima that are known."""

import itertools

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats

import clipbounds as cb
from clipbounds.cli import main
from clipbounds.diagnosis import diagnose, noise_level, secants, smoothness_line


def test_sigma_by_hand():
    """Two gradients at -1 and two at +1 from their mean: the unbiased variance is 4/3."""
    table = np.array([[[5.0], [7.0], [5.0], [7.0]]])
    assert noise_level(table).sigma == pytest.approx(np.sqrt(4 / 3), rel=1e-14)


@pytest.mark.parametrize("p", [2.0, 1.5])
def test_the_interval_covers_gaussian_noise(p):
    """300 samples at level 0.9, one point: no more misses than a binomial (300, 0.1) has in a millionth of cases."""
    draws, dim, misses = np.random.default_rng(11), 5, 0
    exact = stats.chi(dim).moment(p) if p == 2 else stats.chi(dim).expect(lambda r: r**p)
    for _ in range(300):
        found = noise_level(3.0 + draws.standard_normal((1, 60, dim)), p, 0.9)
        misses += not found.low**p <= exact <= found.high**p
    assert misses <= stats.binom.ppf(1 - 1e-6, 300, 0.1)


def test_the_noisiest_of_several_points_decides():
    draws = np.random.default_rng(2)
    scales = np.array([0.1, 1.0, 3.0])[:, np.newaxis, np.newaxis]
    found = noise_level(scales * draws.standard_normal((3, 400, 2)))
    assert found.low < 3 * np.sqrt(2) < found.high and found.points == 3


def test_the_least_upper_line_is_the_best_of_all_lines_through_two_points():
    draws = np.random.default_rng(3)
    x, y = draws.uniform(0, 5, 30), 1 + 0.5 * draws.uniform(0, 5, 30)
    found = smoothness_line(x, y)
    assert np.all(found.L0 + found.L1 * x >= y * (1 - 1e-12))
    lines = [(float(y.max()), 0.0), (0.0, float(np.max(y / x)))]
    for i, j in itertools.combinations(range(30), 2):
        slope = (y[j] - y[i]) / (x[j] - x[i])
        lines.append((y[i] - slope * x[i], slope))
    possible = [a + b * x.mean() for a, b in lines if a >= 0 and b >= 0 and np.all(a + b * x >= y - 1e-12)]
    assert found.L0 + found.L1 * x.mean() == pytest.approx(min(possible), rel=1e-9)


def test_a_share_leaves_so_many_above():
    draws = np.random.default_rng(4)
    x = draws.uniform(0, 5, 500)
    y = 1 + x * draws.uniform(0, 1, 500)
    found = smoothness_line(x, y, 0.9)
    above = np.count_nonzero(y > found.L0 + found.L1 * x + 1e-9)
    assert 50 - 2 <= above <= 50 and found.L0 > 0 and found.L1 > 0
    assert smoothness_line(x, y).L1 > found.L1


def test_curvature_of_a_quadratic_and_of_an_exponential():
    """f = 3x²/2 has curvature 3 everywhere; f = e^x has f'' = f', so that no secant is above e^h times the smaller norm."""
    x = np.linspace(-1, 2, 40)[:, np.newaxis]
    line = smoothness_line(*secants(x, 3 * x))
    assert pytest.approx((3, 0), rel=1e-9, abs=1e-9) == (line.L0, line.L1)
    line = smoothness_line(*secants(x, np.exp(x)))
    step = 3 / 39
    assert pytest.approx(0, abs=1e-9) == line.L0 and pytest.approx(np.expm1(step) / step, rel=1e-9) == line.L1


def test_estimates_serve_where_numbers_are_not_given(tmp_path):
    draws = np.random.default_rng(5)
    x = np.linspace(2, 0, 50)[:, np.newaxis]
    gradients = x[:3, np.newaxis] + 0.3 * draws.standard_normal((3, 40, 1))
    norms = np.abs(x[:, 0] + 0.3 * draws.standard_normal(50))
    found = diagnose(norms, 1.0, step_size=0.05, F0=2.0, gradients=gradients, trajectory=(x, x))
    assert found.noise.low < 0.3 < found.noise.high and "sampled" in str(found)
    assert found.curve("S0*").least > 0 and f"sigma = {found.noise.sigma:g}" in found.assumed
    np.save(tmp_path / "g.npy", gradients)
    np.savez(tmp_path / "t.npz", points=x, gradients=x)
    log = tmp_path / "log.csv"
    log.write_text("step,grad_norm\n" + "".join(f"{t},{g}\n" for t, g in enumerate(norms)), encoding="utf-8")
    arguments = ["diagnose", str(log), "--threshold", "1", "--gradients", str(tmp_path / "g.npy")]
    done = CliRunner().invoke(main, [*arguments, "--trajectory", str(tmp_path / "t.npz")])
    assert done.exit_code == 0 and "sigma_2 =" in done.output and "L0 =" in done.output
    wrong = CliRunner().invoke(main, [*arguments, "--trajectory", str(tmp_path / "g.npy")])
    assert wrong.exit_code == 2 and "points and gradients" in wrong.output


def test_a_log_with_curvatures_gives_the_line_and_measured_leaves_them_out(tmp_path):
    log = tmp_path / "log.csv"
    log.write_text("step,grad_norm,sharpness\n0,1.0,3.0\n1,2.0,5.0\n2,1.5,4.0\n", encoding="utf-8")
    line = diagnose(log, 1.0).smoothness
    assert pytest.approx((1.0, 2.0), rel=1e-9) == (line.L0, line.L1)
    assert list(cb.read_log(log).data_vars) == ["gradient_norm"]


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: noise_level(np.ones((2, 2, 3))), "repetitions >= 3"),
        (lambda: noise_level(np.full((1, 3, 1), np.nan)), "must be finite"),
        (lambda: noise_level(np.ones((1, 3, 1)), p=3), "p must be"),
        (lambda: smoothness_line([1.0], [1.0]), "at least two pairs"),
        (lambda: smoothness_line([1.0, 2.0], [1.0]), "needs both"),
        (lambda: smoothness_line([1.0, 2.0], [1.0, -1.0]), ">= 0"),
        (lambda: smoothness_line([1.0, 2.0], [1.0, 1.0], 0), "share"),
        (lambda: secants([[1.0]], [[1.0]]), "one shape"),
        (lambda: diagnose([1.0], 1.0, trajectory=[1.0]), "points, gradients"),
    ],
)
def test_bad_input_gets_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
