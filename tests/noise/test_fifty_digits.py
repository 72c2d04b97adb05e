"""Moments, quantiles and distribution functions against high-precision arithmetic, over the whole range of the parameters.

The oracle works with as many digits as the cancellation at the largest parameter eats, and 50 more.
"""

import math

import mpmath
import numpy as np
import pytest

from clipbounds.noise import (
    Gaussian,
    LogTailed,
    Pareto,
    Rademacher,
    Stable,
    StudentT,
    SymmetricLomax,
    SymmetricPareto,
    TwoPoint,
)  # fmt: skip

TOLERANCE = 1e-12
TAIL_INDICES = [
    1 + 1e-12,
    1 + 1e-6,
    1.01,
    1.5,
    1.9999,
    2,
    2.0001,
    2.5,
    7,
    11.9,
    30,
    169,
    171,
    1e3,
    2e4,
    1e8,
    1e13,
    1e17,
    1e300,
]
POWERS = [1e-3, 0.5, 1, 1.5, 1.999, 2, 3.7, 20]


def close(value, exact):
    """Within 1e-12 of an mpmath number; infinite or 0 where that leaves the range of floats."""
    if abs(exact) > mpmath.mpf(1.7976931348623157e308):
        return value == math.inf
    if abs(exact) < mpmath.mpf(2.2250738585072014e-308):
        return abs(value) < 2.3e-308
    return abs(value / exact - 1) < TOLERANCE


@pytest.fixture(autouse=True)
def digits():
    with mpmath.workdps(400):  # 300 for the logarithms of gamma functions at 1e300
        yield


def gamma_quotient(a, d):
    return mpmath.exp(mpmath.loggamma(a + d) - mpmath.loggamma(a))


def student_moment(nu, p):
    nu, p = mpmath.mpf(nu), mpmath.mpf(p)
    return nu ** (p / 2) * mpmath.gamma((p + 1) / 2) / mpmath.sqrt(mpmath.pi) * gamma_quotient(nu / 2, -p / 2)


def lomax_moment(alpha, p):
    alpha, p = mpmath.mpf(alpha), mpmath.mpf(p)
    return mpmath.gamma(p + 1) * gamma_quotient(alpha, -p)


def pareto_moment(alpha, p):
    """E|X - mu|^p from the integrals below and above the mean, by their hypergeometric form."""
    alpha, p = mpmath.mpf(alpha), mpmath.mpf(p)
    mu = alpha / (alpha - 1)
    below = alpha ** (-p - 1) / (p + 1) * mpmath.hyp2f1(p + 1, alpha + 1, p + 2, 1 / alpha)
    above = mpmath.gamma(p + 1) * gamma_quotient(alpha, -p) / alpha
    return alpha * mu ** (p - alpha) * (above + below)


@pytest.mark.parametrize("p", POWERS)
@pytest.mark.parametrize(
    "law, oracle", [(StudentT, student_moment), (SymmetricLomax, lomax_moment), (Pareto, pareto_moment)]
)
def test_moments_over_the_whole_range_of_the_tail_index(law, oracle, p):
    extra = [0.1, 0.3, 1] if law is not Pareto else []
    for index in [*extra, *TAIL_INDICES, p * (1 + 1e-9)]:
        if p < index and index > (1 if law is Pareto else 0.1):
            for scale in (1.0, 3e-4):
                exact = mpmath.mpf(scale) ** mpmath.mpf(p) * oracle(index, p)
                assert close(float(law(index, scale).moment(p)), exact), (index, p, scale)


def test_the_oracle_of_the_pareto_moments_is_their_integral():
    with mpmath.workdps(30):
        for alpha, p in [(1.5, 1.2), (2.5, 2), (9, 3.7)]:
            mu = mpmath.mpf(alpha) / (mpmath.mpf(alpha) - 1)
            integral = mpmath.quad(
                lambda x, alpha=alpha, p=p, mu=mu: abs(x - mu) ** p * alpha * x ** (-alpha - 1),
                [1, mu, 2 * mu, 20, 1e3, 1e6, mpmath.inf],
            )
            assert abs(integral / pareto_moment(alpha, p) - 1) < 1e-8


