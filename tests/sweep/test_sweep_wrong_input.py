"""Wrong input of every kind: the exit code, one sentence, and nothing written."""

import pytest
from click.testing import CliRunner
from sweep_helpers import as_toml, grid

from clipbounds.cli import main
from clipbounds.sweep import Sweep, run

LONGEST = 200  # characters of a sentence, the names of folders of this test left out
CLIP = {"type": "NormClip", "threshold": 1.0}
METHOD = {"type": "ClippedSGD", "step_size": 0.1, "clip": CLIP}
LAW = {"type": "Gaussian", "scale": 1.0}
QUADRATIC = {"type": "Quadratic", "eigenvalues": [1.0, 2.0], "x0": [1.0, 1.0]}
NAN, INF = float("nan"), float("inf")


def described(**changes):
    """A description of one cell with changes; a change to None leaves the key out."""
    given = {**grid(kind="Quadratic"), "method": METHOD, "noise": LAW, "problem": QUADRATIC, **changes}
    return {key: value for key, value in given.items() if value is not None}


def method(**changes):
    return {"method": {**METHOD, **changes}}


def clip(**changes):
    return method(clip={**CLIP, **changes})


def noise(**changes):
    return {"noise": {**LAW, **changes}}


def problem(**changes):
    return {"problem": {**QUADRATIC, **changes}}


