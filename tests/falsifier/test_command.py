"""`clipbounds falsify` and `clipbounds replay` as a stranger uses them."""

import json
import sys

import pytest
from click.testing import CliRunner

from clipbounds.cli import main

BOUND = '''
import numpy as np
from clipbounds.bounds import Bound, Hypothesis
from clipbounds.methods import ClippedSGD
from clipbounds.noise import NoNoise


class Halved{number}(Bound):
    """Half of the first gap is gone after one step: wrong."""

    quantity = "gap"
    aggregate = "every"
    statement = r"f(x_T)-f^*\\le F_0/2"

    def conditions(self, setting):
        return [
            Hypothesis("clipped GD", "", isinstance(setting.method, ClippedSGD)),
            Hypothesis("no noise", "", isinstance(setting.noise, NoNoise)),
        ]

    def evaluate(self, setting, steps):
        return 0.5 * setting.problem.initial_gap * np.ones_like(steps)
'''


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def file(tmp_path, monkeypatch):
    """A file with one bound, under a name that no other test imports."""
    name = f"bound_of_{tmp_path.name.replace('-', '_')}"
    path = tmp_path / f"{name}.py"
    path.write_text(BOUND.replace("{number}", ""), encoding="utf-8")
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield path
    sys.modules.pop(name, None)


def test_a_file_with_a_bound_is_attacked_and_its_instance_replayed(file, tmp_path):
    out = tmp_path / "out"
    found = run("falsify", file, "--evaluations", 200, "--out", out)
    assert found.exit_code == 1, found.output
    assert "Halved is broken" in found.output and "setting = cb.Setting(" in found.output
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "<svg" in page and "broken" in page and "<math" in page and 'href="http' not in page and 'src="' not in page
    again = run("replay", out / "instance.json")
    assert again.exit_code == 0 and "confirmed" in again.output
    sys.modules.pop(file.stem)
    strange = run("replay", out / "instance.json")
    assert strange.exit_code == 2 and "--bound FILE.py" in strange.output
    assert run("replay", out / "instance.json", "--bound", file).exit_code == 0
    content = json.loads(run("falsify", file, "--evaluations", 200, "--json").output)
    assert content["broken"] and content["confirmation"]["method"] == "exact"


def test_a_bound_of_the_package_survives():
    found = run("falsify", "koloskova2023.D3", "--evaluations", 150)
    assert found.exit_code == 0, found.output
    assert "not broken in 150 evaluations" in found.output


def test_mutants_on_the_command_line(file):
    found = run("falsify", file, "--mutants", "--evaluations", 200)
    assert found.exit_code == 0 and "constants by 0.9: 1 of 1 caught" in found.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["koloskova2023.S99"], "there is no bound"),
        (["os.system"], "there is no bound"),
        (["nowhere.py"], "there is no Python file"),
        (["nobile2026.Theorem3"], "needs parameters"),
        (["koloskova2023.S1", "--evaluations", "0"], "at least 1 evaluation"),
        (["koloskova2023.S1", "--mutants", "--out", "attack"], "writes no files; leave out --out"),
        (["koloskova2023.S1", "--seconds", "nan"], "more than 0 seconds"),
        (["koloskova2023.S1", "--confidence", "2"], r"confidence must be in (0, 1)"),
        (["koloskova2023.S1", "--space", "x"], "names none"),
        (["koloskova2023.StochasticFloor"], "asserts nothing about one setting"),
    ],
)
def test_wrong_use_is_one_sentence_and_writes_nothing(arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = run("falsify", *arguments)
    assert found.exit_code == 2
    assert words in found.output and "Traceback" not in found.output
    assert len(found.output.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_two_bounds_need_a_name_and_a_file_that_raises_is_told(file, tmp_path):
    both = file.with_name(file.stem + "_two.py")
    both.write_text(BOUND.replace("{number}", "A") + BOUND.replace("{number}", "B"), encoding="utf-8")
    found = run("falsify", both)
    assert found.exit_code == 2 and "HalvedA, HalvedB" in found.output
    assert run("falsify", f"{both}:HalvedB", "--evaluations", 50).exit_code == 1
    bad = file.with_name(file.stem + "_bad.py")
    bad.write_text("1/0\n", encoding="utf-8")
    found = run("falsify", bad)
    assert found.exit_code == 2 and "line 1: ZeroDivisionError" in found.output
    for module in (both.stem, bad.stem):
        sys.modules.pop(module, None)
