"""The bounds that a sweep's description names, and in which of its cells they apply."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from typing import TYPE_CHECKING

import numpy as np

from ..specs import Spec
from .lazy import on_grid
from .user_files import modules_of
from .values import nearest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ..array_types import FloatArray, IntArray
    from ..bounds import Bound
    from ..methods.base import Setting
    from .spec import Cell, Sweep


def read_bounds(given: Any) -> tuple[list[Bound], list[Any]]:
    """Bounds from names such as "koloskova2023.S1", tables or bounds; and their description in canonical form."""
    if isinstance(given, (list, tuple)) and not given:  # most sweeps name none, and need not import them
        return [], []
    from .. import bounds as rooms
    from ..bounds import Bound

    listed = [given] if isinstance(given, (str, dict, Bound)) else given
    if not isinstance(listed, (list, tuple)) or not all(isinstance(item, (str, dict, Bound)) for item in listed):
        raise ValueError(f'bounds: expected names such as "koloskova2023.S1", but {given!r} was given')
    found, canonical = [], []
    for item in listed:
        if isinstance(item, Bound):
            found.append(item)
        elif isinstance(item, dict) and set(item) == {"constant"}:
            found.append(Spec.from_json(json.dumps(item["constant"]), allow=modules_of(item["constant"])))
        else:
            options = dict(item) if isinstance(item, dict) else {"type": item}
            paper, _, name = str(options.pop("type", "")).partition(".")
            room = getattr(rooms, paper, None)
            if room is None or not paper:
                papers = [n for n in dir(rooms) if hasattr(getattr(rooms, n), "__path__")]
                raise ValueError(f"bounds: there is no paper {paper!r} (write paper.Bound); {nearest(paper, papers)}")
            valid = [n for n in dir(room) if isinstance(getattr(room, n), type) and issubclass(getattr(room, n), Bound)]
            if name not in valid:
                raise ValueError(f"bounds: {paper} has no bound {name!r}; {nearest(name, valid)}")
            known = [field.name for field in dataclasses.fields(getattr(room, name))]
            for option in options:
                if option not in known:
                    raise ValueError(f"bounds: {name} has no option {option!r}; {nearest(option, known)}")
            found.append(getattr(room, name)(**options))
        canonical.append({"constant": found[-1].to_dict()})
    return found, canonical


def count_cells(bound: Bound, sweep: Sweep, indices: Sequence[int]) -> tuple[str, int, int, str | None]:
    """Name of the bound, in how many of these cells it applies, how many they are, and why not in the first other one."""
    count, reason = 0, None
    for index in indices:
        why = _why_not(bound, sweep.cell(index).setting)
        count += why is None
        if why is not None and reason is None:
            reason = f"in {sweep.where(index)} {why}"
    return bound.name, count, len(indices), reason


def _why_not(bound: Bound, setting: Setting) -> str | None:
    """Why the bound does not apply to the setting, in words; None if it does."""
    try:
        wrong = next((row for row in bound.hypotheses(setting) if not row.holds), None)
    except ValueError as missing:  # a constant that the problem or the law does not state
        return str(missing)
    if wrong is None:
        return None
    return f"its hypothesis '{wrong.what}' {'fails' if wrong.holds is False else 'is undecidable'} ({wrong.value})"


def bounds_on_grid(
    sweep: Sweep, checkpoints: Sequence[float]
) -> dict[str, tuple[tuple[str, ...], Any, dict[str, Any]]]:
    """Variables of a Dataset: each bound of the description over grid and checkpoints, evaluated when it is looked at.

    A bound that does not apply in a cell is nan there.
    """
    found = {}
    for bound in sweep.bounds:
        name = f"bound_{bound.name}"
        if name in found:  # one bound with two choices of its parameters
            name = f"{name}_{sum(other.startswith(name) for other in found) + 1}"
        attrs = {
            "bound": bound.to_json(), "kind": bound.kind, "quantity": bound.quantity, "aggregate": bound.aggregate,
            "source": bound.source, "note": "nan where the bound does not apply",
        }  # fmt: skip
        dims = (*(axis.name for axis in sweep.axes), "checkpoint")
        found[name] = dims, _evaluated(bound, sweep, len(checkpoints)), attrs
    return found


def _evaluated(bound: Bound, sweep: Sweep, count: int) -> Any:
    def read(positions: IntArray) -> FloatArray:
        return np.array([_in_cell(bound, sweep.cell(int(index))) for index in positions]).reshape(-1, count)

    return on_grid((*sweep.shape, count), len(sweep.shape), np.float64, read) if sweep.shape else read(np.array([0]))[0]


def _in_cell(bound: Bound, cell: Cell) -> FloatArray:
    """Values at the checkpoints of a cell; nan where the bound does not apply, and at step 0, of which no bound speaks."""
    steps = np.asarray(cell.checkpoints)
    values = np.full(len(steps), np.nan)
    if (steps >= 1).any() and _why_not(bound, cell.setting) is None:
        with contextlib.suppress(ValueError):  # beyond its horizon, or out of the range of floats
            values[steps >= 1] = bound.value(cell.setting, steps[steps >= 1])
    return values
