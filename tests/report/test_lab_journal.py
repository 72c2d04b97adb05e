"""Experiments compute once: what the journal holds is read, what has changed is computed anew."""

import json
import os

import numpy as np
import pytest

import clipbounds as cb
from clipbounds.report import Lab
from clipbounds.report.runner import run_experiment


def setting(threshold=1.0):
    method = cb.methods.ClippedSGD(0.1, cb.clipping.NormClip(threshold))
    return cb.Setting(cb.problems.Quadratic([1.0, 2.0], [3.0, 3.0]), cb.noise.Gaussian(1.0), method)


def counts(lab):
    return lab.memory.hits, lab.memory.misses


@pytest.mark.parametrize("keep", ["trajectories", "statistics"])
def test_a_second_run_reads_the_same_bits(tmp_path, keep):
    fresh = cb.simulate(setting(), 50, 70, seed=5, keep=keep)
    for expected in ((0, 1), (1, 0)):
        lab = Lab("quick", 5, journal=tmp_path)
        run = lab.simulate(setting(), 50, 70, keep=keep)
        assert run.identical(fresh) and counts(lab) == expected
        assert {n: v.dtype for n, v in run.variables.items()} == {n: v.dtype for n, v in fresh.variables.items()}
        run.gradient_norm.values[...] = 0.0  # what is read belongs to the reader


@pytest.mark.parametrize(
    "change",
    [
        {"steps": 51},
        {"trajectories": 71},
        {"seed": 6},
        {"checkpoints": [1, 50]},
        {"keep": "statistics"},
        {"first_trajectory": 64},
        {"setting": setting(threshold=1.5)},
    ],
)
def test_whatever_changes_the_numbers_changes_the_name(tmp_path, change):
    arguments = {"setting": setting(), "steps": 50, "trajectories": 70, "seed": 5}
    Lab(journal=tmp_path).simulate(**arguments)
    lab = Lab(journal=tmp_path)
    run = lab.simulate(**{**arguments, **change})
    assert counts(lab) == (0, 1)
    assert run.identical(cb.simulate(**{**arguments, **change}))


@pytest.mark.parametrize("option", [{"threads": 1}, {"chunk": 3}, {"checkpoints": [50, 1, 50]}])
def test_what_does_not_change_the_numbers_does_not(tmp_path, option):
    Lab(journal=tmp_path).simulate(setting(), 50, 70, checkpoints=[1, 50])
    lab = Lab(journal=tmp_path)
    lab.simulate(setting(), 50, 70, **{"checkpoints": [1, 50], **option})
    assert counts(lab) == (1, 0)


def test_a_damaged_entry_is_set_aside_and_computed_again(tmp_path):
    fresh = Lab(journal=tmp_path).simulate(setting(), 50, 70)
    (file,) = tmp_path.rglob("*.cell")
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 4
    file.write_bytes(data)
    lab = Lab(journal=tmp_path)
    with pytest.warns(UserWarning, match=r"damaged \(its checksum does not fit"):
        assert lab.simulate(setting(), 50, 70).identical(fresh)
    assert counts(lab) == (0, 1) and len(list(tmp_path.glob("set_aside/*"))) == 1


def test_remember_computes_once_for_each_key(tmp_path):
    calls = []

    def squares():
        calls.append(1)
        return {"squares": np.arange(4) ** 2, "one": 1.5}

    first = Lab(journal=tmp_path).remember(
        {"what": "squares", "law": cb.noise.Gaussian(1.0), "at": np.ones(2)}, squares
    )
    again = Lab(journal=tmp_path).remember(
        {"what": "squares", "law": cb.noise.Gaussian(1.0), "at": [1.0, 1.0]}, squares
    )
    assert len(calls) == 1 and (again["squares"] == first["squares"]).all() and again["one"] == first["one"] == 1.5
    Lab(journal=tmp_path).remember({"what": "squares", "law": cb.noise.Gaussian(2.0), "at": [1.0, 1.0]}, squares)
    assert len(calls) == 2
    Lab().remember({"what": "squares"}, squares)  # no journal: nothing is kept
    assert len(calls) == 3
    for wrong in (None, {}, {"f": squares}):
        with pytest.raises(ValueError, match="key"):
            Lab(journal=tmp_path).remember(wrong, squares)


EXPERIMENT = '''"""Title."""
import numpy as np
import clipbounds as cb
from clipbounds.report import Outcome

FACTOR = 1.0

class Steep(cb.problems.Quadratic):
    def gap(self, x):
        return FACTOR * super().gap(x)

def run(lab):
    method = cb.methods.ClippedSGD(0.1, cb.clipping.NormClip(1.0))
    made = lab.simulate(cb.Setting(Steep([1.0], [3.0]), cb.noise.Gaussian(1.0), method), 10, 64)
    one = lab.remember({"what": "one"}, lambda: {"one": np.array(FACTOR)})
    plain = lab.simulate(cb.Setting(cb.problems.Quadratic([1.0], [3.0]), cb.noise.Gaussian(1.0), method), 10, 64)
    values = {"hits": [lab.memory.hits], "gap": [float(made.gap.mean() / plain.gap.mean())], "one": [float(one["one"])]}
    return Outcome([], None, {"numbers": values})
'''


def test_an_edit_of_the_experiment_recomputes_what_depends_on_it_and_nothing_else(tmp_path):
    """Its own classes and functions are part of the name; a setting of built-in components is not touched by the edit."""
    file = tmp_path / "experiments/p/claim.py"
    file.parent.mkdir(parents=True)
    file.write_text(EXPERIMENT)

    def numbers():
        run_experiment(file, tmp_path, "quick")
        return {
            k: v[0] for k, v in json.loads((tmp_path / "figures/p/claim.json").read_text())["data"]["numbers"].items()
        }

    assert numbers() == {"hits": 0, "gap": 1.0, "one": 1.0}
    assert numbers() == {"hits": 3, "gap": 1.0, "one": 1.0}
    file.write_text(EXPERIMENT.replace("FACTOR = 1.0", "FACTOR = 2.0"))
    os.utime(file, (1, 1))  # the compiled form that Python keeps is stamped with the time
    assert numbers() == {"hits": 1, "gap": 2.0, "one": 2.0}
    assert len(list((tmp_path / ".clipbounds/journal").rglob("*.cell"))) == 5
