"""The property suite: each declared property is a search for a counterexample, shrunk by hypothesis."""

import dataclasses
import math

import numpy as np
from hypothesis import HealthCheck, find, settings
from hypothesis.errors import NoSuchExample

from ..clipping import PROPERTIES, Clip
from .strategies import fixed_broken, fixed_gradients, fixed_pairs, gradient_pairs, gradients

ROUNDING = 1e-12
TINY = 1e-290  # shorter vectors have lost digits to gradual underflow


@dataclasses.dataclass(frozen=True)
class Failure:
    """A property that an operator lacks, with the smallest counterexample found.

    Attributes
    ----------
    name : str, a key of `clipbounds.clipping.PROPERTIES`
    example : the arguments: a gradient or a pair of gradients
    output : ndarray, what the operator gave for the first argument
    """

    name: str
    example: object
    output: np.ndarray

    def __str__(self):
        return f"{self.name} ({PROPERTIES[self.name]}) fails at {self.example!r}, where the output is {self.output!r}"


def _norm(v):
    """‖v‖ without over- or underflow."""
    return math.hypot(*v)


def _close(a, b, size):
    """a = b up to rounding relative to `size`."""
    return _norm(a - b) <= ROUNDING * size + 1e-300


@dataclasses.dataclass(frozen=True)
class _Operator:
    function: object
    threshold: float
    bound: object
    lipschitz: float
    scaled: object

    def __call__(self, u):
        with np.errstate(all="ignore"):
            return np.asarray(self.function(u.copy()), dtype=np.float64)


def _bounded(clip, u):
    return _norm(clip(u)) <= clip.bound(u.size) * (1 + ROUNDING)


def _full_length(clip, u):
    wanted = min(clip.threshold, _norm(u))
    return wanted < TINY or abs(_norm(clip(u)) - wanted) <= ROUNDING * wanted


def _direction(clip, u):
    out, length = clip(u), _norm(u)
    size = _norm(out)
    if length < TINY or size < TINY:
        return bool(np.all(np.isfinite(out))) and (length > 0 or size == 0)
    return _norm(out / size - u / length) <= ROUNDING


def _identity_inside(clip, u):
    length = _norm(u)
    if length > clip.threshold:
        return True
    out = clip(u)
    # at a tie the norm's own rounding decides
    return np.array_equal(out, u) if length < clip.threshold * (1 - 1e-14) else _close(out, u, length)


def _idempotent(clip, u):
    once = clip(u)
    return _close(clip(once), once, _norm(once))


def _differences(clip, u, v):
    a, b = clip(u), clip(v)
    return a - b, u - v, 4e-16 * (_norm(a) + _norm(b))


def _inner(a, b):
    """<a, b> and ‖a‖ ‖b‖, both divided by the largest entries, so that nothing over- or underflows."""
    top_a, top_b = max(np.abs(a).max(), 1e-300), max(np.abs(b).max(), 1e-300)
    return float(np.dot(a / top_a, b / top_b)), top_a, top_b


def _nonexpansive(clip, u, v):
    out, step, rounding = _differences(clip, u, v)
    return _norm(out) <= clip.lipschitz * _norm(step) * (1 + 1e-9) + rounding


def _monotone(clip, u, v):
    out, step, rounding = _differences(clip, u, v)
    inner, top_out, _ = _inner(out, step)
    return inner >= -(ROUNDING + rounding / top_out * math.sqrt(u.size))


def _cocoercive(clip, u, v):
    out, step, rounding = _differences(clip, u, v)
    if not np.any(out):
        return True
    inner, top_out, top_step = _inner(out, step)
    # <out, step> >= ‖out‖²/K, divided by top_out top_step
    needed = (_norm(out) / top_out) * (_norm(out) / top_step) / clip.lipschitz
    return inner >= needed * (1 - 1e-9) - (ROUNDING + 2 * rounding / top_out * math.sqrt(u.size))


def _odd(clip, u):
    return np.array_equal(clip(-u), -clip(u))


def _permutation_equivariant(clip, u):
    out = clip(u)
    return _close(clip(u[::-1]), out[::-1], _norm(out))


def _rotation_equivariant(clip, u):
    """The reflection that turns the first axis into the diagonal stands for all orthogonal maps."""
    normal = np.eye(u.size)[0] - np.full(u.size, u.size**-0.5)
    length = _norm(normal)
    if length == 0:
        return True
    normal = normal / length

    def turn(w):
        return w - 2 * normal * np.sum(normal * w)

    out = clip(u)
    return _norm(u) < TINY or _norm(clip(turn(u)) - turn(out)) <= 16 * ROUNDING * _norm(out) + 1e-300


def _scaling(clip, u):
    factor = 3.0
    out = factor * clip(u)
    return _norm(out) < TINY or _close(np.asarray(clip.scaled(factor)(factor * u)), out, _norm(out))


def _keeps_nan(clip, u):
    return not np.isnan(u).any() or bool(np.isnan(clip(u)).any())


