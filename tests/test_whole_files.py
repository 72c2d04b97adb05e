"""Files that are written whole: whatever happens on the way, the old bytes or the new ones, and nothing else."""

import errno
import io
import os

import pytest

from clipbounds import whole_files
from clipbounds.whole_files import write_whole


class Little(io.FileIO):
    """A file that takes seven bytes at a time, as a pipe or a full buffer may."""

    def write(self, data):
        return super().write(data[:7])


class Full(io.FileIO):
    """A disk that is full after seven bytes."""

    def write(self, data):
        super().write(data[:7])
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("kept", [False, True])
def test_new_bytes_replace_the_old(kept, tmp_path):
    for data in (b"old", b"", bytes(range(256)) * 1000):
        write_whole(tmp_path / "file", data, kept)
        assert (tmp_path / "file").read_bytes() == data
    assert os.listdir(tmp_path) == ["file"]


def test_a_file_that_takes_little_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(whole_files, "open", lambda path, mode, buffering: Little(path, mode), raising=False)
    write_whole(tmp_path / "file", bytes(range(100)))
    assert (tmp_path / "file").read_bytes() == bytes(range(100))


def test_what_cannot_be_written_leaves_the_old_bytes(tmp_path, monkeypatch):
    write_whole(tmp_path / "file", b"the old bytes")
    monkeypatch.setattr(whole_files, "open", lambda path, mode, buffering: Full(path, mode), raising=False)
    with pytest.raises(OSError, match="No space"):
        write_whole(tmp_path / "file", b"the new bytes")
    monkeypatch.undo()
    monkeypatch.setattr(os, "replace", lambda *names: (_ for _ in ()).throw(PermissionError))
    with pytest.raises(PermissionError):
        write_whole(tmp_path / "file", b"the new bytes")
    assert (tmp_path / "file").read_bytes() == b"the old bytes" and os.listdir(tmp_path) == ["file"]


def test_the_name_appears_after_the_bytes_are_on_the_disk(tmp_path, monkeypatch):
    order = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *given, name=name, real=real: (order.append(name), real(*given)))
    write_whole(tmp_path / "file", b"data", kept=True)
    write_whole(tmp_path / "file", b"data")
    assert order == ["fsync", "replace", "replace"]
