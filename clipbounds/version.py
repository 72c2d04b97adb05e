"""The version, read from the installed metadata."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("clipbounds")
except PackageNotFoundError:  # a source tree on the path, not installed
    __version__ = "unknown"
