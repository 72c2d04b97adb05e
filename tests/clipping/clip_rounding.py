"""What floating point may do to an entry of a clipped vector."""


def rounding(dim):
    """Relative tolerance on an entry of a clipped vector beside its formula, in any order of summation, fused or not.

    In units u = 2^-53. The norm: a square and dim - 1 sums are dim, halved by the root, and the root is 1; where squares
    leave the range, a quotient by the largest entry and a product with it are 2. Threshold over norm and the product with
    the entry: 2. What smooth operators add inside of the root: 1. The formula is as wrong, and the arguments are rounded.
    """
    return (2 * (dim / 2 + 6) + 2) * 2.0**-53
