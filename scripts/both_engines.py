"""Run experiments by both engines and print whether their rows say the same: the table of docs/numerics.md.

    python scripts/both_engines.py BUDGET[:NODES] NAME...        (names as `clipbounds list` prints them; all without names)

Each experiment runs three times on the same trajectories, which a journal keeps. First as it is. Then with the means that the exact engine
has in the place of the sampled ones: verdicts of `compare` by the enclosures, and for a band of an experiment's own making a run
whose trajectories lie on the ends of the enclosures, in all combinations over the checkpoints, so that whatever is affine in the
means is enclosed by its least and largest value. Last blindly, the enclosures widened to nothing known: the rows that change rest on the engine.
Nothing is written but the journal, in .clipbounds/both.
"""

import contextlib
import importlib
import sys
import time
from pathlib import Path
from unittest import mock

import numpy as np

from clipbounds.exact import atoms, quantities, run_of, why_not
from clipbounds.report import style
from clipbounds.report.catalogue import find_experiments, identifier
from clipbounds.report.lab import Lab
from clipbounds.report.runner import load
from clipbounds.verdict import bands

ROOT = Path(__file__).parent.parent
# of the norms that rows speak of, on grids of NODES at once; the second where the first is out of reach
TOLERANCES = (0.1, 0.5)
NORMS = ("gradient_norm", "mean_gradient_norm")
PATIENCE = 10  # times the work that the engine allows itself: the step sizes of these experiments are as small as 1e-4
NODES = 4096
MODES = ("sampled", "exact", "blind")
DECIDERS = [importlib.import_module(f"clipbounds.verdict.{name}") for name in ("compare", "sequential")]


class Engines:
    """What the exact engine knows of the runs of one experiment, each asked once."""

    def __init__(self):
        self.found, self.reasons, self.seconds, self.originals = {}, {}, 0.0, {}

    def count(self, reason):
        self.reasons[reason] = self.reasons.get(reason, 0) + 1

    def exact(self, setting, steps, checkpoints):
        """The run of engine="exact", or None."""
        key = setting.digest, steps, tuple(checkpoints)
        if key not in self.found:
            started, self.found[key], trouble = time.process_time(), None, ""
            wanted = [name for name in NORMS if name in quantities(setting)]
            for tolerance in TOLERANCES:
                try:
                    self.found[key] = run_of(setting, steps, np.asarray(checkpoints), tolerance, "exact", wanted)
                    break
                except ValueError as error:
                    trouble = str(error)
                    if "out of reach" not in trouble:
                        break
            if self.found[key] is None:
                self.count(why_not(setting) or trouble)
            self.seconds += time.process_time() - started
        return self.found[key]


def on_the_ends(run, exact, blind):
    """The run with trajectories on the ends of the enclosures: row r has its high end where bit r of the trajectory's number is 1."""
    rows, count = run.sizes["checkpoint"], run.sizes["trajectory"]
    if 2**rows > count:
        return run
    high = (np.arange(count) >> np.arange(rows)[:, np.newaxis]) & 1
    changed = {}
    for name in quantities_of(exact):
        value, error = (exact[name + end].values[:, np.newaxis] for end in ("", "_error"))
        error = error + 1e3 * (np.abs(value) + 1) if blind else error
        changed[name] = (("checkpoint", "trajectory"), value + np.where(high, error, -error))
    return run.assign(changed)


def quantities_of(exact):
    return [name for name in exact.data_vars if f"{name}_error" in exact]


