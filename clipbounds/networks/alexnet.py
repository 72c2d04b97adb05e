"""AlexNet for pictures of 32 x 32 pixels, in PyTorch (extra `torch`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..torch.library import library

if TYPE_CHECKING:
    from typing import Any

    from torch.nn import Module


def build(classes: int) -> Module:
    """The convolutional network: AlexNet with strides and widths for 32 x 32 pixels, about 2.5 million parameters."""
    nn = library().nn

    def block(before: int, after: int, width: int, **options: Any) -> list[Module]:
        return [nn.Conv2d(before, after, width, **options), nn.ReLU()]

    return nn.Sequential(
        *block(3, 64, 11, stride=4, padding=5), nn.MaxPool2d(2),
        *block(64, 192, 5, padding=2), nn.MaxPool2d(2),
        *block(192, 384, 3, padding=1), *block(384, 256, 3, padding=1), *block(256, 256, 3, padding=1), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(256, classes),
    )  # fmt: skip
