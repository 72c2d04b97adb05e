"""Which experiments there are, and where results go.

In a checkout of clipbounds: the files of its ``experiments/`` folder, with the results in the checkout. Anywhere else:
those that travel with the package, and your own in a folder ``experiments/``, with the results in `RESULTS` beside it.
"""

from __future__ import annotations

import ast
import difflib
import os
from pathlib import Path

from ..lanes.meaning import PACKAGE, parsed
from ..papers import PAPERS

RESULTS = "clipbounds-results"


def is_checkout(folder: Path) -> bool:
    """Whether the folder is a checkout of clipbounds: experiments, and the package's text beside them."""
    return all((folder / part).exists() for part in ("pyproject.toml", "clipbounds/__init__.py", "experiments"))


def default_root() -> Path:
    """Where results go if nobody says: the current folder if it is a checkout, otherwise `RESULTS` in it."""
    return Path() if is_checkout(Path()) else Path(RESULTS)


def packaged_experiments() -> Path | None:
    """The folder of the experiments that came with the package; None if somebody has removed it."""
    folders = [PACKAGE / "experiments"] + [PACKAGE.parent / "experiments"] * is_checkout(PACKAGE.parent)
    return next((folder for folder in folders if folder.is_dir()), None)


def own_experiments(root: Path | str) -> Path:
    """The folder of a user's own experiments: in the results folder, or beside one named `RESULTS`."""
    root = Path(root).resolve()
    return (root.parent if root.name == RESULTS else root) / "experiments"


def _is_experiment(file: Path) -> bool:
    """An experiments/ folder may be another project's: a file that never names clipbounds is left alone."""
    return not file.name.startswith("_") and b"clipbounds" in file.read_bytes()


def find_experiments(root: Path | str) -> list[Path]:
    """All experiment files for results in `root`, in the order of the papers, then by name.

    An experiment of one's own hides the packaged one of the same name.
    """
    folders = [] if is_checkout(Path(root)) else [packaged_experiments()]
    found = {}
    for folder in [*folders, own_experiments(root)]:
        files = () if folder is None else folder.glob("*/*.py")
        found.update({identifier(file): file for file in files if _is_experiment(file)})
    rank = {paper: k for k, paper in enumerate(PAPERS)}
    return sorted(found.values(), key=lambda f: (rank.get(f.parent.name, len(PAPERS)), f.parent.name, f.name))


def identifier(file: Path | str) -> str:
    """``paper/claim`` of an experiment file."""
    file = Path(file).resolve()  # a name without a folder would give "/claim", an absolute path
    return f"{file.parent.name}/{file.stem}"


def title(file: Path) -> str:
    """First line of the docstring of an experiment file, read without running it."""
    try:
        tree = parsed(Path(file).read_bytes())
    except (SyntaxError, ValueError) as error:  # ValueError: a zero byte
        raise ValueError(f"{file} is not an experiment: Python cannot read it: {error}") from None
    text = ast.get_docstring(tree) or identifier(file)
    return text.splitlines()[0].rstrip(".")


def chosen_experiments(given: Path | str, root: Path | str) -> list[Path]:
    """The experiment files that a word of the command line means: a file, a name, a folder of files, or a paper.

    Parameters
    ----------
    given : path or str; a file, ``paper/claim``, a folder, or ``paper``
    root : path of the results

    Raises
    ------
    ValueError
        If it means none; names that are near are in the sentence.
    """
    path = Path(given)
    name = path.as_posix()
    if path.is_file():
        return [path]
    found = {identifier(file): file for file in find_experiments(root)}
    if name in found:
        return [found[name]]
    here = Path("experiments", f"{name}.py")  # where --root names another place
    if here.is_file():
        return [here]
    inside = sorted(file for file in path.glob("*.py") if not file.name.startswith("_"))
    of_paper = [file for known, file in found.items() if known.partition("/")[0] == name]
    if inside or of_paper:
        return inside or of_paper
    if path.is_dir():
        raise ValueError(f"there is no experiment file in the folder {path}; `clipbounds list` prints those that exist")
    what = f"file {name}" if path.suffix == ".py" else name
    near = _near(name.removesuffix(".py"), found)
    question = f"; did you mean {' or '.join(near)}?" if near else ";"
    raise ValueError(f"there is no experiment {what}{question} `clipbounds list` prints those that exist")


def _near(name: str, known: dict[str, Path]) -> list[str]:
    """Names whose claim is the one asked for, or up to three claims or papers that differ little from it."""
    claim = name.rpartition("/")[2]
    words = {}
    for other in known:
        paper, _, own = other.partition("/")
        words.setdefault(own, []).append(other)
        words.setdefault(paper, [paper])
    near = [claim] if claim in words else difflib.get_close_matches(claim, words, 3, 0.7)
    return [full for word in near for full in words[word]][:3]


def check_folder(folder: Path, write: bool = True) -> None:
    """Refuse before anything runs what could not be read, or written at the end.

    Parameters
    ----------
    folder : Path; it need not exist
    write : bool, whether files are to be written there

    Raises
    ------
    ValueError
        If the folder is a file, lies below one, or may not be written to.
    """
    there = next(part for part in (folder, *folder.absolute().parents) if part.exists())
    if not there.is_dir():
        raise ValueError(f"results cannot be in {folder}: {there} is a file; move it, or give another --root")
    if write and not os.access(there, os.W_OK | os.X_OK):
        raise ValueError(f"results cannot go to {folder}: {there} may not be written to; give another --root")
