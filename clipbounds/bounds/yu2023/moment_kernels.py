"""The recursion of theorem 3: bounds of E r^j, j = 2..order, step after step. Kernels."""

import math

import numpy as np
from numba import types

from ...lanes.blocks import FLOATS
from ...lanes.compile import device, kernel, named_signature

# columns of `steps`: a, T, the longest step, the size of the m_i that feedback brings into u_i, the factor of |m| in c, the
# size of m_i, beta, phi/T, T^{-p}, and the power of T in sigma'
STEP, THRESHOLD, LONGEST, MEMORY, LINEAR, SIZE, KEEP, SLOPE_AT_ZERO, TAIL, NEAR = range(10)
STEP_WIDTH = 10
# columns of `clients`: weight, G_i, L_i, factors of n_i, of the second difference, of sigma', of w_i, number of components, w_i²
WEIGHT, SLOPE, SMOOTHNESS, NOISE, DIFFERENCE, FIRST, VARIANCE, COMPONENTS, SHARE = range(9)
CLIENT_WIDTH = 9
# `common`: mu, mean L_i, mean G_i, largest G_i, largest L_i, 1 for equal laws, 1 for the far-field term (0 for a negative control)
PULL, MEAN_SMOOTHNESS, MEAN_SLOPE, TOP_SLOPE, TOP_SMOOTHNESS, EQUAL, FAR = range(7)
TINY = 1e-290  # moments are never taken below it: a larger one is a bound too, and an underflow to 0 would be none

# drifts: gamma and 1 for the form "sym", one after the other; out[0] is the first bound; scratch has 6(order + 3) numbers, and
# one for each client, 0 at the start
MOMENTS = named_signature(
    steps=FLOATS, clients=FLOATS, common=FLOATS, drifts=FLOATS, binomials=FLOATS, scratch=FLOATS, out=FLOATS, order=types.int64
)  # fmt: skip


@device
def concave(y):
    """d(sqrt y) = 1 - (1 + y)^{-1/2}, without cancellation."""
    root = math.sqrt(1.0 + y)
    return y / (root * (1.0 + root))


@device
def ratio(slope, smoothness, threshold, moments, k):
    """E (slope + smoothness·r)²/T² under the weight r^k."""
    return (
        slope * slope
        + (2 * slope * smoothness * moments[k + 1] + smoothness * smoothness * moments[k + 2]) / moments[k]
    ) / (threshold * threshold)


@device
def clipped_square(components, factor, tail, threshold):
    """w_i: the bound of the sum of E min(xi_k², T²)."""
    return min(components, factor * tail) * threshold * threshold


