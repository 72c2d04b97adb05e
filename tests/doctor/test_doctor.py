"""The doctor: what is broken is one line that says what mends it, and nothing else is called broken."""

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import clipbounds as cb
from clipbounds.cli import main
from clipbounds.doctor import examine, findings, self_test
from clipbounds.lanes import kernel_cache
from clipbounds.problems.kernels import quadratic

ROOT = Path(cb.__file__).parents[1]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """The file of one compiled kernel in a cache of its own."""
    monkeypatch.setenv("CLIPBOUNDS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(kernel_cache, "_told", set())
    _ = type(quadratic)(quadratic.function, quadratic.signature, quadratic.counted).compiled
    (file,) = (tmp_path / "cache" / "kernels").iterdir()
    return file


def wrong(root):
    """What is wrong, by what was looked at; every text is one line."""
    found = list(examine(root))
    assert all("\n" not in str(finding) and finding.state in findings.STATES for finding in found)
    return {finding.what: finding.text for finding in found if finding.state == "wrong"}


def test_nothing_is_wrong_with_what_is_whole_and_nothing_is_left_behind(kernel, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    assert wrong(tmp_path / "results" / "of mine") == {}
    assert sorted(tmp_path.rglob("*")) == before


def damage_cut(file):
    file.write_bytes(file.read_bytes()[:-1])


def damage_flip(file):
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)


def damage_rename(file):
    file.rename(file.with_name("other-" + file.name))


def damage_folder(file):
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("damage", [damage_cut, damage_flip, damage_rename, damage_folder])
def test_a_damaged_kernel_is_named(kernel, tmp_path, damage):
    damage(kernel)
    told = wrong(tmp_path)
    assert list(told) == ["cache"]
    assert told["cache"].startswith("1 of 1 kernels in ") and "delete them" in told["cache"]
    for file in kernel.parent.iterdir():  # what the line says to do
        shutil.rmtree(file) if file.is_dir() else file.unlink()
    assert wrong(tmp_path) == {}


@pytest.fixture
def read_only(tmp_path):
    """A folder that nobody may write to, root neither: a file system that is mounted so, or else permissions."""
    folder = tmp_path / "closed"
    folder.mkdir()
    mounted = shutil.which("mount") and not subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "ro,size=64k", "tmpfs", str(folder)], capture_output=True
    ).returncode  # fmt: skip
    folder.chmod(0o555) if not mounted else None
    try:
        try:
            (folder / "probe").touch()
        except OSError:
            yield folder
        else:
            pytest.skip("root writes everywhere, and nothing can be mounted here")
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True) if mounted else folder.chmod(0o755)


@pytest.mark.parametrize("below", [".", "new"])
def test_folders_that_cannot_be_written_are_named(read_only, below, monkeypatch, tmp_path):
    place = read_only / below
    monkeypatch.setenv("CLIPBOUNDS_CACHE", str(place))
    monkeypatch.setenv("CLIPBOUNDS_DATA", str(place))
    told = wrong(place)
    assert sorted(told) == ["cache", "data", "results"]
    assert "cannot be kept in" in told["cache"] and "set CLIPBOUNDS_CACHE to a folder" in told["cache"]
    assert f"{place} cannot be written" in told["data"] and "set CLIPBOUNDS_DATA" in told["data"]
    assert f"{place} cannot be written" in told["results"] and "--root" in told["results"]


def test_a_file_where_a_folder_should_be_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("mine")
    monkeypatch.setenv("CLIPBOUNDS_CACHE", str(tmp_path / "file"))
    told = wrong(tmp_path / "file" / "below")
    assert sorted(told) == ["cache", "results"] and f"{tmp_path / 'file'} is a file" in told["results"]
    assert (tmp_path / "file").read_text() == "mine"


def test_extras_are_missing_where_their_packages_are(tmp_path, monkeypatch):
    """An installation of which other metadata speak: they come first on the path."""
    metadata = tmp_path / "clipbounds-9.dist-info" / "METADATA"
    metadata.parent.mkdir()
    wanted = ["numpy", "h5py>=3; extra == 'there'", 'no-such-one[x]>=2; extra == "wild"', 'numpy; extra == "wild"']
    metadata.write_text("\n".join(["Metadata-Version: 2.4", "Name: clipbounds", "Version: 9"]
                                  + [f"Requires-Dist: {line}" for line in wanted]) + "\n")  # fmt: skip
    monkeypatch.syspath_prepend(tmp_path)
    told = {finding.what: finding for finding in examine(tmp_path)}
    assert str(told["extra wild"]) == (
        'extra wild: missing: no-such-one not installed: pip install "clipbounds[wild]"'
    )  # fmt: skip
    assert told["extras"].text == "there installed" and wrong(tmp_path) == {}
    metadata.write_text(metadata.read_text().replace("numpy\n", "numpy\nRequires-Dist: no-such-two\n", 1))
    assert wrong(tmp_path) == {"versions": "no-such-two not installed: pip install clipbounds"}