DESCRIPTIONS = {
    # types
    "steps text": {"steps": "many"}, "steps float": {"steps": 1.5}, "steps true": {"steps": True},
    "steps negative": {"steps": -1}, "steps nan": {"steps": NAN}, "steps table": {"steps": {"a": 1}},
    "steps nested": {"steps": [[1, 2], [3]]}, "steps mixed": {"steps": [1, "2"]}, "steps left out": {"steps": None},
    "steps empty": {"steps": []}, "steps twice": {"steps": [5, 5]}, "steps huge": {"steps": 10**400},
    "trajectories 0": {"trajectories": 0}, "trajectories float": {"trajectories": 2.0},
    "trajectories nested": {"trajectories": [[1]]}, "trajectories huge": {"trajectories": 10**30},
    "trajectories text": {"trajectories": "64"}, "seed negative": {"seed": -1}, "seed 2^64": {"seed": 2**64},
    "seed text": {"seed": "zero"}, "seed nested": {"seed": [[0, 1]]}, "seed float": {"seed": 0.5},
    "name number": {"name": 3}, "name empty": {"name": ""}, "name blank": {"name": "  "},
    "name of two lines": {"name": "a\nb"}, "name with a bell": {"name": "a\u0007"}, "keep unknown": {"keep": "all"},
    "keep number": {"keep": 1}, "keep list": {"keep": ["statistics"]},
    "checkpoints text": {"checkpoints": "end"}, "checkpoints number": {"checkpoints": 20},
    "checkpoints empty": {"checkpoints": []}, "checkpoints beyond": {"checkpoints": [21]},
    "checkpoints negative": {"checkpoints": [-1]}, "checkpoints nan": {"checkpoints": [NAN]},
    "checkpoints fraction 2": {"checkpoints": [2.5]}, "checkpoints mixed": {"checkpoints": [1, "2"]},
    "checkpoints true": {"checkpoints": [True]}, "checkpoints nested": {"checkpoints": [[1], [2]]},
    "checkpoints unsorted": {"checkpoints": [20, 10]}, "checkpoints twice": {"checkpoints": [10, 10]},
    "checkpoints coincide": {"checkpoints": [0.01, 0.011]},
    # keys and names
    "unknown key": {"stepz": 3}, "unicode key": {"schritte": 3}, "no problem": {"problem": None},
    "no noise": {"noise": None}, "no method": {"method": None}, "problem text": {"problem": "Quadratic"},
    "problem number": {"problem": 1}, "problem empty": {"problem": []}, "problem without type": problem(type=None),
    "type number": problem(type=3), "type empty": problem(type=""), "type unknown": problem(type="Quadrat"),
    "type of another kind": problem(type="Gaussian"), "type unicode": problem(type="Квадрат"),
    "type nowhere": problem(type="nowhere:Law"), "type without module": problem(type=":Law"),
    "type without class": problem(type="math:"), "type no class": problem(type="math:sqrt"),
    "type no spec": problem(type="pathlib:Path"), "type a path": problem(type="../up:Law"),
    "type relative": problem(type=".up:Law"), "type twice": problem(type="a:b:c"),
    "type no file": problem(type="nofile.py:Law"), "type a folder": problem(type="folder.py:Law"),
    "file that raises": noise(type="raises.py:Law"), "file that exits": noise(type="exits.py:Law"),
    "file that does not parse": noise(type="unparsed.py:Law"), "file without the class": noise(type="plain.py:Law"),
    "file named like a module": noise(type="random.py:Law"), "file with a minus": noise(type="my-law.py:Law"),
    "file that imports nothing": noise(type="imports.py:Law"), "class of another kind": noise(type="plain.py:Other"),
    "kernel does not compile": noise(type="uncompiled.py:Law"), "module that raises": noise(type="raises:Law"),
    # parameters
    "scale nan": noise(scale=NAN), "scale inf": noise(scale=INF), "scale 0": noise(scale=0.0),
    "scale negative": noise(scale=-1.0), "scale text": noise(scale="1"), "scale true": noise(scale=True),
    "scale left out": {"noise": {"type": "Gaussian"}}, "scale empty": noise(scale=[]),
    "scale nested": noise(scale=[[1.0], [2.0]]), "scale twice": noise(scale=[1.0, 1.0]),
    "scale table": noise(scale={"a": 1}), "scale unknown": noise(scal=1.0), "scale in a list": noise(scale=[1.0, -1.0]),
    "noise radial text": noise(radial="yes"), "noise along": noise(along=[1.0, 1.0]),
    "noise along of another dimension": noise(along=[1.0]), "noise radial and along": noise(radial=True, along=[1.0, 0.0]),
    "eigenvalues empty": problem(eigenvalues=[]), "eigenvalues nan": problem(eigenvalues=[NAN, 1.0]),
    "eigenvalues negative": problem(eigenvalues=[-1.0, 1.0]), "eigenvalues text": problem(eigenvalues=["a", "b"]),
    "x0 of another length": problem(x0=[1.0, 1.0, 1.0]), "x0 inf": problem(x0=[INF, 1.0]), "x0 text": problem(x0="zero"),
    "x0 ragged": problem(x0=[[1.0, 1.0], [1.0, 1.0, 1.0]]), "x0 deep": problem(x0=[[[1.0, 1.0]]]),
    "step size 0": method(step_size=0.0), "step size nan": method(step_size=NAN), "momentum 1": method(momentum=1.0),
    "batch size 0": method(batch_size=0), "batch size float": method(batch_size=1.5), "clip number": method(clip=1.0),
    "clip text": method(clip="NormClip"), "clip noise": method(clip=LAW), "per sample text": method(per_sample="no"),
    "threshold 0": clip(threshold=0.0), "threshold list with 0": clip(threshold=[1.0, 0.0]),
    "threshold empty": clip(threshold=[]), "threshold unknown": clip(treshold=1.0), "clip unknown": clip(type="NormClp"),
    # ranges
    "range unknown": clip(threshold="logspace(1, 2, 3)"), "range of two": clip(threshold="geomspace(1, 2)"),
    "range of none": clip(threshold="geomspace(1, 2, 0)"), "range of -1": clip(threshold="geomspace(1, 2, -1)"),
    "range over 0": clip(threshold="geomspace(-1, 2, 3)"), "range to inf": clip(threshold="linspace(1, inf, 3)"),
    "range of text": clip(threshold="linspace(a, b, 3)"), "range unclosed": clip(threshold="linspace(1, 2, 3"),
    "range of 10^9": clip(threshold="linspace(1, 2, 1000000000)"), "range of 10^30": clip(threshold=f"linspace(1, 2, {10**30})"),
    "range code": clip(threshold="__import__('os')"), "range of a half": clip(threshold="linspace(1, 2, 2.5)"),
    # bounds
    "bounds unknown": {"bounds": ["koloskova2023.S11"]}, "bounds paper": {"bounds": ["nobody2020.S1"]},
    "bounds number": {"bounds": 3}, "bounds of numbers": {"bounds": [3]}, "bounds empty name": {"bounds": [""]},
    "bounds no paper": {"bounds": ["S1"]}, "bounds option": {"bounds": [{"type": "koloskova2023.S1", "q": 2}]},
    "trajectories kept of several numbers": {"keep": "trajectories", "trajectories": [1, 2]},
}  # fmt: skip

