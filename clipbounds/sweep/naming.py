"""Names of cells: `digest_of` the key of a simulation, put together from the JSON of its parts, which cells share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..methods import Setting
from .journal import digest_of_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

SETTING = f"{Setting.__module__}:{Setting.__qualname__}"


def cell_name(sources: str, keep: str, checkpoints: str, components: Sequence[str], numbers: Sequence[int]) -> str:
    """The name of one cell.

    Parameters
    ----------
    sources : str, digest of the program text
    keep : str
    checkpoints : str, JSON
    components : (str, str, str), JSON of problem, noise and method
    numbers : (int, int, int), steps, trajectories and seed
    """
    problem, noise, method = components
    steps, trajectories, seed = numbers
    return digest_of_text(
        f'{{"checkpoints":{checkpoints},"first_trajectory":0,"keep":"{keep}",'
        f'"seed":{seed},"setting":{{"method":{method},"noise":{noise},"problem":{problem},"type":"{SETTING}"}},'
        f'"sources":"{sources}","steps":{steps},"trajectories":{trajectories}}}'
    )


def all_names(
    sources: str, keep: str, components: list[Any], numbers: list[Any], checkpoints: Mapping[tuple[int, int], str]
) -> list[str]:
    """The names of the cells of a grid, in its order.

    Parameters
    ----------
    components : iterables of the JSON of all problems, laws and methods
    numbers : list of (steps, trajectories, seed)
    checkpoints : dict of (steps, trajectories) to JSON
    """
    problems, laws, methods = list(components[0]), list(components[1]), components[2]
    if len(problems) * len(laws) > 1:
        methods = list(methods)
    return [
        cell_name(sources, keep, checkpoints[three[:2]], (problem, law, method), three)
        for problem in problems
        for law in laws
        for method in methods
        for three in numbers
    ]
