"""A damaged manifest is found, named and repaired; cells are never touched."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner
from sweep_helpers import as_toml, grid, same_bits

from clipbounds.cli import main
from clipbounds.sweep import ManifestDamaged, Store, Sweep, load, manifest, repair, run
from clipbounds.sweep.manifest import COPY, MANIFEST

ANSWERS = ("is not JSON of the right form", "does not fit its checksum")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    (folder / "small.toml").write_text(as_toml(grid(10)))
    run(Sweep.from_toml(folder / "small.toml"), folder / "store")
    return folder


@pytest.fixture
def store(whole, tmp_path):
    return shutil.copytree(whole / "store", tmp_path / "store")


def cells(store):
    return {file.name: file.read_bytes() for file in store.rglob("*.cell")}


def test_one_bit_flipped_anywhere_is_found(store):
    data = (store / MANIFEST).read_bytes()
    generator = random.Random(1)
    for position in range(len(data)):
        bad = bytearray(data)
        bad[position] ^= 1 << generator.randrange(8)
        with pytest.raises(ManifestDamaged, match="|".join(ANSWERS)):
            manifest.parse(bytes(bad))
    assert manifest.parse(data)["cells"] == 10
    for end in range(len(data)):
        with pytest.raises(ManifestDamaged):
            manifest.parse(data[:end])


def edited(store):
    content = manifest.read(store)
    return manifest._text(content).replace('"steps": 20', '"steps": 21').encode()


DAMAGE = {
    "cut": lambda store: (store / MANIFEST).read_bytes()[:100],
    "empty": lambda store: b"",
    "a list": lambda store: b"[1, 2]",
    "deep": lambda store: b"[" * 100_000,
    "an edited value": edited,
    "no text": lambda store: b"\xff\xfe\x00",
    "deleted": lambda store: None,
}


def harm(store, kind, names):
    data = DAMAGE[kind](store)
    for name in names:
        if data is None:
            (store / name).unlink()
        else:
            (store / name).write_bytes(data)


@pytest.mark.parametrize("kind", DAMAGE)
@pytest.mark.parametrize("names", [(MANIFEST,), (MANIFEST, COPY)], ids=["manifest", "both"])
def test_it_is_named_by_every_command_and_repaired(whole, store, kind, names):
    before, kept, fresh = cells(store), (store / MANIFEST).read_bytes(), load(store)
    harm(store, kind, names)
    spec, out = str(whole / "small.toml"), str(store.parent / "out.nc")
    for command in (["sweep", spec, "--store", str(store)], ["status", str(store)], ["export", str(store), out]):
        result = CliRunner().invoke(main, command)
        assert result.exit_code == 2 and f"clipbounds repair {store}" in result.output, result.output
        assert result.output.count("\n") == 1
    if names == (MANIFEST, COPY):
        if kind not in ("an edited value",):
            result = CliRunner().invoke(main, ["repair", str(store)])
            assert result.exit_code == 2 and f"repair {store} SPEC" in result.output
        result = CliRunner().invoke(main, ["repair", str(store), spec])
        assert result.exit_code == 0 and "10 of 10 cells belong to it" in result.output, result.output
    else:
        result = CliRunner().invoke(main, ["repair", str(store)])
        assert result.exit_code == 0 and "put back from" in result.output, result.output
        assert (store / MANIFEST).read_bytes() == kept
    assert cells(store) == before
    assert (store / MANIFEST).read_bytes() == (store / COPY).read_bytes()
    assert same_bits(load(store), fresh)
    assert run(Sweep.from_toml(spec), store).present == 10


def test_a_damaged_copy_is_written_again(whole, store):
    (store / COPY).write_text("{}")
    run(Sweep.from_toml(whole / "small.toml"), store)
    assert (store / MANIFEST).read_bytes() == (store / COPY).read_bytes()
    (store / COPY).unlink()
    assert "is whole" in repair(store) and (store / COPY).exists()


def test_what_repair_refuses(whole, store, tmp_path):
    for name in (MANIFEST, COPY):
        (store / name).unlink()
    with pytest.raises(ValueError, match="belong to another sweep than 'small'"):
        repair(store, Sweep.from_dict(grid(15)))
    with pytest.raises(ValueError, match="there is no store"):
        repair(tmp_path / "nowhere")
    (tmp_path / "bare").mkdir()
    with pytest.raises(ValueError, match="nothing to repair"):
        repair(tmp_path / "bare")
    assert not (store / MANIFEST).exists() and len(cells(store)) == 10


def test_a_manifest_of_the_first_format_is_read_and_sealed_by_the_next_run(whole, store):
    import json

    content = manifest.read(store)
    content.pop("accepted")
    (store / COPY).unlink()
    (store / MANIFEST).write_text(json.dumps({**content, "format": 1}, indent=1))
    assert load(store).attrs["cells_present"] == 10
    run(Sweep.from_toml(whole / "small.toml"), store)
    assert manifest.read(store)["format"] == 2 and (store / COPY).exists()


def test_a_manifest_of_a_later_format_is_no_damage(store):
    manifest.write(store, {**manifest.read(store), "format": 3, "version": "9.9"})
    with pytest.raises(ValueError, match=r"another version of clipbounds .9.9"):
        Store(store)


@pytest.mark.parametrize("kills", [4, pytest.param(40, marks=pytest.mark.full)])
def test_repair_killed_at_any_moment_loses_nothing(whole, store, kills):
    """Manifest and copy are gone; `repair` and `sweep` are killed at random moments, in turn."""
    before, generator = cells(store), random.Random(20261126)
    spec = whole / "small.toml"
    program = "from clipbounds.cli import main; main()"
    path = os.pathsep.join([os.path.dirname(__file__), os.environ.get("PYTHONPATH", "")])
    for kill in range(kills):
        if kill % 2 == 0:
            for name in (MANIFEST, COPY):
                (store / name).unlink(missing_ok=True)
        command = ["repair", store, spec] if kill % 4 < 3 else ["sweep", spec, "--store", store]
        process = subprocess.Popen(
            [sys.executable, "-c", program, *map(str, command)],
            env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(generator.uniform(0.5, 2.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert before.items() <= cells(store).items()
        for name in (MANIFEST, COPY):
            if (store / name).exists():
                assert manifest.read(store, name)["cells"] == 10  # whole or not there
    repair(store, Sweep.from_toml(spec))
    assert cells(store) == before and load(store).attrs["cells_present"] == 10
