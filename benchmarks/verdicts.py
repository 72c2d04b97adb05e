"""Core-seconds to a decided verdict: python benchmarks/verdicts.py [--budget N]

For each setting the mean m of a quantity is taken from a long run, and the statements "the mean is at most (1 + margin) m" and "at least
(1 - margin) m" are decided at confidence .999 from fresh trajectories (`until_decided`), and by the exact engine where that exists.
"""

import argparse
import time

import clipbounds as cb
from clipbounds.clipping import NormClip
from clipbounds.methods import ClippedSGD
from clipbounds.noise import Gaussian, Pareto, StudentT, TwoPoint
from clipbounds.problems import Cosh, Huber, Quadratic

QUANTITY, STEPS, MARGINS = "mean_gradient_norm", 1000, (0.1, 0.03, 0.01)


class Level(cb.bounds.Bound):
    """A number as a bound of the mean."""

    level: float
    side: str

    quantity, source = QUANTITY, "benchmark"

    @property
    def kind(self):
        return self.side

    def evaluate(self, setting, steps):
        return self.level + 0 * steps


def settings():
    method = ClippedSGD(0.1, NormClip(1.0))
    for law in (TwoPoint(1.0, 0.5), Gaussian(1.0), StudentT(1.5, 1.0), Pareto(1.5, 1.0)):
        yield cb.Setting(Quadratic([1.0], [1.0]), law, method)
    for problem in (Huber(1.0, 1.0, [2.0]), Cosh(1.0, 0.5, [1.0])):
        yield cb.Setting(problem, TwoPoint(1.0, 0.5), method)
    for law in (Gaussian(0.3), StudentT(1.5, 0.3)):
        yield cb.Setting(Quadratic([1.0] * 10, [1.0] * 10), law, method)


def timed(work):
    start = time.process_time()
    return work(), time.process_time() - start


def decided(setting, bounds, budget):
    """(words, trajectories) of `until_decided` on the last checkpoint."""
    found = cb.verdict.until_decided(setting, STEPS, bounds, budget=budget, seed=1, checkpoints=[STEPS])
    return "/".join(sorted({v.verdict for v in found.verdicts})), found.run.sizes["trajectory"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=int, default=2**15, help="largest number of trajectories")
    options = parser.parse_args()
    print("| setting | margin | sampled | trajectories | CPU s | exact | CPU s |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for setting in settings():
        reason = cb.exact.why_not(setting)
        if reason is None:
            mean = float(cb.exact.mean_curves(setting, STEPS, [STEPS]).mean_gradient_norm[0])
        else:
            run = cb.simulate(setting, STEPS, 2**13, seed=0, checkpoints=[STEPS], keep="statistics")
            mean = float(run[QUANTITY].values[-1])
        name = f"{type(setting.problem).__name__} d = {setting.problem.dim}, {type(setting.noise).__name__}"
        for margin in MARGINS:
            bounds = [Level((1 + margin) * mean, "upper"), Level((1 - margin) * mean, "lower")]
            (words, count), seconds = timed(lambda b=bounds, s=setting: decided(s, b, options.budget))
            exact, other = "no", "-"
            if reason is None:

                def by_law(b=bounds, s=setting, m=margin):
                    run = cb.simulate(s, STEPS, engine="exact", checkpoints=[STEPS], tolerance=0.3 * m)
                    return "/".join(sorted({v.verdict for v in cb.compare(run, b).verdicts}))

                exact, other = timed(by_law)
                other = f"{other:.3f}"
            print(f"| {name} | {margin:g} | {words} | {count} | {seconds:.3f} | {exact} | {other} |", flush=True)


if __name__ == "__main__":
    main()
