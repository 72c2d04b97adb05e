"""Views of blocks that cost nothing: a pointer and a length, neither counted nor clipped to the block.

A slice block[a:b] counts references and allows for negative and too large bounds, which costs time in kernels that
run for microseconds, and seconds of compilation. The block must outlive the view, as an argument of a kernel does.
Loops over a view vectorise; loops over block[k*LANES + l] do not, because Numba then has to allow for negative
indices (measured: 4 times slower).
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .blocks import LANES
from .compile import scalar


@intrinsic
def view(typing_context, block, start, size):
    """block[start : start + size] without any check."""

    def codegen(context, builder, signature, arguments):
        block, start, size = arguments
        whole = context.make_array(signature.args[0])(context, builder, block)
        part = context.make_array(signature.return_type)(context, builder)
        width = ir.Constant(size.type, context.get_abi_sizeof(context.get_data_type(signature.return_type.dtype)))
        part.data = builder.gep(whole.data, [start], inbounds=True)
        part.meminfo = cgutils.get_null_value(part.meminfo.type)
        part.parent = cgutils.get_null_value(part.parent.type)
        part.nitems, part.itemsize = size, width
        part.shape = cgutils.pack_array(builder, [size])
        part.strides = cgutils.pack_array(builder, [width])
        return part._getvalue()

    return block(block, types.int64, types.int64), codegen


@scalar
def row(block, k):
    """Coordinate k of a block, a view of LANES numbers."""
    return view(block, k * LANES, LANES)


@scalar
def rows(block, first, count):
    """Coordinates first, ..., first + count - 1 of a block."""
    return view(block, first * LANES, count * LANES)
