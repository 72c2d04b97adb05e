"""check_problem: the package's own problems pass, and each kind of false claim is refuted."""

import numpy as np
import pytest

import clipbounds as cb
from clipbounds.facts import HessianSmoothness
from clipbounds.testing import check_problem, refuted_claims

TRUE = [
    cb.problems.Huber(1.0, 2.0, [4.0]),
    cb.problems.Huber(2.0, 0.5, [1.0, -3.0]),
    cb.problems.Quadratic([1.0, 4.0], [1.0, 1.0]),
    cb.problems.Sombrero([2.0, -0.5]),
    cb.problems.Softplus([3.0]),
]


class WrongValue(cb.problems.Quadratic):
    def value(self, x):
        return 1.01 * super().value(x)


class WrongMinimum(cb.problems.Quadratic):
    @property
    def f_star(self):
        return 0.5


class WrongMinimiser(cb.problems.Quadratic):
    @property
    def minimiser(self):
        return np.array([0.1, 0.0])


class WrongLipschitz(cb.problems.Quadratic):
    @property
    def lipschitz(self):
        return 3.9


class WrongConvexity(cb.problems.DoubleWell):
    convex = True


class WrongPair(cb.problems.DoubleWell):
    @property
    def smoothness(self):
        pair = super().smoothness
        return HessianSmoothness(0.5 * pair.L0, pair.L1)


class WrongGap(cb.problems.Quadratic):
    def gap(self, x):
        return super().gap(x) + 0.25


@pytest.mark.parametrize("problem", TRUE, ids=lambda p: type(p).__name__)
def test_true_claims_pass(problem):
    check_problem(problem)


@pytest.mark.parametrize(
    ("kind", "arguments", "name"),
    [
        (WrongValue, ([1.0, 4.0], [1.0, 1.0]), "gradient"),
        (WrongMinimum, ([1.0, 4.0], [1.0, 1.0]), "f_star"),
        (WrongMinimiser, ([1.0, 4.0], [1.0, 1.0]), "minimiser"),
        (WrongLipschitz, ([1.0, 4.0], [1.0, 1.0]), "lipschitz"),
        (WrongConvexity, ([2.0],), "convex"),
        (WrongPair, ([2.0],), "smoothness"),
        (WrongGap, ([1.0, 4.0], [1.0, 1.0]), "gap"),
    ],
)
def test_a_false_claim_is_refuted(kind, arguments, name):
    problem = kind(*arguments)
    assert name in [claim.name for claim in refuted_claims(problem)]
    with pytest.raises(AssertionError, match=name):
        check_problem(problem)


def test_what_is_no_problem_gets_a_sentence():
    with pytest.raises(ValueError, match="expected a Problem"):
        check_problem(3)
