"""Exact finite laws in one to three dimensions against Lemma B1, the cosh step, and one step of the method; .96 sigma as control."""

import numpy as np
import pytest
from random_nobile2026 import EXPONENTS, batch, clipped, law

from clipbounds.bounds.nobile2026.exponential import centred_constant, hilbert_factor
from clipbounds.bounds.nobile2026.mean_step import MeanStep
from clipbounds.bounds.nobile2026.sharp_bias import sharp_bias
from clipbounds.bounds.nobile2026.step_exponent import Grid, StepExponent

SLACK = 1e-9  # rounding of exponentials of numbers up to 30
POINT = Grid(1, 24, 0.1, 64)


def bias_ratios(draw, fed):
    """Lemma B1: (i) or (ii), and (iii); the variance of `MeanStep`."""
    p, dim, tau = draw.choice(EXPONENTS), draw.integers(1, 4), 10 ** draw.uniform(-1, 1.5)
    norm = tau * (draw.uniform(0, 1) if draw.random() < 0.7 else 10 ** draw.uniform(0, 0.7))
    atoms, weights = law(draw, p, dim, norm, tau)
    mean = weights @ clipped(atoms, tau)
    gradient = np.zeros(dim)
    gradient[0] = norm
    loss = min(norm, tau) - mean[0]
    directional = loss / float(sharp_bias(abs(tau - norm), fed, p))
    whole = np.linalg.norm(mean - gradient) / float(sharp_bias(tau - norm, fed, p)) if norm <= tau else 0.0
    lipschitz = np.linalg.norm(mean - clipped(gradient[np.newaxis], tau)[0]) / fed
    spread = weights @ np.sum((clipped(atoms, tau) - mean) ** 2, axis=1)
    _, variance = MeanStep([tau], fed, p, 1.0).mean_progress(norm)
    return {"(i)": whole, "(ii)": directional, "(iii)": lipschitz, "variance": spread / float(variance[0])}


def cosh_ratios(draw, fed):
    """E cosh(theta‖x + clip X - g‖)/cosh(theta‖x‖) - 1 over its bound, at G = 0 and at 0 < G < tau."""
    p, dim, tau = draw.choice(EXPONENTS), draw.integers(1, 4), 10 ** draw.uniform(-0.5, 2.5)
    norm = (
        0.0 if draw.random() < 0.5 else tau * (draw.uniform(0, 1) if draw.random() < 0.5 else 10 ** draw.uniform(-3, 0))
    )
    atoms, weights = law(draw, p, dim, norm, tau)
    theta = 10 ** draw.uniform(-1.5, 0.8) / tau
    place = draw.standard_normal(dim) * 10 ** draw.uniform(-1, 1.2) / theta
    if draw.random() < 0.5:
        place[1:] = 0.0
    gradient = np.zeros(dim)
    gradient[0] = norm
    sizes = theta * np.linalg.norm(place + clipped(atoms, tau) - gradient, axis=1)
    here = theta * np.linalg.norm(place)
    excess = weights @ (np.exp(sizes - here) + np.exp(-sizes - here)) / (1 + np.exp(-2 * here)) - 1
    if norm == 0:
        return {"centred": excess / (fed**p * float(centred_constant(theta, tau, p)))}
    return {"hilbert": excess / (float(hilbert_factor(theta, tau, norm, fed, p)) - 1)}


