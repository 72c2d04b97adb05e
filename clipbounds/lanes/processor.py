"""The processor that kernels are compiled for: this one, or what NUMBA_CPU_NAME and NUMBA_CPU_FEATURES say."""

from __future__ import annotations

import os
import sys
import tempfile
from functools import cache
from typing import TYPE_CHECKING

import llvmlite.binding as llvm
from numba.core import config as numba_config

if TYPE_CHECKING:
    from typing import Any

config: Any = numba_config  # which is filled when it is imported


@cache
def _complaints(name: str, features: str) -> tuple[str, ...]:
    """What LLVM writes to standard error about a processor; it has no other way to say that it does not know one."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple()
    sys.stderr.flush()
    with tempfile.TemporaryFile() as said:
        kept = os.dup(2)
        try:
            os.dup2(said.fileno(), 2)
            target.create_target_machine(cpu=name, features=features)
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        said.seek(0)
        lines = said.read().decode(errors="replace").splitlines()
    return tuple(line for line in lines if "is not a recognized" in line)


def check_processor() -> None:
    """Raise ValueError if NUMBA_CPU_NAME or NUMBA_CPU_FEATURES names what LLVM does not know and would ignore."""
    if config.CPU_NAME is None and config.CPU_FEATURES is None:
        return
    complaints = _complaints(config.CPU_NAME or llvm.get_host_cpu_name(), config.CPU_FEATURES or "")
    if complaints:
        what = complaints[0].split(" (")[0].replace("recognized", "known").replace("for this target", "here")
        raise ValueError(
            f"{what} (given by NUMBA_CPU_NAME or NUMBA_CPU_FEATURES); give a name that LLVM knows for"
            f" {llvm.get_process_triple()}, such as {llvm.get_host_cpu_name()} or generic, or unset the variables"
        )


VECTORS = ("avx", "avx2", "fma", "avx512f", "neon", "sve", "sve2")  # what decides how many lanes one instruction takes


def described() -> str:
    """The processor that kernels are compiled for and its vector units, one line."""
    name = config.CPU_NAME or llvm.get_host_cpu_name()
    told = f"{llvm.get_process_triple().partition('-')[0]}, compiled for {name}"
    if config.CPU_NAME or config.CPU_FEATURES:
        return f"{told} as NUMBA_CPU_NAME and NUMBA_CPU_FEATURES say, on {llvm.get_host_cpu_name()}"
    features = llvm.get_host_cpu_features()
    return f"{told} ({', '.join(unit for unit in VECTORS if features.get(unit)) or 'no vector units'})"
