"""Hypothesis: the first call compiles, so no deadline; a fixed profile, so that CI is reproducible. Draws: the same in any order of the
tests. Data: a store apart."""

import os
import tempfile

import pytest
from hypothesis import settings

_data = tempfile.TemporaryDirectory(prefix="clipbounds-data-", ignore_cleanup_errors=True)
os.environ["CLIPBOUNDS_DATA"] = _data.name

settings.register_profile("fixed", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("fixed")


def pytest_unconfigure(config):
    """Workers of xdist end without the interpreter's own tidying up."""
    _data.cleanup()


_states = {}  # of the generators RNG of test modules, as they were imported


@pytest.fixture(autouse=True)
def same_draws(request):
    """What a test draws from the RNG of its module depends on no other test, nor on which worker runs it."""
    generator = getattr(request.module, "RNG", None)
    if generator is not None:
        generator.bit_generator.state = _states.setdefault(request.module.__name__, generator.bit_generator.state)
