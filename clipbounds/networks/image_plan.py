"""What the experiment `cifar100` runs, fixed before it ran: methods, recipes, the rule of tuning, sizes.

Thresholds follow one rule: half the median norm of the unit's gradient in the first epoch of momentum SGD (17.6 for samples,
6.8 for means of 8, 2.6 for means of 64: seed 0, step size .02, 10000 images); the schedule has it in the middle of the batch,
at k = 32. Step sizes are tuned, four a method, twice as large for clipping, which makes gradients half as long. The rule:
least mean validation loss after the last epoch over `TUNING_SEEDS`; where the best is the first or the last of its row, one more
beyond it is tried, once. Fresh seeds then confirm: seeds outside, methods inside, so that what is cut off is still paired.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from .images import ImageRun

if TYPE_CHECKING:
    from typing import Any

BETA = 1.5
SCHEDULE = round(8.8 / 32 ** (1 / BETA), 2)
STEPS = (0.005, 0.01, 0.02, 0.04)
METHODS = {  # groups, alpha, beta, step sizes
    "momentum SGD": (None, np.inf, np.inf, STEPS),
    "batch clipping": (1, 1.3, np.inf, tuple(2 * s for s in STEPS)),
    "PS-Clip, schedule": (64, SCHEDULE, BETA, tuple(2 * s for s in STEPS)),
    "PS-Clip, constant": (64, 8.8, np.inf, tuple(2 * s for s in STEPS)),
    "micro-batches of 8": (8, 3.4, np.inf, tuple(2 * s for s in STEPS)),
}
TUNING = dict(images=8000, epochs=2, tuning=True)
TUNING_SEEDS = (1, 2)
# side product: norms of the gradients of single samples in a training by momentum SGD
NORMS = ImageRun(0.02, None, np.inf, np.inf, seed=1, images=8000, epochs=2, tuning=True, norms=2000)


@dataclasses.dataclass(frozen=True)
class Size:
    """Images, epochs and fresh seeds of the confirmation, and shares of wrong labels."""

    images: int
    epochs: int
    seeds: tuple
    noises: tuple


SIZES = {  # quick: step sizes untuned
    "quick": Size(1000, 1, (100, 101), (0.0,)),
    "standard": Size(10_000, 4, (100, 101, 102), (0.0,)),
    "full": Size(25_000, 10, (100, 101, 102, 103, 104), (0.0, 0.2)),
}


def made(method: str, step_size: float, seed: int, **size: Any) -> ImageRun:
    """The run of a method."""
    groups, alpha, beta, _ = METHODS[method]
    return ImageRun(step_size, groups, alpha, beta, seed=seed, **size)


def tuning_runs(method: str, steps: Iterable[float]) -> list[ImageRun]:
    """The runs that tune a method, a step size and a seed each."""
    return [made(method, s, seed, **TUNING) for s in steps for seed in TUNING_SEEDS]


def scores(method: str, runs: dict) -> dict[float, float]:
    """Mean validation loss over the tuning seeds, by step size, of those that have finished; inf for what diverged."""
    row, found = METHODS[method][3], {}
    for step in (row[0] / 2, *row, row[-1] * 2):
        losses = [runs[run]["loss"][-1] for run in tuning_runs(method, [step]) if run in runs]
        if len(losses) == len(TUNING_SEEDS):
            found[step] = float(np.mean([loss if np.isfinite(loss) else np.inf for loss in losses]))
    return found


def tuned(method: str, runs: dict) -> tuple[float | None, float | None]:
    """(the best step size, the step size that is yet to be tried beyond it or None); (None, None) if runs of the row lack."""
    row, found = METHODS[method][3], scores(method, runs)
    if not set(row) <= set(found):
        return None, None
    beyond = {row[0]: row[0] / 2, row[-1]: row[-1] * 2}.get(min(row, key=lambda step: found[step]))
    return min(found, key=lambda step: found[step]), None if beyond in found else beyond


def best_steps(runs: dict) -> dict[str, float]:
    """The best step size of every method; empty while tuning has not finished."""
    both = {m: tuned(m, runs) for m in METHODS}
    done = all(best is not None and beyond is None for best, beyond in both.values())
    return {m: best for m, (best, _) in both.items() if best is not None} if done else {}


def untuned_steps() -> dict[str, float]:
    """The second of each row."""
    return {m: row[1] for m, (*_, row) in METHODS.items()}


def confirmation(size: Size, steps: dict[str, float], noise: float) -> dict[tuple[int, str], ImageRun]:
    """Runs by (seed, method), seeds outside."""
    fixed = dict(images=size.images, epochs=size.epochs, noise=noise)
    return {(seed, m): made(m, s, seed, **fixed) for seed in size.seeds for m, s in steps.items()}
