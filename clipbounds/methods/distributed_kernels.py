"""The compiled loops of the distributed methods: on a server, and on a network.

Every method keeps one estimator m_i a client and advances it by m_i <- A_t m_i + B_t Op_t(g_i - m_i), or without
feedback by m_i <- A_t m_i + B_t Op_t(g_i), g_i being the client's noisy gradient. The `form` says what A_t, B_t and the
parameters of the operator are.
"""

import math

from ..lanes.compile import device, function_at, kernel
from ..lanes.norms import add_scaled, clear, copy
from ..lanes.views import rows
from ..noise.window import DIM, add_sample
from ..problems.clients import CLIENT_GRADIENT
from .base import ADVANCE, CLIP_AT, CLIPPED, FILL_AT, GRADIENT_AT, SCRATCH
from .kernels import clip_at, gradient_at, track
from .schedule_kernels import schedule_at
from .schedules import WIDTH

# phi_t Op_t with level phi_t and width sqrt(eps_t); the same slope and level with a hard operator of threshold
# sqrt(eps_t); an operator with threshold phi_t; an operator as it is; a smooth operator with level and width phi_t
SMOOTH, HARD, SCHEDULED, CONSTANT, GROWING = range(5)
# slots of the method's parameters: form, 1 for feedback, 1 for estimators that add up, then the schedules
FORM, FEEDBACK, ADDING_UP, SCHEDULES = range(4)
STEP, LEVEL, SMOOTHING, AVERAGING = range(4)
NETWORK = SCHEDULES + 4 * WIDTH  # where the mixing matrix begins
CLIENT_GRADIENT_AT, SCHEDULE_AT = 3, 4
# blocks of the state: iterate, its gradient, a client's vector, its noise or the step, then the estimators
POINT, GRADIENT, WORK, NOISE, ESTIMATORS = range(5)

client_gradient_at = function_at(CLIENT_GRADIENT)


@device
def scheduled(which, step, method, addresses):
    """The number of one schedule at this step."""
    first = SCHEDULES + which * WIDTH
    return schedule_at(addresses[SCHEDULE_AT + which])(step, method[first : first + WIDTH])


@device
def prepare_operator(step, method, addresses, clip):
    """Set the operator's parameters for this step; returns A_t and B_t."""
    form = int(method[FORM])
    if form <= HARD:
        level = scheduled(LEVEL, step, method, addresses)
        width = math.sqrt(scheduled(SMOOTHING, step, method, addresses))
        keep = scheduled(AVERAGING, step, method, addresses)
        if form == SMOOTH:
            clip[0], clip[1] = level, width
            return keep, 1.0 - keep
        clip[0] = width
        return keep, (1.0 - keep) * level / width
    if form == SCHEDULED:
        clip[0] = scheduled(LEVEL, step, method, addresses)
    elif form == GROWING:
        clip[0] = clip[1] = scheduled(LEVEL, step, method, addresses)
    return method[ADDING_UP], 1.0


@device
def add_client_noise(v, xi, buffer, plan, sample, noise, words, fill_address, scale):
    """v += scale·sample; xi is scratch."""
    if scale == 1.0:
        add_sample(v, buffer, plan, sample, noise, words, fill_address)
    elif scale > 0.0:
        clear(xi)
        add_sample(xi, buffer, plan, sample, noise, words, fill_address)
        add_scaled(scale, xi, v)


@device
def subtract(source, target):
    for i in range(source.size):
        target[i] -= source[i]


@device
def combine(keep, memory, gain, v):
    """memory = keep·memory + gain·v"""
    for i in range(v.size):
        memory[i] = keep * memory[i] + gain * v[i]


@kernel(ADVANCE)
def server(vectors, lanes, buffer, plan, words, problem, noise, clip, method, addresses, first, last):
    """x <- x - eta_t sum_i w_i m_i with the new estimators."""
    dim = plan[DIM]
    clients = int(problem[0])
    x, g = rows(vectors, POINT, dim), rows(vectors, GRADIENT * dim, dim)
    v, xi = rows(vectors, WORK * dim, dim), rows(vectors, NOISE * dim, dim)
    counts = rows(lanes, CLIPPED, SCRATCH + 1 - CLIPPED)
    gradient, operator = gradient_at(addresses[GRADIENT_AT]), clip_at(addresses[CLIP_AT])
    client_gradient = client_gradient_at(addresses[CLIENT_GRADIENT_AT])
    feedback = method[FEEDBACK] > 0.0
    for step in range(first, last):
        gradient(x, g, dim, problem)
        track(g, lanes, dim, step)
        keep, gain = prepare_operator(step, method, addresses, clip)
        for i in range(clients):
            memory = rows(vectors, (ESTIMATORS + i) * dim, dim)
            client_gradient(x, v, i, dim, problem)
            add_client_noise(
                v, xi, buffer, plan, step * clients + i, noise, words, addresses[FILL_AT], problem[1 + clients + i]
            )
            if feedback:
                subtract(memory, v)
            operator(v, counts, dim, 0, clip)
            combine(keep, memory, gain, v)
        eta = scheduled(STEP, step, method, addresses)
        for i in range(clients):
            memory = rows(vectors, (ESTIMATORS + i) * dim, dim)
            add_scaled(-eta * problem[1 + i], memory, x)


@kernel(ADVANCE)
def network(vectors, lanes, buffer, plan, words, problem, noise, clip, method, addresses, first, last):
    """x_i <- sum_r w_ir (x_r - eta_t m_r); further blocks: the points x_i, and the next ones. Block 0 is their mean."""
    dim = plan[DIM]
    clients = int(problem[0])
    x, g = rows(vectors, POINT, dim), rows(vectors, GRADIENT * dim, dim)
    v, xi = rows(vectors, WORK * dim, dim), rows(vectors, NOISE * dim, dim)
    counts = rows(lanes, CLIPPED, SCRATCH + 1 - CLIPPED)
    gradient, operator = gradient_at(addresses[GRADIENT_AT]), clip_at(addresses[CLIP_AT])
    client_gradient = client_gradient_at(addresses[CLIENT_GRADIENT_AT])
    feedback = method[FEEDBACK] > 0.0
    points = (ESTIMATORS + clients) * dim
    following = points + clients * dim
    for step in range(first, last):
        gradient(x, g, dim, problem)
        track(g, lanes, dim, step)
        keep, gain = prepare_operator(step, method, addresses, clip)
        eta = scheduled(STEP, step, method, addresses)
        for i in range(clients):
            memory = rows(vectors, (ESTIMATORS + i) * dim, dim)
            point = rows(vectors, points + i * dim, dim)
            client_gradient(point, v, i, dim, problem)
            add_client_noise(
                v, xi, buffer, plan, step * clients + i, noise, words, addresses[FILL_AT], problem[1 + clients + i]
            )
            if feedback:
                subtract(memory, v)
            operator(v, counts, dim, 0, clip)
            combine(keep, memory, gain, v)
            add_scaled(-eta, memory, point)
        for i in range(clients):
            mixed = rows(vectors, following + i * dim, dim)
            clear(mixed)
            for r in range(clients):
                weight = method[NETWORK + i * clients + r]
                if weight != 0.0:
                    add_scaled(weight, rows(vectors, points + r * dim, dim), mixed)
        copy(rows(vectors, following, clients * dim), rows(vectors, points, clients * dim))
        clear(x)
        for i in range(clients):
            add_scaled(1.0 / clients, rows(vectors, points + i * dim, dim), x)
