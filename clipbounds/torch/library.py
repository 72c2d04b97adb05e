"""PyTorch, asked for only when it is used: the package is whole without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType


def library() -> ModuleType:
    """The module `torch`.

    Raises
    ------
    ValueError
        If it is not installed.
    """
    try:
        import torch
    except ImportError:
        raise ValueError('gradients of networks need PyTorch; pip install "clipbounds[torch]"') from None
    return torch
