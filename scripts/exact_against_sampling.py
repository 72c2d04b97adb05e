"""Print sampled means beside the enclosures of the exact engine: the table of docs/numerics.md.

    python scripts/exact_against_sampling.py [trajectories]

f = x²/2 from x_0 = 1, eta = .1, c = 1; four laws, three steps, every mean that the engine has. Two bands: Maurer and Pontil's empirical
Bernstein inequality on the proved range, all bands together at .999, in which the enclosure must lie; and the standard score of the
sampled mean against the middle of the enclosure, which is about normal. The control moves the middle by three times the half width of
the band: it must lie outside, every time. Ten million trajectories take ten minutes on one core.
"""

import sys

import numpy as np

import clipbounds as cb
from clipbounds.noise import Gaussian, Pareto, StudentT, TwoPoint
from clipbounds.verdict import means
from clipbounds.verdict.bands import empirical_bernstein
from clipbounds.verdict.ranges import measured_range
from clipbounds.verdict.sample import take

LAWS = {
    "two-point, q = .5": TwoPoint(1.0, 0.5),
    "Gaussian": Gaussian(1.0),
    "Pareto 1.5": Pareto(1.5, 1.0),
    "Student 1.5": StudentT(1.5, 1.0),
}
STEPS, CHECKPOINTS, SEED, CONFIDENCE = 1000, (10, 100, 1000), 20261127, 0.999


def setting_of(law):
    return cb.Setting(cb.problems.Quadratic([1.0], [1.0]), law, cb.methods.ClippedSGD(0.1, cb.clipping.NormClip(1.0)))


def sampled(law, trajectories):
    """The statistics of a run. One seed: the laws share their random words, so the scores of different laws depend on each other."""
    return cb.simulate(setting_of(law), STEPS, trajectories, SEED, list(CHECKPOINTS), threads=1, keep="statistics")


def proved_band(run, setting, name, error):
    """(low, high) of the mean, wrong with probability at most `error`: nothing of it comes from the exact engine.

    Empirical Bernstein on the proved range and, where the lemma of `verdict.spread` applies, the band of the spread. The lemma speaks of
    the root of the gap, whose range grows like T²: the gap is cut at a level that no sampled value has reached, and what is cut is
    bounded by the spread (`verdict.means.Bets`).
    """
    sample, steps = take(run, name), np.array(CHECKPOINTS)
    facts = means.facts_of(setting, name, steps, measured_range(setting, name, steps))
    if facts.centre is None:
        return means.statistics_band(sample, facts, error)
    bets = means.Bets(facts, sample.count, error / 2)  # its levels do not depend on the sample
    whole = sample.largest <= bets.tops
    low, high = empirical_bernstein(sample.count, sample.mean, sample.variance, facts.low, bets.tops, error=error)
    return np.where(whole, low, -np.inf), np.where(whole, high + bets.above, np.inf)


def compared(run, law, error):
    """For each mean that the exact engine has: (name, step, mean, half width of the band, middle, error, score)."""
    setting = setting_of(law)
    exact = cb.simulate(setting, STEPS, engine="exact", checkpoints=list(CHECKPOINTS), tolerance=1e-5)
    for name in cb.exact.quantities(setting):
        mean, variance = (run[name + end].values for end in ("", "_variance"))
        low, high = proved_band(run, setting, name, error)
        for k, step in enumerate(CHECKPOINTS):
            middle, width = float(exact[name][k]), float(exact[f"{name}_error"][k])
            score = (mean[k] - middle) / np.sqrt(variance[k] / run.attrs["trajectories"])
            yield name, step, mean[k], max(high[k] - mean[k], mean[k] - low[k]), middle, width, score


def table(runs):
    error = (1 - CONFIDENCE) / (6 * len(LAWS) * len(CHECKPOINTS))  # at most six means a run
    scores, failed = [], []
    print("| law | mean | step | sampled | band, relative | enclosure | relative error | score |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, law in LAWS.items():
        for quantity, step, mean, band, middle, width, score in compared(runs(law), law, error):
            print(
                f"| {name} | {quantity} | {step} | {mean:.7f} | {band / mean:.1e} | {middle:.7f} | {width / middle:.0e} | {score:+.2f} |"
            )
            scores.append(score)
            if abs(mean - middle) > band + width or abs(mean - (middle + 3 * band)) <= band + width:
                failed.append((name, quantity, step))
    largest = max(map(abs, scores))
    print(f"\n{len(scores)} means, all enclosures in their bands and all controls outside: {not failed} {failed or ''}")
    print(f"largest score {largest:.2f}, mean square {np.mean(np.square(scores)):.2f} (dependent)")


if __name__ == "__main__":
    trajectories = int(sys.argv[1]) if len(sys.argv) > 1 else 10**7
    table(lambda law: sampled(law, trajectories))
