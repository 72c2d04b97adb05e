"""The instances that the experiments and tests of yu2023 share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...methods import SClipEF
from ...problems import ClientQuadratics

if TYPE_CHECKING:
    from typing import Any

    from ...array_types import ArrayLike
    from ...methods.base import Method
    from ...problems.base import Problem

# numpy's default_rng(256) draws clients whose mean Hessian has the smallest eigenvalue 2.69946, next to the 2.700 of the
# theory page; the first of seeds 0..1999 within .001 (the law of mubar over draws has mean 2.98 and deviation .26)
SEED = 256
MAIN: dict[str, Any] = dict(clients=10, dim=5, seed=SEED, condition=10.0)

# one-dimensional clients of section 4: x* = 6, client gradients (6, 6, -12) there
CURVATURES, MINIMISERS = (1.0, 1.0, 3.0), (0.0, 0.0, 10.0)


def main_problem(distance: float = 10.0, clients: int = 10) -> ClientQuadratics:
    """n clients, d = 5, spectra geometric in [1, 10], random rotations, b_i ~ N(0, I), x0 = x* + distance·v."""
    return ClientQuadratics.random(**{**MAIN, "clients": clients}, distance=distance)


def line_problem(x0: float = 6.0, noise_scales: ArrayLike | None = None) -> Problem:
    """Three clients on the line, a = (1, 1, 3), b = (0, 0, 10)."""
    return ClientQuadratics.scalar(CURVATURES, MINIMISERS, x0, noise_scales=noise_scales)


def alike_problem(x0: float = 5.0) -> ClientQuadratics:
    """Three clients on the line with equal curvature 1 and minimisers -1, 0, 4: D1 applies up to theta = .9145."""
    return ClientQuadratics.scalar((1.0, 1.0, 1.0), (-1.0, 0.0, 4.0), x0)


def ablations(theta: float, **options: Any) -> dict[str, Method]:
    """Variants of SClip-EF with the same effective step theta/s, by name."""
    return {
        "SClip-EF": SClipEF.standard(theta, **options),
        "no feedback": SClipEF.standard(theta, error_feedback=False, **options),
        "no smoothing": SClipEF.standard(theta, smooth=False, **options),
        "neither": SClipEF.standard(theta, smooth=False, error_feedback=False, **options),
        "joint operator": SClipEF.standard(theta, joint=True, **options),
    }
