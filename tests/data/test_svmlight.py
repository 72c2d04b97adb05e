"""svmlight files: what was written is read, and a bad file is one sentence with its line."""

import gzip

import numpy as np
import pytest
from scipy.sparse import csr_array, random_array

import clipbounds as cb
from clipbounds.data import DataArray, read_svmlight, write_svmlight
from clipbounds.data.columns import scaled_columns
from clipbounds.oracles.rows import invariant_ball

pytest.importorskip("sklearn")
RNG = np.random.default_rng(1)
GOOD = b"1 1:0.5 3:-2\n-1 2:1e-3\n1 1:1 2:2 3:3\n"


def written(tmp_path, content, name="data.svm"):
    path = tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("density", [0.05, 0.9])
def test_write_and_read_are_inverse(tmp_path, density):
    dense = random_array((60, 20), density=density, rng=RNG).toarray()
    dense[0, 19] = 1.0  # the last column is there
    rows = csr_array(dense)
    labels = RNG.choice([-1.0, 1.0], size=60)
    path = tmp_path / "data.svm"
    write_svmlight(path, rows, labels)
    read = read_svmlight(path)
    assert np.array_equal(np.asarray(read.features), rows.toarray())
    assert np.array_equal(np.asarray(read.labels), labels)
    assert read.features.layout == ("csr" if density < 0.25 else "dense")
    assert read.features.origin == "data.svm"


def test_first_index_and_gzip(tmp_path):
    path = written(tmp_path, GOOD)
    assert read_svmlight(path).features.shape == (3, 3)
    assert read_svmlight(path, zero_based=True).features.shape == (3, 4)
    zero = written(tmp_path, b"1 0:1 2:2\n-1 1:1\n", "zero.svm")
    assert read_svmlight(zero).features.shape == (2, 3)
    packed = written(tmp_path, gzip.compress(GOOD, mtime=0), "data.svm.gz")
    assert read_svmlight(packed).features == read_svmlight(path).features


@pytest.mark.parametrize(
    ("content", "name", "options", "words"),
    [
        (b"", "a.svm", {}, "is empty"),
        (b"# nothing\n", "a.svm", {}, "no rows with features"),
        (b"1 1:2\nhello world\n", "a.svm", {}, "line 2: the label 'hello' is no number: 'hello world'"),
        (b"1 1:2\n-1 1=2\n", "a.svm", {}, "line 2: '1=2' is no pair index:value"),
        (b"x,y\n1,2\n", "a.csv", {}, "line 1"),
        (b"1 1:2\n-1 1:two\n", "a.svm", {}, "line 2: '1:two'"),
        (b"1 1:2\n-1 2:nan\n", "a.svm", {}, "line 2: the value of feature 2 is nan"),
        (b"1 1:2\n-1 2:inf\n", "a.svm", {}, "line 2: the value of feature 2 is inf"),
        (b"nan 1:2\n", "a.svm", {}, "line 1: the label is nan"),
        (b"1 1:2\n-1 0:1\n", "a.svm", {"zero_based": False}, "line 2: the feature index 0 is below 1"),
        (b"1 1:2\n-1 3:1 2:1\n", "a.svm", {}, "line 2: the feature index 2 comes after 3"),
        (b"1 1:2\n-1 4294967297:1\n", "a.svm", {}, "line 2: the feature index 4294967297 is above"),
        (b"1 1:2\n-1 99999999999999999999:1\n", "a.svm", {}, "line 2: the feature index 9+ is above"),
        (b"1 1:2\n-1 -3:1\n", "a.svm", {}, "line 2: the feature index -3 is below 0"),
        (gzip.compress(GOOD, mtime=0), "a.svm", {}, "is a gzip file: name it a.svm.gz"),
        (gzip.compress(GOOD, mtime=0)[:30], "a.svm.gz", {}, "cannot be unpacked"),
        (GOOD, "a.svm", {"zero_based": "maybe"}, 'zero_based must be "auto"'),
    ],
)
def test_bad_files(tmp_path, content, name, options, words):
    path = written(tmp_path, content, name)
    with pytest.raises(ValueError, match=words) as caught:
        read_svmlight(path, **options)
    assert "\n" not in str(caught.value)
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_no_such_file(tmp_path):
    with pytest.raises(ValueError, match="cannot be read: No such file"):
        read_svmlight(tmp_path / "absent.svm")


