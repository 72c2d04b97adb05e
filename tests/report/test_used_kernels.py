"""What a record says of the kernels: those that the experiment can use, found without running it."""

import json

import pytest
from click.testing import CliRunner

import clipbounds as cb
from clipbounds.cli import main
from clipbounds.lanes.compile import Kernel, all_kernels
from clipbounds.report.lab import Lab
from clipbounds.report.runner import load
from clipbounds.report.used_kernels import is_stale, kernel_digests, kernels_of

EXPERIMENT = '''
"""A claim."""

import clipbounds as cb
from clipbounds.report import Outcome, Row


class Soft(cb.problems.Problem):
    x0: "vector" = cb.specs.vector()
    f_star = 0.0

    def value(self, x):
        return 0.5 * (x * x).sum(-1)

    @cb.problems.coordinatewise
    def gradient_kernel(x):
        return x


def _method():
    return cb.methods.ClippedSGD(0.1, cb.clipping.NormClip(1.0))


def run(lab):
    setting = cb.Setting(Soft([1.0]), cb.noise.Pareto(1.5, 1.0), _method())
    lab.simulate(setting, 2)
    return Outcome([Row("a", "b", "1", "1", 1.0, "holds")], None)
'''


@pytest.fixture
def experiment(tmp_path):
    file = tmp_path / "experiments/koloskova2023/soft.py"
    file.parent.mkdir(parents=True)
    file.write_text(EXPERIMENT)
    return file


def test_the_kernels_of_an_experiment_are_found_without_running_it(experiment, monkeypatch):
    module = load(experiment)
    found = kernels_of(module)
    used = set()
    address = Kernel.address.fget
    monkeypatch.setattr(Kernel, "address", property(lambda self: used.add(self) or address(self)))
    module.run(Lab("quick", 0))
    assert len(used) >= 3 and used <= set(found)  # gradient, noise, operator
    assert cb.methods.ClippedSGD.advance in found
    assert len(found) < 20 < len(all_kernels())  # and not simply all of them


def test_a_record_is_stale_when_a_kernel_that_it_names_has_changed(experiment, tmp_path):
    def call(*arguments):
        return CliRunner().invoke(main, [*map(str, arguments), "--root", str(tmp_path)])

    assert call("run", "koloskova2023/soft", "--budget", "quick").exit_code == 0
    file = tmp_path / "figures/koloskova2023/soft.json"
    record = json.loads(file.read_text())
    assert "clipbounds.noise.kernels.pareto" in record["kernels"]
    assert any(name.endswith("Soft.gradient_kernel") for name in record["kernels"])
    assert "run them again" not in call("check").output
    for name, digest in (("clipbounds.noise.kernels.pareto", "0" * 16), ("clipbounds.noise.kernels.gone", "0" * 16)):
        file.write_text(json.dumps({**record, "kernels": {**record["kernels"], name: digest}}))
        assert "run them again: koloskova2023/soft" in call("check").output
    assert is_stale("0123456789abcdef") and not is_stale({})


def test_digests_are_those_of_the_kernels(experiment):
    digests = kernel_digests(load(experiment))
    assert digests["clipbounds.methods.kernels.sgd"] == cb.methods.ClippedSGD.advance.meaning
