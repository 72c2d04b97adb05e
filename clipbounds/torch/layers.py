"""The layers that are known: what each adds to the gradients of the units of a batch.

A rule is called with the layer, what came in (n, ...), the gradient of the sum of the losses at what went out (n, ...), and
the number of units, and gives pieces (see `pieces`).
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from .library import library
from .pieces import Formed, Outer, Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from torch import Tensor
    from torch.nn import Conv2d, Embedding, LayerNorm, Linear, Module

    from .pieces import Piece


def _per_sample(weights: Tensor, tensor: Tensor) -> Tensor:
    """The tensor (n, ...) with every sample weighted."""
    return tensor * weights.reshape(-1, *[1] * (tensor.dim() - 1))


def linear(layer: Linear, before: Tensor, after: Tensor, units: int) -> Iterator[Piece]:
    """z = W a + b, at one place or at many."""
    rows_in, rows_out = (t.reshape(units, -1, t.shape[-1]) for t in (before, after))

    def whole(weights: Tensor) -> Tensor:
        return _per_sample(weights, after).reshape(-1, after.shape[-1]).t() @ before.reshape(-1, before.shape[-1])

    yield Outer(layer.weight, rows_out, lambda: rows_in, whole, units)
    if layer.bias is not None:
        yield Formed(layer.bias, rows_out.sum(1))


@functools.lru_cache(16)
def _same_patches(sides: tuple[int, int], places: Any, device: Any, dtype: Any) -> Tensor:
    """How often pixels p, p' meet the same tap in the patches at l, l': (p p', l l'), from products of pixels to products of patches."""
    torch, count = library(), sides[0] * sides[1]
    pixels = torch.eye(count, device=device, dtype=dtype).reshape(count, 1, *sides)
    taps = torch.nn.functional.unfold(pixels, **dict(places))  # (pixel, tap, place)
    return torch.einsum("atl,bts->abls", taps, taps).reshape(count * count, -1)


def convolution(layer: Conv2d, before: Tensor, after: Tensor, units: int) -> Iterator[Piece]:
    """A convolution in the plane: W times the patches of its input, by groups of channels."""
    torch = library()
    groups, channels, each = layer.groups, after.shape[1], len(after) // units
    places = {name: getattr(layer, name) for name in ("stride", "padding", "dilation")}
    pixels, outputs = before[0, 0].numel(), after[0, 0].numel()

    def rows(tensor: Tensor) -> Tensor:
        """(n, groups·width, ...) to (units·groups, samples·places, width)."""
        split = tensor.reshape(units, each, groups, tensor.shape[1] // groups, -1)
        return split.permute(0, 2, 1, 4, 3).reshape(units * groups, -1, split.shape[3])

    def patches() -> Tensor:
        return rows(torch.nn.functional.unfold(before, layer.kernel_size, **places))

    def gram() -> Tensor:
        """Patches overlap: their products are sums of products of pixels, of which there are fewer."""
        single = rows(before)
        products = single.bmm(single.transpose(1, 2)).reshape(-1, each, pixels, each, pixels).transpose(2, 3)
        key = tuple({"kernel_size": layer.kernel_size, **places}.items())
        same = _same_patches(tuple(before.shape[2:]), key, before.device, before.dtype)
        products = (products.reshape(-1, pixels * pixels) @ same).reshape(-1, each, each, outputs, outputs)
        return products.transpose(2, 3).reshape(len(single), each * outputs, each * outputs)

    def summed(inputs: Tensor, gradients: Tensor) -> Tensor:
        return torch.nn.grad.conv2d_weight(inputs, layer.weight.shape, gradients, **places, groups=groups)

    def whole(weights: Tensor) -> Tensor:
        return summed(before, _per_sample(weights, after))

    def form() -> Tensor:
        """A convolution a unit, which is faster than one product of many patches."""
        return torch.stack([summed(*unit) for unit in zip(before.split(each), after.split(each), strict=True)])

    few = pixels * outputs <= 1024 and pixels * pixels <= 4 * layer.weight[0].numel()
    yield Outer(layer.weight, rows(after), patches, whole, units, gram if few else None, form)
    if layer.bias is not None:
        yield Formed(layer.bias, after.reshape(units, each, channels, outputs).sum((1, 3)))


def layer_norm(layer: LayerNorm, before: Tensor, after: Tensor, units: int) -> Iterator[Piece]:
    """z = w (a - mean)/deviation + b, elementwise."""
    if layer.weight is None:
        return
    shape = layer.normalized_shape
    normalised = library().nn.functional.layer_norm(before, shape, eps=layer.eps)
    yield Formed(layer.weight, (after * normalised).reshape(units, -1, *shape).sum(1))
    if layer.bias is not None:
        yield Formed(layer.bias, after.reshape(units, -1, *shape).sum(1))


def embedding(layer: Embedding, before: Tensor, after: Tensor, units: int) -> Iterator[Piece]:
    """Rows of a table; the row of padding_idx is not trained."""
    if layer.padding_idx is not None:
        after = after * (before != layer.padding_idx)[..., None]
    yield Rows(layer.weight, before.reshape(units, -1), after.reshape(units, -1, after.shape[-1]))


@functools.cache
def rules() -> dict[type, Callable[[Any, Tensor, Tensor, int], Iterator[Piece]]]:
    """Rule by exact class: a subclass may compute something else."""
    nn = library().nn
    return {nn.Linear: linear, nn.Conv2d: convolution, nn.LayerNorm: layer_norm, nn.Embedding: embedding}


def known_layers(model: Module) -> list[Module]:
    """The layers of a model whose parameters are trained.

    Raises
    ------
    ValueError
        If one has no rule, has an option for which its rule does not hold, or mixes the samples of a batch.
    """
    nn, known = library().nn, []
    for name, layer in model.named_modules():
        kind, place = type(layer), f"the layer {name!r}" if name else "the model itself"
        mixes = isinstance(layer, nn.modules.batchnorm._BatchNorm)
        trained = any(p.requires_grad for p in layer.parameters(recurse=False))
        option = ""
        if kind is nn.Conv2d and (layer.padding_mode != "zeros" or isinstance(layer.padding, str)):
            option = " whose padding is not a number of zeros"
        if kind is nn.Embedding and (layer.max_norm is not None or layer.scale_grad_by_freq):
            option = " with max_norm or scale_grad_by_freq"
        if mixes or (trained and (kind not in rules() or option)):
            why = "mixes the samples of a batch" if mixes else "is not known"
            names = ", ".join(rule.__name__ for rule in rules())
            raise ValueError(
                f"ClippedGradients: {place} is a {kind.__name__}{option}, which {why}; use {names}, freeze its parameters"
                f"{' is not enough' if mixes else ''}, or clip the whole batch with groups=1"
            )
        if trained:
            known.append(layer)
    return known
