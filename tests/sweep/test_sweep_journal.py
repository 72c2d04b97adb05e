"""The journal: what is written is read, and what is damaged is noticed."""

import errno
import os
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from clipbounds.sweep.cellfile import Damaged, decode, encode
from clipbounds.sweep.journal import STALE, Journal, digest_of, shard_digits

NAME = digest_of({"cell": 1})
ARRAYS = {"a": np.array([1.0, -0.0, np.nan]), "n": np.arange(6).reshape(2, 3), "t": np.array(["x", "yz"])}

dtypes = st.one_of(hnp.floating_dtypes(sizes=(32, 64)), hnp.integer_dtypes(), hnp.boolean_dtypes())
arrays = hnp.arrays(dtypes, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))


@given(st.dictionaries(st.text(max_size=5), arrays, max_size=4), st.dictionaries(st.text(), st.integers()))
def test_round_trip_keeps_every_bit(arrays, about):
    found, said = decode(NAME, encode(NAME, arrays, about))
    assert said == about and list(found) == list(arrays)
    for name, array in arrays.items():
        native = array.astype(array.dtype.newbyteorder("="))
        assert found[name].shape == array.shape and found[name].tobytes() == native.tobytes()
        assert found[name].dtype == native.dtype
        assert found[name].flags.writeable


def test_any_flipped_bit_and_any_truncation_is_noticed():
    whole = encode(NAME, ARRAYS, {"of": "test"})
    for position in range(len(whole)):
        for bit in range(8):
            data = bytearray(whole)
            data[position] ^= 1 << bit
            with pytest.raises(Damaged):
                decode(NAME, bytes(data))
        with pytest.raises(Damaged):
            decode(NAME, whole[:position])
    with pytest.raises(Damaged):
        decode(NAME, whole + b"\0")
    with pytest.raises(Damaged, match="it is the cell"):
        decode(digest_of({"cell": 2}), whole)


def test_damaged_files_are_set_aside(tmp_path):
    journal = Journal(tmp_path)
    journal.write(NAME, ARRAYS, {})
    assert NAME in journal and journal.names() == {NAME}
    journal.path(NAME).write_bytes(b"")
    with pytest.warns(UserWarning, match="does not start like a cell"):
        assert journal.read(NAME) is None
    assert NAME not in journal and journal.names() == set()
    assert journal.damaged == [(NAME, "it does not start like a cell of this version")]
    assert len(list((tmp_path / "set_aside").iterdir())) == 1


@pytest.mark.parametrize("shard", [0, 1, 2, 4])
def test_names_are_found_in_every_layout(tmp_path, shard):
    journal = Journal(tmp_path, shard)
    names = {digest_of({"cell": k}) for k in range(40)}
    for name in names:
        journal.write(name, ARRAYS, {})
    assert Journal(tmp_path, shard).names() == names
    assert Journal(tmp_path, shard).check(names) == names
    assert Journal(tmp_path / "nowhere", shard).names() == set()


def test_a_refused_write_leaves_nothing(tmp_path, monkeypatch):
    journal = Journal(tmp_path)
    journal.write(NAME, ARRAYS, {})
    before = journal.path(NAME).read_bytes()

    def full(number):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        journal.write(NAME, {"a": np.zeros(3)}, {})
    assert journal.path(NAME).read_bytes() == before
    assert [f.name for f in journal.path(NAME).parent.iterdir()] == [f"{NAME}.cell"]


def test_only_old_unfinished_files_are_swept_out(tmp_path):
    journal = Journal(tmp_path)
    journal.write(NAME, ARRAYS, {})
    folder = journal.path(NAME).parent
    for name, age in ((".tmp-old", 2 * STALE), (".tmp-new", 0.0)):
        (folder / name).write_bytes(b"part")
        os.utime(folder / name, (time.time() - age,) * 2)
    assert journal.sweep_out() == 1
    assert sorted(f.name for f in folder.iterdir()) == sorted([".tmp-new", f"{NAME}.cell"])
    assert journal.names() == {NAME}


@pytest.mark.parametrize(("cells", "digits"), [(1, 0), (1000, 0), (1001, 1), (10**5, 2), (10**6, 3), (10**8, 4)])
def test_a_folder_holds_about_a_thousand_cells(cells, digits):
    assert shard_digits(cells) == digits
    assert cells / 16**digits <= 1600


def test_keys_that_json_cannot_hold_are_refused():
    with pytest.raises(ValueError, match="cannot be the key"):
        digest_of({"f": print})
    assert digest_of({"a": np.arange(2), "b": 1}) == digest_of({"b": 1, "a": [0, 1]})