def step_ratios(draw, fed):
    """E exp(lambda Y) over exp(-(lambda eta/2) Psi), plain and cut, enumerated; Phi* in expectation."""
    p, dim, n = draw.choice(EXPONENTS), draw.integers(1, 4), draw.integers(1, 4)
    tau = 10 ** draw.uniform(-0.3, 1.3)
    thresholds = np.full(n, tau) if draw.random() < 0.6 else tau * np.arange(1, n + 1) ** (1 / p)
    norm = 0.0 if draw.random() < 0.2 else tau * 10 ** draw.uniform(-2, 0.4)
    atoms, weights = law(draw, p, dim, norm, tau)
    mean, chance = batch(atoms, weights, thresholds)
    omega = 1.0 if draw.random() < 0.4 else 10 ** draw.uniform(-2, 0)
    lipschitz = 10 ** draw.uniform(-1, 1)
    eta = omega / lipschitz
    step = MeanStep(thresholds, fed, p, omega)
    lam = 10 ** draw.uniform(-3, 1.3) / (eta * tau * max(tau * omega, norm))
    change = -eta * norm * mean[:, 0] + 0.5 * lipschitz * eta**2 * np.sum(mean**2, axis=1)
    edges = np.array([norm, norm * (1 + 1e-9) + 1e-12])
    found = {}
    for name, failure in (("plain", 0.0), ("cut", 10 ** draw.uniform(-4, -0.5))):
        exponent_ = StepExponent(step, eta, edges, failure, POINT)
        bound = -0.5 * lam * eta * exponent_.minorant(lam).least[0]
        inside = np.ones(chance.size, bool)
        if failure:
            spread = np.linalg.norm(mean - chance @ mean, axis=1)
            inside = spread <= exponent_.radius[0]
            found["radius"] = chance[~inside].sum() / failure
        if np.any(inside):
            exact = np.log(chance[inside] @ np.exp(lam * (change[inside] - change.max()))) + lam * change.max()
            found[name] = np.exp(min(exact - bound, 100.0))
            if bound > 1e-3:
                found[f"log {name}"] = exact / bound
    ell, variance = step.mean_progress(norm)
    gain = 0.5 * eta * float(2 * norm * ell[0] - omega * (ell[0] ** 2 + variance[0]))
    # relative to the size of the terms, as the gain may be 0
    scale = 0.5 * eta * (2 * norm * tau + omega * tau**2)
    found["expectation"] = 1 + (chance @ change + gain) / scale
    return found


def attack(ratios, seed, count, fed=1.0):
    """The largest ratio of each kind over `count` laws."""
    draw, largest = np.random.default_rng(seed), {}
    for _ in range(count):
        for name, ratio in ratios(draw, fed).items():
            largest[name] = max(largest.get(name, -np.inf), float(ratio))
    return largest


CLOSE = 0.99  # the largest ratio of ten thousand laws, for every kind below
# (iii) is loose by nature: what is lost at the sphere is at most sigma/2 (page: .499); a Chernoff radius is, too
KINDS = {bias_ratios: ("(i)", "(ii)", "variance"), cosh_ratios: ("centred", "hilbert"), step_ratios: ("plain", "cut", "expectation")}  # fmt: skip
FEW = {bias_ratios: 800, cosh_ratios: 4000, step_ratios: 800}  # "hilbert" comes closer than .96 only among thousands


@pytest.mark.parametrize("ratios", KINDS, ids=lambda f: f.__name__)
def test_no_exact_law_is_above(ratios):
    found = attack(ratios, 1, FEW[ratios])
    assert max(found.values()) <= 1 + SLACK, found


@pytest.mark.full
@pytest.mark.parametrize("ratios", KINDS, ids=lambda f: f.__name__)
def test_no_exact_law_is_above_in_ten_thousand_and_some_come_close(ratios):
    found = attack(ratios, 2, 10_000)
    assert max(found.values()) <= 1 + SLACK, found
    assert all(found[name] >= CLOSE for name in KINDS[ratios]), found


@pytest.mark.parametrize("ratios", KINDS, ids=lambda f: f.__name__)
def test_the_same_attack_beats_bounds_that_are_fed_a_smaller_sigma(ratios):
    """Negative control: .96 sigma. Every kind that is tight must be beaten."""
    found = attack(ratios, 1, FEW[ratios], fed=0.96)
    assert all(found[name] > 1 + SLACK for name in KINDS[ratios]), found
