"""What a clipped gradient of AlexNet costs, in gradients without clipping: processor time of alternating runs, one thread."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from ..clipping import NormClip
from ..torch import ClippedGradients
from ..torch.library import library
from . import alexnet, cifar

if TYPE_CHECKING:
    from typing import Any

    from torch.nn import Module

ARMS = {"PS-Clip": None, "micro-batches of 8": 8, "whole batch": 0}  # samples a unit: one, 8, all


def cost_ratios(batch: int, repeats: int, steps: int = 2) -> dict[str, float]:
    """Median over `repeats` of the processor time of each kind of clipping over that of a plain gradient.

    "accumulated, each" is about accumulation: every micro-batch of 8 is clipped after its own backward pass, against
    as many plain passes.

    Parameters
    ----------
    batch : int, a multiple of 8
    repeats, steps : int; `steps` gradients a run

    Returns
    -------
    dict of str to float
    """
    torch = library()
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        torch.manual_seed(0)
        model = alexnet.build(cifar.CLASSES)
        side = cifar.SIDE
        x, labels = torch.randn(batch, cifar.CHANNELS, side, side), torch.randint(0, cifar.CLASSES, (batch,))
        parts = [(x, labels)]
        small = list(zip(x.split(8), labels.split(8), strict=True))
        ratios = {
            n: _ratio(model, parts, units and batch // units, repeats, steps) for n, units in _units(batch).items()
        }
        return ratios | {"accumulated, each": _ratio(model, small, 1, repeats, steps)}
    finally:
        torch.set_num_threads(before)


def _units(batch: int) -> Any:
    return {name: batch if size == 0 else size for name, size in ARMS.items()}


def _ratio(model: Module, parts: Any, groups: int | None, repeats: int, steps: int) -> float:
    ratios = []
    for _ in range(repeats + 1):  # the first warms up
        ratios.append(_seconds(model, parts, groups, steps, True) / _seconds(model, parts, None, steps, False))
    return float(np.median(ratios[1:]))


def _seconds(model: Module, parts: Any, groups: int | None, steps: int, clipping: bool) -> float:
    functional = library().nn.functional
    clipped = ClippedGradients(model, NormClip(1.0), groups) if clipping else None
    started = time.process_time()
    for _ in range(steps):
        model.zero_grad()
        for k, (x, labels) in enumerate(parts):
            losses = functional.cross_entropy(model(x), labels, reduction="none")
            if clipped is None:
                (losses.mean() / len(parts)).backward()
            else:
                clipped.backward(losses, k, len(parts))
    spent = time.process_time() - started
    if clipped is not None:
        clipped.detach()
    return spent
