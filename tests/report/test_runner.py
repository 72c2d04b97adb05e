"""Experiments as files: records, figures, paper_checks.md, and the command line around them."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from clipbounds.cli import main
from clipbounds.report import catalogue

EXPERIMENT = '''
"""A claim that {word}. More about it."""

from clipbounds.report import Outcome, Row, style


def run(lab):
    figure, axes = style.figure()
    axes.plot([1, 2], [1, 2])
    lab.step(1, 1, "only part")
    row = Row("one | two", "by hand", "1", "2", 0.5, "{verdict}", asserted={asserted})
    return Outcome([row], figure, {{"line": {{"x": [1.0, float("inf")]}}}})
'''


def write(root, name, verdict="holds", asserted=True):
    file = root / "experiments" / "koloskova2023" / f"{name}.py"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(EXPERIMENT.format(word=verdict, verdict=verdict, asserted=asserted))
    return file


@pytest.fixture(autouse=True)
def nothing_came_with_the_package(monkeypatch):
    """So that a test runs its own experiments only; tests/report/test_catalogue.py and test_wheel.py have them all."""
    monkeypatch.setattr(catalogue, "packaged_experiments", lambda: None)


def call(*arguments):
    return CliRunner().invoke(main, [str(a) for a in arguments])


def test_run_and_check(tmp_path):
    write(tmp_path, "good")
    write(tmp_path, "later", "undecided")
    assert call("run", "--root", tmp_path, "--budget", "quick").exit_code == 0
    record = json.loads((tmp_path / "figures/koloskova2023/good.json").read_text())
    assert record["title"] == "A claim that holds. More about it"
    assert record["rows"][0]["verdict"] == "holds" and record["budget"] == "quick"
    assert record["data"]["line"]["x"] == [1.0, "inf"]
    for suffix in ("png", "pdf", "svg"):
        assert (tmp_path / f"figures/koloskova2023/good.{suffix}").stat().st_size > 1000
    assert call("check", "--root", tmp_path).exit_code == 0
    text = (tmp_path / "paper_checks.md").read_text()
    assert "| good.1 | koloskova2023 | one \\| two | by hand | 1 | 2 | 0.5 | holds |" in text
    assert "undecided" in text


def test_an_asserted_violation_fails_and_a_display_does_not(tmp_path):
    write(tmp_path, "display", "violated", asserted=False)
    assert call("run", "--root", tmp_path).exit_code == 0
    assert call("check", "--root", tmp_path).exit_code == 0
    write(tmp_path, "wrong", "violated")
    assert call("run", "--root", tmp_path).exit_code == 1
    result = call("check", "--root", tmp_path, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout.splitlines()[0])["violated"] == ["koloskova2023/wrong.1"]


def test_a_file_outside_of_experiments_is_run_and_said_to_be_left_out(tmp_path):
    inside = write(tmp_path, "inside")
    outside = tmp_path / "mine.py"
    outside.write_text(inside.read_text())
    result = call("run", "--root", tmp_path, outside)
    assert result.exit_code == 0 and "1 experiment in" in result.output
    assert f"report leave it out: {outside}" in result.output
    assert "leave it out" not in call("run", "--root", tmp_path, inside).output
    assert "inside" in call("list", "--root", tmp_path).output


def test_what_has_not_been_run_is_not_measured(tmp_path):
    write(tmp_path, "good")
    assert call("check", "--root", tmp_path).exit_code == 0
    assert "not measured: has not been run" in (tmp_path / "paper_checks.md").read_text()


def test_equal_runs_write_equal_files(tmp_path):
    write(tmp_path, "good")
    call("run", "--root", tmp_path)
    before = {f.name: f.read_bytes() for f in (tmp_path / "figures/koloskova2023").iterdir()}
    call("run", "--again", "--root", tmp_path)
    after = {f.name: f.read_bytes() for f in (tmp_path / "figures/koloskova2023").iterdir()}
    assert before == after and len(before) == 4


def test_what_has_not_changed_is_not_run_again(tmp_path):
    """An edit of the experiment, a lost or altered figure, another budget or seed: it is run; otherwise it is not."""
    file = write(tmp_path, "good")
    file.write_text(file.read_text() + "\nprint('executed')\n")
    stem = tmp_path / "figures/koloskova2023/good"

    def executed(*options):
        result = call("run", "--root", tmp_path, "--budget", "quick", *options)
        assert result.exit_code == 0
        return result.output.count("executed") > 1  # every file is loaded once, to see that it is an experiment

    assert executed() and not executed()
    assert executed("--again") and executed("--seed", "3") and not executed("--seed", "3")
    record = stem.with_suffix(".json").read_bytes()
    stem.with_suffix(".png").write_bytes(b"altered")
    assert executed("--seed", "3") and stem.with_suffix(".png").stat().st_size > 1000
    stem.with_suffix(".pdf").unlink()
    assert executed("--seed", "3") and stem.with_suffix(".pdf").exists()
    assert len(stem.with_suffix(".json").read_bytes()) >= len(record) - 10
    file.write_text(file.read_text() + "\n# a comment\n")
    assert not executed("--seed", "3")
    file.write_text(file.read_text() + "\nEDITED = 1\n")
    assert executed("--seed", "3") and not executed("--seed", "3")
    write(tmp_path, "good", "not measured")
    file.write_text(file.read_text() + "\nprint('executed')\n")
    assert executed() and executed()


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["run", "--budget", "huge"], "--budget must be one of quick, standard, full, but 'huge'"),
        (["run", "nowhere.py"], "there is no experiment file nowhere.py"),
        (["run", "--seed", "one"], "not a valid integer"),
        (["run", "--seed", "-1"], "-1"),
        (["list", "--root", "nowhere"], "there is no folder nowhere"),
        (["check", "--root", "nowhere"], "there is no folder nowhere"),
        (["report", "--root", "nowhere"], "there is no folder nowhere"),
        (["report"], "there is no experiment in"),
        (["fly"], "No such command"),
    ],
)
def test_wrong_use_is_exit_2_and_writes_nothing(arguments, part, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = call(*arguments)
    assert result.exit_code == 2
    assert part in result.output
    assert list(tmp_path.iterdir()) == []


def test_a_file_without_run_is_refused_before_anything_runs(tmp_path):
    good = write(tmp_path, "good")
    empty = tmp_path / "experiments/koloskova2023/empty.py"
    empty.write_text("x = 1\n")
    result = call("run", good, empty, "--root", tmp_path)
    assert result.exit_code == 2 and "must define run(lab)" in result.output
    assert not (tmp_path / "figures").exists()


def test_importing_is_light():
    """Heavy libraries stay out of the import path."""
    code = "import sys, clipbounds; print([m for m in ('scipy.stats', 'scipy.optimize', 'matplotlib', 'xarray', 'pandas', 'dask', 'rich') if m in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parent
    )
    assert found.stdout.strip() == "[]"


def test_a_file_named_without_its_folder_is_recorded_in_its_place(tmp_path, monkeypatch):
    file = write(tmp_path, "near")
    monkeypatch.chdir(file.parent)
    assert call("run", "near.py", "--root", tmp_path, "--budget", "quick").exit_code == 0
    assert (tmp_path / "figures/koloskova2023/near.json").is_file()


def test_a_folder_without_experiments_runs_nothing(tmp_path):
    write(tmp_path, "other")
    (tmp_path / "empty").mkdir()
    result = call("run", tmp_path / "empty", "--root", tmp_path)
    assert result.exit_code == 2 and "no experiment file in the folder" in result.output
    assert call("run", "--root", tmp_path, "--seed", 2**64).exit_code == 2
    assert not (tmp_path / "figures").exists()


@pytest.mark.parametrize("command", ["run", "list", "check"])
def test_a_file_that_python_cannot_read_is_one_sentence(tmp_path, command):
    write(tmp_path, "broken").write_text("import clipbounds\n\ndef run(lab:")
    result = call(command, "--root", tmp_path)
    assert result.exit_code == 2 and "broken.py is not an experiment" in result.output


@pytest.mark.parametrize("text", ["trunc", "{}", "[]"])
@pytest.mark.parametrize("command", ["list", "check", "report"])
def test_a_broken_record_is_named(tmp_path, command, text):
    write(tmp_path, "good")
    record = tmp_path / "figures/koloskova2023/good.json"
    record.parent.mkdir(parents=True)
    record.write_text(text)
    result = call(command, "--root", tmp_path)
    assert result.exit_code == 2 and "good.json is not a record" in result.output
    assert not (tmp_path / "paper_checks.md").exists()


def test_data_that_cannot_be_recorded_leaves_no_figure(tmp_path):
    file = write(tmp_path, "odd")
    file.write_text(file.read_text().replace('{"x": [1.0, float("inf")]}', '{"x": [object()]}'))
    result = call("run", "--root", tmp_path, "--budget", "quick")
    assert result.exit_code == 2 and "must be numbers and text" in result.output
    assert not (tmp_path / "figures").exists()


def test_interrupt_leaves_a_clean_state(tmp_path):
    """SIGINT in the middle of a long simulation: exit code 130 within seconds, no half-written file."""
    file = tmp_path / "experiments/koloskova2023/long.py"
    file.parent.mkdir(parents=True)
    file.write_text(
        """
import clipbounds as cb

def run(lab):
    setting = cb.Setting(cb.problems.Quadratic(1.0, 1.0), cb.noise.NoNoise(), cb.methods.SGD(0.1))
    print("started", flush=True)
    lab.simulate(setting, 10**12)
"""
    )
    program = "from clipbounds.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", program, "run", file, "--root", tmp_path],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "started\n"
    time.sleep(1)  # into the block: a thread that runs is harder to stop than one that has not begun
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in errors and "Traceback" not in errors
    assert not (tmp_path / "figures").exists()
