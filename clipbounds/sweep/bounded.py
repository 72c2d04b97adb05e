"""The bounds that a sweep's description names, and in which of its cells they apply."""

import dataclasses
import json

from ..specs import Spec
from .user_files import modules_of
from .values import nearest


def read_bounds(given):
    """Bounds from names such as "koloskova2023.S1", tables or bounds; and their description in canonical form."""
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


def count_cells(bound, sweep, indices):
    """Name of the bound, in how many of these cells it applies, how many they are, and why not in the first other one."""
    count, reason = 0, None
    for index in indices:
        wrong = next((row for row in bound.hypotheses(sweep.cell(index).setting) if not row.holds), None)
        count += wrong is None
        if wrong is not None and reason is None:
            word = "fails" if wrong.holds is False else "is undecidable"
            reason = f"in {sweep.where(index)} its hypothesis '{wrong.what}' {word} ({wrong.value})"
    return bound.name, count, len(indices), reason
