"""What a problem is: an objective with a compiled gradient and certified constants."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numba import types

from ..facts import Certificate, FirstOrderSmoothness, HessianSmoothness
from ..lanes.blocks import FLOATS, pack, unpack
from ..lanes.compile import check_kernel, named_signature
from ..specs import Spec, real_array

if TYPE_CHECKING:
    from ..array_types import ArrayLike, FloatArray, FloatOrArray
    from .profile import Profile

# (x, g, dim, params): writes the gradient at the block x into the block g
GRADIENT = named_signature(x=FLOATS, g=FLOATS, dim=types.int64, params=FLOATS)


def pointwise(kernel: Any, points: ArrayLike, dim: int, parameters: FloatArray) -> FloatArray:
    """Apply a block kernel of signature (x, out, dim, params) to points of shape (..., dim)."""
    points = real_array("gradient", "points", points)
    if points.ndim == 0 or points.shape[-1] != dim:
        raise ValueError(f"points need {dim} coordinates in their last axis, but have the shape {points.shape}")
    blocks = pack(points.reshape(-1, dim))
    out = np.zeros_like(blocks)
    for block, result in zip(blocks, out, strict=True):
        kernel(block, result, dim, parameters)
    return unpack(out, points.size // dim).reshape(points.shape)


class Problem(Spec):
    """Base of all objectives f. A subclass declares its parameters, ending with `x0`, and provides:

    * ``gradient_kernel``: a kernel of signature `GRADIENT`;
    * ``value(x)``: f at points of shape (..., dim), in NumPy (it is called at checkpoints only);
    * ``f_star``: a certified lower bound of inf f;
    * ``smoothness``: `HessianSmoothness` or `FirstOrderSmoothness`;

    and, where they are known, ``minimiser`` (an array), ``convex``, ``strong_convexity``, ``lipschitz`` (a global
    Lipschitz constant of the gradient), ``distance(x)`` and ``smoothness_at(L1)``.
    """

    gradient_kernel: ClassVar[Any] = None
    non_finite: ClassVar[bool] = False  # whether the kernel may give nan at points within the run's reach
    separable: ClassVar[bool] = False  # f is a sum over coordinates of one profile
    if TYPE_CHECKING:  # a subclass has them as constants, fields or properties

        @property
        def x0(self) -> FloatArray: ...
        @property
        def f_star(self) -> float: ...
        @property
        def smoothness(self) -> HessianSmoothness | FirstOrderSmoothness: ...
        @property
        def certificate(self) -> Certificate: ...
        @property
        def convex(self) -> bool: ...
        @property
        def f_star_attained(self) -> bool: ...

    else:
        certificate = Certificate("sampled", "the author of the class gives no certificate")
        convex = False
        f_star_attained = False  # f_star is min f, not only a lower bound: D2 needs it

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        check_kernel(cls.__name__, "gradient_kernel", cls.gradient_kernel, GRADIENT)

    @property
    def dim(self) -> int:
        """Number of coordinates."""
        return self.x0.size

    @property
    def parameters(self) -> FloatArray:
        """Parameter vector of the kernel: all real and vector fields but x0, in the order of declaration."""
        fields = [f.name for f in dataclasses.fields(self) if f.metadata.get("kind") and f.name != "x0"]
        parts = [np.atleast_1d(np.asarray(getattr(self, name), dtype=np.float64)) for name in fields]
        return np.concatenate(parts) if parts else np.zeros(1)

    def value(self, x: ArrayLike) -> FloatOrArray:
        """f(x) for points of shape (..., dim); result of shape (...)."""
        raise NotImplementedError

    def gap(self, x: ArrayLike) -> FloatOrArray:
        """f(x) - f_star; a subclass overrides it where the difference cancels."""
        return self.value(x) - self.f_star

    def gradient(self, x: ArrayLike) -> FloatArray:
        """grad f(x) for points of shape (..., dim), by the compiled kernel."""
        return pointwise(self.gradient_kernel, x, self.dim, self.parameters)

    def hessian(self, x: ArrayLike) -> FloatArray:
        """Hessian at points of shape (..., dim), by central differences of the gradient unless a subclass knows better."""
        x = np.asarray(x, dtype=np.float64)
        columns = []
        for k in range(self.dim):
            shift = np.zeros_like(x)
            shift[..., k] = 6e-6 * np.maximum(1.0, np.abs(x[..., k]))  # cube root of the rounding unit
            columns.append((self.gradient(x + shift) - self.gradient(x - shift)) / (2 * shift[..., k : k + 1]))
        matrix = np.stack(columns, axis=-1)
        return 0.5 * (matrix + np.swapaxes(matrix, -1, -2))

    def profile(self, L1: float) -> Profile | None:
        """The `Profile` from which `certify` re-derives the constants for this L1, or None."""
        return None

    @property
    def minimiser(self) -> FloatArray | None:
        """A minimiser, shape (dim,), or None."""
        return None

    @property
    def strong_convexity(self) -> float:
        """mu >= 0 with f mu-strongly convex; 0 if unknown."""
        return 0.0

    @property
    def lipschitz(self) -> float | None:
        """A global Lipschitz constant L of the gradient, or None."""
        pair = self.smoothness
        return pair.L0 if pair.L1 == 0 else None

    def steepest(self, distance: ArrayLike) -> FloatOrArray:
        """A bound of ‖grad f(x)‖ for ‖x - x0‖ <= distance that does not come from smoothness; inf if none is known."""
        return np.full(np.shape(distance), np.inf)

    def smoothness_at(self, L1: float) -> HessianSmoothness | FirstOrderSmoothness:
        """The constants with the given L1; a problem with a frontier (L0*(L1), L1) overrides this."""
        pair = self.smoothness
        if L1 >= pair.L1:
            return dataclasses.replace(pair, L1=float(L1))
        raise ValueError(
            f"{type(self).__name__} is known to be smooth with L1 >= {pair.L1:g} only, but L1 = {L1:g} was asked for"
        )

    def distance(self, x: ArrayLike) -> FloatOrArray | None:
        """Distance to the nearest minimiser, shape (...), or None where no minimiser is known."""
        if self.minimiser is None:
            return None
        return np.linalg.norm(np.asarray(x, dtype=np.float64) - self.minimiser, axis=-1)

    @property
    def initial_gap(self) -> float:
        """F0 = f(x0) - f_star."""
        return float(self.gap(self.x0))
