"""Ground floor: blocks of 64 trajectories, compiled kernels, streams, elementary functions."""

from . import random
from .blocks import LANES
from .compile import KernelFailed, all_kernels, device, function_at, kernel, scalar

__all__ = ["LANES", "KernelFailed", "all_kernels", "device", "function_at", "kernel", "random", "scalar"]
