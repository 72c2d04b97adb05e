"""Gradients of random rows of a dataset: the noise that training has, with its moments exact at a point and certified."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..clipping import GrowingClip, Identity, NormClip
from ..facts import Moment
from ..noise.base import positive_power
from ..problems import Problem
from ..problems.linear_model import LinearModel
from ..specs import Part, check_integer, inf
from . import row_kernels as kernels
from .base import Oracle

if TYPE_CHECKING:
    from typing import Any

    from ..array_types import ArrayLike, FloatArray
    from ..methods.base import Setting

AT_ONCE = 2**17  # numbers of a chunk of rows whose gradients are formed: 1 MiB, and a few such arrays at a time
ROUNDING = 1e-12  # relative, of sums of n positive numbers
WANTED = "they do for convex losses with ridge > 0, norm clipping or none, no momentum and eta max_i L_i <= 1; so do clipped steps up to a horizon of RowSampling"


def invariant_ball(setting: Setting) -> tuple[FloatArray, float] | None:
    """(centre, radius) of a ball that no run of the setting leaves, or None.

    Let every row f_i >= 0 be convex with a ridge mu > 0 and L_i-smooth, eta max_i L_i <= 1, and each step x - eta mean_k
    (alpha_k grad f_{i_k}(x)) or x - eta alpha (mean_k grad f_{i_k}(x)) with alphas in [0, 1], as norm clipping makes them. Then for
    every z, ‖x_t - z‖ <= max(‖x_0 - z‖, R), where R is the smaller of max_i ‖grad f_i(z)‖/mu and sqrt(2 max_i f_i(z)/mu).

    Proof. Let h be one row or a mean of rows under one alpha, and q = eta alpha: h is convex with the ridge mu and smooth with a
    constant of at most 1/q, and as large at z as the largest row there, in value and in slope.

    * grad h(x) - grad h(z) = H (x - z) with mu <= H <= 1/q, so ‖x - q grad h(x) - z‖ <= (1 - q mu) ‖x - z‖ + q ‖grad h(z)‖, a
      convex combination of ‖x - z‖ and ‖grad h(z)‖/mu.
    * ‖grad h(x)‖² <= 2 (h(x) - inf h)/q and <grad h(x), x - z> >= h(x) - h(z) + mu ‖x - z‖²/2, so ‖x - q grad h(x) - z‖² <=
      (1 - q mu) ‖x - z‖² + 2 q (h(z) - inf h), a convex combination of ‖x - z‖² and 2 (h(z) - inf h)/mu, and inf h >= 0.

    So each h alone leads from the ball into it, and means of points of a ball lie in the ball.

    The second radius does not grow with the lengths of the rows, the first one does. The centre is x_0, the minimiser or 0,
    whichever gives the smallest ball.
    """
    problem, method = setting.problem, setting.method
    operator = getattr(method, "operator", None)
    plain = hasattr(method, "row_advance") and isinstance(operator, (NormClip, GrowingClip, Identity))
    plain = plain and not method.scheduled
    if not plain or getattr(method, "momentum", 1.0) != 0 or not problem.convex or not problem.ridge > 0:
        return None
    if not method.step_size * float(problem.component_lipschitz.max()) <= 1:
        return None
    balls = []
    for centre in (problem.x0, problem.minimiser, np.zeros(problem.dim)):
        predicted, length = problem.predictions(centre), float(np.linalg.norm(centre))
        # ‖loss' a + mu z‖ <= |loss'| ‖a‖ + mu ‖z‖
        steepest = float(np.max(problem.slope_norms(predicted) * problem.row_norms)) + problem.ridge * length
        highest = float(np.max(problem.losses(predicted))) + 0.5 * problem.ridge * length**2
        radius = min(steepest / problem.ridge, math.sqrt(2 * highest / problem.ridge))
        start = float(np.linalg.norm(problem.x0 - centre))
        balls.append((centre, max(start, radius) * (1 + ROUNDING)))
    return min(balls, key=lambda ball: ball[1])


class _Rows(Oracle):
    """Base of the oracles that draw rows of the dataset of a problem f = (1/n) sum_i f_i."""

    if TYPE_CHECKING:

        @property
        def kind(self) -> int: ...
        @property
        def tracked_every(self) -> int | None: ...

    fill = kernels.linear_batches
    row_kernel = kernels.linear_rows
    measured: ClassVar[dict] = {
        "mean_gradient_norm": "mean over s < t of ‖grad f(x_s)‖, estimated without bias from one random step of each piece",
        "mean_squared_gradient_norm": "mean over s < t of ‖grad f(x_s)‖², estimated in the same way",
        "min_gradient_norm": "minimum of ‖grad f(x_s)‖ over the steps at which it was evaluated",
    }

    def validate(self) -> None:
        if not isinstance(self.problem, LinearModel):
            raise ValueError(
                f"{type(self).__name__}: problem must be a mean over rows of a dataset, such as Logistic or LeastSquares, but"
                f" {self.problem!r} was given"
            )

    tracks_some_steps = True

    @property
    def components(self) -> int:
        return self.problem.rows

    @property
    def parameters(self) -> FloatArray:
        tracked = 0 if self.tracked_every is None else self.tracked_every
        return np.concatenate([[self.kind, self.components, tracked], self.problem.parameters])

    @property
    def variance(self) -> float:
        """A certified bound of E‖grad f_i(x) - grad f(x)‖² at all x; inf if the losses have no bounded slope."""
        return float(self.moment_on(2.0))

    def vector_moment(self, p: float, dim: int) -> Moment:
        """`moment_on` all points."""
        return self.moment_on(p)

    def vector_bound(self, dim: int) -> float:
        """sup ‖grad f_i(x) - grad f(x)‖ <= 2 (1 - 1/n) sup |loss'| max ‖a_i‖, at all x."""
        n = self.components
        return 2 * (1 - 1 / n) * self.problem.slope_bound * float(self.problem.row_norms.max())

    def _constants(self, a: float) -> tuple[float, float]:
        return self.problem.averaged_lipschitz, 0.0

    def moment_on(self, p: float, centre: FloatArray | None = None, radius: float = inf) -> Moment:
        """A certified bound of E‖grad f_i(x) - grad f(x)‖^p on the ball ‖x - centre‖ <= radius.

        With X_i = loss'_i a_i (the ridge cancels), s_i = sup |loss'_i| on the ball and sigma(x)^2 = E‖X - E X‖²,

        * sigma² <= E‖X‖² <= mean s_i² ‖a_i‖²;
        * sigma(x) <= sigma(centre) + radius·L: sqrt of a variance is a norm, and the variance of X(x) - X(centre) is at
          most its second moment, at most (L radius)², L = `LinearModel.spread_lipschitz`;
        * for p <= 2 E‖X - E X‖^p <= sigma^p (Jensen), and for every p >= 1 at most (2 (mean s_i^p ‖a_i‖^p)^{1/p})^p
          (Minkowski, and ‖E X‖ <= (E‖X‖^p)^{1/p}).

        The smallest of these is returned.

        Parameters
        ----------
        p : float in [1, inf)
        centre : array_like, (dim,), x0 of the problem by default
        radius : float in [0, inf]

        Returns
        -------
        Moment
        """
        problem = self.problem
        p = positive_power(p)
        if p < 1:
            return Moment(self.moment_on(1.0, centre, radius) ** p, True)
        centre = problem.x0 if centre is None else np.asarray(centre, dtype=np.float64)
        lengths = problem.slope_ranges(centre, radius) * problem.row_norms
        bounds = [2 * float(np.mean(lengths**p)) ** (1 / p)]
        if p <= 2:
            bounds.append(math.sqrt(float(np.mean(lengths**2))))
            if radius < inf:
                bounds.append(math.sqrt(self.moment_at(centre, 2.0)) + radius * problem.spread_lipschitz)
        least = min(bounds) * (1 + ROUNDING)
        if least < inf:
            return Moment(least**p, True, "on all points" if radius == inf else f"on the ball of radius {radius:.4g}")
        return Moment(inf, True, "loss' is not bounded on all points: the noise needs a ball that runs stay in")

    def moment_along(self, setting: Setting, p: float) -> Moment:
        everywhere = self.moment_on(p)
        balls = [invariant_ball(setting)]
        if self.horizon is not None:  # no step is longer than the method allows
            reach = self.horizon * setting.method.step_bound(self.problem.dim) * (1 + ROUNDING)
            balls.append((self.problem.x0, reach))
        least = min([everywhere, *(self.moment_on(p, *ball) for ball in balls if ball is not None)])
        return least if least < inf else Moment(inf, True, f"{everywhere.reason}; {WANTED}")

    def row_gradients(self, x: ArrayLike, rows: Any = slice(None)) -> FloatArray:
        """grad f_i(x) - ridge x for the given rows, shape (rows, dim): the part that differs from row to row."""
        return self._row_gradients(self.problem.slopes(self.problem.predictions(x)), rows)

    def _row_gradients(self, slopes: FloatArray, rows: Any) -> FloatArray:
        features = self.problem.features
        dense = features.matrix[rows] if features.layout == "dense" else features.matrix[rows].toarray()
        slopes = slopes[rows].reshape(len(dense), -1, 1)
        return (slopes * dense[:, np.newaxis]).reshape(len(dense), -1)

    def moment_at(self, x: ArrayLike, p: float) -> float:
        """E‖grad f_i(x) - grad f(x)‖^p at a point, the finite sum itself.

        Parameters
        ----------
        x : array_like, (dim,)
        p : float in (0, inf)
        """
        x = np.asarray(x, dtype=np.float64)
        if x.shape != (self.problem.dim,):
            raise ValueError(f"moment_at: x needs the shape ({self.problem.dim},), but {x.shape} was given")
        problem = self.problem
        mean = problem.plain_gradient(x) - problem.ridge * x
        slopes = problem.slopes(problem.predictions(x))
        together = max(1, AT_ONCE // problem.dim)
        total = 0.0
        for k in range(0, problem.rows, together):
            apart = self._row_gradients(slopes, slice(k, k + together)) - mean
            total += float(np.sum(np.linalg.norm(apart, axis=1) ** p))
        return total / problem.rows


class RowSampling(_Rows):
    """Gradients of rows that are drawn uniformly, with replacement, or without it within a batch.

    The same seed draws the same rows for every threshold and step size, and for any number of groups of a batch. A full
    gradient costs n rows, so a run evaluates ‖grad f(x_s)‖ once in a piece of some steps, at a step that is drawn
    uniformly for every trajectory: the mean of these, weighted with the lengths of the pieces, has the expectation of the
    running mean over all steps. Pieces end at checkpoints.

    Parameters
    ----------
    problem : LinearModel, such as Logistic or LeastSquares
    replacement : bool
    tracked_every : int >= 1, optional
        Longest piece, in steps; 1 evaluates the full gradient at every step. By default 4 n over the batch size.
    horizon : int >= 1, optional
        Runs have at most so many steps. Then they stay in the ball around x0 of so many times the longest step, which clipping
        bounds by eta c, and the noise is certified on that ball; longer runs, and bounds after more steps, are refused.
    """

    problem: Part[Problem]
    replacement: bool = True
    tracked_every: int | None = None
    horizon: int | None = None

    def validate(self) -> None:
        super().validate()
        if self.horizon is not None:
            self._normalise(horizon=check_integer("RowSampling", "horizon", self.horizon, 1, "steps of a run"))
        if self.replacement not in (True, False):
            raise ValueError(f"RowSampling: replacement must be True or False, but {self.replacement!r} was given")
        self._normalise(replacement=bool(self.replacement))
        _check_tracking(self)

    @property
    def kind(self) -> int:
        return kernels.WITH if self.replacement else kernels.WITHOUT

    def check(self, setting: Setting) -> None:
        batch = setting.method.samples_per_step
        if not self.replacement and batch > self.components:
            raise ValueError(
                f"Setting: a batch without replacement has at most {self.components} rows, all there are, but {batch} were asked for"
            )

    @property
    def independent(self) -> bool:
        return self.replacement


class Shuffled(_Rows):
    """Epochs without replacement: all rows in random order, then all in another one, for every trajectory.

    Given the rows that an epoch has used, the next one is no unbiased gradient, so bounds that need one refuse it.
    A batch may reach into the next epoch.

    Parameters
    ----------
    problem : LinearModel, such as Logistic or LeastSquares
    tracked_every : int >= 1, optional, see `RowSampling`
    """

    problem: Part[Problem]
    tracked_every: int | None = None

    kind = kernels.SHUFFLED
    unbiased = False
    independent = False

    def validate(self) -> None:
        super().validate()
        _check_tracking(self)

    def check(self, setting: Setting) -> None:
        if setting.method.takes_oracles:
            raise ValueError(
                f"Setting: {type(setting.method).__name__} draws batches of several sizes, and Shuffled keeps one order of"
                " rows; use RowSampling"
            )

    def moment_along(self, setting: Setting, p: float) -> Moment:
        return Moment(inf, True, "a shuffled row is no unbiased gradient, given those that were drawn before it")


def _check_tracking(oracle: Any) -> None:
    if oracle.tracked_every is not None:
        oracle._normalise(
            tracked_every=check_integer(
                type(oracle).__name__, "tracked_every", oracle.tracked_every, 1, "steps in a piece"
            )
        )
