"""The paths on which `make test-portable` runs the suite."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "cpu_paths.py"


@pytest.fixture
def cpu_paths(monkeypatch):
    monkeypatch.syspath_prepend(SCRIPT.parent)
    import cpu_paths

    yield cpu_paths
    sys.modules.pop("cpu_paths", None)


@pytest.mark.parametrize(
    ("machine", "host", "names"),
    [
        (
            "x86_64",
            {"avx512f", "avx512vl", "avx512bw", "avx512dq", "avx2", "fma", "bmi2"},
            ["native", "generic", "x86-64-v3"],
        ),
        ("AMD64", {"avx2", "fma", "bmi2"}, ["native", "generic", "x86-64-v3"]),
        ("x86_64", {"sse2"}, ["native", "generic"]),
        ("aarch64", {"neon"}, ["native", "generic"]),
        ("riscv64", set(), ["native", "generic"]),
    ],
)
def test_only_what_a_machine_can_run_is_a_path(machine, host, names, cpu_paths, monkeypatch):
    monkeypatch.setattr(cpu_paths.platform, "machine", lambda: machine)
    monkeypatch.setattr(cpu_paths, "host_features", lambda: host)
    monkeypatch.setattr(cpu_paths, "numpy_features", lambda: ["X86_V3", "X86_V4"] if "avx2" in host else [])
    found = cpu_paths.paths()
    assert list(found) == names
    assert (found["native"].get("OPENBLAS_CORETYPE") == "SkylakeX") == ("avx512f" in host)
    assert all("Prescott" not in path.values() for path in found.values()) or machine in ("x86_64", "AMD64")


def test_tests_are_counted(cpu_paths):
    assert cpu_paths.count("== 2 failed, 2305 passed, 5 skipped, 1 error in 400.1s (0:06:40) ==") == 2308


def test_a_path_that_this_machine_lacks_is_refused():
    done = subprocess.run([sys.executable, SCRIPT, "--path", "vax"], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "has the paths native, generic" in done.stderr


@pytest.mark.parametrize(
    ("line", "ran"),
    [
        ("=== 3 passed, 1 skipped in 2.31s ===\n", 3),
        ("3 passed, 1 skipped in 2.31s\n", 3),
        ("1 failed, 2 passed, 1 error in 125.00s (0:02:05)\n", 4),
        ("=========================== short test summary info ============================\n", None),
        ("3 passed through\n", None),
    ],
)
def test_the_summary_is_found_with_and_without_its_frame(line, ran, cpu_paths):
    """Under -q pytest prints no frame; a header with a frame and no counts is no summary."""
    found = cpu_paths.SUMMARY.match(line)
    assert bool(found) == (ran is not None)
    if ran is not None:
        assert cpu_paths.count(line) == ran
