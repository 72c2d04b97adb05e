"""The exact mean squared error at finite n: the page's values, a dense check of the dual, exact laws, and .96 sigma as control."""

import numpy as np
import pytest
from random_nobile2026 import clipped, law

from clipbounds.bounds import nobile2026 as nb
from clipbounds.bounds.nobile2026.worst_mse import _Batch

# theory page per-sample-2, reference values: p, n, lam, schedule, certified upper, attained lower, C_n of the first page
REFERENCE = [
    (1.2, 2, 1.0, "growing", 0.6574910383954954, 0.6574901312368594, 1.081599359350475),
    (1.2, 32, 1.0, "growing", 0.45742049814337166, 0.4573873546019538, 0.6129307405860064),
    (1.2, 16, 0.3, "constant", 0.3816794324668181, 0.38167789096181765, 0.5997835213799775),
    (1.5, 8, 1.0, "growing", 0.6186910431035695, 0.6186653501843123, 0.7432697879918619),
    (1.5, 4, 0.4, "constant", 0.6324586381894468, 0.6324555320336762, 0.6324476850516284),
    (1.8, 2, 1.0, "growing", 0.9259125152210053, 0.9258747122872905, 1.2110251288700913),
    (1.8, 32, 1.0, "growing", 0.7616086609805643, 0.761470027967159, 0.7986289451273976),
    (1.8, 16, 0.3, "constant", 0.78601552919747, 0.7860030855966228, 0.8023461485725347),
    (2.0, 8, 1.0, "growing", 1.00023290719942, 1.0, 1.1249996111111111),
    (2.0, 4, 0.4, "constant", 0.73393267692011, 0.7321179551323237, 1.0000000000000002),
]
TABLE = {1.2: (0.6575, 0.5508, 0.4937, 0.4574), 1.5: (0.7937, 0.6740, 0.6187, 0.5814), 1.8: (0.9259, 0.8572, 0.7997, 0.7615), 2.0: (1, 1, 1, 1)}  # fmt: skip


@pytest.mark.parametrize("p, n, scale, schedule, upper, lower, joint", REFERENCE)
def test_the_reference_is_met_and_the_certificates_enclose(p, n, scale, schedule, upper, lower, joint):
    found = nb.exact_mse(n, scale, p, schedule)
    assert found.lower <= upper and lower <= found.upper
    assert found.lower <= found.upper <= found.lower * (1 + 2e-3)
    assert found.upper == pytest.approx(upper, rel=2e-3) and found.lower == pytest.approx(upper, rel=2e-3)
    page = nb.joint_constant(p, scale, n, "constant" if schedule == "constant" else "growing")
    assert page == pytest.approx(joint, rel=2e-5) and found.upper <= page * (1 + 1e-9)


@pytest.mark.parametrize("p", TABLE)
@pytest.mark.parametrize("n", [2, 4, 8, 32])
def test_the_table_of_the_page(p, n):
    value = TABLE[p][(2, 4, 8, 32).index(n)]
    found = nb.exact_mse(n, 1.0, p)
    assert found.lower == pytest.approx(value, rel=2e-3) and found.upper == pytest.approx(value, rel=2e-3)


def test_constant_thresholds_where_the_closed_form_is_exact():
    """lam = 1: 1 for every n, p, attained by ±tau with probability n^{-1}; lam = .4, p = 1.5: lam^{2-p} from n = 4 on."""
    for n, p in ((1, 1.3), (3, 1.7), (16, 1.2), (16, 2.0)):
        found = nb.exact_mse(n, 1.0, p, "constant")
        assert found.lower <= 1 <= found.upper <= 1.0005
    for n in (4, 9, 30):
        found = nb.exact_mse(n, 0.4, 1.5, "constant")
        assert found.lower <= 0.4**0.5 * (1 + 1e-9) and found.upper * (1 + 1e-9) >= 0.4**0.5


@pytest.mark.parametrize(
    "n, scale, p, schedule", [(4, 1.0, 1.3, "growing"), (9, 0.2, 1.05, "constant"), (3, 5.0, 2.0, "growing")]
)
def test_the_dual_bounds_the_lagrangian_everywhere(n, scale, p, schedule):
    """nu + mu against a dense grid of x on both sides, for random multipliers, w and b0: never below it, and not far above."""
    draw = np.random.default_rng(5)
    tau = nb.growing_thresholds(scale, p, n) if schedule == "growing" else np.full(n, scale * n ** (1 / p))
    batch = _Batch(tau, p)
    size = np.geomspace(1e-4, 1e14 if p < 1.1 else 1e6, 400_001) * tau[-1]
    missed = 0
    for _ in range(5):
        w, bias = batch.most * draw.uniform(), batch.most * draw.uniform(0, 1.5, batch.tau.size)
        mu, alpha = 10 ** draw.uniform(-1, 0.5), draw.uniform(-1, 1) * batch.unit * w
        every = np.repeat(bias, batch.repeats.astype(int))  # by the definition, sample by sample
        highest = 0.0  # F_w(0)
        for sign in (1, -1):
            excess = np.maximum(size[:, None] - np.sort(tau), 0)
            F = 2 * w * sign * excess.mean(axis=1) + (np.minimum(size[:, None], tau) ** 2).sum(axis=1) / n**2
            F -= 2 / n**2 * sign * excess @ every
            highest = max(highest, np.max(batch.unit * F - alpha * sign * size - mu * size**p))
        bound, _ = batch.dual(batch.pieces(w, bias), mu, alpha)
        assert mu + highest - 1e-9 * abs(bound) <= bound <= (mu + highest) * (1 + 1e-4)
        missed += batch.dual(batch.pieces(0.8 * w, bias), mu, alpha)[0] < (mu + highest) * (1 - 1e-6)
    assert missed  # control: for a smaller w it falls below


