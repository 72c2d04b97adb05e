"""The kernels that an experiment can use, and what they mean: what its record says of the text behind its numbers.

Found by reading, not by running: what a journal holds is not simulated again, and the record must not depend on that.
"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING

from ..lanes.compile import Kernel, all_kernels
from ..lanes.meaning import PACKAGE, names_in
from ..simulate import simulate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import CodeType, ModuleType
    from typing import Any

# rooms whose functions judge or keep what kernels have computed; to follow them would reach nearly every kernel
JUDGES = ("verdict", "report", "sweep", "testing", "specs")


def _plain_functions(value: Any) -> list[Any]:
    """Functions behind a method, property, partial or Numba function."""
    for name in ("fget", "func", "__func__", "py_func", "__wrapped__"):
        inner = getattr(value, name, None)
        if inspect.isfunction(inner):
            return [inner]
    return [value] if inspect.isfunction(value) else []


def _judges(module_name: str | None) -> bool:
    return any(room in JUDGES for room in (module_name or "").split(".")[1:2])


def _followed(found: Any, owner: str) -> bool:
    """Whether a function or class is text of the experiment, of its helpers or of the package's rooms with numbers."""
    name = getattr(found, "__module__", None) or ""
    root = name.partition(".")[0]
    return (root == PACKAGE.name and not _judges(name)) or root == owner.partition(".")[0]


def _named(code: CodeType, scope: Mapping[str, Any], owner: str) -> list[Any]:
    """Values of the globals that a code object names, and of what it names in the package's modules."""
    names = names_in(code)
    found = [scope[name] for name in names if name in scope]
    modules, seen = [value for value in found if inspect.ismodule(value)], set()
    while modules:
        module = modules.pop()
        if module.__name__ in seen or module.__name__.partition(".")[0] not in (PACKAGE.name, owner.partition(".")[0]):
            continue
        seen.add(module.__name__)
        within = [vars(module)[name] for name in names if name in vars(module)]
        modules += [value for value in within if inspect.ismodule(value)]
        found += within
    return found


def kernels_of(module: ModuleType) -> list[Kernel]:
    """The kernels that the functions of an experiment's module can reach, by name, sorted.

    Parameters
    ----------
    module : the module of an experiment file

    Returns
    -------
    list of Kernel
    """
    found, seen, waiting = set(), set(), [simulate, *vars(module).values()]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Kernel):
            found.add(value)
            continue
        if id(value) in seen:
            continue
        seen.add(id(value))
        if inspect.isclass(value):
            if _followed(value, module.__name__):
                waiting += [item for base in value.__mro__[:-1] for item in vars(base).values()]
        else:
            if not inspect.isfunction(value) and _followed(type(value), module.__name__):
                waiting.append(type(value))  # an instance, such as a class's default operator
            for function in _plain_functions(value):
                if _followed(function, module.__name__):
                    waiting += _named(function.__code__, function.__globals__, module.__name__)
                    waiting += [cell.cell_contents for cell in function.__closure__ or () if _filled(cell)]
    return sorted(found, key=_name)


def _filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018 (asks whether it is there)
    except ValueError:
        return False
    return True


def _name(kernel: Kernel) -> str:
    function = getattr(kernel.function, "made_for", kernel.function)  # an adapter's text is not what a user wrote
    return f"{function.__module__}.{function.__qualname__}"


@functools.cache
def _meaning(kernel: Kernel) -> str | None:
    return kernel.meaning


def kernel_digests(module: ModuleType) -> dict[str, str]:
    """What the record of an experiment says: name and meaning of every kernel that it can use.

    Returns
    -------
    dict of str to str
    """
    return {_name(kernel): _meaning(kernel) or "unknown" for kernel in kernels_of(module)}


def is_stale(recorded: dict[str, str]) -> bool:
    """Whether one of the package's recorded kernels means something else today, or is gone.

    Parameters
    ----------
    recorded : dict of str to str, from `kernel_digests`; anything else is of an older version, and stale
    """
    if not isinstance(recorded, dict):
        return True
    today = {_name(kernel): kernel for kernel in all_kernels()}
    own = {name: digest for name, digest in recorded.items() if name.startswith(f"{PACKAGE.name}.")}
    return any(name not in today or _meaning(today[name]) != digest for name, digest in own.items())
