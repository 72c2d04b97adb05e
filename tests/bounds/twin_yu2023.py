"""A second program for theorem 3 of yu2023: 50 digits, client by client, from the page; it shares no arithmetic with the kernel."""

import mpmath
import numpy as np
from mpmath import mpf

from clipbounds.bounds.yu2023 import EstimatorSize
from clipbounds.bounds.yu2023.drift import drifts
from clipbounds.bounds.yu2023.moments import curvature_constant
from clipbounds.methods import SClipEF


def bend(y):
    """d(sqrt y)"""
    return 1 - 1 / mpmath.sqrt(1 + y)


class Twin:
    """V_0, V_1, ... of a setting, with the moment p of the noise and J moments of the distance."""

    def __init__(self, setting, p, J, steps):
        problem, method, noise = setting.problem, setting.method, setting.noise
        self.method, self.p, self.J, self.n = method, p, J, problem.clients
        self.w, self.L = [mpf(v) for v in problem.weights], [mpf(v) for v in problem.client_lipschitz]
        self.G = [mpf(float(np.linalg.norm(g))) for g in problem.gradients_at_minimiser]
        self.mu, self.parts = mpf(problem.strong_convexity), 1 if method.joint else problem.dim
        each = float(noise.vector_moment(p, problem.dim) if method.joint else noise.moment(p))
        self.moments = [each * mpf(s) ** p for s in problem.noise_scales]
        self.kinds, self.equal = drifts(setting), bool(np.ptp(problem.noise_scales) == 0)
        self.sclip = isinstance(method, SClipEF)
        self.fed = self.sclip and method.error_feedback
        known = EstimatorSize().value(setting, np.arange(1, steps + 1)) if self.sclip else np.zeros(steps)
        self.sizes = [mpmath.sqrt(self.parts) * mpf(v) for v in (0.0, *known)]
        self.R = mpf(float(problem.distance(problem.x0)))
        self.M, self.P = {j: self.R**j for j in range(J + 3)}, [mpf(0)] * self.n

    def mean(self, values):
        return mpmath.fsum(a * b for a, b in zip(self.w, values, strict=True))

    def schedules(self, t):
        """a, T, beta, phi/T, the longest step, and the factor of |m| in c."""
        if not self.sclip:
            T, a = mpf(float(self.method.threshold.at(t))), mpf(float(self.method.step_size.at(t)))
            return a, T, mpf(0), mpf(0), a * T * mpmath.sqrt(self.parts), mpf(0)
        eta, phi, eps, beta = (mpf(float(s.at(t))) for s in self.method.schedules)
        T = mpmath.sqrt(eps)
        a = (1 - beta) * eta * phi / T
        return a, T, beta, phi / T, eta * self.sizes[t + 1], (a if self.fed else 0) + eta * beta

    def advance(self, t):
        """One step of the recursion; returns the new V."""
        M, P, G, L, w, J, n, p = self.M, self.P, self.G, self.L, self.w, self.J, self.n, self.p
        a, T, beta, kappa, longest, factor = self.schedules(t)
        m, c = self.sizes[t] * self.fed, factor * self.sizes[t]
        M[1], M[J + 1], M[J + 2] = mpmath.sqrt(M[2]), self.R * M[J], self.R**2 * M[J]
        n_i = [min(1, mpf(curvature_constant(p)) * q / T**p) for q in self.moments]
        n_tilde = [min(1, mpf(1.5) ** (p / 2) * q / T**p) for q in self.moments]
        first = [q * (2 * T) ** (1 - p) if p <= 1 else q ** (1 / mpf(p)) for q in self.moments]
        square = [self.parts * min(T**2, q * T ** (2 - p)) for q in self.moments]

        def ratio(slope, smoothness, k):
            more = 2 * slope * smoothness * M[k + 1] + smoothness**2 * M[k + 2]
            return (slope**2 + more / M[k]) / T**2

        def near(k, i):
            return M[k] * bend(ratio(G[i] + m, L[i], k))

        def turned(k):
            values = [min(M[k], near(k, i) + n_i[i] * M[k]) for i in range(n)]
            if self.equal:
                values = [min(v, M[k] * ratio(G[i] + m, L[i], k) / 2) for i, v in enumerate(values)]
            return self.mean([g * v for g, v in zip(G, values, strict=True)])

        def local(k):
            rho = [min(first[i] * M[k], n_tilde[i] * ((G[i] + m) * M[k] + L[i] * M[k + 1])) for i in range(n)]
            return self.mean([G[i] * near(k, i) + rho[i] for i in range(n)])

        def spread(k):
            grown = [(1 + (g + m) / T, l / T) for g, l in zip(G, L, strict=True)]
            inside = [u * u * M[k] + 2 * u * v * M[k + 1] + v * v * M[k + 2] for u, v in grown]
            variance = mpmath.fsum(w[i] ** 2 * square[i] * inside[i] for i in range(n))
            pulled = self.mean(L) ** 2 * M[k + 2] + self.mean(G) * turned(k)
            return min(longest**2 * M[k], 3 * a**2 * pulled + 3 * c**2 * M[k] + a**2 * variance)

        def moved(j):
            pushed = c * M[j - 1]
            if 2 * j - 2 <= J + 2:
                pushed = min(pushed, factor * self.mean([mpmath.sqrt(M[2 * j - 2] * q) for q in P]))
            rest = mpmath.fsum(mpmath.binomial(j, i + 2) * longest**i * spread(j - 2 - i) for i in range(j - 1))
            far = M[j] * bend(ratio(max(G) + m, max(L), j))
            for gamma, symmetric in self.kinds:
                omega = far if symmetric else min(M[j], far + max(n_i) * M[j])
                b = local(j - 1) if symmetric else turned(j - 1)
                drift = (1 - j * a * self.mu) * M[j] + j * a * (self.mu + mpf(gamma)) * omega + j * a * b
                yield drift + j * pushed + rest

        after = {}
        for j in range(J, 1, -1):
            options = [(self.R + longest) ** j]
            options.append(mpmath.fsum(mpmath.binomial(j, i) * M[j - i] * longest**i for i in range(j + 1)))
            options += [after[j + 1] ** (mpf(j) / (j + 1))] if j < J else []
            options += moved(j) if j * a * self.mu <= 1 else []
            after[j] = min(options)
        pulls = [(G[i] + L[i] * M[1] + mpmath.sqrt(P[i])) ** 2 + square[i] for i in range(n)]
        self.P = [beta * q + (1 - beta) * kappa**2 * min(self.parts * T**2, v) for q, v in zip(P, pulls, strict=True)]
        self.R += longest
        M.update(after)
        return M[2]


def twin(setting, p, J, steps):
    """V_0, ..., V_steps as floats."""
    with mpmath.workdps(50):
        made = Twin(setting, p, J, steps)
        return np.array([float(made.M[2]), *(float(made.advance(t)) for t in range(steps))])