@pytest.mark.parametrize(("low", "high"), [(0, 1), (1, 2), (-1, 1), (3, 7)])
def test_two_labels_become_signs(tmp_path, low, high, caplog):
    path = written(tmp_path, f"{low} 1:1\n{high} 1:2\n".encode())
    problem = cb.problems.Logistic.from_svmlight(path, ridge=0.1)
    assert np.asarray(problem.labels).tolist() == [-1.0, 1.0]
    assert (f"the labels {low} and {high} are taken as -1 and 1" in caplog.text) == ((low, high) != (-1, 1))


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        (b"1 1:1\n2 1:2\n3 1:1\n", {}, r"two values, but 3 were found \(1, 2, 3\)"),
        (b"1 1:1\n1 1:2\n", {}, "two values, but 1 were found"),
        (b"1 1:1 3:1\n0 1:2\n", {"scale": True}, r"1 columns are 0 and cannot be scaled: 1 \(counted from 0\)"),
        (b"1 1:1\n0 1:2\n", {"ridge": -1.0}, "ridge must be a number"),
        (b"1 1:1\n0 1:2\n", {"x0": [1.0, 2.0]}, "features must be 2 x 2"),
    ],
)
def test_bad_problems(tmp_path, content, options, words):
    with pytest.raises(ValueError, match=words):
        cb.problems.Logistic.from_svmlight(written(tmp_path, content), **options)


def test_scaling_is_said_and_keeps_rows_sparse():
    rows = DataArray.of(random_array((500, 30), density=0.1, format="csr", rng=RNG), "a.svm")
    scaled = scaled_columns(rows)
    assert scaled.layout == "csr" and "a.svm, columns divided by their root mean square" in scaled.origin
    assert np.allclose(np.mean(np.square(np.asarray(scaled)), axis=0), 1.0)


def test_an_intercept_is_a_column_of_ones(tmp_path):
    problem = cb.problems.LeastSquares.from_svmlight(written(tmp_path, GOOD), intercept=True)
    assert problem.dim == 4 and np.all(np.asarray(problem.features)[:, -1] == 1)


def test_writing_refuses_what_does_not_fit(tmp_path):
    with pytest.raises(ValueError, match=r"shapes are \(2, 2\) and \(3,\)"):
        write_svmlight(tmp_path / "a.svm", np.ones((2, 2)), np.ones(3))
    assert not list(tmp_path.iterdir())


@pytest.mark.full
@pytest.mark.parametrize("source", ["a file", "arrays"])
def test_memory_stays_below_three_times_the_rows(tmp_path, source):
    """10^5 x 1000 at 1 % density, as NumPy and Python allocate it: reading, certifying, and what a run needs.

    From arrays, those that the caller keeps count as well.
    """
    import tracemalloc

    n, per_row = 100_000, 10
    columns = np.sort(np.argsort(RNG.random((n, 40)), axis=1)[:, :per_row] * 25 + RNG.integers(0, 25, (n, 1)), axis=1)
    rows = csr_array((RNG.normal(size=n * per_row), columns.ravel(), np.arange(0, n * per_row + 1, per_row)))
    path, labels = tmp_path / "big.svm", np.where(RNG.random(n) < 0.5, 1.0, -1.0)
    size = n * per_row * 12 + 4 * (n + 1)

    def work(problem):
        oracle = cb.oracles.RowSampling(problem)
        setting = cb.Setting(problem, oracle, cb.methods.ClippedSGD(0.02, cb.clipping.NormClip(1.0), 16))
        assert invariant_ball(setting)  # so that sigma is looked for at a point, too
        assert np.isfinite(setting.sigma + problem.lipschitz + problem.f_star)
        cb.simulate(setting, 5, 64, threads=1, checkpoints=[5])
        return problem

    write_svmlight(path, csr_array(np.eye(40)), np.sign(np.arange(40) - 19.5))
    work(cb.problems.Logistic.from_svmlight(path, ridge=0.01))  # compiles and imports
    if source == "a file":
        write_svmlight(path, rows, labels)
    parts = rows.data, rows.indices.astype(np.int32), rows.indptr.astype(np.int32)
    del rows, columns
    tracemalloc.start()
    if source == "a file":
        problem = work(cb.problems.Logistic.from_svmlight(path, ridge=0.01))
    else:
        theirs = csr_array(tuple(part.copy() for part in parts), shape=(n, 1000))  # counted
        assert tracemalloc.get_traced_memory()[0] > size
        problem = work(cb.problems.Logistic(theirs, labels, 0.0, 0.01))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert problem.features.layout == "csr" and problem.features.stored == n * per_row
    assert peak < 3 * size, f"{peak / size:.2f} times the rows"
