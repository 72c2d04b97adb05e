"""The compiled peer of the benchmark: it computes, and leaves nothing on the disk."""

import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.mark.skipif(not (shutil.which("g++") or shutil.which("clang++")), reason="needs a C++ compiler")
def test_the_compiled_peer_leaves_no_folder(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # the compiler's own files
    try:
        import peers
        from cases import Case

        cases = [Case(2, "gaussian", "quadratic", 64, 640), Case(3, "pareto", "cosh", 64, 960)]
        norms = [peers.cpp_loop(case)(1, 1) for case in cases]
    finally:
        for name in ("peers", "cases", "other_methods", "error_feedback"):
            sys.modules.pop(name, None)
    assert all(found.shape == (64,) and np.isfinite(found).all() for found in norms)
    assert list(tmp_path.iterdir()) == []