def test_the_extras_are_those_of_the_project(tmp_path):
    told = list(examine(tmp_path))
    named = {finding.what.removeprefix("extra ") for finding in told if finding.state == "missing"}
    (whole,) = (finding.text.removesuffix(" installed") for finding in told if finding.what == "extras")
    assert named | set(whole.split(", ")) == set(EXTRAS)


def test_the_self_test_passes_here():
    found = list(self_test())
    assert [finding.state for finding in found] == ["good"] * 5, found


def off(setting, steps, *arguments, **options):
    """A simulation whose last eight bits are wrong."""
    run = cb.simulate(setting, steps, *arguments, **options)
    return run.assign(gradient_norm=run.gradient_norm * (1 + 2**-45))


def wide(setting, steps, *arguments, **options):
    """A simulation whose noise is ten percent too large."""
    run = cb.simulate(setting, steps, *arguments, **options)
    return run.assign(gradient_norm=run.gradient_norm * 1.1)


def threaded(setting, steps, *arguments, threads=None, **options):
    """A simulation that depends on the number of threads."""
    run = cb.simulate(setting, steps, *arguments, **options)
    return run.assign(gradient_norm=run.gradient_norm * (1 + 2**-52 * (threads or 0)))


@pytest.mark.parametrize(("simulation", "seen"), [(off, "descent"), (wide, "noise"), (threaded, "noise")])
def test_the_self_test_sees_wrong_numbers(simulation, seen, monkeypatch):
    monkeypatch.setattr("clipbounds.doctor.known.simulate", simulation)
    bad = [finding for finding in self_test() if finding.state == "wrong"]
    assert f"self-test, {seen}" in [finding.what for finding in bad]
    assert all("\n" not in finding.text for finding in bad)


def test_the_self_test_sees_a_wrong_operator_and_wrong_words(monkeypatch):
    monkeypatch.setattr("clipbounds.doctor.known.NormClip", cb.clipping.CoordinateClip)
    monkeypatch.setattr("clipbounds.doctor.known.threefry2x64", lambda key, counter: np.zeros(2, dtype=np.uint64))
    bad = [finding.what for finding in self_test() if finding.state == "wrong"]
    assert {"self-test, clipping", "self-test, random words"} <= set(bad)


def test_an_error_of_any_kind_is_one_line(monkeypatch):
    def broken(*arguments, **options):
        raise RuntimeError("two\nlines")

    monkeypatch.setattr("clipbounds.doctor.known.simulate", broken)
    bad = [finding for finding in self_test() if finding.state == "wrong"]
    assert [finding.text for finding in bad] == ["RuntimeError: two lines"] * 3


def test_the_command_says_it_and_its_exit_code_too(kernel, tmp_path, monkeypatch):
    monkeypatch.setattr("clipbounds.doctor.known.TESTS", {})
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == 0 and result.output.splitlines()[-1] == "nothing is wrong", result.output
    damage_flip(kernel)
    result = CliRunner().invoke(main, ["doctor", "--root", str(kernel), "--json"])
    told = [finding["what"] for finding in json.loads(result.output) if finding["state"] == "wrong"]
    assert result.exit_code == 1 and told == ["cache", "results"], result.output
    assert CliRunner().invoke(main, ["doctor"]).output.splitlines()[-1] == "1 thing is wrong"


def test_an_unknown_processor_is_one_line(tmp_path):
    program = "import sys; from clipbounds.doctor import examine; from pathlib import Path\nfor f in examine(Path()): print(f)"
    environment = {"NUMBA_CPU_NAME": "nonsense", "CLIPBOUNDS_CACHE": str(tmp_path), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, cwd=ROOT, check=True
    )
    bad = [line for line in done.stdout.splitlines() if ": wrong: " in line]
    assert len(bad) == 1 and bad[0].startswith("processor: wrong: 'nonsense' is not a known"), done.stdout