@kernel(MOMENTS)
def recursion(steps, clients, common, drifts, binomials, scratch, out, order):
    """V_1, V_2, ...: `out` behind its first number."""
    width = order + 3
    M, new, far = scratch[:width], scratch[width : 2 * width], scratch[2 * width : 3 * width]
    bias, local, spread = scratch[3 * width : 4 * width], scratch[4 * width : 5 * width], scratch[5 * width : 6 * width]
    squares = scratch[6 * width :]  # bounds of E|m_i|²
    mu, count = common[PULL], clients.size // CLIENT_WIDTH
    reach = math.sqrt(out[0])
    for j in range(width):
        M[j] = max(reach**j, TINY)
    for s in range(out.size - 1):
        row = s * STEP_WIDTH
        a, T, longest = steps[row + STEP], steps[row + THRESHOLD], steps[row + LONGEST]
        memory, c = steps[row + MEMORY], steps[row + LINEAR] * steps[row + SIZE]
        tail, near = steps[row + TAIL], steps[row + NEAR]
        M[1] = math.sqrt(M[2])
        M[order + 1], M[order + 2] = reach * M[order], reach * reach * M[order]
        largest = mean_size = 0.0
        for i in range(count):
            client = i * CLIENT_WIDTH
            largest = max(largest, min(1.0, clients[client + NOISE] * tail))
            mean_size += clients[client + WEIGHT] * math.sqrt(squares[i])
        linear = steps[row + LINEAR] * mean_size
        for k in range(order + 1):
            top = ratio(common[TOP_SLOPE] + memory, common[TOP_SMOOTHNESS], T, M, k)
            far[k] = common[FAR] * M[k] * concave(top)
            if k == order:
                continue
            bias[k] = local[k] = 0.0
            variance = 0.0
            for i in range(count):
                client = i * CLIENT_WIDTH
                weight, slope, L = clients[client + WEIGHT], clients[client + SLOPE], clients[client + SMOOTHNESS]
                y = ratio(slope + memory, L, T, M, k)
                noise = min(1.0, clients[client + NOISE] * tail)
                bent = min(1.0, concave(y) + noise)
                if common[EQUAL] > 0.0:
                    bent = min(bent, 0.5 * y)
                bias[k] += weight * slope * bent * M[k]
                first = clients[client + FIRST] * near * M[k]
                second = min(1.0, clients[client + DIFFERENCE] * tail) * ((slope + memory) * M[k] + L * M[k + 1])
                local[k] += weight * (slope * concave(y) * M[k] + min(first, second))
                square = clipped_square(clients[client + COMPONENTS], clients[client + VARIANCE], tail, T)
                inside = 1.0 + (slope + memory) / T
                growth = inside * inside * M[k] + 2 * inside * L / T * M[k + 1] + L * L / (T * T) * M[k + 2]
                variance += clients[client + SHARE] * square * growth
            pulled = common[MEAN_SMOOTHNESS] * common[MEAN_SMOOTHNESS] * M[k + 2] + common[MEAN_SLOPE] * bias[k]
            spread[k] = min(longest * longest * M[k], 3 * a * a * pulled + 3 * c * c * M[k] + a * a * variance)
        after = reach + longest
        power = after**order
        for j in range(order, 1, -1):
            best = power
            power /= after
            if j < order:
                best = min(best, new[j + 1] ** (j / (j + 1.0)))
            whole, stretch = 0.0, 1.0
            for i in range(j + 1):
                whole += binomials[j * width + i] * M[j - i] * stretch
                stretch *= longest
            best = min(best, whole)
            if j * a * mu <= 1.0:
                rest, stretch = j * c * M[j - 1], 1.0
                if 2 * j - 2 <= order + 2:  # Cauchy-Schwarz: E r^{j-1}|m| <= (E r^{2j-2} E|m|²)^{1/2}
                    rest = min(rest, j * linear * math.sqrt(M[2 * j - 2]))
                for i in range(j - 1):
                    rest += binomials[j * width + i + 2] * stretch * spread[j - 2 - i]
                    stretch *= longest
                for v in range(drifts.size // 2):
                    gamma, symmetric = drifts[2 * v], drifts[2 * v + 1] > 0.0
                    omega = far[j] if symmetric else min(M[j], far[j] + largest * M[j])
                    pushed = local[j - 1] if symmetric else bias[j - 1]
                    moved = (1.0 - j * a * mu) * M[j] + j * a * (mu + gamma) * omega + j * a * pushed + rest
                    best = min(best, moved)
            new[j] = max(best, TINY)
        for i in range(count):
            client = i * CLIENT_WIDTH
            pulled = clients[client + SLOPE] + clients[client + SMOOTHNESS] * M[1] + math.sqrt(squares[i])
            noise = clipped_square(clients[client + COMPONENTS], clients[client + VARIANCE], tail, T)
            square = min(clients[client + COMPONENTS] * T * T, pulled * pulled + noise)
            keep, gain = steps[row + KEEP], steps[row + SLOPE_AT_ZERO]
            squares[i] = keep * squares[i] + (1.0 - keep) * gain * gain * square
        for j in range(2, order + 1):
            M[j] = new[j]
        reach = after
        out[s + 1] = M[2]


BINOMIALS = np.array([[math.comb(j, i) for i in range(44)] for j in range(44)], dtype=np.float64)
