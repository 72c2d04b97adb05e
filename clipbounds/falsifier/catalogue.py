"""The templates that are searched by default: problems, laws and methods of the package, at scale 1.

A template is a starting point, not an instance: all its numbers vary (`coordinates`). Which templates speak about a bound is
found by its own hypotheses.
"""

from __future__ import annotations

import dataclasses
import warnings
from typing import TYPE_CHECKING

import numpy as np

from .. import clipping, methods, noise, oracles, problems
from ..methods import Setting
from ..specs import check_integer
from .coordinates import Coordinate, coordinates

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..methods.base import Method
    from ..noise.base import Noise
    from ..problems.base import Problem


@dataclasses.dataclass(frozen=True)
class Template:
    """A setting whose numbers vary, and the longest horizon of the search.

    Attributes
    ----------
    setting : Setting
    steps : int >= 1
    group : str, "deterministic", "stochastic", "adversary", "per sample", "distributed", "variance reduced", "momentum" or "yours"
    fixed : tuple of str
        Numbers that do not vary, such as "method.step_size", or all those of a part, such as "problem".
    """

    setting: Setting
    steps: int = 1000
    group: str = "yours"
    fixed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.setting, Setting):
            raise ValueError(f"Template: setting must be a Setting, but {self.setting!r} was given")
        object.__setattr__(self, "steps", check_integer("Template", "steps", self.steps, 1))
        known = {".".join(path[:depth]) for path in self._paths() for depth in range(1, len(path) + 1)}
        for name in self.fixed:
            if name not in known:
                raise ValueError(
                    f"Template: fixed names no number of the setting: {name!r}; it has {', '.join(sorted(known))}"
                )

    def _paths(self) -> list[Any]:
        axes = coordinates(self.setting, self.steps)
        return [tuple(part for part in axis.path if isinstance(part, str)) for axis in axes]

    def axes(self) -> list[Coordinate]:
        """The numbers that vary."""
        axes = coordinates(self.setting, self.steps)
        free = [
            not any(".".join(path[:depth]) in self.fixed for depth in range(1, len(path) + 1)) for path in self._paths()
        ]
        return [axis for axis, varies in zip(axes, free, strict=True) if varies]

    @property
    def name(self) -> str:
        """Problem, noise and method by class."""
        parts = (self.setting.problem, self.setting.noise, self.setting.method)
        names = [type(part).__name__ for part in parts]
        names[0] += f" (d = {self.setting.problem.dim})"
        return ", ".join(names)


def _problems() -> list[Problem]:
    line, plane = [1.0], [1.0, 1.0]
    return [
        problems.Quadratic([1.0], line),
        problems.Huber(1.0, 1.0, [2.0]),
        problems.Quadratic([1.0, 0.2], plane),
        problems.Extremal(1.0, 1.0, line),
        problems.Cosh(1.0, 1.0, line),
        problems.DoubleWell([1.5]),
        problems.Huber(1.0, 1.0, [2.0, 1.0]),
        problems.Sombrero(plane),
        problems.Quartic(line),
        problems.Softplus(line),
        problems.Quadratic(np.geomspace(1, 0.1, 5), np.ones(5)),
    ]


def _laws() -> list[Noise]:
    return [
        noise.TwoPoint(1.0, 0.5),
        noise.ThreePoint(1.0, 0.5, 0.1),
        noise.Gaussian(1.0),
        noise.StudentT(3.0, 1.0),
        noise.Pareto(2.5, 1.0),
        noise.SymmetricPareto(1.7, 1.0),
    ]


def _clients() -> list[Problem]:
    scalar = problems.ClientQuadratics.scalar
    return [
        scalar([1.0], [1.0], 2.0),
        scalar([1.0, 1.0], [0.0, 1.0], 2.0),
        scalar([1.0, 1.0, 3.0], [0.0, 0.0, 10.0], 5.0),
    ]


def _distributed() -> Iterator[tuple[Problem, Method]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a step that diverges is what a search may look for
        for theta in (0.5, 3.0):
            yield problems.divergence_example(1.0), methods.SClipEF.standard(theta)
            for problem in _clients():
                yield problem, methods.SClipEF.standard(theta)


def _held(problem: Problem) -> tuple[str, ...]:
    """What does not vary: on a line no coordinate can be without noise."""
    return ("noise.quiet",) if problem.dim == 1 else ()


def catalogue() -> list[Template]:
    """The default templates, those of each group in the order in which they are tried."""
    step, clip = 0.1, clipping.NormClip(1.0)
    found = []
    for problem in _problems():
        plain = Setting(problem, noise.NoNoise(), methods.ClippedSGD(step, clip))
        found.append(Template(plain, 20_000, "deterministic"))
    for law in _laws():
        for problem in _problems()[:6]:
            found.append(Template(Setting(problem, law, methods.ClippedSGD(step, clip)), 5000, "stochastic"))
    for problem in _problems()[:2]:
        policy = oracles.Policy(problem, step, 1.0, 1.0, 80)
        worst = noise.Adaptive(policy)
        held = ("method.momentum", "method.batch_size")  # it knows clipped SGD with one sample a step
        found.append(Template(Setting(problem, worst, methods.ClippedSGD(step, clip)), 80, "adversary", held))
    for law in (noise.StudentT(1.9, 1.0), noise.TwoPoint(1.0, 0.1), noise.SymmetricPareto(1.6, 1.0)):
        for problem in (_problems()[0], _problems()[2], _problems()[5]):
            for method in (
                methods.PerSampleClippedSGD(step, clipping.GrowingClip(1.0, 0.5), 8),
                methods.PerSampleClippedSGD(step, clip, 8),
                methods.MicroBatchClippedSGD(step, clip, 8, 4),
                methods.NormalizedSGD(step, 8),
            ):
                found.append(Template(Setting(problem, law, method), 300, "per sample"))
    for problem, method in _distributed():
        for law in (noise.NoNoise(), noise.LogTailed(1.0)):
            found.append(Template(Setting(problem, law, method), 3000, "distributed"))
    for problem in (_problems()[0], problems.RampValley(0.5), _problems()[4]):
        smooth = problem.smoothness
        for rule in (methods.RuleH, methods.RuleP, methods.RuleN):
            spider = methods.Spider(rule(0.1, max(smooth.L0, 1.0), smooth.L1), 10, 16, 4)
            for oracle in (oracles.RademacherNoise(problem, 1.0), oracles.Additive(problem, 1.0)):
                found.append(Template(Setting(problem, oracle, spider), 300, "variance reduced", _held(problem)))
        batch = methods.MiniBatch(methods.RuleH(0.1, max(smooth.L0, 1.0), smooth.L1), 4)
        setting = Setting(problem, oracles.RademacherNoise(problem, 1.0), batch)
        found.append(Template(setting, 300, "variance reduced", _held(problem)))
        exact = setting.replace(noise=noise.NoNoise())
        found.append(Template(exact, 3000, "variance reduced", ("method.batch_size",)))
        # the clipped SGD of reisizadeh2023: gamma = 5 sigma eta, one sample a step
        clipped = setting.replace(method=methods.MiniBatch(methods.ClippedStep(0.05, 0.25), 1))
        found.append(Template(clipped, 3000, "variance reduced", ("method", "noise.sigma", *_held(problem))))
    for law in (noise.NoNoise(), noise.TwoPoint(1.0, 0.5), noise.StudentT(3.0, 1.0)):
        for problem in (_problems()[0], _problems()[1], _problems()[2]):
            found.append(Template(Setting(problem, law, methods.NormalizedMomentumSGD(step, 0.5)), 3000, "momentum"))
    return found
