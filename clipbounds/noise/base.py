"""What a noise law is: a centred one-dimensional law with certified moments, a sampler, and a layout in dimension d."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numba import types

from ..facts import Moment
from ..lanes.blocks import FLOATS, LANES
from ..lanes.compile import check_kernel, named_signature, require_kernel
from ..lanes.random import NOISE
from ..specs import OptionalVector, Spec, check_integer, inf, vector
from .gamma_ratios import power_times

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ..array_types import FloatArray
    from ..methods.base import Setting

# (out, first, count, params, seed, stream, trajectory): draws first..first+count-1 of 64 trajectories, the lane l
# being trajectory + l; draw i goes to out[(i-first)*LANES + l]. `first` and `count` are multiples of DRAWS_TOGETHER,
# so that a law may make two or four draws from one counter (first/2 or first/4, ...), or use the counter i for draw i.
FILL = named_signature(
    out=FLOATS,
    first=types.int64,
    count=types.int64,
    params=FLOATS,
    seed=types.uint64,
    stream=types.uint64,
    trajectory=types.uint64,
)

NONE, INDEPENDENT, ALONG, RADIAL = 0, 1, 2, 3
DRAWS_TOGETHER = 4


def positive_power(p: float) -> float:
    """The p of a moment E|xi|^p as a float, or one clear sentence."""
    if not (np.ndim(p) == 0 and 0 < p < inf):
        raise ValueError(f"moment: p must be a number in (0, inf), but {p!r} was given")
    return float(p)


class Noise(Spec):
    """Base of all noise laws. The law has mean 0, or it is symmetric and has no mean. In dimension d its layout is one of

    * independent components (default),
    * ``radial=True``: direction uniform on the sphere, length |xi|. The vector is symmetric whatever the law is: in
      dimension 1 the sign is a fair coin, and a skewed law loses the skewness that makes a clipping bias,
    * ``along=u``: xi u on the line of the unit vector u.

    A subclass provides ``fill`` (a kernel of signature `FILL`), ``moment(p)`` and, where they are known, ``symmetric``,
    ``bound`` (sup |xi|), ``atoms()`` for a discrete law, ``pdf``, ``cdf``, ``sf`` and ``quantile`` for a density.
    """

    radial: bool = dataclasses.field(default=False, kw_only=True)
    along: OptionalVector = vector(default=None, kw_only=True)

    if TYPE_CHECKING:

        @property
        def symmetric(self) -> bool: ...
        @property
        def horizon(self) -> int | None: ...

    else:
        symmetric = False
        horizon = None  # steps of a run beyond which nothing is claimed of the noise; an oracle has it as a field
    fill: ClassVar[Any] = None
    fill_signature: ClassVar = FILL
    non_finite: ClassVar[bool] = False  # whether draws of nan or inf are meant
    tracks_some_steps: ClassVar[bool] = False  # runs evaluate the full gradient at some steps only
    measured: ClassVar[dict] = {}  # what quantities of a run mean, where that depends on the noise
    additive: ClassVar[bool] = True  # False: a stochastic oracle (clipbounds.oracles), whose noise depends on the point

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        check_kernel(cls.__name__, "fill", cls.fill, cls.fill_signature)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.radial not in (True, False):
            raise ValueError(f"{type(self).__name__}: radial must be True or False, but {self.radial!r} was given")
        self._normalise(radial=bool(self.radial))  # 1 and numpy's True: equal, so one digest
        if self.along is not None:
            if self.radial:
                raise ValueError(f"{type(self).__name__}: choose radial=True or along=u, not both")
            if not abs(np.linalg.norm(self.along) - 1) < 1e-9:
                raise ValueError(
                    f"{type(self).__name__}: along must be a unit vector, but its norm is {np.linalg.norm(self.along):.6g}"
                )

    @property
    def parameters(self) -> FloatArray:
        """Parameter vector of the sampler: all real fields of the law, in the order of declaration."""
        fields = [f for f in dataclasses.fields(self) if f.metadata.get("kind") and f.name != "along"]
        return np.array([getattr(self, f.name) for f in fields] or [0.0], dtype=np.float64)

    @property
    def layout(self) -> int:
        """One of the codes INDEPENDENT, ALONG, RADIAL (NONE for `NoNoise`)."""
        return RADIAL if self.radial else ALONG if self.along is not None else INDEPENDENT

    def moment(self, p: float) -> Moment:
        """E|xi|^p of the one-dimensional law, for p > 0; inf where it does not exist."""
        raise NotImplementedError(
            f"{type(self).__name__} states no moments: define moment(self, p) as E|xi|^p, inf where it does not exist"
        )

    @property
    def mean(self) -> float:
        """E xi: 0, or nan where it does not exist."""
        return 0.0 if self.moment(1.0) < inf else math.nan

    @property
    def variance(self) -> float:
        """E xi² of the one-dimensional law; inf where it does not exist."""
        return float(self.moment(2.0))

    @property
    def bound(self) -> float:
        """sup |xi| of the one-dimensional law; inf if it is unbounded."""
        return inf

    def atoms(self) -> tuple[FloatArray, FloatArray] | None:
        """Support and probabilities of a discrete law, or None for a density."""
        return None

    def vector_moment(self, p: float, dim: int) -> Moment:
        """E‖xi‖^p in dimension `dim`: exact, or an upper bound that says so.

        Radial and along: the scalar moment. Independent components: exact at p = 2 and in dimension 1; otherwise
        for p <= 2 the smaller of d m_p and (d m_2)^{p/2}, for p > 2 d^{p/2} m_p (power means).
        """
        scalar = float(self.moment(p))
        if dim == 1 or self.layout in (NONE, ALONG, RADIAL):
            return Moment(scalar, getattr(self.moment(p), "upper_bound", False))
        if p == 2:
            return Moment(dim * scalar)
        if p > 2:
            return Moment(power_times(dim, p / 2, scalar, math.log(scalar) if scalar else -inf), upper_bound=True)
        return Moment(min(dim * scalar, (dim * self.variance) ** (p / 2)), upper_bound=True)

    def moment_along(self, setting: Setting, p: float) -> Moment:
        """E‖g - grad f‖^p of one sample at every point that a run of the setting may visit, a `Moment`.

        Bounds ask for it by ``setting.moment(p)``. An additive law has the same noise at all points.
        """
        return self.vector_moment(p, setting.problem.dim)

    def vector_bound(self, dim: int) -> float:
        """sup ‖xi‖ in dimension `dim`."""
        return self.bound * (math.sqrt(dim) if self.layout == INDEPENDENT else 1.0)

    def sample(self, size: int | Sequence[int], seed: int) -> FloatArray:
        """Draws of the one-dimensional law.

        Parameters
        ----------
        size : int or tuple of ints
        seed : int >= 0
        """
        require_kernel(type(self).__name__, "fill", self.fill, self.fill_signature)
        seed = check_integer("sample", "seed", seed, 0)
        shape = (size,) if np.ndim(size) == 0 else tuple(size)  # type: ignore[arg-type]
        shape = tuple(check_integer("sample", "size", n, 0) for n in shape)
        wanted = math.prod(shape)
        count = -(-wanted // (LANES * DRAWS_TOGETHER)) * DRAWS_TOGETHER
        out = np.zeros(count * LANES)
        if wanted:
            self.fill(out, 0, count, self.parameters, np.uint64(seed), NOISE, np.uint64(0))
        return out[:wanted].reshape(shape)
