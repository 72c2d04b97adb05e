"""Data: arrays as values by content, and readers of files."""

from .arrays import DataArray
from .svmlight import Dataset, read_svmlight, write_svmlight

__all__ = ["DataArray", "Dataset", "read_svmlight", "write_svmlight"]
