"""The law of the mean of a batch on the line, against quadrature, exact sums of atoms, and laws whose means are known."""

import dataclasses
import functools
import itertools

import numpy as np
import pytest

import clipbounds as cb
from clipbounds.clipping import NormClip
from clipbounds.methods import ClippedSGD
from clipbounds.noise import Gaussian, Pareto, Rademacher, StudentT, SymmetricPareto, ThreePoint, TwoPoint
from clipbounds.problems import Quadratic
from clipbounds.verdict.sample_law import sample_law
from clipbounds.verdict.sources import sources_of
from clipbounds.verdict.spread import Spread, _sharper, _spread, spread_of

PAIRS = {"Student": StudentT(1.5, 1.0), "Pareto": Pareto(1.5, 1.0), "symmetric": SymmetricPareto(1.4, 0.5)}
ATOMS = {"two points": TwoPoint(1.0, 0.3), "signs": Rademacher(1.0)}
LOW = np.array([-1.3, -1.0, -0.4, 0.1, 0.7, -0.02])
NODES, OFF = 4000, 1.25e-4
HIGH = np.array([0.7, 1.0, 0.3, 1.9, 0.9, 0.03])


def setting(noise, batch, c=1.0, dim=1):
    return cb.Setting(Quadratic([1.0] * dim, [1.0] * dim), noise, ClippedSGD(0.1, NormClip(c), batch_size=batch))


def pair_below(noise, v):
    """P((xi + xi')/2 <= v) = int_0^1 F(2v - Q(u)) du by the midpoint rule: F(2v - Q) falls from 1 to 0, so it errs by OFF at most."""
    u = (np.arange(NODES) + 0.5) / NODES
    return noise.cdf(2 * np.asarray(v)[..., np.newaxis] - noise.quantile(u)).mean(axis=-1)


def integral(values, width):
    """(lower, upper) of the integral of a monotone function from its values on a grid."""
    ends = width * np.array([values[:-1].sum(), values[1:].sum()])
    return ends.min(), ends.max()


@pytest.mark.parametrize("name", PAIRS)
def test_two_draws_against_quadrature(name):
    noise, c = PAIRS[name], 1.0
    law = sample_law(setting(noise, 2, c))
    found = law.between(LOW, HIGH)
    assert np.all(found <= pair_below(noise, HIGH) - pair_below(noise, LOW) + 2 * OFF)
    # and no more below than the moved ends and what is given up
    inner = pair_below(noise, HIGH - 2 * law.blur) - pair_below(noise, LOW + 2 * law.blur)
    assert np.all(found >= np.maximum(inner, 0) - law.lost - 2 * OFF)
    s = np.array([-1.5, 0.0, 0.6])
    low, high = law.clipped_mean(s, c)
    for k, x in enumerate(s):  # E clip(x + xi) = c - int P(xi <= v) over -c - x < v < c - x
        least, most = integral(pair_below(noise, np.linspace(-c - x, c - x, 401)), 2 * c / 400)
        assert c - most - 2 * OFF <= high[k] and low[k] <= c - least + 2 * OFF
    assert np.all(high - low < 0.06)
    # E min(|x|, a)² is the integral of 2 t P(|x| > t) to a; the tail alone is monotone
    t = np.linspace(0, 2.0, 201)
    tail = 1 - pair_below(noise, t) + pair_below(noise, -t)
    least, most = (np.sum(np.diff(t**2) * part) for part in (tail[1:], tail[:-1]))
    assert least - 8 * OFF <= law.capped_moments(2.0)[2.0] <= 1.1 * most + 8 * OFF


@pytest.mark.parametrize("name", ATOMS)
@pytest.mark.parametrize("batch", [2, 5])
def test_atoms_against_all_their_batches(name, batch):
    noise = ATOMS[name]
    values, chances = noise.atoms()
    drawn = np.array(list(itertools.product(range(len(values)), repeat=batch)))
    means, weights = np.asarray(values)[drawn].mean(axis=1), np.asarray(chances)[drawn].prod(axis=1)
    law = sample_law(setting(noise, batch))
    truth = ((means > LOW[:, np.newaxis]) & (means < HIGH[:, np.newaxis])) @ weights
    assert np.all(law.between(LOW, HIGH) <= truth + 1e-15)
    s = np.linspace(-2, 2, 41)
    mean = np.clip(np.add.outer(s, means), -1, 1) @ weights
    low, high = law.clipped_mean(s, 1.0)
    assert np.all((low <= mean) & (mean <= high)) and np.all(high - low < 0.01)
    for p in (1.1, 2.0, 6.0):
        moment = weights @ np.fmin(np.abs(means), 2.0) ** p
        assert moment <= law.capped_moments(2.0)[p] <= 1.1 * moment + 1e-6


