"""Mean of clipped gradients of single samples or micro-batches, at about the cost of a plain gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..clipping import GrowingClip, NormClip
from .layers import known_layers, rules
from .library import library
from .pieces import Formed

if TYPE_CHECKING:
    from typing import Any

    from torch import Tensor
    from torch.nn import Module


class ClippedGradients:
    """Clip the gradients of the units of every batch of a model, and average them into ``.grad``.

    A batch of n losses is divided into M = `groups` units of n/M consecutive samples. With h_k the gradient of the mean
    loss of unit k = 1..M and tau_k its threshold, `backward` adds (1/M) sum_k min(1, tau_k/‖h_k‖) h_k to ``.grad``, the norm
    being over all trained parameters together. M = n is per-sample clipping (the estimator of nobile2026, arXiv 2605.02701, with
    `GrowingClip`), M = 1 the usual clipping of the batch.

    The h_k are not formed: one backward pass gives the gradients at the layers' outputs, Gram matrices the norms (or the
    units' gradients, where a layer is so small that they are cheaper), one weighted pass the result.

    Parameters
    ----------
    model : torch.nn.Module
        Its trained layers: Linear, Conv2d (with groups), LayerNorm, Embedding; a layer may be called several times and
        layers may share parameters. Parameters must be used by their own layer only. With groups=1, any model.
    clip : NormClip (tau_k = threshold) or GrowingClip (tau_k = alpha k^{1/beta})
    groups : int M >= 1, or None for every sample by itself

    Raises
    ------
    ValueError
        If PyTorch is missing, a layer is unknown (it is named) or mixes samples, or the operator is another.

    Examples
    --------
    ::

        clipped = ClippedGradients(model, clip=GrowingClip(alpha=1.0, beta=1.5))
        losses = torch.nn.functional.cross_entropy(model(x), labels, reduction="none")
        norms = clipped.backward(losses)
        optimizer.step()
    """

    def __init__(self, model: Module, clip: NormClip | GrowingClip, groups: int | None = None) -> None:
        if not isinstance(clip, (NormClip, GrowingClip)):
            raise ValueError(f"ClippedGradients: clip must be a NormClip or a GrowingClip, but {clip!r} was given")
        if groups is not None and (isinstance(groups, bool) or not isinstance(groups, int) or groups < 1):
            raise ValueError(f"ClippedGradients: groups must be None or an integer >= 1, but {groups!r} was given")
        self.model, self.clip, self.groups = model, clip, groups
        self._calls, self._hooks = [], []
        if groups != 1:
            self._hooks = [layer.register_forward_hook(self._note) for layer in known_layers(model)]

    def detach(self) -> None:
        """Leave the model alone again."""
        for hook in self._hooks:
            hook.remove()
        self._hooks, self._calls = [], []

    def _note(self, layer: Module, inputs: Any, output: Tensor) -> None:
        if output.requires_grad:
            self._calls.append((layer, inputs[0].detach(), output, output._version))

    def thresholds(self, count: int, first: int = 0) -> np.ndarray:
        """tau_k of `count` units, the first of them at the position `first` = 0, 1, ... of its batch; an array."""
        if isinstance(self.clip, NormClip):
            return np.full(count, self.clip.threshold)
        return self.clip.alpha * np.arange(first + 1, first + count + 1) ** (1 / self.clip.beta)

    def backward(self, losses: Tensor, part: int = 0, parts: int = 1) -> Tensor:
        """Add the mean of the clipped gradients to ``.grad`` (as ``loss.backward()`` does: set it to zero before).

        Parameters
        ----------
        losses : tensor (n,), a loss a sample, from one or more calls of the model since the last `backward`
        part, parts : int
            In accumulation, which of how many equal parts of the batch this is: units are counted through, and the
            parts' gradients, each clipped before they are added, make the mean over all units.

        Returns
        -------
        tensor (M,), the norms ‖h_k‖ before clipping

        Raises
        ------
        ValueError
            If the losses are no vector, or the groups do not divide their number.
        """
        if not 0 <= part < parts:
            raise ValueError(f"ClippedGradients.backward: part must be 0..parts-1, but {part} of {parts} was given")
        norms, gradients = self._found(losses)
        factors = self._factors(norms, part * len(norms)) / (len(norms) * parts)
        for parameter, gradient in gradients(factors):
            parameter.grad = gradient if parameter.grad is None else parameter.grad.add_(gradient)
        return norms

    def norms(self, losses: Tensor) -> Tensor:
        """The norms ‖h_k‖, a tensor (M,), and nothing added to ``.grad``; arguments and errors as for `backward`."""
        return self._found(losses)[0]

    def _found(self, losses: Tensor) -> Any:
        """The norms of the units, and a function of factors (M,) that gives (parameter, weighted sum of gradients)."""
        calls, self._calls = self._calls, []
        if losses.dim() != 1 or not len(losses):
            raise ValueError(
                f"ClippedGradients.backward: losses must be a vector, one loss a sample, but their shape is"
                f' {tuple(losses.shape)}; compute them with reduction="none"'
            )
        units = len(losses) if self.groups is None else self.groups
        if len(losses) % units:
            raise ValueError(
                f"ClippedGradients.backward: groups must divide the batch, but {units} groups were given for"
                f" {len(losses)} losses"
            )
        if self.groups == 1:
            return self._whole(losses)
        if not self._hooks:
            raise ValueError("ClippedGradients.backward: this one was detached from its model; make a new one")
        return self._units(losses, calls, units)

    def _factors(self, norms: Tensor, first: int) -> Tensor:
        limits = library().as_tensor(self.thresholds(len(norms), first), dtype=norms.dtype, device=norms.device)
        return (limits / norms).clamp_(max=1.0)  # 1 at norm 0, nan where the norm is

    def _whole(self, losses: Tensor) -> Any:
        """One unit: its gradient is formed anyway."""
        torch = library()
        trained = [p for p in self.model.parameters() if p.requires_grad]
        found = torch.autograd.grad(losses.mean(), trained, allow_unused=True)
        pairs = [(p, g) for p, g in zip(trained, found, strict=True) if g is not None]
        norm = torch.stack(torch._foreach_norm([g for _, g in pairs])).norm().reshape(1)
        return norm, lambda factors: [(p, g.mul_(factors[0])) for p, g in pairs]

    def _units(self, losses: Tensor, calls: Any, units: int) -> Any:
        torch, size = library(), len(losses) // units
        after = torch.autograd.grad(losses.sum(), [output for _, _, output, _ in calls], allow_unused=True)
        pieces = {}
        with torch.no_grad():
            for (layer, before, output, version), gradient in zip(calls, after, strict=True):
                if gradient is None:  # of a call that these losses do not depend on
                    continue
                self._check_call(layer, output, version, len(losses))
                for piece in rules()[type(layer)](layer, before, gradient, units):
                    if piece.parameter.requires_grad:
                        pieces.setdefault(piece.parameter, []).append(piece)
            squares, ways = losses.new_zeros(units), []
            for parameter, parts in pieces.items():
                # of several calls, the sum counts: it is formed
                if len(parts) > 1 or isinstance(parts[0], Formed) or parts[0].prefers_forming:
                    formed = sum((p.form() for p in parts[1:]), parts[0].form()).flatten(1)
                    squares += torch.linalg.vector_norm(formed, dim=1).square()
                    ways.append((parameter, formed, None))
                else:
                    squares += parts[0].squares()
                    ways.append((parameter, None, parts[0].whole))

        def gradients(factors: Tensor) -> Any:
            factors = factors / size
            each = factors.repeat_interleave(size)
            with torch.no_grad():
                for parameter, formed, whole in ways:
                    found = whole(each) if whole is not None else factors @ formed
                    yield parameter, found.reshape(parameter.shape)

        return squares.sqrt() / size, gradients

    def _check_call(self, layer: Module, output: Tensor, version: int, count: int) -> None:
        kind = type(layer).__name__
        if output._version != version:
            raise ValueError(
                f"ClippedGradients.backward: what a {kind} gave was changed in place, so its gradient is lost;"
                " use inplace=False in the layer that follows"
            )
        if output.shape[0] != count:
            raise ValueError(
                f"ClippedGradients.backward: a {kind} gave {output.shape[0]} rows for {count} losses; the first dimension"
                " must be the samples of the batch"
            )
