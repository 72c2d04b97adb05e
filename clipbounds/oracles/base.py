"""What a stochastic oracle is: a law of random gradients grad f(.; xi) whose mean is grad F, with certified constants.

An additive noise law does not depend on the point; an oracle may, and the *same* xi can be evaluated at two points,
which is what variance reduction lives on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numba import types

from ..facts import FirstOrderSmoothness, HessianSmoothness, Moment, growth_factor
from ..lanes.blocks import FLOATS, LANES, WORDS, pack, unpack
from ..lanes.compile import named_signature
from ..noise import Noise
from ..problems import Problem
from ..specs import Part, check_integer, inf, real_array

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..array_types import ArrayLike, FloatArray
    from ..methods.base import Setting

# (x, v, state, params, dim, batch, step, words), words = (seed, first trajectory). With batch >= 1: draw into `state` what
# determines the mean of a fresh batch, as a function of (seed, trajectory, step) only. With batch = 0: turn v, which holds
# grad F(x), into the batch's mean gradient at x. `state` has 5 dim rows, the last 3 dim being scratch.
ORACLE = named_signature(
    x=FLOATS,
    v=FLOATS,
    state=FLOATS,
    params=FLOATS,
    dim=types.int64,
    batch=types.int64,
    step=types.int64,
    words=WORDS,
)
STATE_ROWS = 5


class AveragedSmoothness(FirstOrderSmoothness):
    """E‖grad f(x;xi) - grad f(y;xi)‖² <= (L0 + L1‖grad F(x)‖)² ‖x-y‖² on ‖x-y‖ <= radius: a type of its own."""


def self_consistent(constants: Callable[..., Any], rate: float, delta: float) -> tuple[float, float, float]:
    """The pair constants(a) with a = a(rate·R) and R = delta/L0 for the resulting L0, and that R.

    The right-hand side of a = growth(rate delta/L0(a)) decreases in a, so bisection finds the only solution.

    Parameters
    ----------
    constants : callable, a -> (L0, L1), L0 increasing in a
    rate : float >= 0, the H1 inside a(H1 R)
    delta : float > 0, the step scale
    """
    low, high = 1.0, growth_factor(rate * delta / constants(1.0)[0])
    while high - low > 4e-16 * high:
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        if growth_factor(rate * delta / constants(middle)[0]) > middle:
            low = middle
        else:
            high = middle
    L0, L1 = constants(high)  # the larger end: its constants are valid on the radius that they imply
    return L0, L1, delta / L0


def constants_of_mean(problem: Problem, delta: float) -> FirstOrderSmoothness:
    """First-order constants of F itself on the radius delta/L0, L0 being the result (for methods that only need F).

    Parameters
    ----------
    problem : Problem with Hessian constants (H0, H1), or with first-order constants, which are returned as they are
    delta : float > 0
    """
    pair = problem.smoothness
    if not isinstance(pair, HessianSmoothness):
        return pair.first_order(delta / pair.L0)
    return FirstOrderSmoothness(*self_consistent(lambda a: (a * pair.L0, a * pair.L1), pair.L1, delta))


class Oracle(Noise):
    """Base of all oracles. It is built for one problem F and stands where a `Setting` expects the noise.

    A subclass declares ``problem`` first and provides ``fill`` (a kernel of signature `ORACLE`), ``parameters``,
    ``variance``, ``_constants(a)`` and, for a finite sum, ``components``.
    """

    problem: Part[Problem]

    fill_signature: ClassVar = ORACLE
    additive: ClassVar[bool] = False
    layout: ClassVar[int] = -1  # no layout: `add_sample` cannot serve an oracle
    row_kernel: ClassVar[Any] = None  # of signature MEAN_OF_ROWS, where the oracle draws rows of a dataset
    unbiased: ClassVar[bool] = True  # given the past, the mean of a batch is grad F
    if TYPE_CHECKING:

        @property
        def components(self) -> int | None: ...
        @property
        def independent(self) -> bool: ...

    else:
        components = None
        independent = True  # so are the samples of one batch

    def __post_init__(self) -> None:
        super().__post_init__()
        name = type(self).__name__
        if not isinstance(self.problem, Problem):
            raise ValueError(
                f"{name}: problem must be the Problem whose gradient it estimates, but {self.problem!r} was given"
            )
        if self.radial or self.along is not None:
            raise ValueError(f"{name}: radial and along are layouts of additive noise laws; an oracle has none")

    def check(self, setting: Setting) -> None:
        """Raise ValueError if the oracle does not fit the method."""

    @property
    def kurtosis(self) -> float:
        """At least E‖noise‖⁴/(E‖noise‖²)² at every point: the number of components of a finite sum, inf if unknown."""
        return inf if self.components is None else float(self.components)

    def vector_moment(self, p: float, dim: int) -> Moment:
        """E‖g(x) - grad F(x)‖^p: at p = 2 the certified variance, below by Jensen."""
        if p > 2:
            raise ValueError(f"{type(self).__name__}: moments are certified for p <= 2, but p = {p:g} was asked for")
        return Moment(self.variance ** (p / 2), upper_bound=p < 2)

    def moment(self, p: float) -> Moment:
        raise ValueError(f"{type(self).__name__} has no one-dimensional law; ask for variance or vector_moment(p, dim)")

    def sample(self, size: int | Sequence[int], seed: int) -> FloatArray:
        raise ValueError(f"{type(self).__name__} is an oracle: draw gradients at a point by gradients(x, size, seed)")

    @property
    def hessian(self) -> HessianSmoothness:
        """(H0, H1) of F."""
        pair = self.problem.smoothness
        if not isinstance(pair, HessianSmoothness):
            raise ValueError(
                f"{type(self).__name__}: averaged constants follow from the Hessian form, but {type(self.problem).__name__}"
                " certifies first-order constants only"
            )
        return pair

    @property
    def _rate(self) -> float:
        """The H1 in the growth factor a(H1 R)."""
        return self.hessian.L1

    def _constants(self, a: float) -> tuple[float, float]:
        """Averaged (L0, L1) when the growth factor is a. Default: additive zero-mean noise adds nothing."""
        return a * self.hessian.L0, a * self.hessian.L1

    def averaged_smoothness(self, radius: float) -> AveragedSmoothness:
        """Averaged first-order constants that are valid on ‖x-y‖ <= radius.

        Parameters
        ----------
        radius : float in (0, inf)

        Returns
        -------
        AveragedSmoothness
        """
        if not (isinstance(radius, (int, float, np.floating)) and 0 < radius < inf):
            raise ValueError(f"averaged_smoothness: radius must be in (0, inf), but {radius!r} was given")
        L0, L1 = self._constants(growth_factor(self._rate * radius))
        return AveragedSmoothness(L0, L1, float(radius))

    def averaged_at_step(self, delta: float) -> AveragedSmoothness:
        """Averaged constants on the radius delta/L0 of a method with the step scale delta, L0 being the result."""
        return AveragedSmoothness(*self_consistent(self._constants, self._rate, delta))

    def gradients(self, points: ArrayLike, trajectories: int, seed: int, batch: int = 1, step: int = 0) -> FloatArray:
        """The mean gradient of one batch, evaluated with the same randomness at several points.

        Parameters
        ----------
        points : array_like, (n, dim)
        trajectories : int >= 1, independent batches
        seed, step : int >= 0, as in a simulation
        batch : int >= 1

        Returns
        -------
        ndarray, (trajectories, n, dim)
        """
        points = np.atleast_2d(real_array("gradients", "points", points))
        dim = self.problem.dim
        if points.ndim != 2 or points.shape[1] != dim:
            raise ValueError(f"gradients: points need the shape (n, {dim}), but {points.shape} was given")
        trajectories = check_integer("gradients", "trajectories", trajectories, 1)
        batch = check_integer("gradients", "batch", batch, 1)
        exact = self.problem.gradient(points)
        out = np.empty((trajectories, *points.shape))
        params, state = self.parameters, np.zeros(STATE_ROWS * dim * LANES)
        for first in range(0, trajectories, LANES):
            words = np.array([seed, first], dtype=np.uint64)
            used = min(LANES, trajectories - first)
            self.fill(state, state, state, params, dim, batch, step, words)
            for k, (x, g) in enumerate(zip(points, exact, strict=True)):
                block, v = (pack(np.repeat(row[np.newaxis], LANES, axis=0))[0] for row in (x, g))
                self.fill(block, v, state, params, dim, 0, step, words)
                out[first : first + used, k] = unpack(v[np.newaxis], used)
        return out


def noisy_coordinates(oracle: Any) -> int:
    """How many coordinates carry the noise of an oracle with the field `quiet`."""
    noisy = oracle.problem.dim - oracle.quiet
    if noisy < 1:
        raise ValueError(
            f"{type(oracle).__name__}: quiet must leave a coordinate that carries noise, so at most"
            f" {oracle.problem.dim - 1} of {oracle.problem.dim}, but {oracle.quiet} was given"
        )
    return noisy


def unit_direction(oracle: Any) -> FloatArray:
    """The field `direction` as a unit vector of the problem's dimension; the first axis by default."""
    dim = oracle.problem.dim
    if oracle.direction is None:
        return np.eye(1, dim)[0]
    if oracle.direction.size != dim or not abs(np.linalg.norm(oracle.direction) - 1) < 1e-9:
        raise ValueError(
            f"{type(oracle).__name__}: direction must be a unit vector with {dim} entries, but one with"
            f" {oracle.direction.size} entries and norm {np.linalg.norm(oracle.direction):.6g} was given"
        )
    return oracle.direction
