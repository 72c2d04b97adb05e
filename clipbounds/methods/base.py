"""What a method is: an algorithm whose compiled loop advances a block of 64 trajectories by some steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numba import types

from ..clipping.base import CLIP
from ..lanes.blocks import FLOATS, INTS, LANES, WORDS, aligned_zeros, unpack
from ..lanes.compile import require_kernel
from ..noise import Noise
from ..problems import Problem
from ..problems.base import GRADIENT
from ..specs import Part, Spec, switch

if TYPE_CHECKING:
    from ..array_types import FloatArray
    from ..clipping.base import Clip
    from ..facts import Moment
    from ..lanes.compile import Kernel
    from .blocks import Block

# (vectors, lanes, buffer, plan, words, problem, noise, clip, method, addresses, first step, last step)
ADVANCE = types.void(
    FLOATS, FLOATS, FLOATS, INTS, WORDS, FLOATS, FLOATS, FLOATS, FLOATS, INTS, types.int64, types.int64
)
# rows of LANES numbers in `lanes`: norms, running sum and minimum of the gradient norm, running sum of its square,
# clipped samples with their scratch, step of divergence (-1 for none), and, for LANES steps instead of lanes, the
# numbers of the schedules of step size and threshold; with schedules the running sum of step size times gradient norm,
# that of the step sizes (in its first place), and where norms are taken at some steps only the step size there
NORM, SUM, MINIMUM, SQUARES, CLIPPED, SCRATCH, DIVERGED, STEP_SIZES, THRESHOLDS, WEIGHTED, WEIGHTS, TAKEN = range(12)
LANE_ROWS = 12
# slots of `addresses`
GRADIENT_AT, FILL_AT, CLIP_AT = range(3)


class Method(Spec):
    """Base of all methods. A subclass provides

    * ``advance``: a kernel of signature `ADVANCE`;
    * ``vector_rows``: how many blocks of dim × LANES its state needs; block 0 is the iterate;
    * ``samples_per_step``: stochastic gradients a step;
    * ``operator``: the clipping operator that its kernel calls;
    * ``parameters``: the parameter vector of the kernel;

    and, where it needs them, ``samples(problem)``, ``initial_state(problem)``, ``extra_addresses(problem)`` and, for
    quantities of its own, ``extra_measured`` (names and descriptions) with ``observe_extra(setting, vectors)``.

    Every method takes ``averages=True``: gap and distance of averages of its iterates are then measured too (`averages`).
    """

    averages: bool = switch("measure averages of the iterates", default=False, kw_only=True)

    if TYPE_CHECKING:  # a subclass has them as constants, fields or properties

        @property
        def advance(self) -> Any: ...
        @property
        def operator(self) -> Clip: ...
        @property
        def parameters(self) -> FloatArray: ...
        @property
        def extra_measured(self) -> dict[str, str]: ...
        @property
        def step_size(self) -> Any: ...

    else:
        advance = None
        extra_measured = {}
    vector_rows: ClassVar[int] = 2
    non_finite: ClassVar[bool] = False  # whether an iterate may become nan or inf in a step from ordinary numbers
    takes_oracles: ClassVar[bool] = False  # a kernel that only adds noise cannot serve an oracle
    row_advance: ClassVar[Any] = None  # the kernel for oracles that draw rows of a dataset
    oracle_advance: ClassVar[Any] = None  # the kernel for all other oracles

    @property
    def varying(self) -> dict[str, Any]:
        """The numbers that bounds take for constants, such as the step size, and that are schedules here, by name."""
        return {}

    @property
    def scheduled(self) -> bool:
        """Whether a number that bounds take for a constant is a schedule."""
        return bool(self.varying)

    def check_horizon(self, owner: str, steps: float) -> None:
        """Raise ValueError if a schedule leaves its domain, or ends, within the first `steps` steps."""

    @property
    def samples_per_step(self) -> int:
        """Stochastic gradients evaluated in one step."""
        return 1

    def samples(self, problem: Problem) -> int:
        """Stochastic gradients evaluated in one step on this problem."""
        return self.samples_per_step

    def evaluations(self, problem: Problem, steps: Any) -> Any:
        """Stochastic gradients evaluated in the first `steps` steps, an int or an array of them."""
        return steps * self.samples(problem)

    def initial_state(self, problem: Problem) -> FloatArray:
        """The vectors of 64 trajectories at step 0: a flat array of blocks, the first being the iterate."""
        vectors = aligned_zeros(self.vector_rows * problem.dim * LANES)
        vectors[: problem.dim * LANES] = np.repeat(problem.x0, LANES)
        return vectors

    def kernel_for(self, noise: Any) -> Kernel | None:
        """The kernel that serves this noise, or None."""
        if noise.additive or self.takes_oracles:
            return self.advance
        return self.row_advance if noise.row_kernel is not None else self.oracle_advance

    def extra_rows(self, noise: Noise, dim: int) -> int:
        """Rows of LANES numbers that the kernel for this noise needs behind `initial_state`."""
        return 0

    def extra_addresses(self, problem: Problem) -> list[Any]:
        """Addresses of further kernels, which follow the three of `new_block`."""
        return []

    def observe(self, setting: Setting, block: Block) -> list[FloatArray]:
        """The quantities of `extra_measured` of a block, one row each."""
        if not self.extra_measured:
            return []
        size = setting.problem.dim * LANES
        vectors = np.stack([unpack(r, LANES) for r in block.vectors.reshape(-1, 1, size)])
        return list(self.observe_extra(setting, vectors))

    def observe_extra(self, setting: Setting, vectors: FloatArray) -> FloatArray:
        """The quantities of `extra_measured` from the state (rows, LANES, dim); shape (quantities, LANES)."""
        return np.empty((0, LANES))

    @property
    def operator_calls_per_step(self) -> int:
        """How often one step applies the clipping operator: what the clipped fraction is a share of."""
        return 1

    def step_bound(self, dim: int) -> float:
        """Largest possible ‖x_{t+1} - x_t‖, inf if there is none."""
        return np.inf

    def check(self, setting: Setting) -> None:
        """Raise ValueError if the method does not fit the problem or the noise."""


class Setting(Spec):
    """A problem, a noise law and a method: what is simulated, and what a bound speaks about.

    Parameters
    ----------
    problem : Problem
    noise : Noise
    method : Method
    """

    problem: Part[Problem]
    noise: Part[Noise]
    method: Part[Method]

    def validate(self) -> None:
        for name, base in (("problem", Problem), ("noise", Noise), ("method", Method)):
            if not isinstance(getattr(self, name), base):
                raise ValueError(f"Setting: {name} must be a {base.__name__}, but {getattr(self, name)!r} was given")
        for part, name, signature in (
            (self.problem, "gradient_kernel", GRADIENT),
            (self.noise, "fill", self.noise.fill_signature),
            (self.method.operator, "kernel", CLIP),
        ):
            require_kernel(type(part).__name__, name, getattr(part, name), signature)
        self.method.operator.check_dimension("Setting: the problem", self.problem.dim)
        along = self.noise.along
        if along is not None and along.size != self.problem.dim:
            raise ValueError(
                f"Setting: the noise lies along a vector with {along.size} entries, but the problem has dimension"
                f" {self.problem.dim}; give along={self.problem.dim} entries"
            )
        if not self.noise.additive:
            if self.method.kernel_for(self.noise) is None:
                raise ValueError(
                    f"Setting: {type(self.method).__name__} adds noise to a gradient, but {type(self.noise).__name__} is an"
                    " oracle; use Spider or MiniBatch, or an additive noise law"
                )
            if self.noise.problem != self.problem:
                raise ValueError(
                    f"Setting: the oracle was built for {self.noise.problem!r}, but the problem is {self.problem!r}; build"
                    " the oracle for this problem"
                )
            self.noise.check(self)
        self.method.check(self)

    def _repr_html_(self) -> str:
        from ..formulas import setting_html

        return setting_html(self)

    def check_horizon(self, owner: str, steps: float) -> None:
        """Raise ValueError if these are more steps than the noise is claimed for, or the method's schedules allow."""
        self.method.check_horizon(owner, steps)
        horizon = self.noise.horizon
        if horizon is not None and steps > horizon:
            raise ValueError(
                f"{owner}: the noise is certified for the first {horizon} steps of a run (horizon), but {steps:.0f} steps were"
                " asked for; give the oracle a longer horizon"
            )

    def moment(self, p: float) -> Moment:
        """sigma_p^p: E‖g - grad f‖^p of one sample, valid along every run; inf, with its `reason`, if there is no bound.

        Parameters
        ----------
        p : float in (0, inf)

        Returns
        -------
        Moment
        """
        return self.noise.moment_along(self, p)

    @property
    def sigma(self) -> float:
        """sqrt of E‖g - grad f‖² for one sample; inf if it does not exist or is not certified."""
        return float(np.sqrt(self.moment(2.0)))
