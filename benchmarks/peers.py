"""What a researcher would write instead. Each peer is a function case -> runner or None; runner(seed, threads) returns
the final gradient norms, one a trajectory, so that all can be compared statistically before they are timed.
"""

import ctypes
import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from cases import STEP_SIZE, TAIL_INDEX, THRESHOLD

import clipbounds as cb

HERE = Path(__file__).parent


def ours(case):
    setting = case.setting()

    def run(seed, threads):
        result = cb.simulate(
            setting, case.steps, case.trajectories, seed=seed, checkpoints=[case.steps], threads=threads
        )
        return result.gradient_norm[-1].values

    return run


def noise_floor(case):
    """Our noise alone, filled window by window inside a compiled loop: what no whole step can beat."""
    if not case.setting().noise.additive:
        return None
    from numba import njit

    from clipbounds.lanes import LANES, function_at
    from clipbounds.lanes.blocks import aligned_zeros
    from clipbounds.noise.base import FILL
    from clipbounds.noise.window import SAMPLES, STRIDE, window_plan

    noise = case.setting().noise
    plan, size, params = window_plan(noise, case.dim)
    count = int(plan[SAMPLES] * plan[STRIDE])
    calls, buffer = -(-case.steps * case.batch // int(plan[SAMPLES])), aligned_zeros(size)
    fill_at, address = function_at(FILL), noise.fill.address

    @njit(nogil=True)
    def fill_all(address, calls, blocks, buffer, count, params, seed):
        fill = fill_at(address)
        for block in range(blocks):
            for call in range(calls):
                fill(buffer, call * count, count, params, seed, np.uint64(0), np.uint64(block * LANES))

    def run(seed, threads):
        fill_all(address, calls, case.trajectories // LANES, buffer, count, params, np.uint64(seed))

    return run


def numpy_vectorised(case):
    """(dim, trajectories) arrays, everything in place."""
    if case.noise == "stable":
        return None  # scipy_stable below
    shape = (case.dim, case.trajectories)
    eigenvalues = case.eigenvalues[:, np.newaxis]

    def run(seed, threads, draw=None):
        rng = np.random.default_rng(seed)
        x, g, xi = np.ones(shape), np.empty(shape), np.empty(shape)
        for _ in range(case.steps):
            gradient(x, g)
            if draw is not None:
                g += draw(rng, shape)
            elif case.noise == "gaussian":
                rng.standard_normal(out=xi)
                g += xi
            else:
                rng.random(out=xi)
                np.subtract(1.0, xi, out=xi)
                np.power(xi, -1 / TAIL_INDEX, out=xi)
                xi -= TAIL_INDEX / (TAIL_INDEX - 1)
                g += xi
            norm = np.sqrt(np.einsum("ij,ij->j", g, g))
            np.divide(THRESHOLD, norm, out=norm)
            np.minimum(norm, 1.0, out=norm)
            norm *= STEP_SIZE
            g *= norm
            x -= g
        gradient(x, g)
        return np.sqrt(np.einsum("ij,ij->j", g, g))

    def gradient(x, g):
        if case.problem == "quadratic":
            np.multiply(eigenvalues, x, out=g)
        else:
            np.sinh(x, out=g)

    return run


def torch_vectorised(case):
    """The same arrays in PyTorch on the CPU, float64, in place; None if it is not installed."""
    if case.noise == "stable":
        return None
    try:
        import torch
    except ImportError:
        return None
    shape = (case.dim, case.trajectories)
    eigenvalues = torch.as_tensor(case.eigenvalues)[:, None]

    def gradient(x, g):
        if case.problem == "quadratic":
            torch.mul(eigenvalues, x, out=g)
        else:
            torch.sinh(x, out=g)

    @torch.no_grad()
    def run(seed, threads):
        torch.set_num_threads(threads)
        rng = torch.Generator().manual_seed(seed)
        x, g, xi = torch.ones(shape, dtype=torch.float64), *(torch.empty(shape, dtype=torch.float64) for _ in range(2))
        for _ in range(case.steps):
            gradient(x, g)
            if case.noise == "gaussian":
                g += xi.normal_(generator=rng)
            else:
                xi.uniform_(generator=rng).neg_().add_(1.0).pow_(-1 / TAIL_INDEX)
                g += xi.sub_(TAIL_INDEX / (TAIL_INDEX - 1))
            g *= torch.linalg.vector_norm(g, dim=0).reciprocal_().mul_(THRESHOLD).clamp_(max=1.0).mul_(STEP_SIZE)
            x -= g
        gradient(x, g)
        return torch.linalg.vector_norm(g, dim=0).numpy()

    return run


def scipy_stable(case):
    """The same with scipy.stats.levy_stable, parameterisation S1."""
    if case.noise != "stable":
        return None
    import dataclasses

    from scipy.stats import levy_stable

    law = levy_stable(TAIL_INDEX, 0.0)
    run = numpy_vectorised(dataclasses.replace(case, noise="gaussian"))
    return lambda seed, threads: run(seed, threads, draw=lambda rng, shape: law.rvs(size=shape, random_state=rng))


def numba_scalar(case):
    """One trajectory at a time, np.random.Generator."""
    if case.noise == "stable":
        return None
    import math

    from numba import njit

    pareto, cosh, eigenvalues = case.noise == "pareto", case.problem == "cosh", case.eigenvalues

    @njit(fastmath={"contract"}, error_model="numpy")
    def loop(rng, steps, trajectories, eigenvalues, out):
        dim = eigenvalues.size
        x, g = np.empty(dim), np.empty(dim)
        for n in range(trajectories):
            x[:] = 1.0
            for _ in range(steps):
                total = 0.0
                for k in range(dim):
                    slope = math.sinh(x[k]) if cosh else eigenvalues[k] * x[k]
                    if pareto:
                        slope += (1.0 - rng.random()) ** (-1 / TAIL_INDEX) - TAIL_INDEX / (TAIL_INDEX - 1)
                    else:
                        slope += rng.standard_normal()
                    g[k] = slope
                    total += slope * slope
                factor = STEP_SIZE * min(1.0, THRESHOLD / math.sqrt(total))
                for k in range(dim):
                    x[k] -= factor * g[k]
            total = 0.0
            for k in range(dim):
                slope = math.sinh(x[k]) if cosh else eigenvalues[k] * x[k]
                total += slope * slope
            out[n] = math.sqrt(total)

    def run(seed, threads):
        out = np.empty(case.trajectories)
        loop(np.random.default_rng(seed), case.steps, case.trajectories, eigenvalues, out)
        return out

    return run


def jax_scan(case):
    """vmap over trajectories, scan over steps, float64, compiled; uses all cores by itself."""
    if case.noise == "stable":
        return None
    try:
        import jax
        import jax.numpy as jnp
    except ImportError:
        return None
    jax.config.update("jax_enable_x64", True)
    eigenvalues = jnp.asarray(case.eigenvalues)

    def gradient(x):
        return jnp.sinh(x) if case.problem == "cosh" else eigenvalues * x

    def trajectory(key):
        def step(x, key):
            if case.noise == "gaussian":
                xi = jax.random.normal(key, (case.dim,), dtype=jnp.float64)
            else:
                u = jax.random.uniform(key, (case.dim,), dtype=jnp.float64, minval=2.0**-53)
                xi = u ** (-1 / TAIL_INDEX) - TAIL_INDEX / (TAIL_INDEX - 1)
            g = gradient(x) + xi
            return x - STEP_SIZE * jnp.minimum(1.0, THRESHOLD / jnp.linalg.norm(g)) * g, None

        x, _ = jax.lax.scan(step, jnp.ones(case.dim), jax.random.split(key, case.steps))
        return jnp.linalg.norm(gradient(x))

    compiled = jax.jit(jax.vmap(trajectory))
    return lambda seed, threads: np.asarray(compiled(jax.random.split(jax.random.key(seed), case.trajectories)))


@functools.cache
def _cpp_function():
    """The function of peer.cpp, compiled for this processor; None without a compiler. Nothing is left on the disk."""
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        return None
    flags = ["-O3", "-march=native", "-std=c++17", "-shared", "-fPIC", "-pthread"]
    # what is loaded stays in memory when the file has gone; systems that hold the file keep the folder
    with tempfile.TemporaryDirectory(prefix="clipbounds-bench-", ignore_cleanup_errors=True) as folder:
        library = Path(folder) / "peer.so"
        subprocess.run([compiler, *flags, HERE / "peer.cpp", "-o", library], check=True)
        function = ctypes.CDLL(str(library)).clipped_sgd
    pointer = np.ctypeslib.ndpointer(np.float64, flags="C")
    function.argtypes = [ctypes.c_uint64, ctypes.c_long, ctypes.c_long, ctypes.c_long, ctypes.c_int, ctypes.c_int,
                         ctypes.c_int, ctypes.c_double, ctypes.c_double, ctypes.c_double, pointer, pointer]  # fmt: skip
    return function


def cpp_loop(case):
    """C++ -O3 -march=native, xoshiro256++ and a ziggurat, std::thread; needs a compiler."""
    function = None if case.noise == "stable" else _cpp_function()
    if function is None:
        return None
    eigenvalues = np.ascontiguousarray(case.eigenvalues)

    def run(seed, threads):
        out = np.empty(case.trajectories)
        function(seed, case.dim, case.steps, case.trajectories, case.noise == "pareto", case.problem == "cosh",
                 threads, STEP_SIZE, THRESHOLD, TAIL_INDEX, eigenvalues, out)  # fmt: skip
        return out

    return run


PEERS = {
    "NumPy": numpy_vectorised,
    "NumPy + SciPy": scipy_stable,
    "PyTorch": torch_vectorised,
    "Numba, scalar": numba_scalar,
    "C++": cpp_loop,
}
# other methods have their own loops
METHOD_PEERS = {"NumPy": lambda case: case.vectorised}
# on all cores: those that can use them
PARALLEL_PEERS = {"JAX": jax_scan, "C++": cpp_loop}
