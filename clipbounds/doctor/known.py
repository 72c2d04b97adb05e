"""Five seconds of numbers that are known beforehand: does this installation find them?"""

from __future__ import annotations

import math
import time
import warnings
from typing import TYPE_CHECKING

import numpy as np

from ..clipping import NormClip
from ..lanes.kernel_cache import CacheWarning
from ..lanes.random import threefry2x64
from ..methods import SGD, ClippedSGD, Setting
from ..noise import Gaussian, NoNoise
from ..problems import Quadratic
from ..simulate import simulate
from .findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

EPS = 2.0**-53


class _Otherwise(Exception):
    """A number is not the one that is known."""


def _require(true: bool, text: str) -> None:
    if not true:
        raise _Otherwise(text)


def _words() -> str:
    """The first known-answer vector of Random123 for Threefry-2x64-20."""
    found = tuple(int(word) for word in threefry2x64((0, 0), (0, 0)))
    _require(found == (0xC2B6E3A8C2C69865, 0x6F81ED42F350084D), f"Threefry gives {found}")
    return "Threefry gives the words that Random123 publishes"


def _clip() -> str:
    """(3, 4) has the norm 5, so its projection on the unit ball is (3/5, 4/5): a norm, a quotient and a product."""
    found = NormClip(1.0)([3.0, 4.0])
    _require(np.allclose(found, [0.6, 0.8], rtol=8 * EPS, atol=0), f"(3, 4) is clipped to {found}")
    return "clipping is the projection on a ball"


def _descent() -> str:
    """On a quadratic, gradient descent multiplies each coordinate by 1 - eta lambda; here that rounds once a step."""
    steps, step_size, curvatures = 8, 0.125, np.array([1.0, 4.0])
    run = simulate(Setting(Quadratic(curvatures, [1.0, 1.0]), NoNoise(), SGD(step_size)), steps)
    wanted = math.hypot(*(curvatures * (1 - step_size * curvatures) ** steps))
    found = float(run.gradient_norm[-1, 0])
    _require(abs(found - wanted) <= 2 * (steps + 4) * EPS * wanted, f"descent ends at {found}, but {wanted} is known")
    return "gradient descent follows its closed form"


def _noise() -> str:
    """SGD with Gaussian noise on x²/2 from 0 is Gaussian, so the sum of n squares over the known variance is chi-square.

    It leaves n ± (2 sqrt(n x) + 2 x) with probability at most 2 exp(-x) (B. Laurent, P. Massart, Adaptive estimation of
    a quadratic functional by model selection, Ann. Statist. 28, 2000, Lemma 1); x = 20 gives 5e-9.
    """
    steps, step_size, count, x = 100, 0.25, 2**14, 20.0
    setting = Setting(Quadratic([1.0], [0.0]), Gaussian(1.0), SGD(step_size))
    runs = [simulate(setting, steps, count, checkpoints=[steps], threads=threads) for threads in (1, 2)]
    norms = np.asarray(runs[0].gradient_norm)[0]
    _require(np.array_equal(norms, np.asarray(runs[1].gradient_norm)[0]), "two threads give other bits than one")
    left = (1 - step_size) ** 2
    variance = step_size**2 * (1 - left**steps) / (1 - left)
    away = abs(np.sum(norms**2) / variance - count)
    _require(
        away <= 2 * math.sqrt(count * x) + 2 * x, f"the variance of SGD is {np.mean(norms**2):.6g}, not {variance:.6g}"
    )
    return "SGD has its known law, and two threads give the bits of one"


def _theory() -> str:
    """A run of clipped gradient descent against every bound of the package that speaks of it: none is violated."""
    from ..bounds import applicable
    from ..verdict import compare

    setting = Setting(Quadratic([1.0, 0.1], [3.0, 4.0]), NoNoise(), ClippedSGD(0.1, NormClip(1.0)))
    bounds = applicable(setting)
    words = [verdict.verdict for verdict in compare(simulate(setting, 100), bounds).verdicts]
    _require("violated" not in words and "holds" in words, f"bounds of clipped descent: {', '.join(words)}")
    return f"{words.count('holds')} of {len(words)} bounds on clipped descent hold, none is violated"


TESTS = {"random words": _words, "clipping": _clip, "descent": _descent, "noise": _noise, "theory": _theory}


def self_test() -> Iterator[Finding]:
    """Compute what is known; a few seconds, more where kernels have to be compiled first."""
    for name, test in TESTS.items():
        started = time.perf_counter()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", CacheWarning)  # a damaged cache is a finding of its own
                text, state = f"{test()} ({time.perf_counter() - started:.1f} s)", "good"
        except Exception as error:  # an installation that is broken may raise anything
            told = str(error) if isinstance(error, _Otherwise) else f"{type(error).__name__}: {error}"
            text, state = " ".join(told.split()), "wrong"
        yield Finding(f"self-test, {name}", state, text)