def test_a_law_that_forgets_that_draws_were_moved_is_wrong():
    """Negative control: a narrow interval about an atom to which draws were moved."""
    noise = StudentT(1.5, 1.0)
    law = sample_law(setting(noise, 2))
    atom = float(law.atoms[0][np.argmax(law.atoms[1])])
    low, high = np.array([atom - law.blur / 20]), np.array([atom + law.blur / 20])
    true = float((pair_below(noise, high) - pair_below(noise, low))[0])
    assert law.between(low, high)[0] == 0
    assert dataclasses.replace(law, blur=0.0).between(low, high)[0] > 2 * true + 4 * OFF
    # a draw beyond the last cell is given up, and counts as anything
    far = float(law.atoms[0].max()) + law.blur
    assert law.lost >= 1 - (1 - float(noise.sf(far) + noise.cdf(-far))) ** 2 > 1e-3


def test_where_the_law_of_a_mean_is_not_at_hand():
    assert sample_law(setting(StudentT(1.5, 1.0), 8, dim=2)) is None
    assert sample_law(setting(StudentT(1.05, 1.0), 10**6)) is None  # too many atoms
    assert sample_law(setting(TwoPoint(1.0, 0.3, radial=True), 4)) is None
    assert sample_law(setting(Rademacher(1.0), 500)) is None and sample_law(setting(Rademacher(1.0), 499)) is not None
    assert sample_law(setting(StudentT(1.5, 1.0), 16, c=1e-4)) is None  # cells as small as the threshold: too many
    gauss = sample_law(setting(Gaussian(1.0), 4))
    assert gauss.atoms is None and gauss.noise.scale == 0.5


@pytest.mark.parametrize("noise", [StudentT(1.5, 1.0), Pareto(1.5, 1.0), TwoPoint(1.0, 0.3)])
def test_the_spread_of_batches_is_sharper_and_still_true(noise):
    given = setting(noise, 8)
    run = cb.simulate(given, 300, 2048, seed=11, checkpoints=[20, 300])
    values = run.mean_gradient_norm.values
    proved = spread_of(given, "mean_gradient_norm", [20, 300])
    measured = values.var(axis=1)
    error = 5 * np.sqrt(((values - values.mean(axis=1, keepdims=True)) ** 4).mean(axis=1) / 2048)
    assert np.all(measured - error <= proved.variance)
    assert np.all(measured + error > 0.01 * proved.variance)
    # without the law of the mean: each draw is a source, capped at twice the threshold of the batch
    draws = [0.1**2 * min(16.0 ** (2 - r) * noise.moment(r) for r in (1.05, 1.2, 1.4)) / 8 * t for t in (20, 300)]
    if noise.atoms() is None:
        assert np.all(proved.variance < 0.5 * np.array(draws))


EXTREME = [
    (Rademacher(1.0), 1e-6, 2), (TwoPoint(1.0, 1.0), 1e-8, 2), (TwoPoint(1.0, 1e-10), 1.0, 2), (StudentT(3.0, 1e-6), 1.0, 8),
    (StudentT(2.5, 1.0), 1e6, 4), (StudentT(2.5, 1.0), 30.0, 8), (TwoPoint(1.0, 0.03), 30.0, 2), (TwoPoint(1.0, 0.2), 5.0, 8),
    (ThreePoint(1.0, 1.0, 0.001), 30.0, 2), (Gaussian(1.0, radial=True), 5.0, 8),
]  # fmt: skip


@pytest.mark.parametrize(("noise", "c", "batch"), EXTREME)
def test_the_law_of_a_mean_never_makes_a_spread_worse(noise, c, batch):
    """Thresholds far below and far beyond the noise: every fact is at least as sharp as the draws one by one give it."""
    given = setting(noise, batch, c)
    models = sources_of(given)
    steps = np.array([10.0, 300.0])
    arguments = ("mean_gradient_norm", steps, 1.0, None, 0.1)
    alone = _spread(*arguments, models[0])
    both = functools.reduce(_sharper, [_spread(*arguments, model) for model in models])
    assert np.all(both.variance <= alone.variance) and np.all(both.drift <= alone.drift)
    assert all(np.all(both.moments[p] <= alone.moments[p]) for p in alone.moments)
    assert np.all((both.scale <= alone.scale) | (both.jump <= alone.jump))
    if c <= 5:  # no trajectory carries the sample variance
        run = cb.simulate(given, 10, 2048, seed=3, checkpoints=[10]).mean_gradient_norm.values[0]
        error = 5 * np.sqrt(((run - run.mean()) ** 4).mean() / 2048)
        assert run.var() - error <= both.variance[0]


def test_of_two_true_tails_the_one_that_is_narrower_counts():
    def tail(scale, jump):
        ones = np.ones(1)
        return Spread(ones, {2.0: ones}, np.array([scale]), np.array([jump]), ones)

    for one, other in (
        (tail(1.0, 0.0), tail(1.0, 9.0)),
        (tail(1.0, 0.1), tail(4.0, 0.0)),
        (tail(1.0, 0.0), tail(np.inf, np.inf)),
    ):
        for found in (_sharper(one, other), _sharper(other, one)):
            assert (found.scale, found.jump) == (one.scale, one.jump)
