"""What one call of a layer adds to the gradients of the units of a batch, for one parameter.

A unit is m consecutive samples, U of them in a batch; its gradient here is the sum over its samples. Two kinds of pieces:

* `Formed`: the units' gradients themselves, where a parameter is small (biases, scales of a layer norm);
* `Outer`: for a matrix W in z = W a, the unit's gradient is sum_r g_r a_r' over its R rows (samples and places), g the
  gradient at z. Its squared norm is sum_{r,s} (g_r·g_s)(a_r·a_s) without forming it, R² (d + o) products for o x d matrices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .library import library

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from torch import Tensor

# A number of a formed gradient is written, read for the norm and read for the sum; a product inside a matrix
# multiplication costs about a fiftieth of that (measured on one core with AVX-512, and far from any edge that matters).
TRAFFIC = 50


class Formed:
    """Gradients (U, shape of the parameter) of the units."""

    def __init__(self, parameter: Tensor, gradients: Tensor) -> None:
        self.parameter, self.gradients = parameter, gradients

    def form(self) -> Tensor:
        """The units' gradients."""
        return self.gradients


class Outer:
    """Rows whose outer products make the gradients of the units.

    Parameters
    ----------
    parameter : tensor, of q matrices (o, d) one above the other (q > 1 in grouped convolutions)
    after : tensor (U·q, R, o), gradients at the layer's output
    before : callable giving a tensor (U·q, R, d), what the matrices multiplied
    whole : callable of weights (n,), giving the weighted sum of the samples' gradients in one pass
    units : int U
    gram : callable giving the products (U·q, R, R) of the rows of `before`, where there is a cheaper way than to form them
    form : callable giving the units' gradients (U, shape of the parameter), likewise
    """

    def __init__(
        self,
        parameter: Tensor,
        after: Tensor,
        before: Callable[[], Tensor],
        whole: Callable[[Tensor], Tensor],
        units: int,
        gram: Callable[[], Tensor] | None = None,
        form: Callable[[], Tensor] | None = None,
    ) -> None:
        self.parameter, self.after, self.before = parameter, after, before
        self.whole, self.units, self.gram = whole, units, gram
        self.form = form or self._form

    @property
    def prefers_forming(self) -> bool:
        """Whether forming the units' gradients is cheaper than Gram matrices and a second pass."""
        (count, rows, width), size = self.after.shape, self.parameter[0].numel()
        squares = rows * rows * (width if self.gram else width + size)
        return TRAFFIC * self.parameter.numel() * self.units < squares * count

    def _form(self) -> Tensor:
        return self.after.transpose(1, 2).bmm(self.before()).reshape(self.units, *self.parameter.shape)

    def squares(self) -> Tensor:
        """Squared norms (U,) without forming the gradients."""
        if self.after.shape[1] == 1:
            products = self.after.square().sum((1, 2)) * self.before().square().sum((1, 2))
        else:
            products = self.after.bmm(self.after.transpose(1, 2)).mul_(self._gram()).sum((1, 2))
        return products.reshape(self.units, -1).sum(1)

    def _gram(self) -> Tensor:
        if self.gram is not None:
            return self.gram()
        rows = self.before()
        return rows.bmm(rows.transpose(1, 2))


class Rows:
    """Rows of a table that indices chose (an embedding).

    Parameters
    ----------
    parameter : tensor (rows of the table, d)
    indices : tensor (U, R) of int
    after : tensor (U, R, d), gradients at the layer's output, 0 where the row is not trained
    """

    prefers_forming = False

    def __init__(self, parameter: Tensor, indices: Tensor, after: Tensor) -> None:
        self.parameter, self.indices, self.after, self.units = parameter, indices, after, len(indices)

    def form(self) -> Tensor:
        """The units' gradients (U, shape of the parameter)."""
        table = self.after.new_zeros(self.units, *self.parameter.shape)
        return table.scatter_add_(1, self.indices[..., None].expand_as(self.after), self.after)

    def squares(self) -> Tensor:
        """Squared norms (U,): rows of the same index add up before they are squared."""
        same = self.indices[:, :, None] == self.indices[:, None, :]
        return (self.after.bmm(self.after.transpose(1, 2)) * same).sum((1, 2))

    def whole(self, weights: Tensor) -> Tensor:
        """The weighted sum of the samples' gradients."""
        torch = library()
        after = (self.after.reshape(len(weights), -1, self.after.shape[2]) * weights[:, None, None]).flatten(0, 1)
        return torch.zeros_like(self.parameter).index_add_(0, self.indices.flatten(), after)


if TYPE_CHECKING:
    Piece: TypeAlias = Formed | Outer | Rows
