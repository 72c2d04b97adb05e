"""A setting that is described by numbers only: for measurements of something that cannot be run here, such as a network."""

from __future__ import annotations

import dataclasses
import math
import re
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from .facts import Certificate, FirstOrderSmoothness, MissingConstant, Moment
from .methods import Method, Setting
from .noise import Noise, NoNoise
from .noise.base import positive_power
from .problems import Problem
from .specs import NON_NEGATIVE, POSITIVE, Interval, Vector, check_integer, parameter, vector

if TYPE_CHECKING:
    from .array_types import ArrayLike, FloatArray

MEANING = {
    "L": "a Lipschitz constant of the gradient",
    "L0": "smoothness constants L0 and L1 (or L)",
    "F0": "F0 = f(x0) - inf f",
    "R0": "R0, the distance of x0 to a minimiser",
    "dim": "the number of coordinates dim",
    "sigma": "sigma with E‖g - grad f‖^p <= sigma^p",
}


def _missing(name: str) -> MissingConstant:
    return MissingConstant(f"it needs {MEANING[name]}, which Constants does not give; add Constants({name}=...)")


class DescribedProblem(Problem):
    """An objective of which only constants are assumed; made by `Constants`. It has no gradient and cannot be run."""

    L: float | None = parameter(NON_NEGATIVE, default=None)
    L0: float | None = parameter(NON_NEGATIVE, default=None)
    L1: float | None = parameter(NON_NEGATIVE, default=None)
    F0: float | None = parameter(NON_NEGATIVE, default=None)
    R0: float | None = parameter(NON_NEGATIVE, default=None)
    mu: float = parameter(NON_NEGATIVE, default=0.0)
    convex: bool = False
    coordinates: int | None = None
    x0: Vector = vector(default=(0.0,))  # where the run starts is the origin of nothing: a placeholder

    certificate: ClassVar = Certificate("assumed", "assumed by the user")
    f_star: ClassVar = 0.0  # gaps are measured from it

    def validate(self) -> None:
        if (self.L0 is None) != (self.L1 is None):
            raise ValueError("Constants: L0 and L1 belong together; give both, or L alone")
        if self.mu > 0 and self.L is not None and self.mu > self.L:
            raise ValueError(f"Constants: mu must be at most L, but mu = {self.mu:g} and L = {self.L:g} were given")

        if self.coordinates is not None:
            check_integer("Constants", "dim", self.coordinates, 1)

    @property
    def dim(self) -> int:
        if self.coordinates is None:
            raise _missing("dim")
        return self.coordinates

    @property
    def f_star_attained(self) -> bool:
        return self.R0 is not None

    @property
    def strong_convexity(self) -> float:
        return self.mu

    @property
    def smoothness(self) -> FirstOrderSmoothness:
        if self.L0 is not None and self.L1 is not None:
            return FirstOrderSmoothness(self.L0, self.L1, 1 / self.L1 if self.L1 > 0 else math.inf)
        if self.L is None:
            raise _missing("L0")
        return FirstOrderSmoothness(self.L, 0.0)

    @property
    def lipschitz(self) -> float | None:
        if self.L is None and self.L0 is None:
            raise _missing("L")
        return self.L0 if self.L is None and self.L1 == 0 else self.L

    @property
    def initial_gap(self) -> float:
        if self.F0 is None:
            raise _missing("F0")
        return self.F0

    def distance(self, x: ArrayLike) -> FloatArray:
        if self.R0 is None:
            raise _missing("R0")
        return np.full(np.shape(x)[:-1], self.R0)


class DescribedNoise(Noise):
    """Noise of which only E‖g - grad f‖^p <= sigma^p is assumed; made by `Constants`."""

    sigma: float | None = parameter(POSITIVE, default=None)
    p: float = parameter(Interval(1, math.inf, closed_low=True), default=2.0)

    def moment(self, p: float) -> Moment:
        p = positive_power(p)
        if self.sigma is None:
            raise _missing("sigma")
        if p > self.p:
            return Moment(math.inf, reason=f"only the moment of order {self.p:g} is assumed")
        return Moment(self.sigma**p, upper_bound=True, reason="assumed by the user")

    def vector_moment(self, p: float, dim: int) -> Moment:
        return self.moment(p)


class DescribedSetting(Setting):
    """A setting with a `DescribedProblem`: bounds can be evaluated, nothing can be simulated."""

    def validate(self) -> None:
        if not isinstance(self.method, Method):
            raise ValueError(
                "Constants: bounds speak of a step size and a threshold, so method must be a method such as"
                f" ClippedSGD(step_size, NormClip(threshold)), but {self.method!r} was given"
            )

    def moment(self, p: float) -> Moment:
        return self.noise.moment(p)  # sigma speaks of the norm of the whole vector

    @property
    def assumed(self) -> str:
        """The numbers that the user assumes, as text."""
        given = {f.name: getattr(self.problem, f.name) for f in dataclasses.fields(self.problem) if f.name != "x0"}
        given["dim"] = given.pop("coordinates")
        given |= {name: getattr(self.noise, name, None) for name in ("sigma", "p")}
        if isinstance(self.noise, NoNoise):
            given["sigma"] = 0.0
        elif given["sigma"] is None:
            del given["p"]
        numbers = [
            f"{k} = {v:g}"
            for k, v in given.items()
            if v is not None and not isinstance(v, bool) and (k, v) != ("mu", 0.0)
        ]
        return ", ".join(numbers + (["f convex"] if self.problem.convex else []))


def is_described(setting: Setting) -> bool:
    """Whether a setting is known by assumed numbers only."""
    return isinstance(setting, DescribedSetting)


def Constants(
    *,
    method: Method,
    L: float | None = None,
    L0: float | None = None,
    L1: float | None = None,
    F0: float | None = None,
    R0: float | None = None,
    sigma: float | None = None,
    p: float = 2.0,
    mu: float = 0.0,
    convex: bool = False,
    dim: int | None = None,
) -> DescribedSetting:
    """A setting without a problem: the numbers that bounds ask for, assumed by the user.

    Whatever rests on it says so: the hypotheses tables, and verdicts such as "holds (assuming the given constants)".
    A bound that needs a number which is not given says which.

    Parameters
    ----------
    method : Method, for example ``ClippedSGD(step_size, NormClip(threshold))``
    L : float in [0, inf), Lipschitz constant of grad f
    L0, L1 : float in [0, inf), ‖grad f(x) - grad f(y)‖ <= (L0 + L1‖grad f(x)‖)‖x - y‖ for ‖x - y‖ <= 1/L1
    F0 : float in [0, inf), f(x0) - inf f
    R0 : float in [0, inf), distance of x0 to a minimiser, which then exists
    sigma : float in [0, inf), E‖g - grad f‖^p <= sigma^p for one sample; 0 means exact gradients
    p : float in [1, inf)
    mu : float in [0, inf), strong convexity
    convex : bool
    dim : int >= 1, number of coordinates

    Returns
    -------
    DescribedSetting

    Raises
    ------
    ValueError
        If a number is outside its domain, or the method is none.
    """
    exact = sigma is not None and np.ndim(sigma) == 0 and not isinstance(sigma, (str, bool)) and sigma == 0
    try:
        problem = DescribedProblem(L=L, L0=L0, L1=L1, F0=F0, R0=R0, mu=mu, convex=bool(convex), coordinates=dim)
        noise = NoNoise() if exact else DescribedNoise(sigma=sigma, p=p)
    except ValueError as error:  # by the name that the user wrote
        raise ValueError(re.sub(r"^Described\w+:", "Constants:", str(error))) from None
    return DescribedSetting(problem, noise, method)
