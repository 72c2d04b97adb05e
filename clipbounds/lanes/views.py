"""Views of blocks that cost nothing: a pointer and a length, neither counted nor clipped to the block.

A slice block[a:b] counts references and allows for negative and too large bounds, which costs time in kernels that
run for microseconds, and seconds of compilation. The block must outlive the view, as an argument of a kernel does.
Loops over a view vectorise; loops over block[k*LANES + l] do not, because Numba then has to allow for negative
indices (measured: 4 times slower).

They are intrinsics because Numba refuses a function that returns an array where references are not counted, as in
this package's kernels (compile.py).
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .blocks import FLOATS, INDICES, LANES


def _view(context, builder, kind, data, size):
    """An array value of `size` numbers at `data` without an owner."""
    part = context.make_array(kind)(context, builder)
    width = ir.Constant(size.type, context.get_abi_sizeof(context.get_data_type(kind.dtype)))
    part.data = data
    part.meminfo = cgutils.get_null_value(part.meminfo.type)
    part.parent = cgutils.get_null_value(part.parent.type)
    part.nitems, part.itemsize = size, width
    part.shape = cgutils.pack_array(builder, [size])
    part.strides = cgutils.pack_array(builder, [width])
    return part._getvalue()


def _part(context, builder, kind, block, start, size):
    whole = context.make_array(kind)(context, builder, block)
    return _view(context, builder, kind, builder.gep(whole.data, [start], inbounds=True), size)


@intrinsic
def row(typing_context, block, k):
    """Coordinate k of a block, a view of LANES numbers."""

    def codegen(context, builder, signature, arguments):
        block, k = arguments
        lanes = ir.Constant(k.type, LANES)
        return _part(context, builder, signature.return_type, block, builder.mul(k, lanes), lanes)

    return block(block, types.int64), codegen


@intrinsic
def rows(typing_context, block, first, count):
    """Coordinates first, ..., first + count - 1 of a block."""

    def codegen(context, builder, signature, arguments):
        block, first, count = arguments
        lanes = ir.Constant(first.type, LANES)
        return _part(
            context, builder, signature.return_type, block, builder.mul(first, lanes), builder.mul(count, lanes)
        )

    return block(block, types.int64, types.int64), codegen


@intrinsic
def piece(typing_context, vector, first, size):
    """Entries first, ..., first + size - 1 of a vector."""

    def codegen(context, builder, signature, arguments):
        vector, first, size = arguments
        return _part(context, builder, signature.return_type, vector, first, size)

    return vector(vector, types.int64, types.int64), codegen


def _at(kind):
    """An intrinsic (address, size) -> the numbers that lie there, which the caller keeps alive."""

    @intrinsic
    def at(typing_context, address, size):
        def codegen(context, builder, signature, arguments):
            address, size = arguments
            data = builder.inttoptr(address, context.get_data_type(kind.dtype).as_pointer())
            return _view(context, builder, kind, data, size)

        return kind(types.int64, types.int64), codegen

    return at


floats_at, indices_at = _at(FLOATS), _at(INDICES)


def _on_the_stack(count, context, builder):
    numbers = ir.ArrayType(context.get_value_type(types.float64), count)
    with builder.goto_entry_block():
        memory = builder.alloca(numbers)
        memory.align = 64
    data = builder.bitcast(memory, context.get_value_type(types.float64).as_pointer())
    return _view(context, builder, FLOATS, data, context.get_constant(types.intp, count))


@intrinsic
def scratch(typing_context):
    """A row of LANES numbers on the stack, not initialised, for the function that asks for it and those it calls."""

    def codegen(context, builder, signature, arguments):
        return _on_the_stack(LANES, context, builder)

    return FLOATS(), codegen


@intrinsic
def scratch_rows(typing_context):
    """The same, of LANES rows: 32 kB."""

    def codegen(context, builder, signature, arguments):
        return _on_the_stack(LANES * LANES, context, builder)

    return FLOATS(), codegen
