"""The kernel decorator: explicit signatures, no GIL, an honest disk cache, plain addresses.

Two traps decide its shape (each has a test in tests/lanes/test_compile.py).

* Numba's disk cache stamps only the file that defines a kernel, so an edited helper in another file would
  silently return old numbers. Kernels are therefore kept under a digest of the syntax of all functions and the
  values of all constants that they are made of, in whatever file (meaning.py, kernel_cache.py).
* Passing a compiled function as an argument costs about 25 microseconds a call, with the GIL held. Kernels
  therefore travel as integer addresses, and `function_at` turns an address back into something callable.
"""

from __future__ import annotations

import inspect
import os
import re
import threading
from functools import cached_property, partial
from typing import TYPE_CHECKING

from numba import njit, types
from numba.core import cgutils
from numba.core.typing.templates import Signature
from numba.extending import intrinsic

from .kernel_cache import KernelCache
from .meaning import PACKAGE, Reach, digest_of
from .processor import check_processor

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# A product and a sum may become one instruction that rounds once, where the processor has it: 12 to 27 % of the time of
# hot loops, and last bits that depend on the processor. With CLIPBOUNDS_FUSE=0 every operation rounds by itself, and
# kernels give the same bits on every processor; records are made that way, for some methods amplify last bits.
FUSE = os.environ.get("CLIPBOUNDS_FUSE", "1") != "0"
FLAGS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"} if FUSE else False}
# blocks outlive the kernels that work on them: counting references to arguments costs 100 ns a step of a method, and
# serves only kernels that allocate arrays, which those of users may
UNCOUNTED = {**FLAGS, "_nrt": False}
# without the wrappers for callers in Python and C: a fifth of the time that compilation takes
INNER = {**UNCOUNTED, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
_decorating = threading.RLock()
_all_kernels = []

# a function that kernels inline; it is compiled only as a part of them
device = partial(njit, **INNER)
# the same for a user's function, which may allocate arrays
foreign = partial(njit, forceinline=True, **(INNER | FLAGS | {"_nrt": True}))
# the same for scalar functions, which must become a part of the loop over lanes or it does not vectorise; LLVM by
# itself stops inlining a function that is used several times
scalar = partial(njit, forceinline=True, **INNER)


_argument_names = {}


def named_signature(**arguments: Any) -> Signature:
    """The signature of kernels that return nothing; the names serve messages."""
    signature = types.void(*arguments.values())
    _argument_names[signature] = tuple(arguments)
    return signature


def _type_name(kind: Any) -> str:
    return f"{kind.dtype} array" if isinstance(kind, types.Array) else str(kind)


def describe(signature: Signature, name: str = "kernel") -> str:
    """The signature as a line of Python that a user can copy."""
    names = _argument_names.get(signature, tuple(f"a{k}" for k in range(len(signature.args))))
    pairs = zip(names, signature.args, strict=True)
    return f"def {name}({', '.join(names)}) with {', '.join(f'{n}: {_type_name(kind)}' for n, kind in pairs)}"


def _gist(error: Exception) -> str:
    """What a compiler's error says, as one line: Numba puts the stage before it, and pages of context behind."""
    lines = [line.strip() for line in re.sub(r"\x1b\[[0-9;]*m", "", str(error)).splitlines()]
    told = [line for line in lines if line and not line.startswith(("Failed in", "Traceback"))]
    text = told[0] if told else type(error).__name__
    place = re.search(r'File "([^"]*)", line (\d+)', str(error))
    return text + (f" ({place[1].rpartition('/')[2]}, line {place[2]})" if place else "")


class KernelFailed(ValueError):
    """A kernel of the user raised, or gave numbers that it must not give."""


class Kernel:
    """A function compiled once, for one signature, when it is first needed.

    Attributes
    ----------
    signature : numba signature
    address : int
        Address of the entry point in Numba's own calling convention, to be passed to other kernels. Through it an
        exception ends the callers too and reaches Python; the one for C would print it and go on with what was there.
    counted : bool
        Whether references are counted, without which it cannot allocate arrays.
    """

    def __init__(self, function: Callable[..., Any], signature: Signature, counted: bool) -> None:
        self.function, self.signature, self.counted = function, signature, counted
        self.__name__, self.__doc__ = function.__name__, function.__doc__
        self._compiled: Any = None
        self._address: Any = None
        given = tuple(inspect.signature(function).parameters)
        if len(given) != len(signature.args):
            raise ValueError(
                f"kernel {function.__name__} takes {len(given)} arguments ({', '.join(given)}), but its signature has"
                f" {len(signature.args)}; write {describe(signature, function.__name__)}"
            )
        _all_kernels.append(self)

    @property
    def compiled(self) -> Any:
        if self._compiled is None:
            with _decorating:
                if self._compiled is None:
                    self._compiled = self._compile()
        return self._compiled

    @cached_property
    def reach(self) -> Reach:
        """All that the function's machine code is made of, a `Reach`."""
        return Reach(self.function)

    @property
    def meaning(self) -> str | None:
        """Hex digest of what the kernel computes: equal on every machine, whatever comments say; None without source."""
        found = self.reach.digest()
        return None if found is None else digest_of([found, str(self.signature), str(self.counted)])

    def _compile(self) -> Any:
        check_processor()
        flags = FLAGS if self.counted else UNCOUNTED
        made = njit(**flags)(self.function)
        if self.reach.whole:
            made._cache = KernelCache(self.function, digest_of([str(self.meaning), self.reach.bytecode(), repr(flags)]))
        try:
            made.compile(self.signature)
        except Exception as error:  # Numba has errors of many kinds; the text of the first tells what is wrong
            form, _, kinds = describe(self.signature, self.__name__).partition(" with ")
            failure = ValueError(f"kernel {self.__name__} does not compile as {form}: {_gist(error)}")
            failure.add_note(f"Numba gives the arguments these types: {kinds}")
            raise failure from error
        made.disable_compile()
        return made

    @property
    def address(self) -> int:
        if self._address is None:
            result = self.compiled.get_compile_result(self.signature)
            self._address = result.library.get_pointer_to_function(result.fndesc.llvm_func_name)
        return self._address

    def __call__(self, *arguments: Any) -> Any:
        return self.compiled(*arguments)

    def __repr__(self) -> str:
        return f"<kernel {self.function.__module__}.{self.__name__} {self.signature}>"


def kernel(signature: Signature) -> Callable[[Callable[..., Any]], Kernel]:
    """Decorate a function as a `Kernel` of the given signature.

    Raises
    ------
    ValueError
        At decoration, if the number of arguments is wrong; at the first use, if the types do not fit.
    """
    if not isinstance(signature, Signature):
        raise ValueError(
            "kernel needs a signature: write @kernel(GRADIENT), @kernel(FILL) or @kernel(CLIP), but"
            f" {signature!r} was given"
        )
    return lambda function: Kernel(function, signature, not function.__module__.startswith(f"{PACKAGE.name}."))


def check_kernel(owner: str, name: str, value: object, signature: Signature) -> None:
    """Refuse a component whose kernel is not a `Kernel` of the right signature."""
    if value is None or (isinstance(value, Kernel) and value.signature == signature):
        return
    given = describe(value.signature, value.__name__) if isinstance(value, Kernel) else repr(value)
    raise ValueError(
        f"{owner}: {name} must be a kernel, {describe(signature, name)}, but {given} was given;"
        " decorate it with @kernel and this signature, or with an adapter of its package"
    )


def require_kernel(owner: str, name: str, value: object, signature: Signature) -> None:
    """Refuse a component that has no kernel where one is needed."""
    if value is None:
        raise ValueError(
            f"{owner} has no {name}: give the class a kernel, {describe(signature, name)}, or one made by an adapter"
            " of its package"
        )


def all_kernels() -> tuple[Kernel, ...]:
    """Every kernel that has been decorated so far, in order."""
    return tuple(_all_kernels)


@intrinsic
def _function_at(typing_context, address, function_type):  # type: ignore[no-untyped-def]
    made = function_type.instance_type

    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        struct = cgutils.create_struct_proxy(made)(context, builder)
        struct.jit_addr = builder.inttoptr(arguments[0], context.get_value_type(types.voidptr))
        struct.c_addr = context.get_constant_null(types.voidptr)
        struct.py_addr = context.get_constant_null(types.voidptr)
        return struct._getvalue()

    return made(types.intp, function_type), codegen


def function_at(signature: Signature) -> Callable[..., Any]:
    """A device function that turns an address into a callable of the given signature."""
    function_type = types.FunctionType(signature)

    @device
    def cast(address):  # type: ignore[no-untyped-def]
        return _function_at(address, function_type)

    return cast
