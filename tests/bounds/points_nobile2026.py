"""Theorem 6 from its definition, at points of the gradient norm: the oracle of the certified evaluation."""

import numpy as np
from scipy.stats import norm

from clipbounds.worst_case import clipping_bias


class AtPoints:
    """Psi of the theorem on a dense grid of G, straight from its definition; L = 1."""

    def __init__(self, run, plan, top, sigma):
        self.sigma = sigma
        self.run, self.omega, self.n = run, run.step_size, len(run.thresholds)
        self.tau = np.array(run.thresholds)
        self.constant = np.all(self.tau == self.tau[0])
        self.G = np.linspace(0, top, 80)
        self.failure = plan.cut * run.failure_probability / run.steps

    def exponent(self, y, v, a):
        """K(y), y of any shape, v and a of shape (n,)."""
        if self.constant:
            v, a = v[:1], a[:1]
        kappa = np.expm1(y[..., None] * a / self.n) - y[..., None] * a / self.n
        return np.log1p(np.minimum(v / a**2, 1) * kappa).sum(axis=-1) * (self.n if self.constant else 1)

    def log_mean(self, pull, scale, v, a, radius):
        if radius is None:
            x = np.linspace(-10, 10 + a.mean() * scale, 2001)
            inside, factor = np.ones(x.size), 0.0
        else:
            c = norm.isf(0.01 * self.failure)
            x = np.linspace(-2 * pull / scale - scale * radius - c, scale * radius + c, 2001)
            inside, factor = np.ones(x.size), -np.log1p(-2 * norm.sf(c))
        values = np.exp(self.exponent(np.abs(pull + scale * x), v, a)) * norm.pdf(x) * inside
        return np.log(np.trapezoid(values, x)) + factor

    def psi(self, lam):
        p, sigma, omega, eta = self.run.p, self.sigma, self.omega, self.run.step_size
        scale = np.sqrt(lam) * eta
        found = []
        for G in self.G:
            tau = self.tau
            bias = clipping_bias(np.abs(tau - G), sigma, p)
            l = np.minimum(G, tau) - bias
            far, rest = G / omega - l, np.minimum(tau**2 - np.maximum(l, 0) ** 2, sigma**2)
            ell = np.mean(np.where(tau < G, l - (np.hypot(far, np.sqrt(rest)) - far), l))
            reach = tau + np.minimum(G, tau)
            v = np.minimum(reach ** (2 - p) * np.minimum(sigma, reach) ** p, tau**2 - np.maximum(l, 0) ** 2)
            a = np.where(tau < G, 2 * tau, tau + np.minimum(tau, G + bias))
            radius = None
            if self.failure:
                y = np.geomspace(0.01, 40, 4000) * self.n / a.mean()
                radius = min(np.min((self.exponent(y, v, a) + np.log(2 / self.failure)) / y), a.mean())

            def form(ell, v, a=a, radius=radius, G=G):
                pull = lam * eta * (G - omega * ell)
                noise = self.log_mean(pull, scale, v, a, radius)
                return 2 * G * ell - omega * ell**2 - 2 / (lam * eta) * noise

            best = form(ell, v)
            if self.constant and tau[0] >= G:
                worst = []
                for b in np.linspace(0, bias[0], 7):
                    w = min(v[0], self.joint(G, b) - b * b, tau[0] ** 2 - max(G - b, 0) ** 2)
                    worst.append(form(G - b, np.full(self.n, w)))
                best = max(best, min(worst))
            if self.n == 1:
                best = max(best, self.one_unit(G, lam, bias[0]))
            found.append(best)
        return np.array(found)

    def joint(self, G, b):
        s, reach = self.tau[0] - G, self.tau[0] + G
        z = np.concatenate([np.geomspace(1e-3, 1, 400), np.geomspace(1, 1e3, 400)]) * reach
        w = np.concatenate([[0], np.geomspace(1e-2, 1e2, 200)])[:, None] * self.tau[0]
        parts = (w * np.maximum(z - s, 0) + np.minimum(z, reach) ** 2) * z**-self.run.p
        return np.min(self.sigma**self.run.p * parts.max(axis=1) - w[:, 0] * b)

    def one_unit(self, G, lam, bias):
        p, sigma, eta, tau = self.run.p, self.sigma, self.run.step_size, self.tau[0]
        held, q = min(G, tau), lam * eta**2 / 2
        A, reach = lam * eta * (G - self.omega * held), tau + held

        def H(r):
            return np.exp(A * r + q * r * r) - 1 - A * r

        mean = A * bias + (min(sigma, reach) / reach) ** p * H(reach)
        if tau >= G:
            z = np.concatenate([np.geomspace(1e-3, 1, 400), np.geomspace(1, 1e3, 400)]) * reach
            mean = min(mean, sigma**p * np.max((A * np.maximum(z - tau + G, 0) + H(np.minimum(z, reach))) * z**-p))
        return 2 * G * held - self.omega * held**2 - 2 / (lam * eta) * np.log1p(mean)


def from_points(points, run, plan):
    """(D, bound of the average of G²) for Psi at points."""
    log, half = np.log, 0.5 * run.step_size * run.steps
    psi = points.psi(plan.gap_rate)
    D = 1 - log(run.failure_probability * plan.local) / plan.gap_rate + half * max(0, -psi.min())
    inside = points.G**2 <= 2 * D
    psi = points.psi(plan.rate)[inside]
    slopes = np.linspace(0.02, 2, 400)
    tops = np.maximum(0, np.max(slopes[:, None] * points.G[inside] ** 2 - psi, axis=1))
    main = 1 - log(run.failure_probability * (1 - plan.cut - plan.local)) / plan.rate
    return D, np.min((main / half + tops) / slopes)
