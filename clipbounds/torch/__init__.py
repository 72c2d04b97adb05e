"""Clipping in PyTorch by the gradients of single samples or micro-batches, which are never formed (extra `torch`)."""

from .clipped import ClippedGradients

__all__ = ["ClippedGradients"]
