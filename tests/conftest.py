"""Hypothesis: the first call compiles, so no deadline; a fixed profile, so that CI is reproducible. Data: a store apart."""

import os
import tempfile

from hypothesis import settings

os.environ["CLIPBOUNDS_DATA"] = tempfile.mkdtemp(prefix="clipbounds-data-")

settings.register_profile("fixed", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("fixed")
