"""Values in a sweep's description: ranges written as text, and names that nearly exist."""

from __future__ import annotations

import difflib
import itertools
import re
import textwrap
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

RANGES: dict[str, Any] = {"geomspace": np.geomspace, "linspace": np.linspace}
RANGE = re.compile(r"\s*([a-z]+)\(([^()]*)\)\s*")
LARGEST = 10**6  # values of one axis


def nearest(name: str, valid: Iterable[str]) -> str:
    """`, did you mean 'x'?` if a valid name is near, else the list of valid names."""
    valid = sorted(valid)
    close = difflib.get_close_matches(str(name), valid, 1, 0.6)
    return (
        f"did you mean {close[0]!r}?"
        if close
        else f"valid are {textwrap.shorten(', '.join(valid), 90, placeholder=' ...')}"
    )


def expand_range(where: str, text: str) -> list[float]:
    """``"geomspace(a, b, n)"`` or ``"linspace(a, b, n)"`` as a list of n numbers, both ends included.

    Raises
    ------
    ValueError
        If the text is not of this form.
    """
    match = RANGE.fullmatch(text)
    complaint = f"{where}: expected a number, a list, or a range like 'geomspace(0.1, 10, 5)', but {text!r} was given"
    if not match:
        raise ValueError(complaint)
    name, inside = match.groups()
    if name not in RANGES:
        raise ValueError(f"{where}: there is no range {name!r}; {nearest(name, RANGES)}")
    try:
        low, high, count = inside.split(",")
        low, high, count = float(low), float(high), int(count)
        if count > LARGEST:
            raise OverflowError
        if not count >= 1 or not np.isfinite([low, high]).all():
            raise ValueError
        if name == "geomspace" and not low * high > 0:
            raise ValueError
    except OverflowError:
        raise ValueError(
            f"{where}: an axis has at most {LARGEST} values, but {text!r} was given; use several sweeps"
        ) from None
    except ValueError:
        raise ValueError(
            f"{where}: {name} needs two finite ends (of one sign and not 0 for geomspace) and a count >= 1,"
            f" but {text!r} was given"
        ) from None
    return RANGES[name](low, high, count).tolist()


def as_list(where: str, given: Any, whole: bool = False) -> list[Any] | None:
    """A list if the value is a list, an array or a range in text; None if it is a single value.

    `whole` rounds the numbers of a range to integers, for parameters that are integers.
    """
    if isinstance(given, str) and "(" in given:
        given = expand_range(where, given)
        given = list(dict.fromkeys(map(round, given))) if whole else given
    if isinstance(given, np.ndarray):
        given = given.tolist()
    if not isinstance(given, (list, tuple)):
        return None
    if not len(given):
        raise ValueError(f"{where}: an empty list makes an empty grid; give at least one value or leave the key out")
    return list(given)


def read_checkpoints(given: Any, several: bool) -> Any:
    """Checkpoints as increasing integers or fractions of the steps; None for the default of one number of steps."""
    if given is None:
        return [1.0] if several else None
    listed = as_list("checkpoints", given)
    if listed is None or not all(isinstance(c, (int, float)) and not isinstance(c, bool) for c in listed):
        raise ValueError(f"checkpoints must be a list of integers or of fractions of steps, but {given!r} was given")
    if any(a >= b for a, b in itertools.pairwise(listed)):
        raise ValueError(f"checkpoints must increase, each given once, but {given!r} was given")
    if all(isinstance(c, int) for c in listed):
        return listed
    if not all(0 < c <= 1 for c in listed):
        raise ValueError(f"checkpoints: fractions of steps must lie in (0, 1], but {given!r} was given")
    return [float(c) for c in listed]