FILES = {
    "raises.py": "raise RuntimeError('not today')\n",
    "exits.py": "import sys\nsys.exit(0)\n",
    "unparsed.py": "class Law(:\n",
    "plain.py": "import clipbounds as cb\nOther = cb.problems.Quadratic\n",
    "random.py": "",
    "my-law.py": "",
    "imports.py": "import there_is_no_such_module\n",
    "uncompiled.py": "import clipbounds as cb\nclass Law(cb.noise.Noise):\n    scale: float = cb.specs.parameter()\n"
    "    @cb.noise.from_quantile\n    def fill(u, scale):\n        return u.nothing\n",
}


def toml(given):
    """`as_toml`, with TOML's own words for what Python writes otherwise."""
    text = as_toml(given)
    for python, word in (
        ("'a\\nb'", '"a\\nb"'),
        ("'a\\x07'", '"a\\u0007"'),
        ("True", "true"),
        ("False", "false"),
        ("{'a': 1}", "{a = 1}"),
        ("'type':", "type ="),
    ):
        text = text.replace(python, word)
    return text.replace("{type = 'koloskova2023.S1', 'q': 2}", "{type = 'koloskova2023.S1', q = 2}")


@pytest.fixture
def place(tmp_path, monkeypatch):
    import sys

    monkeypatch.setattr(sys, "path", list(sys.path))
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "folder.py").mkdir()
    return tmp_path


def refused(place, arguments, code=2):
    """Run a command that must end in one sentence and leave everything as it was."""
    before = {f: f.read_bytes() if f.is_file() else None for f in place.rglob("*") if "__pycache__" not in f.parts}
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    after = {f: f.read_bytes() if f.is_file() else None for f in place.rglob("*") if "__pycache__" not in f.parts}
    assert result.exit_code == code and result.stdout == "", result.output
    lines = result.stderr.strip().split("\n")
    assert len(lines) == 1 and lines[0].startswith("Error: ") and "Traceback" not in lines[0], result.stderr
    shown = lines[0].replace(str(place), "")
    assert len(shown) <= LONGEST, (len(shown), shown)
    assert after == before
    return lines[0]


@pytest.mark.parametrize("case", DESCRIPTIONS)
def test_a_wrong_description(place, case):
    (place / "wrong.toml").write_text(toml(described(**DESCRIPTIONS[case])), encoding="utf-8")
    refused(place, ["sweep", place / "wrong.toml", "--store", place / "store"])


TEXTS = {
    "empty": "", "not TOML": "a = = 1", "a key twice": "steps = 1\nsteps = 2", "binary": "\x00\x01",
    "deep": "x = " + "[" * 5000 + "]" * 5000, "JSON": '{"steps": 1}',
}  # fmt: skip


@pytest.mark.parametrize("case", TEXTS)
def test_a_file_that_is_no_description(place, case):
    (place / "wrong.toml").write_text(TEXTS[case])
    refused(place, ["sweep", place / "wrong.toml", "--dry-run"])


@pytest.fixture
def good(place):
    (place / "good.toml").write_text(toml(described()))
    run(Sweep.from_toml(place / "good.toml"), place / "done")
    (place / "other").mkdir()
    (place / "other" / "notes.txt").write_text("mine")
    (place / "file").write_text("mine")
    return place


