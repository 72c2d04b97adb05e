"""From a user's plain function to a kernel: the loop over lanes is written for them.

A generated kernel is a text with the user's function as the global `user`. The text and all that the user's function
names decide where the compiled kernel is kept, so an edit recompiles it; a function without a file (a notebook cell) or
with a closure that cannot be told is compiled anew in every session.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import numpy as np

from . import elementary, random
from .blocks import LANES
from .compile import Kernel, foreign
from .views import row

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from numba.core.typing.templates import Signature

HEADER = "# written by clipbounds.lanes.adapters for {name}\n"


def adapt(function: Callable[..., Any], signature: Signature, template: str, leading: int, form: str) -> Kernel:
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
    scope: dict[str, Any] = {
        "__name__": __name__, "user": foreign(function), "np": np, "LANES": LANES,
        "row": row, "threefry": random.threefry, "uniform": random.uniform, "expm1": elementary.expm1,
    }  # fmt: skip
    exec(compile(text, f"<clipbounds adapter of {function.__name__}>", "exec"), scope)
    generated = scope["generated"]
    generated.made_from, generated.made_for = text, function
    generated.__name__, generated.__doc__ = function.__name__, function.__doc__
    return Kernel(generated, signature, counted=True)
