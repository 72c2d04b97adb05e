"""Hypothesis: the first call compiles, so no deadline; a fixed profile, so that CI is reproducible."""

from hypothesis import settings

settings.register_profile("fixed", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("fixed")