def test_a_difference_of_logarithms_of_gamma_functions_fails_the_same_test():
    index, p = 1e13, 2.0
    naive = math.exp(math.lgamma(p + 1) + math.lgamma(index - p) - math.lgamma(index))
    assert not close(naive, lomax_moment(index, p))


@pytest.mark.parametrize("p", [1e-3, 0.5, 1, 1.5, 1.9, 1.999999])
def test_stable_moments(p):
    for alpha in [1.0, 1 + 1e-9, 1 - 1e-9, 1.2, 1.5, 1.7, 2 - 1e-9, p * (1 + 1e-9)]:
        for skewness in (0.0, 0.3, -1.0):
            if not (max(p, 0.1) < alpha < 2) or (alpha == 1 and skewness):
                continue
            a, q = mpmath.mpf(alpha), mpmath.mpf(p)
            z = mpmath.mpf(skewness) * mpmath.tan(mpmath.pi * a / 2) if skewness else mpmath.mpf(0)
            exact = 2 / mpmath.pi * mpmath.gamma(q) * mpmath.sin(mpmath.pi * q / 2) * mpmath.gamma(1 - q / a)
            exact *= (1 + z * z) ** (q / (2 * a)) * mpmath.cos(q / a * mpmath.atan(z))
            assert close(float(Stable(alpha, 1.0, skewness).moment(p)), exact), (alpha, skewness)


def test_moments_that_leave_the_range_of_floats():
    assert float(Gaussian(1e300).moment(2)) == math.inf
    assert float(Gaussian(1.0).moment(400)) == math.inf
    assert float(Gaussian(1e-3).moment(400)) == pytest.approx(
        float(mpmath.mpf(1e-3) ** 400 * 2**200 * mpmath.gamma(200.5) / mpmath.sqrt(mpmath.pi)), rel=1e-11
    )
    for law in (Pareto(3.0, 1e300), StudentT(3.0, 1e300), SymmetricPareto(3.0, 1e300), SymmetricLomax(3.0, 1e300)):
        assert float(law.moment(2)) == math.inf and law.variance == math.inf
    for law in (Stable(2.0, 1e300), Rademacher(1e300), TwoPoint(1e300, 0.5)):
        assert float(law.moment(2)) == math.inf
    assert float(LogTailed(1e300).moment(0.5)) == pytest.approx(1e150 * float(LogTailed(1.0).moment(0.5)))
    # factors beyond the range, a product within it
    assert float(SymmetricLomax(1e300, 1e300).moment(2)) == pytest.approx(2, rel=1e-12)
    assert float(TwoPoint(1.0, 1e-200).moment(2)) == pytest.approx(1, rel=1e-15)
    assert float(TwoPoint(1e-250, 1e-200).moment(3)) == 0.0


QUANTILES = [1e-300, 1e-100, 1e-20, 1e-5, 0.1, 0.4, 0.5, 0.7, 1 - 1e-5]


@pytest.mark.parametrize("nu", [0.1, 0.5, 1, 1.5, 3, 30, 1e3, 1e6])
def test_student_quantiles_and_tails(nu):
    """cdf(quantile(u)) = u with the exact cdf at the quantile, to 1e-12 and the conditioning u (ln cdf)'·x of a float x."""
    law = StudentT(nu, 1.0)

    def exact(t):
        t, n = mpmath.mpf(t), mpmath.mpf(nu)
        half = mpmath.betainc(n / 2, mpmath.mpf(1) / 2, 0, n / (n + t * t), regularized=True) / 2
        return half if t < 0 else 1 - half

    with mpmath.workdps(50):
        for u in QUANTILES:
            x = float(law.quantile(u))
            if not math.isfinite(x):  # the quantile itself leaves the range of floats
                with mpmath.workdps(400):
                    assert exact(math.copysign(1.7e308, x)) > u
                continue
            conditioning = abs(x) * float(law.pdf(x)) / min(u, 1 - u)
            # ln u/nu is rounded before it is exponentiated
            allowed = 1e-12 + 4 * np.finfo(float).eps * conditioning * max(1.0, -math.log(min(u, 1 - u)) / nu)
            assert abs(exact(x) / mpmath.mpf(u) - 1) < allowed, u
            assert abs(float(law.cdf(x)) / exact(x) - 1) < 1e-12, u
            assert abs(float(law.sf(-x)) / exact(x) - 1) < 1e-12, u
    assert law.quantile(0) == -math.inf and law.quantile(1) == math.inf


