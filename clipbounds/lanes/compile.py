"""The kernel decorator: explicit signatures, no GIL, an honest disk cache, plain addresses.

Two traps decide its shape (each has a test in tests/lanes/test_compile.py).

* Numba's disk cache stamps only the file that defines a kernel, so an edited helper in another file would
  silently return old numbers. The cache folder is therefore named by a digest of all kernel sources of the
  package; a file outside the package adds its own text to the digest.
* Passing a compiled function as an argument costs about 25 microseconds a call, with the GIL held. Kernels
  therefore travel as integer addresses, and `function_at` turns an address back into something callable.
"""

import hashlib
import inspect
import os
import sys
import threading
from functools import cache, partial
from pathlib import Path

import numba
import numpy as np
import platformdirs
from numba import njit, types
from numba.core import cgutils
from numba.core.errors import NumbaError
from numba.core.typing.templates import Signature
from numba.extending import intrinsic

PACKAGE = Path(__file__).resolve().parents[1]
ROOMS_WITH_KERNELS = ("lanes", "clipping", "noise", "problems", "oracles", "methods")
FLAGS = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}}
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


@cache
def sources_digest():
    """Hex digest of every source file of the package that can hold a kernel, and of Numba's version."""
    digest = hashlib.sha256(numba.__version__.encode())
    for room in ROOMS_WITH_KERNELS:
        for file in sorted((PACKAGE / room).rglob("*.py")):
            digest.update(str(file.relative_to(PACKAGE)).encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def cache_root():
    """Folder of the compiled kernels: $CLIPBOUNDS_CACHE, or the user's cache folder."""
    chosen = os.environ.get("CLIPBOUNDS_CACHE")
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("clipbounds", appauthor=False))


_argument_names = {}


def named_signature(**arguments):
    """The signature of kernels that return nothing; the names serve messages."""
    signature = types.void(*arguments.values())
    _argument_names[signature] = tuple(arguments)
    return signature


def _type_name(kind):
    return f"{kind.dtype} array" if isinstance(kind, types.Array) else str(kind)


def describe(signature, name="kernel"):
    """The signature as a line of Python that a user can copy."""
    names = _argument_names.get(signature, tuple(f"a{k}" for k in range(len(signature.args))))
    pairs = zip(names, signature.args, strict=True)
    return f"def {name}({', '.join(names)}) with {', '.join(f'{n}: {_type_name(kind)}' for n, kind in pairs)}"


# libraries whose version Numba's own text or ours stands for
FOREIGN = ("numba", "numpy", "scipy", "math", "builtins")


def _own_file(found):
    """The file of a function or module, or None if there is none (a notebook cell)."""
    try:
        file = Path(inspect.getsourcefile(found) or "")
    except TypeError:
        return None
    return file.resolve() if file.is_file() else None


def origins(function):
    """What determines the machine code of a function besides this package: files, and values of globals and closures.

    Files of the function and of the functions and modules that it names, sorted, and the numbers, arrays and tuples
    that it names, as text. None if the text of a function lies in no file, or its module cannot be imported by name,
    without which Numba writes cache entries that it cannot read.
    """
    files, values, waiting, seen = set(), [], [function], set()
    while waiting:
        found = waiting.pop()
        found = getattr(found, "py_func", found)
        is_function = inspect.isfunction(found)
        if isinstance(found, (bool, int, float, complex, str, tuple, np.ndarray, np.generic)):
            values.append(f"{type(found)} {found!r} {found.tobytes().hex() if isinstance(found, np.ndarray) else ''}")
        if not (is_function or inspect.ismodule(found)) or id(found) in seen:
            continue
        seen.add(id(found))
        root = (found.__module__ if is_function else found.__name__).partition(".")[0]
        if root in FOREIGN:
            continue
        file = _own_file(found)
        if file is None or (is_function and found.__module__ not in sys.modules):
            if is_function:
                return None
            continue
        if PACKAGE in file.parents:
            continue
        files.add(file)
        values.append(found.__module__ if is_function else found.__name__)
        if is_function:
            waiting += [found.__globals__[name] for name in found.__code__.co_names if name in found.__globals__]
            waiting += [cell.cell_contents for cell in found.__closure__ or ()]
    return sorted(files), values


