"""Algorithms, one file each."""

from .base import ADVANCE, Method, Setting
from .sgd import SGD, ClippedSGD

__all__ = ["ADVANCE", "SGD", "ClippedSGD", "Method", "Setting"]
