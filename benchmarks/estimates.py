"""What `clipbounds sweep` says at the start that a sweep will take, and what it takes: six sweeps of 1 s to 10 min.

``python benchmarks/estimates.py [workers] [numbers of sweeps, 1 to 6]``; the target is a factor of 1.5. Beside the time of the clock, which
other jobs lengthen, that of the processor is shown: with one worker it is what was estimated.
"""

import os
import sys
import tempfile
import time

from clipbounds.sweep import Sweep, estimate, run

CLIP = {"type": "NormClip", "threshold": "geomspace(0.1, 10, 5)"}
NORMS = {"type": "ClippedSGD", "step_size": "geomspace(1e-3, 1e-1, 20)", "clip": CLIP}


def _quadratic(dim):
    return {"type": "Quadratic", "eigenvalues": [1.0] * dim, "x0": 1.0}


SWEEPS = {
    "1 s: the last checkpoint is before the end": {
        "problem": _quadratic(2), "noise": {"type": "Gaussian", "scale": 1.0}, "method": NORMS, "steps": 10**6,
        "trajectories": 128, "checkpoints": [10, 100, 1000, 5000],
    },
    "5 s: every trajectory is kept": {
        "problem": _quadratic(3), "noise": {"type": "SymmetricPareto", "tail_index": 1.5, "scale": 1.0}, "method": NORMS,
        "steps": 3000, "trajectories": 320, "keep": "trajectories",
    },
    "20 s: many small cells": {
        "problem": _quadratic(2), "noise": {"type": "TwoPoint", "sigma": [1.0, 2.0], "skew": 0.5},
        "method": NORMS | {"step_size": "geomspace(1e-3, 1e-1, 250)"}, "steps": 1000, "trajectories": 64,
    },
    "1 min: two numbers of steps": {
        "problem": {"type": "Cosh", "amplitude": 1.0, "rate": 1.0, "x0": [1.0] * 10}, "noise": {"type": "StudentT", "dof": 3.0, "scale": 1.0},
        "method": NORMS, "steps": [1000, 10000], "trajectories": 576,
    },
    "3 min: two dimensions": {
        "problem": _quadratic(2) | {"eigenvalues": [[1.0, 2.0], [1.0] * 50]}, "noise": {"type": "Stable", "tail_index": 1.5, "scale": 1.0},
        "method": NORMS, "steps": 20000, "trajectories": 192,
    },
    "10 min: two methods": {
        "problem": _quadratic(10), "noise": {"type": "Gaussian", "scale": "geomspace(0.1, 10, 10)"},
        "method": [NORMS, {"type": "SGD", "step_size": "geomspace(1e-3, 1e-1, 20)"}], "steps": 20000, "trajectories": 768,
    },
}  # fmt: skip


def main(workers=1, *numbers):
    """Print a line for each sweep."""
    names = list(SWEEPS)
    for name in [names[number - 1] for number in numbers] or names:
        sweep = Sweep.from_dict({"name": "estimated", **SWEEPS[name]})
        said = estimate(sweep, workers)
        with tempfile.TemporaryDirectory() as folder:
            started, clock = time.process_time(), time.perf_counter()
            run(sweep, f"{folder}/store", workers=workers)
            processor, clock = time.process_time() - started, time.perf_counter() - clock
        print(
            f"{name}; {sweep.size} cells: {said:.2f} s said; processor {processor:.2f} s, ratio {said * workers / processor:.2f};"
            f" clock {clock:.2f} s, ratio {said / clock:.2f}; load {os.getloadavg()[0]:.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
