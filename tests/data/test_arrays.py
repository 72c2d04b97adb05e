"""Arrays are values by content: named by a digest, kept once, found again or missed in one sentence."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from scipy.sparse import csr_array, random_array

import clipbounds as cb
from clipbounds.data import DataArray, arrays

RNG = np.random.default_rng(0)
DENSE = RNG.normal(size=(40, 6))
SPARSE = random_array((50, 30), density=0.1, format="csr", rng=RNG)


@pytest.fixture
def empty_store(tmp_path, monkeypatch):
    """A folder of its own, and nothing held in memory."""
    monkeypatch.setenv("CLIPBOUNDS_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(arrays, "_held", {})
    return tmp_path / "data"


@pytest.mark.parametrize("array", [DENSE, DENSE[:, 0], SPARSE], ids=["dense", "vector", "sparse"])
def test_round_trip_through_the_store(array, empty_store, monkeypatch):
    value = DataArray.of(array, "a test")
    text = value.to_json()
    assert str(value.content) in text and len(text) < 300
    monkeypatch.setattr(arrays, "_held", {})
    again = DataArray.from_json(text)
    assert again == value and again.digest == value.digest and again.origin == "a test"
    assert np.array_equal(np.asarray(again), array.toarray() if hasattr(array, "toarray") else array)
    assert [file.name for file in empty_store.iterdir()] == [f"{value.content}.npz"]


def test_equal_content_is_one_value_whatever_it_is_called():
    one, two = DataArray.of(DENSE, "here"), DataArray.of(DENSE.copy(order="F"), "there")
    assert one == two and one.digest == two.digest and one.parts[0] is two.parts[0]
    changed = DENSE.copy()
    changed[0, 0] = np.nextafter(changed[0, 0], 1)
    assert DataArray.of(changed) != one
    assert DataArray.of(DENSE.reshape(6, 40)) != one  # the same bytes in another shape
    assert DataArray.of(csr_array(DENSE)) != one


def test_unsorted_and_repeated_columns_are_made_canonical():
    messy = csr_array((np.array([1.0, 2.0, 3.0]), np.array([2, 0, 2]), np.array([0, 3])), shape=(1, 3))
    assert DataArray.of(messy) == DataArray.of(csr_array(np.array([[2.0, 0.0, 4.0]])))
    assert messy.nnz == 3  # what was given is left as it was


def test_arrays_are_read_only_and_those_given_are_not_touched():
    dense, sparse = DENSE.copy(), SPARSE.copy()
    values = DataArray.of(dense), DataArray.of(sparse)
    dense[0, 0], sparse.data[0] = 7.0, 7.0
    assert values[0].matrix[0, 0] == DENSE[0, 0] and values[1].parts[0][0] == SPARSE.data[0]
    with pytest.raises(ValueError):
        DataArray.of(DENSE).matrix[0, 0] = 1.0
    with pytest.raises(ValueError):
        DataArray.of(SPARSE).matrix.data[0] = 1.0


def test_what_is_missing_is_named(empty_store, monkeypatch):
    text = DataArray.of(DENSE, "genes.svm").to_json()
    monkeypatch.setattr(arrays, "_held", {})
    for file in empty_store.iterdir():
        file.unlink()
    with pytest.raises(ValueError, match=r"40 x 6, from genes\.svm\) are missing.*CLIPBOUNDS_DATA") as caught:
        DataArray.from_json(text)
    assert "\n" not in str(caught.value)


def test_a_damaged_file_is_not_believed(empty_store, monkeypatch):
    value = DataArray.of(DENSE)
    text = value.to_json()
    (file,) = empty_store.iterdir()
    np.savez(file, shape=np.array(DENSE.shape), part0=DENSE + 1)
    monkeypatch.setattr(arrays, "_held", {})
    with pytest.raises(ValueError, match="does not hold what its name says"):
        DataArray.from_json(text)
    file.write_bytes(b"nonsense")
    with pytest.raises(ValueError, match="cannot be read"):
        DataArray.from_json(text)


def test_a_store_that_cannot_be_written_loses_no_run(tmp_path, monkeypatch, caplog):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CLIPBOUNDS_DATA", str(tmp_path / "file" / "data"))
    monkeypatch.chdir(tmp_path)
    assert DataArray.of(DENSE + 0.5).to_json()
    assert "could not be kept" in caplog.text


def test_pickle():
    problem = cb.problems.Logistic(DENSE, np.sign(DENSE[:, 0]), 0.0)
    again = pickle.loads(pickle.dumps(problem))
    assert again == problem and np.array_equal(again.gradient(np.ones(6)), problem.gradient(np.ones(6)))


def test_a_copied_store_opens_in_another_folder(tmp_path):
    """A run is saved in one process and one folder, the store is copied, and another process reads the setting there."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir(), there.mkdir()
    write = """
import numpy as np, clipbounds as cb
rng = np.random.default_rng(0)
a = rng.normal(size=(5000, 300))
p = cb.problems.Logistic(a, np.where(a[:, 0] > 0, 1.0, -1.0), 0.0, 0.1)
s = cb.Setting(p, cb.oracles.RowSampling(p), cb.methods.SGD(0.01))
run = cb.simulate(s, 2, 1, threads=1)
open("setting.json", "w").write(run.attrs["setting"])
"""
    read = """
import clipbounds as cb
s = cb.Setting.from_json(open("setting.json").read())
print(s.problem.features.shape, s.problem.gradient(s.problem.x0)[0])
"""
    import os
    import shutil

    environment = {k: v for k, v in os.environ.items() if k != "CLIPBOUNDS_DATA"}
    run = lambda code, folder: subprocess.run(  # noqa: E731
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True
    )
    done = run(write, here)
    assert done.returncode == 0, done.stderr
    text = (here / "setting.json").read_text()
    assert len(text) < 10_000
    shutil.copy(here / "setting.json", there)
    failed = run(read, there)
    assert failed.returncode != 0 and "are missing" in failed.stderr
    shutil.copytree(here / ".clipbounds", there / ".clipbounds")
    assert run(read, there).stdout.startswith("(5000, 300)")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("text", "expected an array of numbers"),
        (np.zeros((2, 2, 2)), "shape"),
        (np.zeros((0, 3)), "with entries"),
        ([[1.0, np.nan]], "1 of them are inf or nan"),
        (csr_array(np.array([[np.inf, 0.0]])), "1 of them are inf or nan"),
    ],
)
def test_bad_input(given, words):
    with pytest.raises(ValueError, match=words):
        DataArray.of(given)


def test_a_write_that_fails_leaves_nothing(empty_store, monkeypatch, caplog):
    def fill(file, contents):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(arrays, "_write", fill)
    DataArray.of(DENSE + 1).keep()
    assert "could not be kept" in caplog.text and "No space left" in caplog.text
    assert list(empty_store.iterdir()) == []
