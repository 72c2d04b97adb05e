"""Distributed methods: every client keeps an estimator, a server or a network combines them. The baselines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..clipping import Clip, CoordinateClip, Identity, JointSmoothClip, NormClip, SmoothClip
from ..lanes.blocks import LANES
from ..problems.clients import ClientProblem
from ..specs import POSITIVE
from . import distributed_kernels as kernels
from .base import Method
from .networks import Network
from .schedules import PowerSchedule, Schedule, checked_schedule

if TYPE_CHECKING:
    from typing import Any

    from ..array_types import FloatArray
    from ..lanes.compile import Kernel
    from .base import Setting

UNUSED = PowerSchedule(1.0)
MEASURED = {
    "squared_distance": "‖x_t - x*‖²",
    "displacement": "largest |component| of x_t - x_0",
    "estimator_size": "largest |component| of the clients' estimators m_i",
}
CONSENSUS = {"consensus_error": "mean over clients of ‖x_i - mean of the x_r‖²"}


def unit_operator(smooth: bool, joint: bool) -> Clip:
    """The operator of threshold 1 behind growing thresholds: smooth or hard, on the norm (`joint`) or on components."""
    if smooth:
        return JointSmoothClip(1.0, 1.0) if joint else SmoothClip(1.0, 1.0)
    return NormClip(1.0) if joint else CoordinateClip(1.0)


class DistributedMethod(Method):
    """Base of the distributed methods: m_i <- A_t m_i + B_t Op_t(g_i - m_i), x <- x - eta_t sum_i w_i m_i.

    On a network x_i <- sum_r w_ir (x_r - eta_t m_r), g_i is taken at x_i, and the iterate is the mean of the x_i. The
    noise of client i in step t is sample t·n + i of the stream. A subclass declares ``step_size`` and ``network`` and
    provides ``operator``, ``form``, ``feedback``, ``adding_up`` and the ``schedules`` of its kernel.

    Own quantities of a run: squared_distance, displacement (sup norm of x_t - x_0), estimator_size and, on a network,
    consensus_error.
    """

    adding_up = False
    if TYPE_CHECKING:

        @property
        def network(self) -> Network | None: ...
        @property
        def feedback(self) -> bool: ...
        @property
        def form(self) -> int: ...

    else:
        feedback = False
        form = kernels.CONSTANT
    per_sample = True  # the operator acts on every client's gradient

    def _check_step_and_network(self) -> None:
        name = type(self).__name__
        self._normalise(step_size=checked_schedule(name, "step_size", self.step_size, POSITIVE))
        if self.network is not None and not isinstance(self.network, Network):
            raise ValueError(
                f"{name}: network must be a network such as Ring(8) or Mixing(matrix), or None for a server, but"
                f" {self.network!r} was given"
            )

    def validate(self) -> None:
        self._check_step_and_network()

    @property
    def advance(self) -> Kernel:
        """The loop of the server, or of the network."""
        return kernels.server if self.network is None else kernels.network

    @property
    def schedules(self) -> tuple[Any, ...]:
        """Step size, level, smoothing and averaging, in the order of the kernel."""
        return (self.step_size, UNUSED, UNUSED, UNUSED)

    @property
    def parameters(self) -> FloatArray:
        head = [self.form, self.feedback, self.adding_up]
        matrix = np.zeros(0) if self.network is None else self.network.matrix.ravel()
        return np.concatenate([head, *(s.parameters for s in self.schedules), matrix]).astype(np.float64)

    @property
    def extra_measured(self) -> dict[str, str]:
        return MEASURED if self.network is None else {**MEASURED, **CONSENSUS}

    def samples(self, problem: Any) -> int:
        return problem.clients

    def extra_addresses(self, problem: Any) -> list[int]:
        return [problem.client_gradient_kernel.address, *(s.kernel.address for s in self.schedules)]

    def initial_state(self, problem: Any) -> FloatArray:
        n = problem.clients
        x0 = np.repeat(problem.x0, LANES)
        rows = np.zeros((kernels.ESTIMATORS + (n if self.network is None else 3 * n), x0.size))
        rows[kernels.POINT] = x0
        if self.network is not None:
            rows[kernels.ESTIMATORS + n : kernels.ESTIMATORS + 2 * n] = x0
        return rows.ravel()

    def observe_extra(self, setting: Setting, vectors: FloatArray) -> FloatArray:
        problem, x = setting.problem, vectors[kernels.POINT]
        n, first = problem.clients, kernels.ESTIMATORS
        rows = [
            np.sum(np.square(x - problem.minimiser), axis=-1),
            np.abs(x - problem.x0).max(axis=-1),
            np.abs(vectors[first : first + n]).max(axis=(0, 2)),
        ]
        if self.network is not None:
            points = vectors[first + n : first + 2 * n]
            rows.append(np.square(points - points.mean(axis=0)).sum(axis=2).mean(axis=0))
        return np.stack(rows)

    def check(self, setting: Setting) -> None:
        name, problem = type(self).__name__, setting.problem
        if not isinstance(problem, ClientProblem):
            raise ValueError(
                f"{name} needs a problem that is shared out over clients, such as ClientQuadratics, but"
                f" {type(problem).__name__} was given; use ClippedSGD for a single objective"
            )
        if self.network is None:
            return
        if self.network.clients != problem.clients:
            raise ValueError(
                f"{name}: the network has {self.network.clients} clients, but the problem has {problem.clients}"
            )
        if not problem.equal_weights:
            raise ValueError(
                f"{name}: a doubly stochastic network averages all clients equally, but the problem weights them by"
                f" {problem.weights.tolist()}; leave weights out, or use the server form"
            )


class DistributedSGD(DistributedMethod):
    """x <- x - eta_t sum_i w_i g_i: no clipping. Under noise of infinite variance the mean of its error is infinite.

    Parameters
    ----------
    step_size : Schedule, or a number for a constant step
    network : Network or None for a server
    """

    step_size: Schedule | float
    network: Network | None = None

    operator = Identity()


class DistributedClippedSGD(DistributedMethod):
    """x <- x - eta_t sum_i w_i clip(g_i): vanilla clipping of every client's gradient, biased where clients differ.

    Parameters
    ----------
    step_size : Schedule, or a number for a constant step
    clip : Clip
    threshold : Schedule or None
        If given, it replaces the operator's first parameter (its threshold) in every step: a growing threshold.
    network : Network or None for a server
    """

    step_size: Schedule | float
    clip: Clip
    threshold: Schedule | None = None
    network: Network | None = None

    def validate(self) -> None:
        name = type(self).__name__
        self._check_step_and_network()
        if not isinstance(self.clip, Clip):
            raise ValueError(
                f"{name}: clip must be an operator such as NormClip(threshold), but {self.clip!r} was given"
            )
        if self.threshold is not None:
            self._normalise(threshold=checked_schedule(name, "threshold", self.threshold, POSITIVE))
            if isinstance(self.clip, Identity):
                raise ValueError(f"{name}: Identity has no threshold that a schedule could set; use NormClip(1.0)")

    @property
    def operator(self) -> Clip:
        return self.clip

    @property
    def form(self) -> int:
        return kernels.CONSTANT if self.threshold is None else kernels.SCHEDULED

    @property
    def schedules(self) -> tuple[Any, ...]:
        return (self.step_size, self.threshold or UNUSED, UNUSED, UNUSED)


class Clip21SGD(DistributedClippedSGD):
    """v_i <- v_i + clip(g_i - v_i), x <- x - eta_t sum_i w_i v_i, v_i = 0 at the start: clipped differences add up.

    After S. Khirirat et al., *Clip21: error feedback for gradient clipping*, 2023, with stochastic gradients.
    Parameters as for `DistributedClippedSGD`.
    """

    feedback = True
    adding_up = True
