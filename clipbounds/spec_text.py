"""Specs from their JSON form, which may come from a stranger: classes are looked up, nothing of theirs is run."""

from __future__ import annotations

import dataclasses
import importlib
import math
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

DEEPEST = 64  # specs within specs; a setting needs four


def decode(value: Any, base: type, allow: tuple[str, ...] = (), depth: int = 0) -> Any:
    """The specs that a JSON value describes; lists become tuples.

    Parameters
    ----------
    value : what `json.loads` gave
    base : Spec, whose subclasses may be made
    allow : tuple of str, modules that may be imported
    """
    if depth > DEEPEST:
        raise ValueError(f"from_json: a spec lies at most {DEEPEST} levels deep, but this text goes deeper")
    if isinstance(value, dict) and "type" in value:
        found = _spec_class(value["type"], base, allow)
        given = {key: decode(item, base, allow, depth + 1) for key, item in value.items() if key != "type"}
        known = {field.name: field for field in dataclasses.fields(found)}
        none = dataclasses.MISSING
        needed = {k for k, f in known.items() if f.default is none and f.default_factory is none}
        if not needed <= set(given) <= set(known):
            raise ValueError(
                f"the spec of a {found.__name__} needs the fields {sorted(known)}, but has {short(sorted(given))}"
            )
        try:
            return found(**given)
        except ValueError as error:
            if one_line(error) == str(error):
                raise
            raise ValueError(one_line(error)) from None
        except Exception as error:  # whatever a class does with values that no call of its own would give it
            raise ValueError(f"no {found.__name__} can be made of {short(given)}: {one_line(error, 120)}") from None
    if isinstance(value, list):
        return tuple(decode(item, base, allow, depth + 1) for item in value)
    return value


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """A dict for JSON, which knows neither infinities nor nan: None in their place."""
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}


def short(value: object, length: int = 80) -> str:
    """The beginning of a value's text, on one line."""
    text = " ".join((value if isinstance(value, str) else repr(value)).split())
    return text if len(text) <= length else text[:length] + "..."


def one_line(error: Exception, length: int = 400) -> str:
    """What an error says, on one line: a class may quote arrays of the text that it refuses.

    A long one keeps its end, which says what was given or what to do.
    """
    text = " ".join(str(error).split())
    return text if len(text) <= length else f"{text[: length // 2]} ... {text[-length // 2 :]}"


def _spec_class(name: str, base: type, allow: tuple[str, ...]) -> type:
    """The subclass of Spec that a JSON form names. Nothing is imported for it but this package and the modules in `allow`.

    Nor is anything of the text called: the class is looked up in the dictionaries of modules and classes, past any
    ``__getattr__`` of theirs.
    """
    module, _, path = name.rpartition(":") if isinstance(name, str) else ("", "", "")
    if not (module and all(part.isidentifier() for part in path.split("."))):
        raise ValueError(f"a spec names its class as module:Class, but {short(name)} was given")
    try:
        if module.partition(".")[0] == __name__.partition(".")[0] or module in allow:
            importlib.import_module(module)
        elif module not in sys.modules:
            raise ValueError(
                f"the spec names {short(name)}, and its module is not imported; import it first if you trust it,"
                f" or give allow=[{short(module, 40)!r}] to Spec.from_json"
            )
        found = sys.modules[module]
        for part in path.split("."):
            found = vars(found)[part]
    except (ImportError, KeyError, TypeError):
        raise ValueError(
            f"the spec names {short(name)}, which cannot be found here; make its module importable"
        ) from None
    if not (isinstance(found, type) and issubclass(found, base) and found is not base):
        raise ValueError(f"a spec names a subclass of Spec, but {short(name)} was given")
    return found
