"""Nothing is left in the folder for temporary files: neither by these tests nor by workers without a cache."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

STORE = """
import os
def test_the_store_is_there():
    assert os.path.isdir(os.environ["CLIPBOUNDS_DATA"])
"""
LEAVES = "\n_data.cleanup = lambda: None\n_data._finalizer.detach()\n"
WORKER = """
import concurrent.futures, multiprocessing, sys
from clipbounds.sweep.user_files import bring
if __name__ == "__main__":
    if sys.argv[1] == "alone":
        assert bring({"sent_here": "a = 1"}) is None
    else:
        with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            assert pool.submit(bring, {"sent_here": "a = 1"}).result() is None
    assert (sys.modules.get("sent_here") is not None) == (sys.argv[1] == "alone")
"""


def left(place, arguments, **environment):
    """Names in a folder for temporary files after a Python program has ended."""
    temporary = place / "temporary"
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary), **environment}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=place, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [file.name for file in temporary.iterdir() if file.name.startswith("clipbounds")]


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["alone", "xdist"])
@pytest.mark.parametrize("forgets", [False, True])
def test_the_tests_leave_no_store_of_data(tmp_path, workers, forgets):
    (tmp_path / "test_store.py").write_text(STORE)
    text = (Path(__file__).parent / "conftest.py").read_text(encoding="utf-8")
    (tmp_path / "conftest.py").write_text(text + LEAVES * forgets)
    found = left(tmp_path, ["-m", "pytest", "-q", "-p", "no:cacheprovider", *workers, "test_store.py"])
    assert bool(found) == forgets


@pytest.mark.parametrize("how", ["alone", "process"])
def test_a_worker_without_a_cache_leaves_no_program_text(tmp_path, how):
    (tmp_path / "worker.py").write_text(WORKER)
    (tmp_path / "no folder").write_text("")
    assert left(tmp_path, ["worker.py", how], CLIPBOUNDS_CACHE=str(tmp_path / "no folder")) == []
