"""A record knows the program text behind its verdicts: an edit of what it reaches is told, and nothing else is."""

import json
import shutil

import pytest
from click.testing import CliRunner

from clipbounds.cli import main
from clipbounds.lanes.meaning import PACKAGE
from clipbounds.report import used_texts
from clipbounds.report.used_texts import other_texts, rooms, text_digests, used_rooms

NAME = "koloskova2023/small"
EXPERIMENT = '''"""A claim."""

import clipbounds as cb
from clipbounds.bounds import koloskova2023 as theory
from clipbounds.report import Outcome, row_from_verdicts


def run(lab):
    method = cb.methods.ClippedSGD(0.01, cb.clipping.NormClip(1.0))
    setting = cb.Setting(cb.problems.Huber(1.0, 1.0, [1.0]), cb.noise.Gaussian(1.0), method)
    run = lab.simulate(setting, steps=50, trajectories=64)
    return Outcome([row_from_verdicts("S1", "64 trajectories", cb.compare(run, theory.S1()).verdicts)], None)
'''


@pytest.fixture
def experiment(tmp_path):
    file = tmp_path / "experiments" / f"{NAME}.py"
    file.parent.mkdir(parents=True)
    file.write_text(EXPERIMENT)
    return file


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package's text, which may be edited, in its place."""
    copy = tmp_path / "clipbounds"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    cached = (rooms, used_texts._imported, used_texts.room_digest)

    def forget():
        for function in cached:
            function.cache_clear()

    monkeypatch.setattr(used_texts, "PACKAGE", copy)
    forget()
    yield copy, forget
    monkeypatch.undo()
    forget()


EDITS = {
    "a comment": ("problems/separable.py", "import numpy as np", "import numpy as np  # as always", []),
    "a docstring": ("verdict/decide.py", '"""', '"""Now: ', []),
    "a fact of a problem": ("problems/convex.py", "def value(self", "unlikely = 1\n\n    def value(self", ["problems"]),
    "a verdict": ("verdict/decide.py", "import numpy as np", "import numpy as np\n\nUNLIKELY = 1", ["verdict"]),
    "a bound": ("bounds/koloskova2023/stochastic.py", "import numpy as np", "import numpy as np\n\nUNLIKELY = 1", ["bounds.koloskova2023"]),
    "a bound that it does not reach": ("bounds/reisizadeh2023/spider.py", "import numpy as np", "import numpy as np\n\nUNLIKELY = 1", []),
    "a command": ("cli/common.py", "import click", "import click\n\nUNLIKELY = 1", []),
}  # fmt: skip


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_is_told_where_it_may_have_changed_the_record(experiment, package, edit):
    copy, forget = package
    record = {"texts": text_digests(experiment)}
    assert other_texts(record, experiment) == []
    file, before, after, expected = EDITS[edit]
    text = (copy / file).read_text()
    assert before in text
    (copy / file).write_text(text.replace(before, after, 1))
    forget()
    assert other_texts(record, experiment) == expected


def test_a_room_that_is_gone_and_a_record_that_does_not_say(experiment):
    texts = text_digests(experiment)
    assert other_texts({"texts": {**texts, "gone": "0" * 16}}, experiment) == ["gone"]
    for record in ({}, {"texts": None}, {"texts": {}}):
        assert other_texts(record, experiment) is None


def test_rooms_are_found_by_imports_of_imports(tmp_path):
    found = {}
    for name, text in {
        "paper": "from clipbounds.bounds.reisizadeh2023 import Spider",
        "none": "import clipbounds as cb\ncb.problems",
        "all": "import clipbounds as cb\ncb.bounds.applicable(1)",
    }.items():
        file = tmp_path / "experiments" / "x" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        found[name] = {room for room in used_rooms([file]) if room.startswith("bounds.")}
    assert "bounds.reisizadeh2023" in found["paper"] - found["none"]
    assert found["all"] == {room for room in rooms() if room.startswith("bounds.")} > found["paper"]


def test_the_commands_tell_and_do_not_fail(experiment, tmp_path):
    def call(*arguments):
        done = CliRunner().invoke(main, [*arguments, "--root", str(tmp_path)])
        assert done.exit_code == 0, done.output
        return done

    call("run", NAME, "--budget", "quick")
    assert "note" not in call("check").stderr + call("report").stderr
    experiment.write_text("# a comment\n" + EXPERIMENT)
    assert "note" not in call("check").stderr
    experiment.write_text(EXPERIMENT.replace("steps=50", "steps=51"))
    told = f"note: computed by other program text (experiment), run again: {NAME}\n"
    assert call("check").stderr == call("report").stderr == told
    assert json.loads(call("check", "--json").stdout)["other_text"] == {NAME: ["experiment"]}
    file = tmp_path / "figures" / f"{NAME}.json"
    record = json.loads(file.read_text())
    del record["texts"]
    file.write_text(json.dumps(record))
    assert "do not say by which program text they were judged: 1;" in call("check").stderr
    assert json.loads(call("check", "--json").stdout)["text_unknown"] == [NAME]
