"""A user's own classes in a sweep: a file named in the description, its text in the store and on the workers.

``type = "mine.py:SoftClip"`` names a class in a file beside the description. The file is imported under its name without
``.py``, and its folder put at the end of Python's path, so that it may import others beside it and processes find it.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import multiprocessing.util
import shutil
import sys
import tempfile
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from ..lanes.kernel_cache import cache_root
from ..lanes.meaning import digest_of, text_meaning
from ..whole_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import ModuleType
    from typing import Any

PROGRAMS = "program"  # in the folder of the caches: texts that workers were sent
REMEMBERED = "_clipbounds_meaning"


@contextlib.contextmanager
def _told(what: str) -> Iterator[None]:
    """Whatever a user's module does when it is imported, `sys.exit` included, becomes one sentence."""
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith("<")]
        line = error.lineno if isinstance(error, SyntaxError) else frames[-1].lineno if frames else 0
        text = " ".join(str(error).split())
        raise ValueError(f"{what} cannot be imported: line {line}: {type(error).__name__}: {text[:80]}") from error


def import_module(name: str, missing: str = "put its file on the Python path, or write file.py:Class") -> ModuleType:
    """The module of this name, or one sentence."""
    try:
        if not name or importlib.util.find_spec(name) is None:
            raise ValueError
    except (ImportError, ValueError, AttributeError):  # of a parent that is none, or a name that is none
        if name in sys.modules:
            return sys.modules[name]
        raise ValueError(f"there is no module {name!r}; {missing}") from None
    with _told(f"module {name}"):
        return importlib.import_module(name)


def import_file(path: str | Path) -> ModuleType:
    """The module in a file, imported under the file's name.

    Raises
    ------
    ValueError
        If there is no such file, if another module has its name, or if it cannot be imported.
    """
    path = Path(path).resolve()
    name = path.stem
    if not path.is_file() or path.suffix != ".py":
        raise ValueError(f"there is no Python file {path}")
    if not name.isidentifier():
        raise ValueError(f"{path.name} cannot be imported: rename it, a module's name has letters, digits and _ only")
    other = sys.modules.get(name)
    if other is None:
        with contextlib.suppress(ImportError, ValueError):
            other = importlib.util.find_spec(name)
    place = getattr(other, "__file__", None) or getattr(other, "origin", None)
    if other is not None and (place is None or Path(place).resolve() != path):
        raise ValueError(f"{path.name} cannot be imported: another module is called {name}; rename the file")
    if name not in sys.modules:
        if str(path.parent) not in sys.path:
            sys.path.append(str(path.parent))
            importlib.invalidate_caches()
        with _told(str(path)):
            importlib.import_module(name)
    _remember(sys.modules[name])
    return sys.modules[name]


def resolve(given: Any, folder: str | Path) -> Any:
    """The description with every ``file.py:Class`` imported from `folder` and replaced by ``module:Class``."""
    if isinstance(given, list):
        return [resolve(item, folder) for item in given]
    if not isinstance(given, dict):
        return given
    found = {key: resolve(value, folder) for key, value in given.items()}
    kind = found.get("type")
    if isinstance(kind, str) and ":" in kind:
        file, _, cls = kind.rpartition(":")
        if file.endswith(".py"):
            found["type"] = f"{import_file(Path(folder) / file).__name__}:{cls}"
        elif "." not in file and file not in sys.modules and (Path(folder) / f"{file}.py").is_file():
            import_file(Path(folder) / f"{file}.py")
    return found


def modules_of(given: Any) -> set[str]:
    """Modules of the classes that a finished component names. A description is run by its owner, and may import them."""
    entries = given.values() if isinstance(given, dict) else given if isinstance(given, (list, tuple)) else ()
    found = {module for entry in entries for module in modules_of(entry)}
    if isinstance(given, dict) and isinstance(given.get("type"), str):
        found.add(given["type"].rpartition(":")[0])
    return found


def texts(files: Iterable[Path]) -> dict[str, str]:
    """Module name to text, for the modules among these files that can be imported by name."""
    names, files = {}, list(files)
    for name, module in list(sys.modules.items()) if files else ():  # a thousand files to be looked up
        file = getattr(module, "__file__", None)
        if file is not None and name not in ("__main__", "__mp_main__"):
            names[Path(file).resolve()] = name
    return {names[file]: file.read_text(encoding="utf-8") for file in files if file in names}


def _path(folder: str | Path, name: str) -> Path:
    return Path(folder).joinpath(*name.split(".")).with_suffix(".py")


def keep(folder: str | Path, modules: Mapping[str, str]) -> None:
    """Write the texts of modules into a folder."""
    for name, text in modules.items():
        path = _path(folder, name)
        with contextlib.suppress(OSError, UnicodeDecodeError):
            if path.read_text(encoding="utf-8") == text:
                continue
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode(), kept=True)


def offer(folder: str | Path) -> None:
    """Let modules that are found nowhere else be imported from a folder that `keep` has filled."""
    if Path(folder).is_dir() and str(folder) not in sys.path:
        sys.path.append(str(folder))
        importlib.invalidate_caches()


def _remember(module: ModuleType) -> str | None:
    """What the file of a module says, as it was when this was first asked after the module's import; None without one."""
    spec = getattr(module, "__spec__", None)  # a new one at every import and reload
    if spec is None or not spec.origin:
        return None
    if not hasattr(spec, REMEMBERED):
        with contextlib.suppress(OSError):
            setattr(spec, REMEMBERED, text_meaning(Path(spec.origin).read_bytes()))
    return getattr(spec, REMEMBERED, None)


def bring(modules: Mapping[str, str]) -> str | None:
    """In a worker: make these texts importable, unless modules of these names are there.

    Returns
    -------
    None, or why they cannot be used here: a module that is there has, or had when it was imported, another text
    """
    missing = {}
    for name, text in modules.items():
        try:
            here = name in sys.modules or importlib.util.find_spec(name) is not None
        except (ImportError, ValueError):
            here = False
        if not here:
            missing[name] = text
    if missing:
        folder = cache_root() / PROGRAMS / digest_of(part for pair in sorted(missing.items()) for part in pair)
        try:
            keep(folder, missing)
        except OSError:
            folder = Path(tempfile.mkdtemp(prefix="clipbounds-"))
            # unlike atexit, also at the end of a process of multiprocessing
            multiprocessing.util.Finalize(None, shutil.rmtree, (folder, True), exitpriority=0)
            keep(folder, missing)
        offer(folder)
    for name, text in modules.items():
        try:
            found = _remember(import_module(name))
        except ValueError as error:
            return str(error)
        if found not in (None, text_meaning(text.encode())):
            return f"it has the module {name} with another text than the driver's file; restart it"
    return None
