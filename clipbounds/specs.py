"""Specs are values: frozen, validated when built, hashable, printable, JSON round-trip, content-addressed.

A subclass of `Spec` lists its parameters as annotated fields; no decorator is needed.

    class Pareto(Noise):
        tail_index: float = parameter(Interval(1, inf), "alpha, so that the mean exists")

A parameter declares its domain once; validation, documentation and test draws come from it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import numbers
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, dataclass_transform

import numpy as np

from .spec_fields import OptionalVector as OptionalVector
from .spec_fields import Part as Part
from .spec_fields import Vector as Vector
from .spec_text import decode, short

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Self

    from .array_types import ArrayLike, FloatArray

inf = math.inf


@dataclasses.dataclass(frozen=True)
class Interval:
    """A real interval; ends are open unless said otherwise. An infinite end is never reached."""

    low: float
    high: float
    closed_low: bool = False
    closed_high: bool = False

    def contains(self, values: ArrayLike) -> bool:
        values = np.asarray(values)
        above = values >= self.low if self.closed_low else values > self.low
        below = values <= self.high if self.closed_high else values < self.high
        return bool(np.all(above & below))

    def __contains__(self, number: float) -> bool:
        above = number >= self.low if self.closed_low else number > self.low
        return above and (number <= self.high if self.closed_high else number < self.high)

    def __str__(self) -> str:
        return f"{'[' if self.closed_low else '('}{self.low:g}, {self.high:g}{']' if self.closed_high else ')'}"


POSITIVE = Interval(0, inf)
NON_NEGATIVE = Interval(0, inf, closed_low=True)
REAL = Interval(-inf, inf)


def parameter(domain: Interval = REAL, why: str = "", also: type[Spec] | None = None, **options: Any) -> Any:
    """A real parameter with its domain; `why` names the theorem or the meaning that sets the domain.

    `also`: a kind of spec that may take the place of the number, such as a schedule.
    """
    return dataclasses.field(metadata={"kind": "real", "domain": domain, "why": why, "also": also}, **options)


def vector(domain: Interval = REAL, why: str = "", **options: Any) -> Any:
    """A vector parameter, stored as a read-only one-dimensional float64 array; its annotation is `Vector`."""
    return dataclasses.field(metadata={"kind": "vector", "domain": domain, "why": why}, **options)


def integer(low: int, why: str = "", **options: Any) -> Any:
    """An integer parameter, at least `low`."""
    return dataclasses.field(metadata={"kind": "integer", "low": low, "why": why}, **options)


def note(**options: Any) -> Any:
    """A field that goes with a value and is no part of it: two specs that differ in it alone are equal."""
    return dataclasses.field(metadata={"kind": "note"}, **options)


def switch(why: str = "", **options: Any) -> Any:
    """A field that is False or True; as long as it is False it is neither printed nor part of the JSON form."""
    return dataclasses.field(metadata={"kind": "switch", "why": why}, **options)


def _complaint(owner: str, name: str, expected: str, given: object, why: str) -> ValueError:
    reason = f" ({why})" if why else ""
    return ValueError(f"{owner}: {name} must be {expected}{reason}, but {given!r} was given")


def check_integer(owner: str, name: str, value: Any, low: int, why: str = "") -> int:
    """`value` as an int, or one clear sentence."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < low:
        raise _complaint(owner, name, f"an integer >= {low}", value, why)
    return int(value)


def _shape(part: Any) -> tuple[int, ...] | str:
    try:
        return np.shape(part)
    except ValueError:
        return "uneven"


def real_array(owner: str, name: str, values: Any) -> FloatArray:
    """`values` as a float64 array, or one clear sentence where a part of them would be lost or cannot be read.

    Raises
    ------
    ValueError
        If they are complex, parts of different shapes, objects or text.
    """
    wanted = f"{owner}: {name} must be one array of real numbers"
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:  # RuntimeError: a tensor that requires a gradient
        array, why = np.array(None), str(error).rstrip(".")
    else:
        why = f"{type(values).__name__} of dtype {array.dtype} was given"
    if array.dtype.kind == "c":
        raise ValueError(f"{wanted}, but complex ones were given; np.asarray({name}).view(float) has the same norm")
    if array.dtype.kind in "fiub":
        return np.asarray(array, dtype=np.float64)
    parts = values if isinstance(values, (list, tuple)) or np.ndim(array) else ()
    shapes = list(dict.fromkeys(_shape(part) for part in parts))
    if len(shapes) > 1:
        shown = ", ".join(map(str, shapes[:4])) + (", ..." if len(shapes) > 4 else "")
        raise ValueError(
            f"{wanted}, but {len(parts)} parts of the shapes {shown} were given;"
            f" np.concatenate([np.ravel(part) for part in {name}]) joins them to one vector"
        )
    raise ValueError(f"{wanted}, but {why}; np.array({name}, dtype=float) makes one where that is possible")


