"""Which bounds of the package apply to a setting."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ..facts import MissingConstant
from .base import Bound

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..methods.base import Setting


def applicable(setting: Setting, *, accept_sampled: bool = False) -> list[Bound]:
    """The bounds of the package whose hypotheses hold for a setting, with the default values of their parameters.

    Floors are listed with the rest; predictions, statements whose constants are not confirmed, superseded bounds, bounds
    that take seconds (``costly``), and bounds with a parameter that has no default are not.

    Parameters
    ----------
    setting : Setting
    accept_sampled : bool, rely on constants of the problem that are only sampled

    Returns
    -------
    list of Bound, in the order of papers and names; `compare(run, applicable(setting))` judges those that the run measured

    Raises
    ------
    ValueError
        If `setting` is no Setting, or as `hypotheses` of a bound raises it: a bound is left out where a hypothesis fails or
        a described setting lacks a constant (`MissingConstant`), never because its table could not be made.
    """
    from ..methods import Setting

    if not isinstance(setting, Setting):
        raise ValueError(f"applicable: expected a Setting(problem, noise, method), but {setting!r} was given")
    found = []
    for kind in sorted(_subclasses(Bound), key=lambda c: (c.__module__, c.__name__)):
        if not (kind.__module__.startswith("clipbounds.bounds.") and hasattr(kind, "quantity") and kind.asserted):
            continue
        if kind.evaluate is Bound.evaluate or kind.superseded_by or kind.costly:  # the common part of several bounds
            continue
        fields = [f for f in dataclasses.fields(kind) if f.init]
        if any(f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING for f in fields):
            continue
        bound = kind(accept_sampled=accept_sampled)
        if bound.kind != "prediction" and _applies(bound, setting):
            found.append(bound)
    return found


def _applies(bound: Bound, setting: Setting) -> bool:
    try:
        return all(row.holds for row in bound.hypotheses(setting))
    except MissingConstant:  # a described setting does not give a number that the bound needs
        return False


def _subclasses(kind: Any) -> Iterator[Any]:
    for child in kind.__subclasses__():
        yield child
        yield from _subclasses(child)
