"""Thousands of mutated cells and JSON texts: no code of a stranger runs, and nothing but the documented refusal comes out."""

import hashlib
import json
import random
import sys
import warnings

import numpy as np
import pytest
import xarray as xr

import clipbounds as cb
from clipbounds.specs import Spec
from clipbounds.sweep import cellfile
from clipbounds.sweep.memory import Memory

NAME = "ab" * 16
TRAP = "clipbounds_trap_of_cells"
SETTING = cb.Setting(
    cb.problems.Quadratic([1.0], [2.0]), cb.noise.Gaussian(1.0), cb.methods.ClippedSGD(0.1, cb.clipping.NormClip(1.0))
)
SPECS = [
    SETTING,
    cb.problems.Huber(1.0, 2.0, [20.0]),
    cb.problems.ClientQuadratics.random(2, 2, seed=1),
    cb.noise.Stable(1.5, 1.0),
    cb.noise.Gaussian(1.0, along=[0.6, 0.8]),
    cb.clipping.GrowingClip(1.0, 1.5),
    cb.methods.SClipEF.standard(0.3),
    cb.bounds.koloskova2023.S0(),
]
VALUES = [None, True, -1, 0, 3, 2**70, -0.0, "x", "1", "<f8", "|O", "<U5", "<M8[s]", "<U99999999", [], {}, [1, [2]], [-1], [2**39, 2**39],
          [0, 2**39], "__reduce__", {"type": "os:system"}, {"type": f"{TRAP}:Bait"}, {"type": "clipbounds.specs:Spec"},
          f"{TRAP}:Bait", "builtins:eval", 1e400]  # fmt: skip


@pytest.fixture
def trap(tmp_path, monkeypatch):
    """A module on the path that leaves a file behind when somebody imports it."""
    sprung = tmp_path / "sprung"
    (tmp_path / f"{TRAP}.py").write_text(f"import pathlib\npathlib.Path({str(sprung)!r}).touch()\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield sprung
    sys.modules.pop(TRAP, None)


def places(value, found):
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        found.append((value, key))
        places(value[key], found)
    return found


def mutated(text, draw):
    """The JSON text with one to three changes of values, keys or characters."""
    for _ in range(draw.randint(1, 3)):
        try:
            content = json.loads(text)
            holder, key = draw.choice(places(content, []))
        except (ValueError, IndexError):
            content = None
        if content is None or draw.random() < 0.3:
            letters = list(text) or ["x"]
            letters[draw.randrange(len(letters))] = draw.choice('{}[]":,x0-.e\\ \x00é')
            text = "".join(letters)
            continue
        action = draw.randrange(4)
        if action == 0:
            holder[key] = draw.choice(VALUES)
        elif action == 1:
            del holder[key]
        elif action == 2 and isinstance(holder, dict):
            holder[draw.choice(["type", "along", "variables", "dims", "x", ""])] = draw.choice(VALUES)
        elif isinstance(holder, list):
            holder.insert(key, draw.choice(VALUES))
        text = json.dumps(content)
    return text


def sealed(header, body):
    """A cell with a checksum that fits: what a forger writes."""
    text = header.encode(errors="replace")
    text += b" " * (-len(text) % 8)
    inner = NAME.encode().ljust(32) + len(text).to_bytes(8, "little") + text + body
    return cellfile.MAGIC + hashlib.sha256(inner).digest() + inner


def parts_of(cell):
    """Header and arrays of a cell, by its documented layout."""
    length = int.from_bytes(cell[80:88], "little")
    return cell[88 : 88 + length].decode().rstrip(), cell[88 + length :]


def mutated_cells(cell, count, seed):
    draw = random.Random(seed)
    header, body = parts_of(cell)
    for _ in range(count):
        kind = draw.random()
        if kind < 0.6:
            yield sealed(mutated(header, draw), body)
        elif kind < 0.8:
            noise = bytes(draw.randrange(256) for _ in range(draw.randrange(64)))
            cut = draw.randrange(len(body))
            yield sealed(header, body[:cut] + noise)
        else:
            data = bytearray(cell)
            for _ in range(draw.randint(1, 4)):
                data[draw.randrange(len(data))] = draw.randrange(256)
            yield bytes(data[: draw.randrange(len(data))] if draw.random() < 0.3 else data)


def cell_of_a_run():
    from clipbounds.sweep.memory import dataset_to_cell

    return cellfile.encode(NAME, *dataset_to_cell(cb.simulate(SETTING, 3, 4)))


def read_all(count, seed):
    """How many of the mutated cells are refused; only `Damaged` is allowed, and what is read is arrays without objects."""
    refused = 0
    for data in mutated_cells(cell_of_a_run(), count, seed):
        for decode in (cellfile.decode, cellfile.decode_record):
            try:
                found = decode(NAME, data)
            except cellfile.Damaged as reason:
                refused += 1
                assert 0 < len(str(reason)) < 300
            else:
                arrays = found[0].values() if isinstance(found, tuple) else [np.asarray(found)]
                assert not any(array.dtype.hasobject for array in arrays)
    return refused / (2 * count)


def recall_all(count, seed, folder):
    """A run whose cell was mutated is computed anew or read; a whole cell with other numbers is the forger's to answer for."""
    run = Memory(folder).simulate(SETTING, 3, 4)
    (path,) = folder.glob("*/*.cell")
    whole, same = path.read_bytes(), 0
    header, body = parts_of(whole)
    draw = random.Random(seed)
    for _ in range(count):
        text = mutated(header, draw).encode(errors="replace")
        text += b" " * (-len(text) % 8)
        inner = path.stem.encode().ljust(32) + len(text).to_bytes(8, "little") + text + body
        path.write_bytes(cellfile.MAGIC + hashlib.sha256(inner).digest() + inner)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            again = Memory(folder).simulate(SETTING, 3, 4)
        assert isinstance(again, xr.Dataset)
        same += again.identical(run)
        path.write_bytes(whole)
    return same / count


def load_all(count, seed):
    """Share of the mutated JSON texts that `from_json` refuses, each with one sentence."""
    draw, refused = random.Random(seed), 0
    texts = [spec.to_json() for spec in SPECS]
    for k in range(count):
        try:
            assert isinstance(Spec.from_json(mutated(texts[k % len(texts)], draw)), Spec)
        except ValueError as error:
            refused += 1
            assert str(error) and "Traceback" not in str(error)
    return refused / count


def nothing_ran(trap):
    return not trap.exists() and TRAP not in sys.modules


def test_few_cells_and_texts(trap, tmp_path):
    assert 0.5 < read_all(300, 1) < 1
    assert recall_all(20, 2, tmp_path / "journal") > 0.5
    assert 0.5 < load_all(300, 3) < 1
    assert nothing_ran(trap)


@pytest.mark.full
def test_ten_thousand_cells_and_texts(trap, tmp_path):
    assert 0.5 < read_all(10_000, 4) < 1
    assert recall_all(500, 5, tmp_path / "journal") > 0.5
    assert 0.5 < load_all(10_000, 6) < 1
    assert nothing_ran(trap)


def test_the_trap_works(trap):
    """Negative control: the same text, by a caller who allows the module."""
    text = json.dumps({"type": f"{TRAP}:Bait"})
    with pytest.raises(ValueError, match="not imported"):
        Spec.from_json(text)
    assert nothing_ran(trap)
    with pytest.raises(ValueError):
        Spec.from_json(text, allow=[TRAP])  # imported, and it has no such class
    assert trap.exists()