CASES = [(1, 1.0, 1.5, "growing"), (2, 1.0, 1.2, "growing"), (4, 1.0, 1.5, "growing"), (3, 0.5, 2.0, "constant"), (8, 1.0, 1.8, "growing"), (5, 0.3, 1.5, "constant")]  # fmt: skip


def attack(seed, count, fed=1.0):
    """Largest exact mean squared error over the upper value for sigma = `fed`, laws in one to three dimensions of size 1."""
    draw, worst = np.random.default_rng(seed), {}
    for k in range(count):
        n, scale, p, schedule = CASES[k % len(CASES)]
        tau = nb.growing_thresholds(scale, p, n) if schedule == "growing" else np.full(n, scale * n ** (1 / p))
        if draw.random() < 0.5:
            atoms, weights = law(draw, p, int(draw.integers(1, 4)), 0.0, draw.choice(tau))
        else:  # mass at thresholds on both sides, the rest at zero; centred by its weights
            places = np.array([-draw.choice(tau), draw.choice(tau)]) * np.where(
                draw.random(2) < 0.5, 1.0, draw.uniform(0.5, 2, 2)
            )
            share = np.array([places[1], -places[0]]) / (places[1] - places[0])
            mass = min(1.0, 1 / (share @ np.abs(places) ** p))
            atoms = np.append(places, 0.0)[:, None]
            weights = np.append(mass * share, 1 - mass)
        error = sum(weights @ np.sum(clipped(atoms, t) ** 2, axis=1) for t in tau) / n**2
        means = np.array([weights @ clipped(atoms, t) for t in tau])
        error += np.sum(means.mean(axis=0) ** 2) - np.sum(means**2) / n**2
        bound = nb.exact_mse(n, scale / fed, p, schedule).upper * fed**2
        ratio = error * n ** (2 * (p - 1) / p) / bound
        worst[k % len(CASES)] = max(worst.get(k % len(CASES), 0.0), ratio)
    return worst


def test_no_exact_law_is_above():
    worst = attack(1, 600)
    assert max(worst.values()) <= 1 + 1e-9


@pytest.mark.full
def test_no_exact_law_is_above_in_ten_thousand():
    worst = attack(2, 12_000)
    assert max(worst.values()) <= 1 + 1e-9 and max(worst.values()) >= 0.99, worst


def test_the_same_laws_beat_the_value_for_a_smaller_sigma():
    """Negative control: .96 sigma."""
    assert max(attack(1, 600, fed=0.96).values()) > 1.01


@pytest.mark.parametrize(
    "n, scale, p", [(4, 0.01, 1.5), (4, 1.0, 1.01), (4, 0.1, 1.05), (2, 1e-3, 1.02), (8, 50.0, 1.3), (3, 0.05, 1.001)]
)
@pytest.mark.parametrize("schedule", ["growing", "constant"])
def test_small_scales_and_p_near_one_are_solved_or_refused(n, scale, p, schedule):
    try:
        found = nb.exact_mse(n, scale, p, schedule)
    except ValueError as error:
        assert "\n" not in str(error) and "take a larger scale or p, or use joint_constant" in str(error)
    else:
        assert 0 < found.lower <= found.upper <= found.lower * (1 + 2.1e-3)
        tau = nb.growing_thresholds(scale, p, n) if schedule == "growing" else np.full(n, scale * n ** (1 / p))
        assert found.upper <= n ** (2 * (p - 1) / p) * tau.mean() ** 2 * (1 + 1e-8)  # ‖ghat‖ <= mean tau
        # the lower value is attained by its law, by another computation
        x, weights = found.law.atoms[:, 0], found.law.weights
        assert weights @ np.abs(x) ** p <= 1 + 1e-9 and abs(weights @ x) <= 1e-9 * max(1, weights @ np.abs(x))
        means = np.array([weights @ np.clip(x, -t, t) for t in tau])
        squares = np.array([weights @ np.clip(x, -t, t) ** 2 for t in tau])
        error = means.mean() ** 2 + np.sum(squares - means**2) / n**2
        assert error * n ** (2 * (p - 1) / p) == pytest.approx(found.lower, rel=1e-6)


@pytest.mark.parametrize(
    "change, words",
    [
        (dict(count=0), "count must be an integer >= 1"), (dict(scale=0.0), "scale must be in"), (dict(p=2.5), "tail exponent p"),
        (dict(p=1.0), "tail exponent p"), (dict(schedule="other"), "schedule must be one of"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence(change, words):
    with pytest.raises(ValueError, match=words):
        nb.exact_mse(**(dict(count=4, scale=1.0, p=1.5) | change))


def test_the_paper_s_schedule_has_one_value_under_both_names():
    first, second = (nb.exact_mse(3, 1.0, 1.5, name) for name in ("growing", "paper"))
    assert (first.lower, first.upper) == (second.lower, second.upper)
    assert nb.exact_mse(3, 1.0, 1.5, "constant").lower != first.lower