@pytest.mark.parametrize("law", [Pareto, SymmetricPareto, SymmetricLomax, StudentT])
def test_ends_and_distant_quantiles_do_not_leave_the_law(law):
    for index in (1.01, 1.5, 3, 1e3, 1e10):
        noise = law(index, 1.0)
        with np.errstate(all="raise", under="ignore"):
            ends = np.array([float(noise.quantile(0.0)), float(noise.quantile(1.0))])
            assert ends[1] == math.inf and ends[0] < 0
            for u in (1e-300, 1e-10, 0.3, 0.9):
                x = noise.quantile(u)
                if np.isfinite(x):
                    # the float x is known to eps·|x|, at the lower end of the centred law to eps times its mean
                    mean = index / (index - 1) if law is Pareto else 0.0
                    lost = 8 * np.finfo(float).eps * (abs(x) + mean) * float(noise.pdf(x))
                    assert abs(float(noise.cdf(x)) - u) < 1e-12 * u + lost + 4 * np.finfo(float).eps, (index, u)


def test_a_narrow_pareto_law_keeps_its_digits():
    """For large alpha, alpha·xi + 1 tends to a standard exponential variable."""
    noise = Pareto(1e17, 1.0)
    u = np.array([0.1, 0.5, 0.999])
    assert noise.quantile(u) * 1e17 + 1 == pytest.approx(-np.log1p(-u), rel=1e-12)
    assert noise.cdf(noise.quantile(u)) == pytest.approx(u, rel=1e-12)


def test_a_power_below_the_normal_floats_keeps_the_digits_of_the_product():
    for law, oracle, index, scale, p in [
        (SymmetricLomax, lomax_moment, 1773.6, 1.0, 98.7),
        (Pareto, pareto_moment, 2.6e10, 1.9e-14, 13.0),
        (StudentT, student_moment, 200.0, 1e-2, 160.0),
    ]:
        exact = mpmath.mpf(scale) ** mpmath.mpf(p) * oracle(index, p)
        # p ln(size) is rounded before it is exponentiated
        assert abs(float(law(index, scale).moment(p)) / exact - 1) < 1e-12 + 710 * np.finfo(float).eps
    assert np.finfo(float).tiny > (1 / 1773.6) ** 98.7  # the trap


@pytest.mark.parametrize("p", [1e-9, 1e-6, 1e-3, 0.1, 0.5, 0.9, 0.999, 1 - 1e-6, 1 - 1e-9])
def test_moments_of_the_log_tailed_law(p):
    """E|X|^p = 1 + int_0^1 p x^{p-1} (P(|X| > x) - 1) dx + int_1^inf p x^{p-1} P(|X| > x) dx, with x = e^s - 1."""
    with mpmath.workdps(30):
        q = mpmath.mpf(p)

        def near(x):
            return q * x ** (q - 1) * (1 / ((1 + x) * (1 + mpmath.log1p(x)) ** 2) - 1)

        def far(w):  # w = 1/(1 + s)
            s = 1 / w - 1
            return q * mpmath.exp((q - 1) * s) * (-mpmath.expm1(-s)) ** (q - 1)

        last = 1 / (1 + mpmath.log(2))
        steps = sorted(
            {mpmath.mpf(0), last, *(min(k * (1 - q), last) for k in (0.01, 0.05, 0.2, 1, 3, 10, 30, 100, 1e4))}
        )
        exact = 1 + mpmath.quad(near, [0, 1e-9, 1e-4, 0.1, 1]) + mpmath.quad(far, steps)
        assert close(float(LogTailed(1.0).moment(p)), exact)


def central_share(nu, z):
    """P(0 < T < z) by its series in z."""
    nu, z = mpmath.mpf(nu), mpmath.mpf(z)
    density = gamma_quotient(nu / 2, mpmath.mpf(1) / 2) / mpmath.sqrt(nu * mpmath.pi)
    return density * z * mpmath.hyp2f1(mpmath.mpf(1) / 2, (nu + 1) / 2, mpmath.mpf(3) / 2, -z * z / nu)