def _clean(owner: str, field: dataclasses.Field[Any], value: Any) -> Any:
    meta = field.metadata
    kind, why = meta.get("kind"), meta.get("why", "")
    if kind == "integer":
        return check_integer(owner, field.name, value, meta["low"], why)
    if kind == "switch":
        if value not in (True, False):
            raise _complaint(owner, field.name, "True or False", value, why)
        return bool(value)  # 1 and numpy's True: equal, so one digest
    if kind not in ("real", "vector") or (value is None and field.default is None):
        return value
    domain, also = meta["domain"], meta.get("also")
    if kind == "real" and type(value) is float and value in domain:  # nearly all are: large grids make millions
        return value
    if also is not None and isinstance(value, also):
        return value
    expected = (
        f"a number in {domain}" + (f" or a {also.__name__}" if also else "")
        if kind == "real"
        else f"a vector with entries in {domain}"
    )
    try:
        if np.asarray(value).dtype.kind in "USbc":  # NumPy would take "1" and True for 1, and half of a complex number
            raise TypeError
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise _complaint(owner, field.name, expected, value, why) from None
    if kind == "real":
        if array.ndim or not domain.contains(array):
            raise _complaint(owner, field.name, expected, value, why)
        return float(array)
    array = np.atleast_1d(array)
    if array.ndim != 1 or not array.size or not domain.contains(array):
        raise _complaint(owner, field.name, expected, value, why)
    array.setflags(write=False)
    return array


def _encode(value: Any, identity: bool = False) -> Any:
    if isinstance(value, Spec):
        return value._fields(identity)
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (tuple, list)):
        return [_encode(item, identity) for item in value]
    return value


# no frozen_default: mypy then takes an inherited `Vector` for what it is given, not for what it holds
@dataclass_transform(field_specifiers=(parameter, vector, integer, note, switch, dataclasses.field))
class Spec:
    """Base of Problem, Noise, Clip, Method and Setting."""

    if TYPE_CHECKING:
        __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__init__" in cls.__dict__:
            raise ValueError(
                f"{cls.__name__}: a spec has no __init__ of its own; declare its parameters as fields, such as"
                " scale: float = parameter(POSITIVE), and check them together in validate(self)"
            )
        # set here, so that a decorator @dataclass(frozen=True) on top of a subclass does not replace them
        cls.__eq__, cls.__hash__ = Spec.__eq__, Spec.__hash__  # type: ignore[method-assign]
        dataclasses.dataclass(frozen=True, eq=False, repr=False)(cls)
        # Spec has its own, and such a decorator refuses to overwrite them
        del cls.__setattr__, cls.__delattr__

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise dataclasses.FrozenInstanceError(f"{type(self).__name__} is frozen; use replace({name}=...)")

    def __delattr__(self, name: str) -> NoReturn:
        raise dataclasses.FrozenInstanceError(f"{type(self).__name__} is frozen; {name} cannot be deleted")

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = _clean(type(self).__name__, field, getattr(self, field.name))
            object.__setattr__(self, field.name, value)
        self.validate()

    def validate(self) -> None:
        """Checks that involve several parameters; raise ValueError."""

    def _normalise(self, **values: Any) -> None:
        """Replace fields by their canonical form; for use inside `validate` only."""
        for name, value in values.items():
            if isinstance(value, np.ndarray):
                value = np.array(value, dtype=np.float64)
                value.setflags(write=False)
            object.__setattr__(self, name, value)

    def replace(self, **changes: Any) -> Self:
        """A copy with some parameters changed, validated anew."""
        return dataclasses.replace(self, **changes)

    def _told(self) -> list[dataclasses.Field[Any]]:
        """The fields without the switches that are off."""
        return [f for f in dataclasses.fields(self) if f.metadata.get("kind") != "switch" or getattr(self, f.name)]

    def __repr__(self) -> str:
        shown = ", ".join(f"{f.name}={getattr(self, f.name)!r}" for f in self._told() if f.repr)
        return f"{type(self).__qualname__}({shown})"

    def _fields(self, identity: bool) -> dict[str, Any]:
        """The type and the encoded fields; for `identity` without those that tell no values apart (`note`)."""
        cls = type(self)
        told = [f.name for f in self._told() if not (identity and f.metadata.get("kind") == "note")]
        fields = {name: _encode(getattr(self, name), identity) for name in told}
        return {"type": f"{cls.__module__}:{cls.__qualname__}", **fields}

    def _identity(self) -> str:
        """What equality, hash and digest compare."""
        return json.dumps(self._fields(True), sort_keys=True)

    def to_dict(self) -> dict[str, Any]:
        return self._fields(False)

    def to_json(self) -> str:
        """The text from which `from_json` makes the spec again; arrays of data are kept beside it (`clipbounds.data`)."""
        self.keep()
        return json.dumps(self.to_dict(), sort_keys=True)

    def keep(self) -> None:
        """Keep what the JSON form only names: the arrays of data among the parts of this spec."""
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Spec):
                value.keep()

    @staticmethod
    def from_json(text: str, allow: Collection[str] = ()) -> Any:
        """The spec that `to_json` wrote.

        The text may come from a stranger: it names classes, and only subclasses of Spec are made, of this package, of
        modules that are imported already, or of those named in `allow`. No other module is imported.

        Parameters
        ----------
        text : str
        allow : collection of str, modules that may be imported, such as ["mylab.problems"]

        Raises
        ------
        ValueError
            If the text is not what `to_json` wrote, or names a class of another module.
        """
        if isinstance(allow, str):
            raise ValueError(f"from_json: allow must be a list of modules, but {allow!r} was given; write [{allow!r}]")
        try:
            content = json.loads(text)
        except (TypeError, ValueError, RecursionError):
            content = None
        if not isinstance(content, dict) or "type" not in content:
            raise ValueError(f"from_json: expected the text that to_json wrote, but {short(text)!r} was given")
        return decode(content, Spec, tuple(allow))

    @property
    def digest(self) -> str:
        """Content address: hex digest of the JSON form."""
        return hashlib.sha256(self._identity().encode()).hexdigest()[:32]

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())
