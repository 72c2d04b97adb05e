"""The test suite as on other machines: processors, BLAS kernels and NumPy's loops that this one can stand in for.

    python scripts/cpu_paths.py [--path NAME]... [--list] [arguments of pytest]

Compiled kernels, NumPy, SciPy and OpenBLAS choose their code by the processor, and with it the order of sums and whether
a product is rounded before it is added. A path is a set of environment variables under which they choose as an older
processor would. The exit code is 1 if the tests fail on some path.
"""

import argparse
import os
import platform
import re
import subprocess
import sys
import time

NATIVE, GENERIC = "native", "generic"


def numpy_features():
    """What NumPy would choose its loops by on this processor, in ascending order."""
    try:
        from numpy._core import _multiarray_umath as core
    except ImportError:
        from numpy.core import _multiarray_umath as core
    return [name for name in core.__cpu_dispatch__ if core.__cpu_features__.get(name)]


def host_features():
    """What LLVM finds on this processor."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    return {name for name, present in llvm.get_host_cpu_features().items() if present}


def _environment(name, blas, without):
    """Variables for Numba's processor (by its name alone, not with this one's features), OpenBLAS, NumPy and SciPy."""
    found = {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": "", "OPENBLAS_CORETYPE": blas}
    return found | ({"NPY_DISABLE_CPU_FEATURES": " ".join(without)} if without else {})


def paths():
    """Name and environment of every path that this machine can take; the first is this machine as it is."""
    numpy, host = numpy_features(), host_features()
    if platform.machine().lower() in ("x86_64", "amd64"):
        wide = {"OPENBLAS_CORETYPE": "SkylakeX"} if {"avx512f", "avx512vl", "avx512bw", "avx512dq"} <= host else {}
        found = {NATIVE: wide, GENERIC: _environment("generic", "Prescott", numpy)}
        if {"avx2", "fma", "bmi2"} <= host:
            narrow = [name for name in numpy if name == "X86_V4" or name.startswith("AVX512")]
            found["x86-64-v3"] = _environment("x86-64-v3", "Haswell", narrow)
        return found
    if platform.machine().lower() in ("aarch64", "arm64"):
        return {NATIVE: {}, GENERIC: _environment("generic", "ARMV8", numpy)}
    return {NATIVE: {}, GENERIC: {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}}


SUMMARY = re.compile(r"=* ?(?:\d+ [a-z]+(?:, )?)+ in [\d.]+s")  # framed by = signs, or bare under -q


def count(summary):
    """The number of tests that ran, from the last line that pytest prints."""
    return sum(int(n) for n in re.findall(r"(\d+) (?:passed|failed|errors?|xfailed|xpassed)", summary))


def run(name, changes, arguments):
    """Run pytest on one path; its exit code, the number of tests, the summary and the seconds."""
    print(f"== {name}: {' '.join(f'{k}={v!r}' for k, v in changes.items()) or 'this machine as it is'}", flush=True)
    environment, started = {**os.environ, **changes}, time.perf_counter()
    warm = [sys.executable, "-m", "clipbounds.cli", "warm"]
    subprocess.run(warm, env=environment, check=True)
    command = [sys.executable, "-m", "pytest", "-o", "addopts=--strict-markers", *arguments]
    done = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    last = ""
    for line in done.stdout:
        print(line, end="", flush=True)
        last = line if SUMMARY.match(line) else last
    return done.wait(), count(last), last.strip("= \n"), time.perf_counter() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--path", action="append", help="only this path; may be given several times")
    parser.add_argument("--list", action="store_true", help="print the paths of this machine and their variables")
    chosen, arguments = parser.parse_known_args()
    known = paths()
    unknown = set(chosen.path or ()) - set(known)
    if unknown:
        parser.error(f"this machine has the paths {', '.join(known)}, but {', '.join(sorted(unknown))} was given")
    if chosen.list:
        for name, changes in known.items():
            print(name, *(f"{key}={value!r}" for key, value in changes.items()))
        return 0
    results = {name: run(name, known[name], arguments) for name in chosen.path or known}
    for name, (code, tests, summary, seconds) in results.items():
        print(f"{name}: {tests} tests, {'passed' if code == 0 else 'FAILED'} ({summary}), {seconds:.0f} s")
    return int(any(code for code, *_ in results.values()))


if __name__ == "__main__":
    sys.exit(main())
