"""Problems, laws, methods and operators of a sweep's description: tables whose entries may be lists.

A table becomes a node, which makes a spec once a value of each of its axes is chosen. An entry that is a list, where the
parameter is one number, is an axis of the grid; where the parameter is a vector, a list of lists is. A list of tables is
one axis, its values being all the specs that the tables stand for.
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING

import numpy as np

from ..run_arrays import DESCRIPTION
from ..spec_text import decode
from ..specs import Spec
from .user_files import import_module, modules_of
from .values import as_list, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

RESERVED = {"checkpoint", "trajectory", "step", *DESCRIPTION}


@dataclasses.dataclass(eq=False)
class Axis:
    """One axis of the grid.

    Attributes
    ----------
    path : str, such as "method.clip.threshold"
    values : list of numbers, text, booleans, lists (vectors) or specs
    name : str, the path's last part unless two axes share it
    """

    path: str
    values: list
    name: str = ""


@dataclasses.dataclass(eq=False)
class Node:
    """A spec of the class `cls` with some fields that are nodes or axes, or (`cls` None) a finished `spec`."""

    cls: type | None
    fields: dict = dataclasses.field(default_factory=dict)
    spec: Spec | None = None

    def axes(self) -> list[Axis]:
        """The axes below this node, in order of appearance."""
        found = []
        for entry in self.fields.values():
            found += [entry] if isinstance(entry, Axis) else entry.axes() if isinstance(entry, Node) else []
        return found

    def make(self, choice: Mapping[Axis, int]) -> Any:
        """The spec for a dict of axis to index."""
        if self.cls is None:
            return self.spec
        made = {}
        for name, entry in self.fields.items():
            if isinstance(entry, Axis):
                entry = entry.values[choice[entry]]
            elif isinstance(entry, Node):
                entry = entry.make(choice)
            made[name] = entry
        return self.cls(**made)


def known_types(base: type) -> dict[str, type[Any]]:
    """Names and classes that a table may name in `type`."""
    from .. import clipping, methods, noise, problems

    found = {}
    for module in (problems, noise, methods, clipping):
        for name in module.__all__:
            cls = getattr(module, name)
            if isinstance(cls, type) and issubclass(cls, base) and dataclasses.is_dataclass(cls):
                found[name] = cls
    return found


def find_type(where: str, name: Any, base: type) -> type[Any]:
    """The class of this name: one of the package, or ``module:Class`` of the user (in a file, ``file.py:Class``)."""
    if not isinstance(name, str):
        raise ValueError(f"{where}: type must be the name of a class, but {name!r} was given")
    if ":" in name:
        module, _, rest = name.partition(":")
        try:
            cls = import_module(module)
            for part in rest.split("."):
                cls = getattr(cls, part)
        except (ValueError, AttributeError) as error:
            raise ValueError(f"{where}: {name} cannot be imported ({error})") from None
        if not (isinstance(cls, type) and issubclass(cls, base)):
            raise ValueError(f"{where}: {name} is not a {base.__name__}")
        return cls
    types = known_types(base)
    if name not in types:
        raise ValueError(f"{where}: there is no {base.__name__} {name!r}; {nearest(name, types)}")
    return types[name]


def _is_component(value: Any) -> bool:
    return isinstance(value, Spec) or (isinstance(value, dict) and bool({"type", "constant"} & value.keys()))


def read_component(where: str, given: Any, base: type) -> tuple[Node | Axis, Any]:
    """A table, a spec, or a list of such.

    Returns
    -------
    Node or Axis
    the description in canonical form: ranges as lists, types with their modules
    """
    if isinstance(given, (list, tuple)):
        if not len(given):
            raise ValueError(f"{where}: an empty list makes an empty grid; give at least one {base.__name__}")
        pairs = [read_component(f"{where}[{k}]", item, base) for k, item in enumerate(given)]
        specs = [spec for node, _ in pairs for spec in _expand(where, node)]
        return Axis(where, specs), [canonical for _, canonical in pairs]
    if isinstance(given, dict) and set(given) == {"constant"}:
        given = decode(given["constant"], Spec, tuple(modules_of(given["constant"])))
    if isinstance(given, Spec):
        if not isinstance(given, base):
            raise ValueError(f"{where}: expected a {base.__name__}, but {given!r} was given")
        return Node(None, spec=given), {"constant": given.to_dict()}
    if not isinstance(given, dict) or "type" not in given:
        raise ValueError(f'{where}: expected a table with type = "<a {base.__name__}>", but {given!r} was given')
    cls = find_type(where, given["type"], base)
    fields = {field.name: field for field in dataclasses.fields(cls)}
    node = Node(cls)
    canonical: dict[str, Any] = {"type": f"{cls.__module__}:{cls.__qualname__}"}
    for key, value in given.items():
        if key == "type":
            continue
        if key not in fields:
            raise ValueError(f"{where}: {cls.__name__} has no parameter {key!r}; {nearest(key, fields)}")
        node.fields[key], canonical[key] = _read_field(f"{where}.{key}", value, fields[key].metadata.get("kind"))
    missing = [
        name
        for name, field in fields.items()
        if name not in given and field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise ValueError(f"{where}: {cls.__name__} needs {', '.join(missing)}")
    return node, canonical


def _read_field(where: str, value: Any, kind: Any) -> Any:
    """A parameter: a number, a vector, a component, or an axis of these."""
    first = value[0] if isinstance(value, (list, tuple)) and len(value) else value
    if _is_component(first):
        return read_component(where, value, Spec)
    listed = as_list(where, value, whole=kind == "integer")
    if listed is None:
        if isinstance(value, np.generic):
            value = value.item()
        return value, value
    if kind == "vector" and not any(isinstance(item, (list, tuple, np.ndarray)) for item in listed):
        return listed, listed
    listed = [item.tolist() if isinstance(item, (np.ndarray, np.generic)) else item for item in listed]
    return Axis(where, listed), listed


def _expand(where: str, node: Node | Axis) -> list[Any]:
    """All specs that a node stands for."""
    if isinstance(node, Axis):
        return node.values
    axes = node.axes()
    made = []
    for indices in itertools.product(*(range(len(axis.values)) for axis in axes)):
        choice = dict(zip(axes, indices, strict=True))
        try:
            made.append(node.make(choice))
        except ValueError as error:
            values = ", ".join(f"{axis.path} = {axis.values[k]!r}" for axis, k in choice.items())
            raise ValueError(f"{where}{f' with {values}' if values else ''}: {error}") from None
    return made


def label(value: Any) -> Any:
    """A value of an axis as a coordinate: a number as it is, anything else as short text."""
    if isinstance(value, Spec):
        fields = [(f.name, getattr(value, f.name), f.default) for f in dataclasses.fields(value)]
        shown = [f"{name}={label(item)}" for name, item, default in fields if not _is_default(item, default)]
        return f"{type(value).__name__}({', '.join(shown)})"
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list):
        return f"[{', '.join(str(item) for item in value)}]"
    return value


def _is_default(item: Any, default: Any) -> bool:
    return (
        default is not dataclasses.MISSING and item is not None and type(item) is type(default) and item == default
    ) or (item is None and default is None)


def axes_of(node: Any) -> list[Axis]:
    """The axes of a component or number."""
    return [node] if isinstance(node, Axis) else node.axes() if isinstance(node, Node) else []


def named(axes: list[Axis]) -> list[Axis]:
    """The axes, each with a name of its own: the last part of its path where no other has it, and no variable of a result."""
    last = [axis.path.rpartition(".")[2] for axis in axes]
    for axis, name in zip(axes, last, strict=True):
        axis.name = axis.path if last.count(name) > 1 or name in RESERVED else name
    return axes


def catalogue() -> list[dict[str, Any]]:
    """Every type that a table may name: dicts of kind, name, summary and parameters (name, domain, default)."""
    from ..clipping import Clip
    from ..methods import Method
    from ..noise import Noise
    from ..problems import Problem

    found = []
    for kind, base in (("problem", Problem), ("noise", Noise), ("operator", Clip), ("method", Method)):
        for name, cls in sorted(known_types(base).items()):
            if cls is base:
                continue
            summary = (cls.__doc__ or "").strip().split("\n")[0]
            parameters = [_described(field) for field in dataclasses.fields(cls)]
            found.append({"kind": kind, "name": name, "summary": summary, "parameters": parameters})
    return found


def _described(field: dataclasses.Field[Any]) -> dict[str, Any]:
    meta = field.metadata
    kind = str(meta.get("kind"))
    domain = {
        "real": f"number in {meta.get('domain')}",
        "vector": f"vector with entries in {meta.get('domain')}",
        "integer": f"integer >= {meta.get('low')}",
    }.get(kind, str(getattr(field.type, "__name__", field.type)))
    why = f" ({meta['why']})" if meta.get("why") else ""
    missing = field.default is dataclasses.MISSING
    return {"name": field.name, "domain": domain + why, "default": "" if missing else f" = {field.default}"}
