"""What an installation is made of, what is wrong with it, and whether it computes what is known: `clipbounds doctor`."""

from .findings import Finding, examine
from .known import self_test

__all__ = ["Finding", "examine", "self_test"]
