"""From a user's plain function to a kernel: the loop over lanes is written for them.

A generated kernel is a text with the user's function as the global `user`. The text lies in the cache folder that
the user's own source names, so that Numba caches the kernel on disk and an edit recompiles it; a function without a
file (a notebook cell) or with a closure that cannot be fingerprinted is compiled anew in every session.
"""

import hashlib
import inspect
import marshal
import os
import pickle
import tempfile

import numpy as np

from . import elementary, random
from .blocks import LANES
from .compile import Kernel, cache_folder, foreign
from .views import row

HEADER = "# written by clipbounds.lanes.adapters for {name}\n"


def _fingerprint(function):
    """What distinguishes functions from one text: module, code and the values of the closure; None if not picklable."""
    try:
        cells = pickle.dumps([cell.cell_contents for cell in function.__closure__ or ()])
    except Exception:
        return None
    return hashlib.sha256(function.__module__.encode() + marshal.dumps(function.__code__) + cells).hexdigest()[:16]


def _write(folder, name, text):
    """The file `name` with this text; written beside and renamed, because processes may race."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    if not path.exists():
        handle, temporary = tempfile.mkstemp(dir=folder)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
    return path


def adapt(function, signature, template, leading, form):
    """A kernel around the user's function.

    Parameters
    ----------
    function : plain Python function of `leading` arguments, followed by one for each real parameter
    signature : numba signature of the kernel
    template : str
        Text of ``def generated(...)``; {load} is replaced by the lines that load parameters into p0, p1, ..., and
        {extra} by the arguments ", p0, p1, ...".
    leading : int, how many arguments are not parameters
    form : str, how the function must look; for messages
    """
    if not inspect.isfunction(function):
        raise ValueError(f"expected a function {form}, but {function!r} was given")
    kinds = [p.kind for p in inspect.signature(function).parameters.values()]
    if len(kinds) < leading or any(kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD for kind in kinds):
        raise ValueError(
            f"{function.__name__} must look like {form}, but it is def {function.__name__}{inspect.signature(function)}"
        )
    names = [f"p{k}" for k in range(len(kinds) - leading)]
    text = HEADER.format(name=function.__qualname__) + template.format(
        load="".join(f"    {name} = params[{k}]\n" for k, name in enumerate(names)),
        extra="".join(f", {name}" for name in names),
    )
    folder, mark = cache_folder(function), _fingerprint(function)
    path = "<clipbounds adapter>"
    if folder is not None and mark is not None:
        path = str(_write(folder / "generated", f"{function.__name__}_{mark}.py", text))
    scope = {
        "__name__": __name__, "user": foreign(function), "np": np, "LANES": LANES,
        "row": row, "threefry": random.threefry, "uniform": random.uniform, "expm1": elementary.expm1,
    }  # fmt: skip
    exec(compile(text, path, "exec"), scope)
    generated = scope["generated"]
    generated.__name__, generated.__doc__ = function.__name__, function.__doc__
    return Kernel(generated, signature, counted=True)