@pytest.mark.parametrize("nu", [0.1, 0.7, 1, 1 + 1e-12, 1.5, 2, 3, 4, 6, 7.43, 9, 15, 100, 1e4, 1e6, 1e7, 1e9])
def test_student_quantiles_near_the_median(nu):
    """SciPy's inverse gives 0, or 4 digits, for several of these degrees of freedom."""
    law = StudentT(nu, 1.0)
    with mpmath.workdps(50):
        for share in (1e-14, 1e-12, 2.2e-7, 3.3e-4, 0.01, 0.2, 0.2499, 0.2501):
            u = 0.5 + share
            z = float(law.quantile(u))
            exact = mpmath.mpf(u) - 0.5
            assert abs(central_share(nu, z) / exact - 1) < 1e-12, share
            assert float(law.quantile(1 - u)) == pytest.approx(-z, rel=1e-15)
            assert abs(float(law.cdf(z)) / (0.5 + central_share(nu, z)) - 1) < 1e-14
            assert abs(float(law.sf(z)) / (0.5 - central_share(nu, z)) - 1) < 1e-14
        assert law.quantile(0.5) == 0


def test_log_tailed_quantiles():
    law = LogTailed(1.0)
    for u in (0.5 - 1e-15, 0.5 + 1e-12, 0.5 + 3e-7, 0.6, 0.25, 1e-3, 1e-100, 1e-300):
        x = mpmath.mpf(float(law.quantile(u)))
        tail = 1 / ((1 + abs(x)) * (1 + mpmath.log1p(abs(x))) ** 2)
        exact = 2 * mpmath.mpf(min(u, 1 - u))
        # near the median what counts is the distance to it
        assert abs((tail - exact) / min(exact, 1 - exact)) < 1e-12, u
    assert law.quantile(0) == -math.inf and law.quantile(1) == math.inf and law.quantile(0.5) == 0


@pytest.mark.filterwarnings("error")
def test_arguments_at_the_ends_of_the_floats_give_numbers_and_no_warning():
    x = np.array([0.0, 1e-320, 1e-300, 1.0, 1e200, 1.7e308, math.inf])
    x = np.concatenate([-x[::-1], x])
    u = np.array([0.0, 5e-324, 1e-300, 0.5, 1 - 1e-16, 1.0])
    laws = [law(scale) for law in (Gaussian, LogTailed) for scale in (1.0, 1e300, 1e-300)]
    laws += [
        law(index, scale)
        for law in (StudentT, Pareto, SymmetricPareto, SymmetricLomax)
        for index in (1 + 1e-7, 1.5, 3.0, 1e10, 1e300)
        for scale in (1.0, 1e300, 1e-300)
    ]
    for law in laws:
        low, high, density = law.cdf(x), law.sf(x), law.pdf(x)
        assert np.all(low[1:] >= low[:-1]) and low[0] == 0 and low[-1] == 1, law
        assert np.all(high[1:] <= high[:-1]) and high[0] == 1 and high[-1] == 0, law
        assert np.all(density >= 0) and density[0] == density[-1] == 0, law
        ends = law.quantile(u)
        assert np.all(ends[1:] >= ends[:-1]), law


def test_moments_of_vectors_that_leave_the_range_of_floats():
    assert float(StudentT(501.0, 1e22).vector_moment(500, 1000)) == math.inf
    assert float(Gaussian(1e300).vector_moment(1.5, 3)) == math.inf
    narrow = Pareto(1e9, 1.0).vector_moment(500, 1000)  # 1000^250 is beyond the floats, the product below them
    assert float(narrow) == 0 and narrow.upper_bound
    wide = Gaussian(1.0).vector_moment(300, 10**4)  # 10^600 times 4e305
    assert float(wide) == math.inf
    some = Gaussian(1e-2).vector_moment(200, 10**4)
    exact = mpmath.mpf(10) ** 400 * mpmath.mpf(0.01) ** 200 * 2**100 * mpmath.gamma(100.5) / mpmath.sqrt(mpmath.pi)
    assert abs(float(some) / exact - 1) < 1e-12
