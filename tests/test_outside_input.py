"""Texts and files from strangers: no code of theirs runs, and each fault is one sentence."""

import io
import json
import os
import random
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import xarray as xr

import clipbounds as cb
from clipbounds.bounds import koloskova2023
from clipbounds.formulas.mathml import mathml
from clipbounds.report.paper_checks import _cell, _line
from clipbounds.specs import Spec
from clipbounds.sweep import cellfile
from clipbounds.sweep.journal import Journal
from clipbounds.sweep.memory import Memory

SETTING = cb.Setting(
    cb.problems.Quadratic([1.0, 0.5], [1.0, 2.0]),
    cb.noise.TwoPoint(1.0, 0.5),
    cb.methods.ClippedSGD(0.1, cb.clipping.NormClip(1.0)),
)


@pytest.fixture
def trap(tmp_path, monkeypatch):
    """A module on the path that writes a file when it is imported."""
    (tmp_path / "clipbounds_trap.py").write_text(
        textwrap.dedent(
            f"""
            from pathlib import Path
            Path({str(tmp_path / "sprung")!r}).touch()
            from clipbounds.specs import Spec
            class Bait(Spec):
                pass
            """
        )
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path / "sprung"
    sys.modules.pop("clipbounds_trap", None)


def test_a_setting_of_a_stranger_imports_nothing(trap):
    text = json.dumps({"type": "clipbounds_trap:Bait"})
    run = cb.simulate(SETTING, 2, 2)
    run.attrs["setting"] = text
    for load in (Spec.from_json, lambda text: cb.compare(run, [])):
        with pytest.raises(ValueError, match=r"its module is not imported; import it first if you trust it"):
            load(text)
    assert not trap.exists()
    assert type(Spec.from_json(text, allow=["clipbounds_trap"])).__name__ == "Bait"
    assert trap.exists()  # the trap works
    assert type(Spec.from_json(text)).__name__ == "Bait"  # imported by now


@pytest.mark.parametrize(
    "name",
    ["..x:A", "x:", ":A", "", "os:system", "clipbounds.specs:json", "clipbounds:no.such", "builtins:eval", 5, None, ["a"],
     "clipbounds.specs:Spec.__init__", "clipbounds.simulate:simulate", "a" * 500 + ":b", "clipbounds.nowhere:A"],
)  # fmt: skip
def test_names_that_are_no_class_of_a_spec(name):
    with pytest.raises(ValueError) as error:
        Spec.from_json(json.dumps({"type": name}))
    assert len(str(error.value)) < 300


def test_deep_nesting_is_one_sentence():
    lists = '{"type": "clipbounds.noise.discrete:NoNoise", "along": ' + "[" * 100_000 + "]" * 100_000 + "}"
    inner = '{"type": "clipbounds.clipping.norm:NormClip", "threshold": ' * 70 + "1" + "}" * 70
    for text in (lists, inner, "[" * 100_000):
        with pytest.raises(ValueError, match="from_json: "):
            Spec.from_json(text)


def mutations(seed, count):
    """`count` mutated copies of the JSON of a setting: values, keys, types and single characters."""
    draw = random.Random(seed)
    values = [None, True, -1, 0, 1e400, "x", [], {}, [1, [2]], {"type": 3}, {"type": "os:system"}, -0.0, 2**70, "1",
              {"type": "clipbounds.noise.base:Noise"}, {"type": "clipbounds.problems.base:Problem"},
              {"type": "clipbounds.specs:Spec"}, {"type": "clipbounds.noise.discrete:NoNoise"}]  # fmt: skip

    def places(value, found):
        for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
            found.append((value, key))
            places(value[key], found)
        return found

    for _ in range(count):
        if draw.random() < 0.5:
            content = json.loads(SETTING.to_json())
            holder, key = draw.choice(places(content, []))
            action = draw.randrange(3)
            if action == 0:
                holder[key] = draw.choice(values)
            elif action == 1:
                del holder[key]
            elif isinstance(holder, dict):
                holder[draw.choice(["type", "radial", "x", ""])] = draw.choice(values)
            yield json.dumps(content)
        else:
            text = list(SETTING.to_json())
            for _ in range(draw.randint(1, 3)):
                text[draw.randrange(len(text))] = draw.choice('{}[]":,x0-.e\\ \x00')
            yield "".join(text)


def judge_mutations(seed, count):
    run = cb.simulate(SETTING, 3, 4)
    before = set(sys.modules)
    refused = 0
    for text in mutations(seed, count):
        run.attrs["setting"] = text
        try:
            cb.compare(run, [koloskova2023.S0()])
        except ValueError as error:
            refused += 1
            assert str(error)
    assert not {name for name in set(sys.modules) - before if not name.startswith(("clipbounds", "scipy", "numba"))}
    return refused


def test_mutated_settings_are_refused_or_are_settings():
    assert 150 < judge_mutations(0, 400) < 400  # some mutations are harmless


@pytest.mark.full
def test_ten_thousand_mutated_settings():
    assert judge_mutations(1, 10_000) > 4000


def forged(name, header, body=b""):
    """A cell with a valid checksum and this header."""
    import hashlib

    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    inner = name.encode().ljust(32) + len(text).to_bytes(8, "little") + text + body
    return cellfile.MAGIC + hashlib.sha256(inner).digest() + inner


HEADERS = [
    {"arrays": [["x", "|O", [1]]], "about": {}},
    {"arrays": [["x", "nonsense", [1]]], "about": {}},
    {"arrays": [["x", "<f8", [-1]]], "about": {}},
    {"arrays": [["x", "<f8", [2**80]]], "about": {}},
    {"arrays": [["x", "<f8", [1000]]], "about": {}},
    {"arrays": [["x", "<f8", "1"]], "about": {}},
    {"arrays": [["x", "<f8"]], "about": {}},
    {"arrays": [["x", "<U0", [3]]], "about": {}},
    {"arrays": [["x", "(2,)<f8", [1]]], "about": {}},
    {"arrays": [[["x"], "<f8", [1]]], "about": {}},
    {"arrays": 5, "about": {}},
    {"arrays": []},
    [],
    b"{",
    b"[" * 100_000,
]


@pytest.mark.parametrize("header", HEADERS, ids=range(len(HEADERS)))
def test_a_forged_cell_is_set_aside(header, tmp_path):
    journal = Journal(tmp_path)
    name = "ab" * 16
    for read in (journal.read, journal.read_record):
        journal.write_bytes(name, forged(name, header, bytes(16)))
        with pytest.warns(UserWarning, match="set aside"):
            assert read(name) is None
    assert len(list((tmp_path / "set_aside").iterdir())) == 2


def test_a_forged_cell_of_a_run_is_computed_anew(tmp_path):
    memory = Memory(tmp_path)
    run = memory.simulate(SETTING, 3, 4)
    (path,) = tmp_path.glob("*/*.cell")
    for header in (
        {"arrays": [], "about": {}},
        {"arrays": [["gap", "<f8", [1]]], "about": {"variables": {"gap": 5}, "coords": [], "attrs": {}}},
    ):
        path.write_bytes(forged(path.stem, header, bytes(16)))
        with pytest.warns(UserWarning, match="set aside"):
            again = Memory(tmp_path).simulate(SETTING, 3, 4)
        xr.testing.assert_identical(run, again)


def test_mutated_cells_are_whole_or_set_aside(tmp_path):
    draw = random.Random(2)
    data = cellfile.encode("a1", {"x": np.arange(6.0), "n": np.arange(3)}, {"k": [1]})
    start = cellfile.START + 40
    length = int.from_bytes(data[cellfile.START + 32 : start], "little")
    damaged = 0
    for _ in range(2000):
        header = bytearray(data[start : start + length])
        for _ in range(draw.randint(1, 3)):
            header[draw.randrange(length)] = draw.choice(b'{}[]":,x0-<f8iO |')
        try:
            cellfile.decode("a1", forged("a1", bytes(header), data[start + length :]))
        except cellfile.Damaged:
            damaged += 1
    assert damaged > 500


@pytest.mark.parametrize("name", ["../outside", "a/b", "", "..", "a\x00b", "/etc/passwd"])
def test_names_of_cells_stay_in_the_folder(name, tmp_path):
    with pytest.raises(ValueError, match="letters and digits"):
        Journal(tmp_path / "j").path(name)


@pytest.mark.parametrize(
    "latex",
    [
        r"\text{<script>alert(1)</script>}",
        r"\href{javascript:alert(1)}{x}",
        r"\text{<img src=x onerror=alert(1)>}",
        r"x<script>",
    ],
)
def test_formulas_carry_no_markup(latex):
    import xml.etree.ElementTree as ET

    page = mathml(latex)
    tree = ET.fromstring(page)  # well-formed, so that what is no element is text
    names = {node.tag.rpartition("}")[2] for node in tree.iter()}
    assert not names & {"script", "img", "a"}
    assert not any("href" in key or key.startswith("on") for node in tree.iter() for key in node.attrib)


def test_a_row_of_paper_checks_links_its_figure_and_nothing_else():
    row = {"claim": "[x](http://stranger)", "check": "", "measured": "", "bound": "", "tightness": None, "verdict": "holds",
           "reason": "", "asserted": True}  # fmt: skip
    line = _line({"id": "koloskova2023/skewness", "figure": True}, 1, row)
    assert line.endswith("| [figure](figures/koloskova2023/skewness.png) |") and line.count("](") == 1


def test_cells_of_paper_checks_end_where_they_should():
    assert _cell("a|b\\|c\nd") == "a\\|b&#92;&#124;c d"
    assert _cell("<script>x</script> y <= z < 3") == "&lt;script>x&lt;/script> y <= z < 3"
    assert "](" not in _cell("[click](javascript:x)")


@pytest.mark.parametrize(
    "content", ["../../secret/x", "/secret/x", "..", "", "a" * 5000, 5, None, {"a": 1}, "a\x00b", "A" * 32]
)
def test_the_name_of_an_array_is_a_digest_and_no_path(content, tmp_path, monkeypatch):
    """A text that names a file outside of the folder does not have it opened."""
    from clipbounds.data import arrays

    opened = []
    monkeypatch.setattr(arrays, "_read", opened.append)
    monkeypatch.chdir(tmp_path)
    for folder in ("secret", ".clipbounds/data"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "secret" / "x.npz").touch()
    assert (tmp_path / ".clipbounds/data/../../secret/x.npz").is_file()  # what the first name would have reached
    text = json.dumps({"type": "clipbounds.data.arrays:DataArray", "content": content, "shape": [1]})
    with pytest.raises(ValueError, match="content must be a digest of 32 hexadecimal digits"):
        Spec.from_json(text)
    assert not opened


def test_a_damaged_file_of_an_array_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("CLIPBOUNDS_DATA", str(tmp_path))
    content = "0123456789abcdef" * 2
    plain = io.BytesIO()
    np.save(plain, np.zeros(2))
    for damage in (b"", b"PK\x03\x04 no archive", b"\x93NUMPY", plain.getvalue()):
        (tmp_path / f"{content}.npz").write_bytes(damage)
        with pytest.raises(ValueError, match="cannot be read"):
            Spec.from_json(json.dumps({"type": "clipbounds.data.arrays:DataArray", "content": content, "shape": [1]}))


def test_a_refusal_that_quotes_an_array_is_one_line():
    inner = {"type": "clipbounds.clipping.norm:NormClip", "threshold": 1.0}
    text = json.dumps(
        {"type": "clipbounds.problems.convex:Quadratic", "eigenvalues": [[[1.0, 2.0]] * 50] * 50, "x0": inner}
    )
    with pytest.raises(ValueError) as error:
        Spec.from_json(text)
    assert "\n" not in str(error.value) and len(str(error.value)) < 420


def test_a_store_with_a_finished_problem_of_its_owner_opens_in_a_new_process(tmp_path):
    """Given as an object, the problem is kept as a constant: its module is found in the store, as one of a table is."""
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "lab_problem.py").write_text(
        "import clipbounds as cb\nclass Mine(cb.problems.Quadratic):\n    pass\n"
    )
    make = """
import clipbounds as cb, lab_problem
sweep = cb.sweep.Sweep.from_dict({"name": "a", "problem": lab_problem.Mine([1.0], [1.0]), "noise": cb.noise.Gaussian(1.0),
    "method": {"type": "SGD", "step_size": [0.1, 0.2]}, "steps": 2, "trajectories": 64})
cb.sweep.run(sweep, "store")
"""
    load = "import clipbounds as cb\nassert dict(cb.sweep.load('store').sizes)['step_size'] == 2"
    for code, path in ((make, "lab"), (load, "")):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (path, os.environ.get("PYTHONPATH"))))}
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