def _tames_inf(clip, u):
    if np.isnan(u).any():
        return True
    return _norm(clip(u)) <= clip.bound(u.size) * (1 + ROUNDING)


# checks of one gradient, of two, and of one that is not finite
ONE = {
    "bounded": _bounded,
    "full_length": _full_length,
    "direction": _direction,
    "identity_inside": _identity_inside,
    "idempotent": _idempotent,
    "odd": _odd,
    "permutation_equivariant": _permutation_equivariant,
    "rotation_equivariant": _rotation_equivariant,
    "scaling": _scaling,
}
TWO = {"nonexpansive": _nonexpansive, "monotone": _monotone, "cocoercive": _cocoercive}
NOT_FINITE = {"keeps_nan": _keeps_nan, "tames_inf": _tames_inf}


def _search(checks, strategy, clip, examples):
    """The smallest arguments found that fail one of the checks, or None."""
    options = settings(
        max_examples=examples, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck), report_multiple_bugs=False,
    )  # fmt: skip
    try:
        return find(strategy, lambda arguments: not all(check(clip, *arguments) for check in checks), settings=options)
    except NoSuchExample:
        return None


def _failing(table, names, strategy, fixed, clip, examples):
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
    found = _search([table[name] for name in open_ones], strategy, clip, examples) if open_ones else None
    if found is not None:
        known.update((name, None) for name in open_ones)
    failures = {}
    for name, bad in known.items():
        example = _search([table[name]], strategy, clip, examples) or bad
        if example is None and not table[name](clip, *found):
            example = found
        if example is not None:
            failures[name] = Failure(name, example if len(example) > 1 else example[0], clip(example[0]))
    return failures


def failing_properties(fn, properties=None, *, threshold=None, bound=None, lipschitz=None, scaled=None, examples=200):
    """Search for counterexamples to properties of a clipping operator.

    Parameters
    ----------
    fn : Clip, or callable from a float64 array of shape (dim,) to one of the same shape
    properties : iterable of str, optional
        Keys of `clipbounds.clipping.PROPERTIES`. By default those that a `Clip` declares, and for another callable
        all but "scaling" (which needs `scaled`). "every_scale" widens the search for all others.
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
        If a property is unknown or lacks what it needs.
    """
    own = isinstance(fn, Clip)
    threshold = getattr(fn, "threshold", None) if threshold is None else threshold
    if bound is None:
        bound = _bound_of(fn, threshold)
    scaled = getattr(fn, "scaled", None) if scaled is None else scaled
    lipschitz = getattr(fn, "lipschitz", 1.0) if lipschitz is None else lipschitz
    if properties is None:
        properties = fn.properties if own else set(PROPERTIES) - ({"scaling"} if scaled is None else set())
    properties = frozenset(properties)
    _complain(properties, threshold, bound, scaled)
    clip = _Operator(fn, math.inf if threshold is None else threshold, bound, lipschitz, scaled)
    around = clip.threshold if 0 < clip.threshold < math.inf else 1.0
    every_scale = "every_scale" in properties
    single = gradients(None, around, every_scale).map(lambda u: (u,))
    broken = gradients(None, around, every_scale, finite=False).map(lambda u: (u,))
    one = [(u,) for u in fixed_gradients(around, every_scale)]
    two = fixed_pairs(around, every_scale)
    return {
        **_failing(ONE, properties, single, one, clip, examples),
        **_failing(TWO, properties, gradient_pairs(around, every_scale), two, clip, examples),
        **_failing(NOT_FINITE, properties, broken, [(u,) for u in fixed_broken()], clip, examples),
    }


def _bound_of(fn, threshold):
    if getattr(fn, "threshold_at", None) is not None:
        return lambda dim: fn.threshold_at(0)
    if isinstance(fn, Clip):
        return fn.bound
    return None if threshold is None else lambda dim: threshold


def _complain(properties, threshold, bound, scaled):
    unknown = properties - set(PROPERTIES)
    if unknown:
        raise ValueError(f"properties must be among {', '.join(PROPERTIES)}, but {sorted(unknown)} was given")
    for names, given, what in (
        ({"full_length", "identity_inside"}, threshold, "threshold"),
        ({"bounded", "tames_inf"}, bound, "bound or threshold"),
        ({"scaling"}, scaled, "scaled"),
    ):
        wanting = properties & names
        # an operator without a threshold leaves everything as it is, and its threshold is infinite
        if wanting and given is None and not (what == "threshold" and bound is not None):
            raise ValueError(f"the properties {sorted(wanting)} need {what}=..., which was not given")


def check_clip_operator(fn, properties=None, **options):
    """Raise AssertionError, with the smallest counterexample, unless the operator has all the properties.

    The parameters are those of `failing_properties`.
    """
    failures = failing_properties(fn, properties, **options)
    if failures:
        raise AssertionError("\n".join(str(failure) for failure in failures.values()))
