"""The property suite: each declared property is a search for a counterexample, shrunk by hypothesis."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import HealthCheck, find, settings
from hypothesis.errors import NoSuchExample

from ..clipping import PROPERTIES, Clip
from .checks import BATCH, NOT_FINITE, ONE, TWO, Operator
from .strategies import (
    batches,
    fitted,
    fixed_batches,
    fixed_broken,
    fixed_gradients,
    fixed_pairs,
    gradient_pairs,
    gradients,
    is_extreme,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from typing import Any

    from ..array_types import ArrayLike, FloatArray


@dataclasses.dataclass(frozen=True)
class Failure:
    """A property that an operator lacks, with the smallest counterexample found.

    Attributes
    ----------
    name : str, a key of `clipbounds.clipping.PROPERTIES`
    example : the arguments: a gradient, a pair of gradients or a batch
    output : what the operator gave for the first argument: an ndarray, or the exception that it raised for a batch
    there : tuple of str, for every_scale: the properties that hold at ordinary scales and are lost at extreme ones; the
        example is one of the first
    """

    name: str
    example: object
    output: object
    there: tuple = ()

    def __str__(self) -> str:
        with np.printoptions(precision=17):  # so that the example can be copied
            return self._sentence()

    def _sentence(self) -> str:
        what = f"{self.name} ({PROPERTIES[self.name]})" + (f", namely {', '.join(self.there)}," if self.there else "")
        if isinstance(self.output, Exception):
            hint = "np.apply_along_axis(fn, -1, batch) makes an operator on batches of one on single gradients"
            return f"{what} fails at {self.example!r}, where {self.output!r} is raised; {hint}"
        return f"{what} fails at {self.example!r}, where the output is {self.output!r}"


def _search(
    checks: Sequence[Callable[..., bool]], strategy: Any, clip: Operator, examples: int
) -> tuple[Any, ...] | None:
    """The smallest arguments found that fail one of the checks, or None."""
    options = settings(
        max_examples=examples, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck), report_multiple_bugs=False,
    )  # fmt: skip
    try:
        return find(strategy, lambda arguments: not all(check(clip, *arguments) for check in checks), settings=options)
    except NoSuchExample:
        return None


def _failing(
    table: dict[str, Callable[..., bool]],
    names: Collection[str],
    strategy: Any,
    fixed: Iterable[Any],
    clip: Operator,
    examples: int,
) -> dict[str, Failure]:
    """Failures among the named checks.

    The fixed examples come first, then one search for all checks at once; only what has failed is searched by itself,
    for a small example.
    """
    names = [name for name in table if name in names]
    known = {}
    for name in names:
        bad = next((arguments for arguments in fixed if not table[name](clip, *arguments)), None)
        if bad is not None:
            known[name] = bad
    open_ones = [name for name in names if name not in known]
    found: Any = _search([table[name] for name in open_ones], strategy, clip, examples) if open_ones else None
    if found is not None:
        known.update((name, None) for name in open_ones)
    failures = {}
    for name, bad in known.items():
        example = _search([table[name]], strategy, clip, examples) or bad
        if example is None and not table[name](clip, *found):
            example = found
        if example is not None:
            failures[name] = Failure(name, example if len(example) > 1 else example[0], _output(clip, example[0]))
    return failures


def _output(clip: Operator, argument: FloatArray) -> FloatArray | Exception:
    try:
        return clip(argument)
    except Exception as error:  # it is part of the finding
        return error


def _failing_at(every_scale: bool, properties: Collection[str], clip: Operator, examples: int) -> dict[str, Failure]:
    """Failures among the properties for ordinary gradients, or for all with extreme ones among them."""
    around = clip.around
    groups = (
        (ONE, gradients(None, around, every_scale), fixed_gradients(around, every_scale)),
        (TWO, gradient_pairs(around, every_scale), fixed_pairs(around, every_scale)),
        (NOT_FINITE, gradients(None, around, every_scale, finite=False), fixed_broken()),
        (BATCH, batches(around, every_scale), fixed_batches(around, every_scale)),
    )

    def fit(arguments: Any) -> tuple[FloatArray, ...]:
        return tuple(fitted(argument, clip.dimension) for argument in arguments)

    found = {}
    for table, strategy, fixed in groups:
        if table is not TWO:
            strategy, fixed = strategy.map(lambda argument: (argument,)), [(argument,) for argument in fixed]
        if clip.dimension is not None:
            strategy, fixed = strategy.map(fit), [fit(arguments) for arguments in fixed]
        with np.errstate(all="ignore"):  # what a wrong operator gives may be infinite
            found |= _failing(table, properties, strategy, fixed, clip, examples)
    return found


def failing_properties(
    fn: Callable[[FloatArray], ArrayLike],
    properties: Collection[str] | None = None,
    *,
    like: Clip | None = None,
    threshold: float | None = None,
    bound: Callable[[int], float] | None = None,
    lipschitz: float | None = None,
    scaled: Callable[[float], Any] | None = None,
    examples: int = 200,
) -> dict[str, Failure]:
    """Search for counterexamples to properties of a clipping operator.

    Gradients of ordinary size are tried first: a property that they refute is reported under its own name, and only a
    property that they do not refute is tried at extreme sizes and reported, if it is lost there, as "every_scale".

    Parameters
    ----------
    fn : Clip, or callable from a float64 array of shape (..., dim) to one of the same shape
        One for single gradients, shape (dim,), lacks "rowwise" and may have all else.
    properties : iterable of str, optional
        Keys of `clipbounds.clipping.PROPERTIES`. By default those of `like`; without it those that a `Clip` declares, with
        "rowwise", and for another callable all but "scaling" (which needs `scaled`).
    like : Clip, optional
        An operator of the package that `fn` should be: it gives the properties, threshold, bound, Lipschitz constant and
        scaled operator that are not given here.
    threshold : float, optional
        The c of the operator; a `Clip` knows its own. Needed for full_length and identity_inside.
    bound : callable (dim) -> float, optional; by default the threshold
    lipschitz : float, optional; 1 by default
    scaled : callable (t) -> operator, optional, with scaled(t)(t u) = t fn(u)
    examples : int, gradients tried for each group of properties

    Returns
    -------
    dict of str to Failure

    Raises
    ------
    ValueError
        If a property is unknown or lacks what it needs, the threshold is negative, `like` is no operator of the package, or `fn` changes the shape of
        a gradient.
    """
    if like is not None and not isinstance(like, Clip):
        raise ValueError(f"like must be an operator such as clipbounds.clipping.NormClip(1.0), but {like!r} was given")
    claims = fn if like is None else like
    threshold = getattr(claims, "threshold", None) if threshold is None else threshold
    if bound is None:
        bound = _bound_of(claims, threshold)
    scaled = getattr(claims, "scaled", None) if scaled is None else scaled
    lipschitz = getattr(claims, "lipschitz", 1.0) if lipschitz is None else lipschitz
    if properties is None:
        all_possible = set(PROPERTIES) - ({"scaling"} if scaled is None else set())
        properties = claims.properties | {"rowwise"} if isinstance(claims, Clip) else all_possible
    properties = frozenset([properties] if isinstance(properties, str) else properties)
    _complain(properties, threshold, bound, scaled)
    dimension = claims.dimension if isinstance(claims, Clip) else None
    clip = Operator(fn, math.inf if threshold is None else threshold, bound, lipschitz, scaled, dimension)
    failures = _failing_at(False, properties, clip, examples)
    if "every_scale" in properties:
        lost = _failing_at(True, properties - set(failures), clip, examples)
        ordinary = [name for name, failure in lost.items() if not is_extreme(failure.example, clip.around)]
        failures |= {name: lost.pop(name) for name in ordinary}
        if lost:
            first = next(iter(lost.values()))
            failures["every_scale"] = Failure("every_scale", first.example, first.output, tuple(lost))
    return failures


def _bound_of(claims: Any, threshold: float | None) -> Callable[[int], float] | None:
    if getattr(claims, "threshold_at", None) is not None:
        return lambda dim: claims.threshold_at(0)
    if isinstance(claims, Clip):
        return claims.bound
    return None if threshold is None else lambda dim: threshold


def _complain(
    properties: Any,
    threshold: float | None,
    bound: Callable[[int], float] | None,
    scaled: Callable[[float], Any] | None,
) -> None:
    unknown = properties - set(PROPERTIES)
    if unknown:
        raise ValueError(f"properties must be among {', '.join(PROPERTIES)}, but {sorted(unknown)} was given")
    if properties == {"every_scale"}:
        raise ValueError("every_scale says where other properties hold: name those, too")
    if threshold is not None and not threshold >= 0:
        raise ValueError(f"threshold must be a number >= 0, but {threshold!r} was given")
    missing = []
    for names, given, what in (
        ({"full_length", "identity_inside"}, threshold, "threshold"),
        ({"bounded", "tames_inf"}, bound, "bound or threshold"),
        ({"scaling"}, scaled, "scaled"),
    ):
        wanting = properties & names
        # an operator without a threshold leaves everything as it is, and its threshold is infinite
        if wanting and given is None and not (what == "threshold" and bound is not None):
            missing.append(f"{', '.join(sorted(wanting))} need {what}")
    if missing:
        raise ValueError(
            f"what was not given: {'; '.join(missing)}; give it, or an operator of the package that yours should be,"
            " such as like=clipbounds.clipping.NormClip(1.0), or other properties"
        )


def check_clip_operator(
    fn: Callable[[FloatArray], ArrayLike], properties: Collection[str] | None = None, **options: Any
) -> None:
    """Raise AssertionError, with the smallest counterexample, unless the operator has all the properties.

    The parameters are those of `failing_properties`; for an operator of your own that should be clipping to the norm c,
    ``check_clip_operator(fn, like=NormClip(c))`` says all of them.
    """
    failures = failing_properties(fn, properties, **options)
    if failures:
        raise AssertionError("\n".join(str(failure) for failure in failures.values()))
