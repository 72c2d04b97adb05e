"""Data: arrays as values by content, and readers of files."""

from .arrays import DataArray
from .bundled import bundled
from .svmlight import Dataset, read_svmlight, write_svmlight

__all__ = ["DataArray", "Dataset", "bundled", "read_svmlight", "write_svmlight"]
