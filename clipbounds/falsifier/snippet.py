"""A spec as a line of Python that makes it again."""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING

import numpy as np

from ..specs import Spec

if TYPE_CHECKING:
    from typing import Any

PACKAGE = __name__.partition(".")[0]


def _place(cls: type) -> tuple[str | None, str]:
    """(import line or None, the name by which the class is called)."""
    parts = cls.__module__.split(".")
    if parts[0] != PACKAGE:
        return f"from {cls.__module__} import {cls.__qualname__}", cls.__qualname__
    if cls.__name__ in sys.modules[PACKAGE].__all__:
        return None, f"cb.{cls.__name__}"
    for depth in range(2, len(parts) + 1):  # the highest room that shows the class
        room = sys.modules[".".join(parts[:depth])]
        if getattr(room, cls.__name__, None) is cls and cls.__name__ in getattr(room, "__all__", ()):
            return None, ".".join(["cb", *parts[1:depth], cls.__name__])
    return f"from {cls.__module__} import {cls.__qualname__}", cls.__qualname__


def _value(value: Any, imports: set[str]) -> str:
    if isinstance(value, Spec):
        return _call(value, imports)
    if isinstance(value, np.ndarray):
        return repr(value.tolist())
    if isinstance(value, tuple):
        return "[" + ", ".join(_value(item, imports) for item in value) + "]"
    return repr(value.item() if isinstance(value, np.generic) else value)


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and np.array_equal(one, other)


def _call(spec: Any, imports: set[str]) -> str:
    line, name = _place(type(spec))
    if line is not None:
        imports.add(line)
    by_place, by_name = [], []
    for field in dataclasses.fields(spec):
        value = getattr(spec, field.name)
        missing = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if missing and not field.kw_only:
            by_place.append(_value(value, imports))
        elif missing or not _same(value, field.default):
            by_name.append(f"{field.name}={_value(value, imports)}")
    return f"{name}({', '.join(by_place + by_name)})"


def code(spec: Spec) -> tuple[str, list[str]]:
    """An expression that makes the spec, with the package as ``cb``, and the import lines that it needs."""
    imports = set()
    return _call(spec, imports), sorted(imports)
