"""Hypothesis: the first call compiles, so no deadline; a fixed profile, so that CI is reproducible. Data: a store apart."""

import os
import tempfile

from hypothesis import settings

_data = tempfile.TemporaryDirectory(prefix="clipbounds-data-", ignore_cleanup_errors=True)
os.environ["CLIPBOUNDS_DATA"] = _data.name

settings.register_profile("fixed", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("fixed")


def pytest_unconfigure(config):
    """Workers of xdist end without the interpreter's own tidying up."""
    _data.cleanup()
