"""The softmax loss: gradients, certified constants, the minimum and its duality gap."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.sparse import csr_array, random_array
from scipy.special import entr

import clipbounds as cb
from clipbounds.problems import Logistic, Softmax
from clipbounds.testing import check_problem

RNG = np.random.default_rng(17)
SPARSE = random_array((90, 5), density=0.6, format="csr", rng=RNG, data_sampler=RNG.standard_normal)
DENSE = SPARSE.toarray()
CLASSES = 4
LABELS = RNG.permuted(np.arange(90) % CLASSES) * 1.0


@pytest.mark.parametrize("ridge", [0.0, 0.1])
@pytest.mark.parametrize("rows", [DENSE, SPARSE], ids=["dense", "sparse"])
def test_gradient_value_hessian_and_constants(rows, ridge):
    problem = Softmax(rows, LABELS, 0.0, ridge)
    assert problem.dim == 20 and problem.classes == CLASSES
    w, h = 3 * RNG.normal(size=(70, 20)), 1e-6
    slopes = np.stack([(problem.value(w + h * e) - problem.value(w - h * e)) / (2 * h) for e in np.eye(20)], axis=-1)
    assert np.allclose(slopes, problem.gradient(w), atol=1e-8)
    assert np.allclose([problem.plain_gradient(p) for p in w], problem.gradient(w), rtol=1e-12, atol=1e-13)
    assert np.allclose(problem.hessian(w[:5]), numeric_hessian(problem, w[:5]), atol=1e-6)
    spectra = np.linalg.eigvalsh(problem.hessian(w[:20]))
    assert spectra.max() <= problem.smoothness.L0 and spectra.min() >= ridge - 1e-12


def numeric_hessian(problem, points, h=1e-5):
    return np.stack(
        [(problem.gradient(points + h * e) - problem.gradient(points - h * e)) / (2 * h) for e in np.eye(problem.dim)],
        axis=-1,
    )


def test_no_claim_is_refuted():
    assert not check_problem(Softmax(DENSE, LABELS, 0.0, 0.1))


def test_far_away_nothing_overflows():
    problem = Softmax(DENSE, LABELS, 0.0, 0.1)
    w = 1e6 * RNG.normal(size=(3, 20))
    assert np.all(np.isfinite(problem.value(w)))
    assert np.allclose([problem.plain_gradient(p) for p in w], problem.gradient(w), rtol=1e-12)


@pytest.mark.parametrize("rows", [DENSE, SPARSE], ids=["dense", "sparse"])
def test_the_gap_between_the_minimum_and_its_certificate_is_that_to_the_dual(rows):
    problem = Softmax(rows, LABELS, 0.0, 0.1)
    found = minimize(problem.value, np.zeros(20), jac=problem.plain_gradient, tol=1e-13)
    assert problem.f_star <= found.fun + 1e-13
    assert problem.f_star == pytest.approx(found.fun, abs=1e-9)
    assert np.allclose(problem.minimiser, found.x, atol=1e-4)
    # a point of some accuracy, so that the gap is no rounding
    w = problem.minimiser + 0.1 * RNG.normal(size=20)
    p = np.exp(DENSE @ w.reshape(CLASSES, 5).T)
    p /= p.sum(axis=1, keepdims=True)
    moved = ((np.eye(CLASSES)[LABELS.astype(int)] - p).T @ DENSE) / 90
    dual = entr(p).sum(axis=1).mean() - np.sum(moved**2) / (2 * 0.1)
    gap = np.sum(problem.plain_gradient(w) ** 2) / (2 * 0.1)
    assert float(problem.value(w)) - dual == pytest.approx(gap, rel=1e-10)
    assert dual <= problem.f_star


def test_against_scikit_learn():
    linear = pytest.importorskip("sklearn.linear_model")
    problem = Softmax(DENSE, LABELS, 0.0, 0.1)
    fitted = linear.LogisticRegression(C=1 / (90 * 0.1), fit_intercept=False, tol=1e-12, max_iter=10_000).fit(
        DENSE, LABELS
    )
    assert np.allclose(fitted.coef_.ravel(), problem.minimiser, atol=1e-6)


def test_two_classes_are_logistic_regression_on_the_difference():
    signs = np.where(LABELS < 2, -1.0, 1.0)
    two, one = Softmax(DENSE, (signs + 1) / 2, 0.0), Logistic(DENSE, signs, 0.0)
    w = RNG.normal(size=(10, 2, 5))
    assert np.allclose(two.value(w.reshape(10, 10)), one.value(w[:, 1] - w[:, 0]), rtol=1e-13)
    assert two.lipschitz == pytest.approx(2 * one.lipschitz, rel=1e-12)  # the difference is sqrt 2 times a unit vector


def test_components():
    problem = Softmax(DENSE, LABELS, 0.0, 0.1)
    for scale in (0.01, 1.0, 10.0):
        x, y = scale * RNG.normal(size=(2, 20))
        rows = [
            (problem.slopes(problem.predictions(w))[:, :, None] * DENSE[:, None]).reshape(90, -1) + 0.1 * w
            for w in (x, y)
        ]
        apart = np.linalg.norm(rows[0] - rows[1], axis=1) / np.linalg.norm(x - y)
        assert np.all(apart <= problem.component_lipschitz * (1 + 1e-12))
        assert np.sqrt(np.mean(apart**2)) <= problem.averaged_lipschitz


def test_a_file_of_several_classes(tmp_path, caplog):
    path = tmp_path / "three.svm"
    path.write_bytes(b"5 1:1\n7 2:1\n9 1:-1\n7 2:2\n")
    problem = Softmax.from_svmlight(path, ridge=0.1)
    assert problem.dim == 6 and np.asarray(problem.labels).tolist() == [0.0, 1.0, 2.0, 1.0]
    assert "the labels 5, 7, 9 are taken as 0, ..., 2" in caplog.text
    assert Softmax.from_json(problem.to_json()) == problem
    assert problem.replace(features=csr_array(np.asarray(problem.features))).f_star == pytest.approx(problem.f_star)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.zeros(90), "from 2 to 64 of them, but 1 values from 0 to 0"),
        (LABELS - 1, "but 4 values from -1 to 2"),
        (LABELS / 2, "but 4 values from 0 to 1.5"),
        (np.arange(90.0), "but 90 values from 0 to 89"),
        (LABELS[1:], "features must be 89 x 5 finite numbers"),
    ],
)
def test_bad_labels(labels, words):
    with pytest.raises(ValueError, match=words):
        Softmax(DENSE, labels, 0.0)


def test_a_start_of_the_wrong_size():
    with pytest.raises(
        ValueError, match=r"90 x 1.25 finite numbers \(labels x entries of x0 over 4 classes\), but the shape \(90, 5\)"
    ):
        Softmax(DENSE, LABELS, np.zeros(5))


def test_a_file_of_one_class(tmp_path):
    path = tmp_path / "one.svm"
    path.write_bytes(b"5 1:1\n5 2:1\n")
    with pytest.raises(ValueError, match="two values or more, but all of them are 5"):
        cb.problems.Softmax.from_svmlight(path)
