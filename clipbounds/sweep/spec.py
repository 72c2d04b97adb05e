"""What a sweep is: a grid of settings, checked whole before anything runs."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import math
import random
import tomllib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from ..keepers import KEEPERS
from ..methods import Method, Setting
from ..methods.watch import compile_users
from ..noise import Noise
from ..problems import Problem
from ..run_arguments import checked_arguments
from ..specs import Spec
from .bounded import count_cells, read_bounds
from .components import Axis, axes_of, label, named, read_component
from .journal import canonical
from .naming import all_names, cell_name
from .sources import files_of, sources_of
from .user_files import resolve, texts
from .values import as_list, nearest, read_checkpoints

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

COMPONENTS = {"problem": Problem, "noise": Noise, "method": Method}
NUMBERS = ("steps", "trajectories", "seed")
KEYS = ("name", *COMPONENTS, *NUMBERS, "checkpoints", "keep", "bounds")
CHECKED_WHOLE = 20_000  # cells: all of a smaller grid are built before anything runs, in 3 s at most
ALONG, SAMPLED = 1000, 300  # of a larger one: values along the axes, and cells at random
KEPT = 2**16  # components kept for other cells that share them


@dataclasses.dataclass(frozen=True)
class Cell:
    """One cell: its place in the grid and the arguments of `simulate`."""

    index: int
    setting: Setting
    steps: int
    trajectories: int
    seed: int
    checkpoints: list
    keep: str


class Sweep:
    """A grid of settings.

    Any parameter may be given as a list or as a range in text, ``"geomspace(a, b, n)"`` or ``"linspace(a, b, n)"``; it
    is then an axis of the grid. A problem, noise, method or operator is a spec, a table ``{"type": name, parameter: ...}``
    or a list of such, which is one axis.

    Parameters
    ----------
    problem, noise, method : spec, table or list
    steps : int >= 0 or list
    trajectories : int >= 1, or list where `keep` is "statistics"
    seed : int or list
    checkpoints : list of int, or of fractions of `steps` in (0, 1]; optional
        By default about 50 logarithmic steps, or the end alone where `steps` is a list.
    keep : "statistics" or "trajectories"
    name : str
    bounds : list of names such as "koloskova2023.S1", of tables or of bounds
        `applies` tells in which cells their hypotheses hold.

    Raises
    ------
    ValueError
        If the description does not make sense; `check` looks at the cells.
    """

    def __init__(
        self, problem: Any, noise: Any, method: Any, steps: Any, trajectories: Any=1, seed: Any=0, checkpoints: Any=None, keep: str="statistics",
        name: str="sweep", bounds: Any=(),
    ) -> None:  # fmt: skip
        if not isinstance(keep, str) or keep not in KEEPERS:
            raise ValueError(f"sweep: keep must be one of {sorted(KEEPERS)}, but {keep!r} was given")
        if not isinstance(name, str) or not name.strip() or not name.isprintable():
            raise ValueError(f"sweep: name must be one line of text that is not empty, but {name!r} was given")
        self.name, self.keep = name, keep
        self._nodes: dict[str, Any] = {}
        self._canonical: dict[str, Any] = {"name": name, "keep": keep}
        for (key, base), given in zip(COMPONENTS.items(), (problem, noise, method), strict=True):
            self._nodes[key], self._canonical[key] = read_component(key, given, base)
        for key, value in zip(NUMBERS, (steps, trajectories, seed), strict=True):
            listed = as_list(key, value, whole=True)
            for item in [value] if listed is None else listed:
                if isinstance(item, (list, tuple, dict)):
                    raise ValueError(f"{key}: expected an integer or a list of integers, but {value!r} was given")
            self._nodes[key] = value if listed is None else Axis(key, listed)
            self._canonical[key] = value if listed is None else listed
        self.bounds, self._canonical["bounds"] = read_bounds(bounds)
        self._axes = {key: axes_of(node) for key, node in self._nodes.items()}
        self.axes = named([axis for axes in self._axes.values() for axis in axes])
        self.shape = tuple(len(axis.values) for axis in self.axes)
        self.size = math.prod(self.shape)
        self.checkpoints = read_checkpoints(checkpoints, isinstance(self._nodes["steps"], Axis))
        self._canonical["checkpoints"] = self.checkpoints
        if keep == "trajectories" and isinstance(self._nodes["trajectories"], Axis):
            raise ValueError(
                'sweep: with several numbers of trajectories, keep must be "statistics": trajectories would have'
                " different lengths"
            )
        for axis in self.axes:
            twice, times = Counter(str(label(value)) for value in axis.values).most_common(1)[0]
            if times > 1:
                raise ValueError(f"{axis.path}: the value {twice} is given twice; list every value once")
        self._made, self._checked = {}, {}  # cells share components and arguments

    @property
    def fractional(self) -> bool:
        """Whether checkpoints are fractions of the steps."""
        return self.checkpoints is not None and isinstance(self.checkpoints[0], float)

    @classmethod
    def from_dict(cls, given: Any) -> Sweep:
        """The sweep with these keys; unknown ones are an error that names the nearest valid one."""
        for key in given:
            if key not in KEYS:
                raise ValueError(f"sweep: there is no key {key!r}; {nearest(key, KEYS)}")
        missing = [key for key in ("problem", "noise", "method", "steps") if key not in given]
        if missing:
            raise ValueError(f"sweep: {', '.join(missing)} must be given")
        return cls(**given)

    @classmethod
    def from_toml(cls, path: str | Path) -> Sweep:
        """The sweep that a TOML file describes; its name is the file's unless it gives one."""
        path = Path(path)
        try:
            given = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ValueError(f"the sweep {path} cannot be read: {error.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ValueError(f"the sweep {path} is not TOML: {error}") from None
        return cls.from_dict({"name": path.stem, **resolve(given, path.parent)})

    def to_dict(self) -> dict[str, Any]:
        """A description that JSON holds and `from_dict` reads."""
        return json.loads(json.dumps(self._canonical))

    @property
    def digest(self) -> str:
        """Content address of the grid, without its name and its bounds."""
        text = json.dumps({k: v for k, v in self._canonical.items() if k not in ("name", "bounds")}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def choice(self, index: int) -> dict[Axis, int]:
        """Axis to position, for a cell."""
        found = {}
        for axis in reversed(self.axes):
            index, found[axis] = divmod(index, len(axis.values))
        return found

    def where(self, index: int) -> str:
        """A cell in words."""
        choice = self.choice(index)
        values = ", ".join(f"{axis.name} = {label(axis.values[choice[axis]])}" for axis in self.axes)
        return f"cell {index} of {self.size}{f' ({values})' if values else ''}"

    def _component(self, key: str, choice: dict[Axis, int]) -> Any:
        """A problem, noise or method, and its JSON."""
        node = self._nodes[key]
        place = (key, *(choice[axis] for axis in self._axes[key]))
        if place not in self._made:
            if len(self._made) >= KEPT:
                self._made.clear()
            spec = node.values[choice[node]] if isinstance(node, Axis) else node.make(choice)
            self._made[place] = spec, canonical(spec.to_dict())
        return self._made[place]

    def method_of(self, index: int) -> type[Any]:
        """Class of the method of a cell."""
        return type(self._component("method", self.choice(index))[0])

    def cells_by_method(self) -> list[Any]:
        """The cells of each value of the method's own axis, if it is a list of methods; else all, in one group."""
        node, stride = self._nodes["method"], self.size
        if not isinstance(node, Axis):
            return [range(self.size)]
        for axis in self.axes:
            stride //= len(axis.values)
            if axis is node:
                break
        block = stride * len(node.values)
        return [
            (start + k * stride + offset for start in range(0, self.size, block) for offset in range(stride))
            for k in range(len(node.values))
        ]

    def _number(self, key: str, choice: dict[Axis, int]) -> Any:
        node = self._nodes[key]
        return node.values[choice[node]] if isinstance(node, Axis) else node

    def cell(self, index: int) -> Cell:
        """The cell at a position of the flattened grid.

        Raises
        ------
        ValueError
            If it cannot be executed: which cell, and why.
        """
        choice = self.choice(index)
        try:
            setting = Setting(*(self._component(key, choice)[0] for key in COMPONENTS))
            steps, trajectories, seed = numbers = tuple(self._number(key, choice) for key in NUMBERS)
            if numbers not in self._checked:
                self._checked[numbers] = self._arguments(setting, *numbers)
        except ValueError as error:
            raise ValueError(f"{self.where(index)} cannot be executed: {error}") from None
        return Cell(index, setting, steps, trajectories, seed, self._checked[numbers], self.keep)

    def name_of(self, index: int, sources: str) -> str:
        """Name of a cell that `cell` accepts: `digest_of` its key, put together from the JSON of its parts."""
        choice = self.choice(index)
        problem, noise, method = (self._component(key, choice)[1] for key in COMPONENTS)
        numbers = tuple(self._number(key, choice) for key in NUMBERS)
        if numbers not in self._checked:
            self.cell(index)
        return cell_name(sources, self.keep, canonical(self._checked[numbers]), (problem, noise, method), numbers)

    def _arguments(self, setting: Setting, steps: Any, trajectories: Any, seed: Any) -> list[int]:
        """The checkpoints of a cell, after `simulate` has seen its arguments."""
        points = self.checkpoints
        if self.fractional and isinstance(steps, int):
            points = [max(1, round(c * steps)) if steps else 0 for c in points]
        checked = checked_arguments(setting, steps, trajectories, seed, points, self.keep)[3].tolist()
        if self.fractional and len(checked) < len(points):
            raise ValueError(f"the checkpoints {self.checkpoints} of {steps} steps coincide: {points}")
        return checked

    def to_check(self) -> Sequence[int]:
        """Cells that stand for all: all of a small grid; of a large one up to 1000 along the axes and 300 at random."""
        if self.size <= CHECKED_WHOLE:
            return range(self.size)
        found, stride = {0, self.size - 1}, self.size
        for axis in self.axes:
            stride //= len(axis.values)
            apart = -(-len(axis.values) * len(self.axes) // ALONG)
            found.update(k * stride for k in range(0, len(axis.values), apart))
        return sorted(found.union(random.Random(0).sample(range(self.size), SAMPLED)))

    def check(self) -> str:
        """Build the cells of `to_check`; what is wrong with another one is told when its turn comes.

        Returns
        -------
        str, digest of the program text behind the cells

        Raises
        ------
        ValueError
            If one cannot be executed, or a kernel of the user does not compile.
        """
        sources = self.sources()
        compile_users(self.cell(index).setting for index in self.to_check())
        return sources

    def applies(self) -> list[tuple[str, int, int, str | None]]:
        """For each bound of the description: in how many of the cells of `to_check` it applies, and why not elsewhere.

        Returns
        -------
        list of (name, cells, cells checked, reason of the first cell where it does not apply or None)
        """
        return [count_cells(bound, self, self.to_check()) for bound in self.bounds]

    def _specs(self) -> list[Any]:
        return [self.cell(0).setting, *(v for a in self.axes for v in a.values if isinstance(v, Spec))]

    def program(self) -> dict[str, str]:
        """The user's modules behind the grid: name to text."""
        return texts(files_of(self._specs()) or ())

    def sources(self) -> str:
        """Digest of the program text behind the grid's settings."""
        found = sources_of(self._specs())
        if found is None:
            raise ValueError(
                "sweep: a class of this sweep is defined in no file, so that workers cannot load it and an edit cannot"
                " be noticed; move it from the notebook to a module"
            )
        return found

    def names(self, sources: str) -> list[str]:
        """Names of the cells for the given digest of the program text: those of `name_of`, 20 times faster."""
        values = [axis.values if isinstance(axis, Axis) else [axis] for axis in (self._nodes[key] for key in NUMBERS)]
        numbers = list(itertools.product(*values))
        checkpoints = {}
        for steps, trajectories, seed in numbers:
            if (steps, trajectories) not in checkpoints:
                checked = self._arguments(self.cell(0).setting, steps, trajectories, seed)
                checkpoints[steps, trajectories] = canonical(checked)
        return all_names(sources, self.keep, [self._texts(key) for key in COMPONENTS], numbers, checkpoints)

    def _texts(self, key: str) -> Any:
        """The JSON of each problem, law or method, in the order of the grid."""
        axes = self._axes[key]
        for place in itertools.product(*(range(len(axis.values)) for axis in axes)):
            yield self._component(key, dict(zip(axes, place, strict=True)))[1]
