"""What to cite: the paper of a statement, and this program where a proof or constants are its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..papers import OTHERS, PAPERS, bibtex
from .base import Bound

if TYPE_CHECKING:
    from typing import Any


def keys_of(bound: Bound) -> list[str]:
    """Keys of the entries that a bound rests on: the paper of its statement, and "clipbounds"."""
    bound = _innermost(bound)
    room = type(bound).__module__.split(".")[2:3] if type(bound).__module__.startswith("clipbounds.bounds.") else []
    quoted = [key for key in OTHERS if key[:-4] in bound.source.lower() and key[-4:] in bound.source]
    papers = quoted or [key for key in PAPERS if key in (*room, *bound.source.replace(",", " ").split())]
    return [*papers, "clipbounds"]


def _innermost(bound: Bound) -> Bound:
    """The bound that a negative control or a mutant changes, whatever wraps it."""
    inner = getattr(bound, "bound", None)
    return _innermost(inner) if isinstance(inner, Bound) else bound


def cite(*used: Any) -> str:
    """BibTeX for all that was used: the papers of the bounds, and this program in its version.

    Parameters
    ----------
    used : Comparison, Overlay, Bound, or lists of them

    Returns
    -------
    str, each entry once, with a comment that says for which bounds it is cited

    Raises
    ------
    ValueError
        If something else is given.
    """
    wanted = {}
    for bound in _bounds(used):
        for key in keys_of(bound):
            wanted.setdefault(key, []).append(f"{bound.name} ({_innermost(bound).source or 'no source given'})")
    wanted.setdefault("clipbounds", wanted.pop("clipbounds", []))  # the program comes last
    return "\n".join(_entry(key, names) for key, names in wanted.items())


def _entry(key: str, names: list[str]) -> str:
    comment = "".join(f"% {line}\n" for line in dict.fromkeys(names)) if key != "clipbounds" else ""
    return comment + bibtex(key)


def _bounds(given: Any) -> list[Bound]:
    if isinstance(given, Bound):
        return [given]
    if isinstance(given, (list, tuple)):
        return [bound for item in given for bound in _bounds(item)]
    if hasattr(given, "bounds") and hasattr(given, "confidence"):
        return _bounds(list(given.bounds))
    raise ValueError(f"cite: expected a comparison, an overlay or bounds, but {given!r} was given")