def is_on_ends(values):
    """Whether an array is made of such ends: it repeats itself, which draws never do."""
    n = values.size
    return any(n % p == 0 and p < n and np.array_equal(values, np.tile(values[:p], n // p)) for p in (1, 2, 4, 8))


class BothLab(Lab):
    """A lab whose runs come from one of the engines where both exist."""

    def __init__(self, budget, journal, engines, mode):
        super().__init__(budget, journal=journal)
        self.engines, self.mode, self.replaced = engines, mode, 0

    def simulate(self, setting, steps, trajectories=1, **options):
        run = super().simulate(setting, steps, trajectories, **options)
        exact = self.engines.exact(setting, steps, run["checkpoint"].values)
        if self.mode == "sampled" or exact is None or "trajectory" not in run.dims:
            return run
        self.replaced += 1
        self.engines.originals[setting.digest, steps, tuple(run["checkpoint"].values)] = run
        return on_the_ends(run, exact, self.mode == "blind")


def decided(original, lab):
    """`decide` by the enclosures where there are some, else on the trajectories as they were."""

    def decide(run, setting, bounds, *rest, **options):
        key = setting.digest, run.attrs["steps"], tuple(run["checkpoint"].values)
        sampled = lab.engines.originals.get(key, run)
        if lab.mode == "sampled" or key not in lab.engines.originals:
            return original(sampled, setting, bounds, *rest, **options)
        exact = lab.engines.found[key]
        if lab.mode == "blind":
            exact = exact.assign({f"{n}_error": exact[f"{n}_error"] + np.inf for n in quantities_of(exact)})
        known = [b.aggregate == "mean" and b.quantity in quantities_of(exact) for b in bounds]
        return [
            original(exact if mine else sampled, setting, [bound], *rest, **options)[0]
            for bound, mine in zip(bounds, known, strict=True)
        ]

    return decide


def guarded(original):
    def guarded_normal(values, *rest, **options):
        values = np.asarray(values)
        return (values.min(), values.max()) if is_on_ends(values) else original(values, *rest, **options)

    return guarded_normal


def rows_of(file, budget, engines, mode):
    """(rows, how many runs were replaced)."""
    lab = BothLab(budget, ROOT / ".clipbounds" / "both", engines, mode)
    with contextlib.ExitStack() as patched:
        patched.enter_context(style.context())
        for module in DECIDERS:
            patched.enter_context(mock.patch.object(module, "decide", decided(module.decide, lab)))
        patched.enter_context(mock.patch.object(bands, "guarded_normal", guarded(bands.guarded_normal)))
        return load(file).run(lab).rows, lab.replaced


def agreement(sampled, exact):
    """One word on a row: same, decides, loses, or CONTRADICTS."""
    if sampled == exact:
        return "same"
    if sampled == "undecided":
        return "decides"
    return "loses" if exact == "undecided" else "CONTRADICTS"


def compared(file, budget):
    """One line a row that rests on the engine, and the counts of the experiment."""
    engines, found, replaced = Engines(), {}, 0
    for mode in MODES:
        found[mode], replaced = rows_of(file, budget, engines, mode)
        if mode == "exact" and not replaced:
            break
    known, all_runs = sum(run is not None for run in engines.found.values()), len(engines.found)
    words = []
    if replaced:
        for sampled, exact, blind in zip(*(found[mode] for mode in MODES), strict=True):
            if blind.verdict != exact.verdict:
                words.append(agreement(sampled.verdict, exact.verdict))
                print(f"  {words[-1]}: {sampled.verdict} and {exact.verdict}: {sampled.claim}", flush=True)
                print(f"    {sampled.measured}  ->  {exact.measured}", flush=True)
            elif sampled.verdict != exact.verdict:  # the enclosures say no more than nothing: a finer grid would
                words.append(agreement(sampled.verdict, exact.verdict))
                print(f"  {words[-1]} as blindly: {sampled.verdict} and {exact.verdict}: {sampled.claim}", flush=True)
    counts = ", ".join(f"{words.count(w)} {w}" for w in dict.fromkeys(words)) or "none rests on it"
    print(
        f"| {identifier(file)} | {len(found['sampled'])} | {all_runs} | {known} | {len(words)} | {counts} | {engines.seconds:.0f} |",
        flush=True,
    )
    for reason, times in engines.reasons.items():
        print(f"    {times} x {reason}", flush=True)


def main(budget, names):
    budget, _, nodes = budget.partition(":")
    atoms.WORK *= PATIENCE
    atoms.FEW = atoms.MOST = int(nodes or NODES)
    print(
        "| experiment | rows | settings | with an exact engine | rows that rest on it | verdicts | s |\n"
        + "| --- " * 7
        + "|"
    )
    for file in find_experiments(ROOT):
        if not names or identifier(file) in names:
            compared(file, budget)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "standard", sys.argv[2:])
