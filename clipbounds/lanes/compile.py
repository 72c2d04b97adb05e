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
import threading
from functools import cache, partial
from pathlib import Path

import numba
import platformdirs
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

PACKAGE = Path(__file__).resolve().parents[1]
ROOMS_WITH_KERNELS = ("lanes", "clipping", "noise", "problems", "methods")
FLAGS = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}}
_decorating = threading.RLock()
_all_kernels = []

# a function that kernels inline; it is compiled only as a part of them
device = partial(njit, **FLAGS)
# the same for scalar functions, which must become a part of the loop over lanes or it does not vectorise; LLVM by
# itself stops inlining a function that is used several times
scalar = partial(njit, forceinline=True, **FLAGS)


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


class Kernel:
    """A function compiled once, for one signature, when it is first needed.

    Attributes
    ----------
    signature : numba signature
    address : int
        Address of the C entry point, to be passed to other kernels.
    """

    def __init__(self, function, signature):
        self.function, self.signature = function, signature
        self.__name__, self.__doc__ = function.__name__, function.__doc__
        self._compiled = self._address = None
        expected = len(signature.args)
        given = len(inspect.signature(function).parameters)
        if given != expected:
            raise ValueError(
                f"kernel {function.__name__} takes {given} arguments, but its signature {signature} has {expected};"
                f" write it as def {function.__name__}({', '.join(f'a{k}' for k in range(expected))}) with these types"
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
        file = Path(inspect.getsourcefile(self.function) or "")
        if not file.is_file():  # a notebook cell: there is no file whose text could name a cache entry
            return njit(self.signature, **FLAGS)(self.function)
        name = sources_digest()
        if PACKAGE not in file.resolve().parents:
            name += "-" + hashlib.sha256(file.read_bytes()).hexdigest()[:16]
        before = numba.config.CACHE_DIR
        numba.config.CACHE_DIR = str(cache_root() / name)
        try:
            return njit(self.signature, cache=True, **FLAGS)(self.function)
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
    """Decorate a function as a `Kernel` of the given signature."""
    return lambda function: Kernel(function, signature)


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
