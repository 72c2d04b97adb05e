"""Digests in the cache: found once, believed only whole, and never those of another cause."""

import os
import subprocess
import sys

import pytest

from clipbounds.lanes import kept_digests
from clipbounds.lanes.kept_digests import kept_digest
from clipbounds.lanes.meaning import PACKAGE, file_meaning


@pytest.fixture
def finder(tmp_path, monkeypatch):
    """Finds 64 other digits each time, and counts."""
    monkeypatch.setenv("CLIPBOUNDS_CACHE", str(tmp_path))
    found = []

    def find():
        found.append(f"{len(found):064x}")
        return found[-1]

    find.found, find.folder = found, tmp_path / kept_digests.FOLDER
    return find


def test_a_digest_is_found_once(finder):
    assert kept_digest("a", finder) == kept_digest("a", finder) == finder.found[0]
    assert kept_digest("b", finder) == finder.found[1] and len(finder.found) == 2


def test_another_version_of_python_may_have_another_syntax(finder, monkeypatch):
    kept_digest("a", finder)
    monkeypatch.setattr(sys, "version", "4.0")
    kept_digest("a", finder)
    assert len(finder.found) == 2


def test_a_file_that_is_not_as_it_was_written_is_not_believed(finder):
    kept_digest("a", finder)
    (file,) = finder.folder.iterdir()
    whole = file.read_bytes()
    flipped = [whole[:k] + bytes([whole[k] ^ 1]) + whole[k + 1 :] for k in range(len(whole))]
    for damaged in [*flipped, b"", whole[:64], b"\xff"]:
        file.write_bytes(damaged)
        count = len(finder.found)
        assert kept_digest("a", finder) == finder.found[-1] and len(finder.found) == count + 1
    file.write_bytes(whole)
    assert kept_digest("a", finder) == finder.found[0]
    kept_digest("b", finder)
    (other,) = set(finder.folder.iterdir()) - {file}
    file.write_bytes(other.read_bytes())  # whole, but of another cause
    count = len(finder.found)
    kept_digest("a", finder)
    assert len(finder.found) == count + 1


def test_a_cache_that_cannot_be_written_costs_time_only(finder, monkeypatch):
    finder.folder.parent.joinpath("file").write_text("")
    monkeypatch.setenv("CLIPBOUNDS_CACHE", str(finder.folder.parent / "file"))
    assert [kept_digest("a", finder) for _ in range(2)] == finder.found


def test_a_file_of_the_same_size_and_time_is_told_apart(tmp_path):
    file = tmp_path / "a.py"
    file.write_text("x = 1\n")
    first, stamp = file_meaning(file), file.stat()
    file.write_text("x = 2\n")
    os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert file_meaning(file) != first


PARSES = """
import ast, sys
texts, parse = [], ast.parse
ast.parse = lambda text, *rest, **options: texts.append(text) or parse(text, *rest, **options)
from clipbounds.sweep.sources import package_digest
before = len(texts)
print(package_digest(), len(texts) - before)
"""


def test_a_second_process_parses_nothing_of_the_package(tmp_path, monkeypatch):
    monkeypatch.setenv("CLIPBOUNDS_CACHE", str(tmp_path))
    told = [
        subprocess.run([sys.executable, "-c", PARSES], capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
        for _ in range(2)
    ]
    (first, parses), (second, none) = (one.stdout.split() for one in told)
    assert first == second and int(parses) > 100 and int(none) == 0
