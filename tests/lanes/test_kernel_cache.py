"""The cache of compiled kernels: whatever happens to its files, runs succeed with the same numbers, and it heals."""

import io
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import clipbounds as cb
from clipbounds import whole_files
from clipbounds.cli import main
from clipbounds.lanes import kernel_cache
from clipbounds.lanes.blocks import LANES
from clipbounds.lanes.compile import FLAGS, KernelCache
from clipbounds.lanes.kernel_cache import CacheWarning
from clipbounds.noise.kernels import gaussian
from clipbounds.problems.kernels import quadratic

ROOT = Path(cb.__file__).parents[1]
X, PARAMETERS = np.linspace(-3, 3, 2 * LANES), np.array([1.0, 2.0])
SLOPES = X * np.repeat(PARAMETERS, LANES)


def fresh():
    """A kernel as a new process would have it, in the cache that the environment names."""
    return type(quadratic)(quadratic.function, quadratic.signature, quadratic.counted)


def slopes(kernel):
    found = np.empty_like(X)
    kernel(X, found, 2, PARAMETERS)
    return found


def hits(kernel):
    return sum(kernel.compiled.stats.cache_hits.values())


@pytest.fixture
def entry(tmp_path, monkeypatch):
    """The file of a kernel that has just been compiled into an empty cache."""
    monkeypatch.setenv("CLIPBOUNDS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(kernel_cache, "_told", set())
    assert np.array_equal(slopes(fresh()), SLOPES)
    (file,) = (tmp_path / "cache" / "kernels").iterdir()
    return file


def flipped(data, where):
    changed = bytearray(data)
    changed[where] ^= 0x10
    return bytes(changed)


DAMAGE = {
    "cut in half": lambda data: data[: len(data) // 2],
    "cut by one byte": lambda data: data[:-1],
    "longer by one byte": lambda data: data + b"\0",
    "emptied": lambda data: b"",
    "only the first line": lambda data: data[:20],
    "garbage": lambda data: np.random.default_rng(0).bytes(len(data)),
    "text": lambda data: b"not a kernel\n",
    "zeros": lambda data: bytes(len(data)),
    "a byte of the mark flipped": lambda data: flipped(data, 3),
    "a byte of the checksum flipped": lambda data: flipped(data, 30),
    "a byte at the end flipped": lambda data: flipped(data, -10),
    "a byte of the machine code flipped": lambda data: flipped(data, data.index(b"\x7fELF") + 0x200),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_entry_is_compiled_anew_and_replaced(entry, how):
    whole = entry.read_bytes()
    entry.write_bytes(DAMAGE[how](whole))
    with pytest.warns(
        CacheWarning, match=f"{re.escape(str(entry))} cannot be read .*compiled anew and replaced"
    ) as said:
        again = fresh()
        assert np.array_equal(slopes(again), SLOPES) and hits(again) == 0
    assert len(said) == 1 and "\n" not in str(said[0].message)
    healed = fresh()  # without a warning, which would be an error here
    assert np.array_equal(slopes(healed), SLOPES) and hits(healed) == 1


def test_without_a_checksum_a_flipped_byte_would_be_believed(entry, monkeypatch):
    """Why it is there: the entry unpickles, LLVM takes the machine code, and the kernel counts as read from the cache."""
    whole = entry.read_bytes()
    head = whole[: len(whole) - len(whole[len(kernel_cache.MARK) + 32 :])]
    monkeypatch.setattr(kernel_cache, "_head", lambda path, payload: head)
    entry.write_bytes(flipped(whole, whole.index(b"\x7fELF") + 9))  # unused bytes of the object's header
    assert hits(fresh()) == 1


@pytest.mark.parametrize("mode", [0o000, 0o200])
def test_an_entry_that_may_not_be_read_is_replaced(entry, mode):
    entry.chmod(mode)
    if os.access(entry, os.R_OK):  # root reads everything: a folder in its place is refused to root too
        entry.unlink()
        entry.mkdir()
        with pytest.warns(CacheWarning) as said:
            assert np.array_equal(slopes(fresh()), SLOPES)
        assert len(said) == 2 and "cannot be kept" in str(said[1].message)
        return
    with pytest.warns(CacheWarning, match="cannot be read"):
        assert np.array_equal(slopes(fresh()), SLOPES)
    assert hits(fresh()) == 1


def test_an_entry_of_another_kernel_under_this_name_is_not_believed(entry):
    """A file that was copied or renamed by hand: its checksum is right, and it is another function."""
    found = np.empty(4 * LANES)
    other = type(gaussian)(gaussian.function, gaussian.signature, gaussian.counted)
    other(found, 0, 4, np.array([1.0]), np.uint64(0), np.uint64(0), np.uint64(0))
    (file,) = (f for f in entry.parent.iterdir() if f != entry)
    entry.write_bytes(file.read_bytes())
    with pytest.warns(CacheWarning, match="cannot be read"):
        assert np.array_equal(slopes(fresh()), SLOPES)
    assert hits(fresh()) == 1


@pytest.mark.parametrize("what", ["a file", "below a file", "read-only"])
def test_a_folder_that_cannot_be_written_is_said_once_and_numbers_are_right(what, tmp_path, monkeypatch):
    place = tmp_path / "place"
    if what == "read-only":
        place.mkdir()
        place.chmod(stat.S_IRUSR | stat.S_IXUSR)
        if os.access(place, os.W_OK):
            pytest.skip("root writes everywhere")
    else:
        place.write_text("")
    monkeypatch.setenv("CLIPBOUNDS_CACHE", str(place / "below" if what == "below a file" else place))
    monkeypatch.setattr(kernel_cache, "_told", set())
    with pytest.warns(CacheWarning, match="cannot be kept in .*set CLIPBOUNDS_CACHE to a folder") as said:
        assert np.array_equal(slopes(fresh()), SLOPES)
        assert np.array_equal(slopes(fresh()), SLOPES)
    assert len(said) == 1 and "\n" not in str(said[0].message)
    result = CliRunner().invoke(main, ["warm"], terminal_width=1000)
    assert result.exit_code == 2 and "compiled kernels cannot be kept" in result.output and str(place) in result.output


def test_a_half_written_file_is_never_seen(entry, monkeypatch):
    """The process dies while it writes: nothing lies under the name, and the next run compiles."""
    entry.unlink()

    class Dying(io.FileIO):
        def write(self, data):
            super().write(data[:100])
            raise KeyboardInterrupt

    monkeypatch.setattr(whole_files, "open", lambda path, mode, buffering: Dying(path, mode), raising=False)
    with pytest.raises(KeyboardInterrupt):
        slopes(fresh())
    monkeypatch.undo()
    assert list(entry.parent.iterdir()) == []


class Processor:
    """What the cache asks of a code generator."""

    def __init__(self, *about):
        self.about = about

    def magic_tuple(self):
        return self.about


def test_entries_are_kept_apart_by_processor_flags_and_signature():
    target = ("x86_64-unknown-linux-gnu", "znver3", "+avx2")
    cache, signature = KernelCache(quadratic.function, "meaning"), quadratic.signature
    paths = {
        cache.path(signature, Processor(*target)),
        cache.path(signature, Processor(target[0], "znver4", target[2])),
        cache.path(signature, Processor(*target[:2], "+avx2,+fma")),
        cache.path(signature, Processor("aarch64-unknown-linux-gnu", *target[1:])),
        cache.path(gaussian.signature, Processor(*target)),
        KernelCache(quadratic.function, "other").path(signature, Processor(*target)),
    }
    assert len(paths) == 6 and FLAGS


TWO = """
import sys
import clipbounds as cb
sys.stdin.readline()  # both start at once
print(cb.noise.Gaussian(1.0).sample(4, 0).tolist(), cb.problems.Quadratic(2.0, 1.0).gradient([1.5]).tolist())
"""


def start(environment):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-c", TWO], env=environment, cwd=ROOT, text=True, **pipes)


def finish(processes):
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    ended = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), ended
    assert all(errors == "" for _, errors in ended), ended
    return [output for output, _ in ended]


def test_two_processes_that_start_cold_at_once_do_not_hurt_each_other(tmp_path):
    environment = {**os.environ, "CLIPBOUNDS_CACHE": str(tmp_path)}
    first, second = finish([start(environment), start(environment)])
    assert first == second
    assert finish([start(environment)]) == [first]
    assert not [file for file in (tmp_path / "kernels").iterdir() if file.suffix != ".kernel"]


@pytest.mark.parametrize(
    ("name", "value"), [("NUMBA_CPU_NAME", "nonsense"), ("NUMBA_CPU_FEATURES", "+nonsense")], ids=["name", "features"]
)
@pytest.mark.parametrize(
    "command", [["warm"], ["run", "koloskova2023/skewness", "--budget", "quick"]], ids=["warm", "run"]
)
def test_an_unknown_processor_is_one_sentence(name, value, command, tmp_path):
    environment = {**os.environ, name: value, "CLIPBOUNDS_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-m", "clipbounds.cli", *command], env=environment, capture_output=True, text=True,
        cwd=tmp_path, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert f"'{value}' is not a known" in done.stderr and "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_cache_lies_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("CLIPBOUNDS_CACHE", str(tmp_path))
    assert kernel_cache.cache_root() == tmp_path
    monkeypatch.delenv("CLIPBOUNDS_CACHE")
    assert kernel_cache.cache_root().name == "clipbounds"