COMMANDS = {
    "no file": (["sweep", "nowhere.toml", "--dry-run"], 2), "a folder": (["sweep", "folder.py", "--dry-run"], 2),
    "no store": (["sweep", "good.toml"], 2), "strange store": (["sweep", "good.toml", "--store", "other"], 2),
    "store a file": (["sweep", "good.toml", "--store", "file"], 2),
    "store below a file": (["sweep", "good.toml", "--store", "file/store"], 2),
    "executor": (["sweep", "good.toml", "--store", "s", "--executor", "gpu"], 2),
    "workers": (["sweep", "good.toml", "--store", "s", "--workers", "0"], 2),
    "workers text": (["sweep", "good.toml", "--store", "s", "--workers", "two"], 2),
    "option": (["sweep", "good.toml", "--stor", "s"], 2), "two files": (["sweep", "good.toml", "good.toml"], 2),
    "address for threads": (["sweep", "good.toml", "--store", "s", "--address", "tcp://localhost:1"], 2),
    "shard 0": (["sweep", "good.toml", "--store", "s", "--shard", "0/4"], 2),
    "shard 5 of 4": (["sweep", "good.toml", "--store", "s", "--shard", "5/4"], 2),
    "shard text": (["sweep", "good.toml", "--store", "s", "--shard", "first"], 2),
    "shard auto": (["sweep", "good.toml", "--store", "s", "--shard", "auto"], 2),
    "both kernels": (["sweep", "good.toml", "--store", "s", "--new-kernels", "--accept-kernels"], 2),
    "progress": (["sweep", "good.toml", "--store", "s", "--progress", "loud"], 2),
    "status of nothing": (["status", "nowhere"], 2), "status of a file": (["status", "file"], 2),
    "status of other files": (["status", "other"], 2), "export of nothing": (["export", "nowhere", "out.nc"], 2),
    "export suffix": (["export", "done", "out.csv"], 2), "export over a file": (["export", "done", "file"], 2),
    "export into the store": (["export", "done", "done/cells/out.nc"], 2),
    "export nowhere": (["export", "done", "nowhere/out.nc"], 2), "repair of nothing": (["repair", "nowhere"], 2),
    "repair of other files": (["repair", "other"], 2), "repair by a folder": (["repair", "done", "folder.py"], 2),
    "no such command": (["swep"], 2),
}  # fmt: skip


@pytest.mark.parametrize("case", COMMANDS)
def test_a_wrong_command(good, case, monkeypatch):
    monkeypatch.chdir(good)
    refused(good, *COMMANDS[case])


def test_there_are_140_and_the_right_one_passes(good, monkeypatch):
    assert len(DESCRIPTIONS) + len(TEXTS) + len(COMMANDS) >= 140
    result = CliRunner().invoke(main, ["sweep", str(good / "good.toml"), "--store", str(good / "done")])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("redirect", "code", "said"), [("| (exec 0<&-; sleep 5)", 141, ""), ("> /dev/full", 1, "No space left on device")]
)
def test_output_that_nobody_reads_or_that_cannot_be_written(redirect, code, said):
    import subprocess
    import sys
    from pathlib import Path

    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    program = f'"{sys.executable}" -c "from clipbounds.cli import main; main()" components'
    command = f"set -o pipefail; {program} {redirect}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == code and said in done.stderr and "Traceback" not in done.stderr
    assert done.stderr.count("\n") == (1 if said else 0)


def test_the_components_are_listed_with_their_parameters():
    import json

    listed = json.loads(CliRunner().invoke(main, ["components", "--json"]).stdout)
    names = {entry["name"]: entry for entry in listed}
    assert {"Quadratic", "Gaussian", "NormClip", "ClippedSGD"} <= set(names)
    assert [p["name"] for p in names["NormClip"]["parameters"]] == ["threshold"]
    text = CliRunner().invoke(main, ["components", "TwoPoint"]).stdout
    assert "sigma: number in (0, inf)" in text
    assert CliRunner().invoke(main, ["components", "NormClp"]).exit_code == 2
