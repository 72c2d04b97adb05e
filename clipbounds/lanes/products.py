"""Inner products of contiguous vectors, summed in one order on every machine.

LLVM does not reorder a sum of floats, so a plain loop runs one addition after the other (four cycles each). Here eight
partial sums advance together, as one vector of eight numbers, and are added up as a tree: half the time of eight
scalars written out, and the same on AVX2, AVX-512 and NEON.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .compile import device

WIDTH = 8


@intrinsic
def _dot_of_eights(typing_context, a, b, size):
    """<a, b> over the first `size` entries, a multiple of 8."""

    def codegen(context, builder, signature, arguments):
        size = arguments[2]
        first, second = (
            context.make_array(kind)(context, builder, array).data
            for kind, array in zip(signature.args[:2], arguments[:2], strict=True)
        )
        eight = ir.VectorType(ir.DoubleType(), WIDTH)
        total = cgutils.alloca_once_value(builder, ir.Constant(eight, [0.0] * WIDTH))

        def load(data, index):
            return builder.load(builder.bitcast(builder.gep(data, [index]), eight.as_pointer()), align=8)

        with cgutils.for_range_slice(builder, size.type(0), size, size.type(WIDTH)) as (index, _):
            product = builder.fmul(load(first, index), load(second, index), flags=["contract"])
            builder.store(builder.fadd(builder.load(total), product, flags=["contract"]), total)
        sums = builder.load(total)
        parts = [builder.extract_element(sums, ir.Constant(ir.IntType(32), k)) for k in range(WIDTH)]
        while len(parts) > 1:
            parts = [builder.fadd(x, y) for x, y in zip(parts[::2], parts[1::2], strict=True)]
        return parts[0]

    return types.float64(a, b, types.int64), codegen


@device
def dot(a, b, size):
    """<a, b>"""
    whole = size // WIDTH * WIDTH
    total = _dot_of_eights(a, b, whole)
    for k in range(whole, size):
        total += a[k] * b[k]
    return total