def cache_folder(function):
    """Folder named by the text that determines the machine code of the function; None if it cannot be cached."""
    found = origins(function)
    if found is None:
        return None
    name = sources_digest()
    files, values = found
    if files:
        digest = hashlib.sha256("|".join(values).encode())
        for file in files:
            digest.update(str(file).encode())
            digest.update(file.read_bytes())
        name += "-" + digest.hexdigest()[:16]
    return cache_root() / name


class Kernel:
    """A function compiled once, for one signature, when it is first needed.

    Attributes
    ----------
    signature : numba signature
    address : int
        Address of the C entry point, to be passed to other kernels.
    counted : bool
        Whether references are counted, without which it cannot allocate arrays.
    """

    def __init__(self, function, signature, counted):
        self.function, self.signature, self.counted = function, signature, counted
        self.__name__, self.__doc__ = function.__name__, function.__doc__
        self._compiled = self._address = None
        given = tuple(inspect.signature(function).parameters)
        if len(given) != len(signature.args):
            raise ValueError(
                f"kernel {function.__name__} takes {len(given)} arguments ({', '.join(given)}), but its signature has"
                f" {len(signature.args)}; write {describe(signature, function.__name__)}"
            )
        _all_kernels.append(self)

    @property
    def compiled(self):
        if self._compiled is None:
            with _decorating:
                if self._compiled is None:
                    self._compiled = self._compile()
        return self._compiled

    def _compile(self):
        folder = cache_folder(self.function)
        before = numba.config.CACHE_DIR
        try:
            if folder is not None:
                numba.config.CACHE_DIR = str(folder)
            flags = FLAGS if self.counted else UNCOUNTED
            return njit(self.signature, cache=folder is not None, **flags)(self.function)
        except NumbaError as error:
            raise ValueError(
                f"kernel {self.__name__} does not compile as {describe(self.signature, self.__name__)};"
                f" Numba says: {str(error).strip()}"
            ) from error
        finally:
            numba.config.CACHE_DIR = before

    @property
    def address(self):
        if self._address is None:
            result = self.compiled.get_compile_result(self.signature)
            self._address = result.library.get_pointer_to_function(result.fndesc.llvm_cfunc_wrapper_name)
        return self._address

    def __call__(self, *arguments):
        return self.compiled(*arguments)

    def __repr__(self):
        return f"<kernel {self.function.__module__}.{self.__name__} {self.signature}>"


def kernel(signature):
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


def check_kernel(owner, name, value, signature):
    """Refuse a component whose kernel is not a `Kernel` of the right signature."""
    if value is None or (isinstance(value, Kernel) and value.signature == signature):
        return
    given = describe(value.signature, value.__name__) if isinstance(value, Kernel) else repr(value)
    raise ValueError(
        f"{owner}: {name} must be a kernel, {describe(signature, name)}, but {given} was given;"
        " decorate it with @kernel and this signature, or with an adapter of its package"
    )


def require_kernel(owner, name, value, signature):
    """Refuse a component that has no kernel where one is needed."""
    if value is None:
        raise ValueError(
            f"{owner} has no {name}: give the class a kernel, {describe(signature, name)}, or one made by an adapter"
            " of its package"
        )


def all_kernels():
    """Every kernel that has been decorated so far, in order."""
    return tuple(_all_kernels)


@intrinsic
def _function_at(typing_context, address, function_type):
    made = function_type.instance_type

    def codegen(context, builder, signature, arguments):
        struct = cgutils.create_struct_proxy(made)(context, builder)
        struct.c_addr = builder.inttoptr(arguments[0], context.get_value_type(types.voidptr))
        struct.jit_addr = context.get_constant_null(types.voidptr)
        struct.py_addr = context.get_constant_null(types.voidptr)
        return struct._getvalue()

    return made(types.intp, function_type), codegen


def function_at(signature):
    """A device function that turns an address into a callable of the given signature."""
    function_type = types.FunctionType(signature)

    @device
    def cast(address):
        return _function_at(address, function_type)

    return cast
