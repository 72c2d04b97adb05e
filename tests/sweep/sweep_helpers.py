"""A small grid whose cells tell, in a file, that they have been started; importable by worker processes."""

import os
import time

import numpy as np

import clipbounds as cb

LOG, PAUSE, DEADLY = "CLIPBOUNDS_TEST_LOG", "CLIPBOUNDS_TEST_PAUSE", "CLIPBOUNDS_TEST_DEADLY"


class Counted(cb.problems.Quadratic):
    """Writes a line to $CLIPBOUNDS_TEST_LOG when a cell is observed, and takes $CLIPBOUNDS_TEST_PAUSE seconds for it.

    The curvature 13 raises; with $CLIPBOUNDS_TEST_DEADLY it kills its process.
    """

    def gap(self, x):
        if LOG in os.environ and np.ndim(x) > 1:
            with open(os.environ[LOG], "ab", buffering=0) as stream:
                stream.write(b"started\n")
        time.sleep(float(os.environ.get(PAUSE, "0")))
        if self.eigenvalues[0] == 13.0:
            if DEADLY in os.environ:
                os._exit(9)
            raise FloatingPointError("thirteen")
        return super().gap(x)


def grid(cells=20, kind="sweep_helpers:Counted", **changes):
    """A sweep of 5 thresholds by cells/5 step sizes: one block and one checkpoint a cell, so one line in the log."""
    given = {
        "name": "small",
        "problem": {"type": kind, "eigenvalues": [1.0, 2.0], "x0": [1.0, 1.0]},
        "noise": {"type": "SymmetricPareto", "tail_index": 1.5, "scale": 1.0},
        "method": {
            "type": "ClippedSGD",
            "step_size": f"geomspace(1e-3, 1e-1, {cells // 5})",
            "clip": {"type": "NormClip", "threshold": "geomspace(0.1, 10, 5)"},
        },
        "steps": 20,
        "trajectories": 32,
        "checkpoints": [20],
    }
    return {**given, **changes}


def as_toml(given):
    """The description as TOML."""
    lines = [f"{key} = {value!r}" for key, value in given.items() if not isinstance(value, dict)]
    for key, value in given.items():
        if isinstance(value, dict):
            lines += [f"[{key}]"] + [f"{k} = {v!r}" for k, v in value.items() if not isinstance(v, dict)]
            for inner, table in value.items():
                if isinstance(table, dict):
                    lines += [f"[{key}.{inner}]"] + [f"{k} = {v!r}" for k, v in table.items()]
    return "\n".join(lines) + "\n"


def same_bits(first, second):
    """Whether two Datasets are identical, payloads of nan and signs of zero included."""
    return first.identical(second) and all(
        first[name].dtype == second[name].dtype and first[name].values.tobytes() == second[name].values.tobytes()
        for name in first.variables
        if first[name].dtype.kind in "fi"
    )


class Watched(cb.methods.SGD):
    """SGD that measures one quantity more."""

    extra_measured = {"first_coordinate": "x_1"}

    def observe_extra(self, setting, vectors):
        return vectors[0][np.newaxis, :, 0]
