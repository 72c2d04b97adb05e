"""False verdicts of `until_decided` by sampling, on means that the exact engine knows: python tests/verdict/sequence_alarms.py [REPETITIONS]

Each repetition asks, at confidence .95 and with looks at 128, 256 and 512 trajectories, for the two false statements "the mean is at most
(1 - 1e-5) m" and "at least (1 + 1e-5) m"; a verdict "holds" on either is an error. m is enclosed to 1e-6 by the law of the iterate, which no
sampling enters.
"""

import sys

from toy_bounds import LevelOf as Level

import clipbounds as cb
from clipbounds.clipping import NormClip
from clipbounds.methods import ClippedSGD
from clipbounds.noise import Gaussian, Pareto, StudentT
from clipbounds.problems import Quadratic
from clipbounds.verdict import clopper_pearson, until_decided

CONFIDENCE, STEPS, OFF, REPETITIONS = 0.95, 20, 1e-5, 10_000


def null(law, threshold=1.0):
    return cb.Setting(Quadratic([1.0], [1.0]), law, ClippedSGD(0.1, NormClip(threshold)))


SETTINGS = {
    "Gaussian": null(Gaussian(1.0)),
    "Pareto 1.5": null(Pareto(1.5, 1.0)),
    "Student 1.5, c = 5": null(StudentT(1.5, 1.0), 5.0),
}


def mean_of(setting):
    run = cb.simulate(setting, STEPS, engine="exact", checkpoints=[STEPS], tolerance=1e-6)
    mean = float(run.mean_gradient_norm[0])
    if float(run.mean_gradient_norm_error[0]) > 0.1 * OFF * mean:
        raise AssertionError("the enclosure is not fine enough for the false statements")
    return mean


def errors(setting, mean, repetitions, first=0, facts=None):
    """Number of repetitions with a false verdict; `facts` may be a wrong range, for the negative control."""
    statements = [Level((1 - OFF) * mean, "upper"), Level((1 + OFF) * mean, "lower")]
    wrong = 0
    for seed in range(first, first + repetitions):
        found = until_decided(
            setting, STEPS, statements, start=128, budget=512, seed=seed, confidence=CONFIDENCE, checkpoints=[STEPS],
            threads=1, engine="sample", **({} if facts is None else {"ranges": {"mean_gradient_norm": facts}}),
        )  # fmt: skip
        wrong += any(v.verdict == "holds" for v in found.verdicts)
    return wrong


def main(repetitions=REPETITIONS):
    print("| setting | false verdicts | repetitions | 99 % limit of the rate | nominal |")
    print("| --- | --- | --- | --- | --- |")
    for name, setting in SETTINGS.items():
        wrong = errors(setting, mean_of(setting), repetitions)
        limit = float(clopper_pearson(wrong, repetitions, 0.99, sides=1)[1])
        print(f"| {name} | {wrong} | {repetitions} | {limit:.2g} | {1 - CONFIDENCE:.2g} |", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
