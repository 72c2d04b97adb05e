"""Which experiments there are, by which words they are named, and where results go."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from clipbounds.cli import main
from clipbounds.papers import PAPERS
from clipbounds.report.catalogue import (
    RESULTS,
    chosen_experiments,
    default_root,
    find_experiments,
    identifier,
    is_checkout,
    packaged_experiments,
    title,
)

CHECKOUT = Path(__file__).parents[2]
OWN = '''
"""{title}."""

from clipbounds.report import Outcome, Row


def run(lab):
    return Outcome([Row("one is one", "by hand", "1", "1", 1.0, "holds")], None)
'''


def call(*arguments):
    return CliRunner().invoke(main, [str(a) for a in arguments])


def write(folder, name, title="My own"):
    file = folder / f"{name}.py"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(OWN.format(title=title))
    return file


def names(root):
    return [identifier(file) for file in find_experiments(root)]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty folder, the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_checkout_has_its_own_experiments_and_results():
    assert is_checkout(CHECKOUT) and packaged_experiments() == CHECKOUT / "experiments"
    files = find_experiments(CHECKOUT)
    assert {file.parents[1] for file in files} == {CHECKOUT / "experiments"}
    assert {file.parent.name for file in files} == set(PAPERS)


def test_anywhere_else_the_packaged_ones_are_there_and_results_have_a_folder(place):
    assert default_root() == Path(RESULTS)
    assert names(RESULTS) == names(CHECKOUT) and len(names(RESULTS)) > 20
    listed = call("list")
    assert listed.exit_code == 0 and "koloskova2023/skewness\n" in listed.output
    assert list(place.iterdir()) == []  # to list writes nothing


def test_own_experiments_add_to_the_packaged_ones_and_hide_those_of_the_same_name(place):
    write(place / "experiments", "mine/claim")
    edited = write(place / "experiments", "koloskova2023/skewness", "Edited")
    assert set(names(RESULTS)) == {*names(CHECKOUT), "mine/claim"}
    assert chosen_experiments("koloskova2023/skewness", RESULTS) == [edited]
    assert title(edited) == "Edited"
    ran = call("run", "mine/claim", "koloskova2023/skewness", "--budget", "quick")
    assert ran.exit_code == 0 and "leave it out" not in ran.output
    assert {path.name for path in place.iterdir()} == {"experiments", RESULTS}
    assert call("check").exit_code == 0 and call("report").exit_code == 0
    text = (place / RESULTS / "paper_checks.md").read_text()
    assert "| claim.1 | mine | one is one | by hand | 1 | 1 | 1 | holds |" in text
    assert text.count("not measured: has not been run") == len(names(CHECKOUT)) - 1
    entries = {entry["id"]: entry for entry in json.loads(call("list", "--json").output)}
    assert entries["mine/claim"]["verdicts"] == ["holds"] and entries["yu2023/divergence"]["verdicts"] == []
    # the same from elsewhere
    os.chdir("/")
    assert "mine/claim" in names(place / RESULTS)


def test_root_is_made_by_run_and_holds_results_and_own_experiments(place):
    write(place / "experiments", "mine/claim")
    write(place / "out" / "experiments", "mine/other")
    assert {"mine/other"} == set(names("out")) - set(names(CHECKOUT))
    ran = call("run", "mine/other", "mine/claim", "--root", "out")
    assert ran.exit_code == 0 and f"leave it out: {Path('experiments/mine/claim.py')}" in ran.output
    assert {path.name for path in (place / "out/figures/mine").iterdir()} == {"other.json", "claim.json"}
    assert call("run", "mine/claim", "--root", "deep/new").exit_code == 0
    assert (place / "deep/new/figures/mine/claim.json").is_file()


def test_an_experiments_folder_of_another_project_is_left_alone(place):
    other = place / "experiments/training/resnet.py"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"raise SystemExit('trains for a week')  # \xff\n")
    (other.parent / "_helper.py").write_text("import clipbounds\n")
    assert names(RESULTS) == names(CHECKOUT)


def test_a_paper_names_all_its_experiments_and_a_folder_its_files(place):
    of_paper = [identifier(file) for file in chosen_experiments("yu2023", RESULTS)]
    assert of_paper == [name for name in names(CHECKOUT) if name.startswith("yu2023/")] != []
    file = write(place, "folder/claim")
    assert chosen_experiments("folder", RESULTS) == [Path("folder/claim.py")] == [file.relative_to(place)]


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("koloskova2023/skewnes", "did you mean koloskova2023/skewness?"),
        ("skewness", "did you mean koloskova2023/skewness?"),
        ("experiments/koloskova2023/bias_floor.py", "did you mean koloskova2023/bias_floor?"),
        ("kolosova2023", "did you mean koloskova2023?"),
        ("yu2023/digits", "did you mean nobile2026/digits?"),
        ("abc/def", "there is no experiment abc/def; `clipbounds list` prints"),
        ("nowhere.py", "there is no experiment file nowhere.py; `clipbounds list` prints"),
        ("", "there is no experiment file in the folder .; `clipbounds list` prints"),
    ],
)
def test_a_name_in_no_catalogue_is_refused_with_its_neighbours(place, word, near):
    refused = call("run", word)
    assert refused.exit_code == 2 and near in " ".join(refused.output.split())
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("command", ["list", "run", "check", "report"])
@pytest.mark.parametrize("root", [None, "file", "file/below"])
def test_results_that_cannot_be_written_are_refused_before_anything_runs(place, command, root):
    write(place / "experiments", "mine/claim")
    (place / (RESULTS if root is None else "file")).write_text("precious")
    before = sorted(place.rglob("*"))
    refused = call(command, *(["mine/claim"] if command == "run" else []), *([] if root is None else ["--root", root]))
    assert refused.exit_code == 2
    assert "is a file" in refused.output or "there is no folder file/below" in refused.output
    assert sorted(place.rglob("*")) == before and (place / (root or RESULTS).split("/")[0]).read_text() == "precious"


def test_a_file_in_the_way_of_the_figures_is_refused(place):
    write(place / "experiments", "mine/claim")
    (place / RESULTS / "figures").mkdir(parents=True)
    (place / RESULTS / "figures/mine").touch()
    refused = call("run", "mine/claim")
    assert refused.exit_code == 2 and f"{Path(RESULTS, 'figures', 'mine')} is a file" in refused.output


def test_a_folder_without_permission_is_refused_to_those_who_write(place, monkeypatch):
    write(place / "experiments", "mine/claim")
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)  # root may write everywhere
    for command in (["run", "mine/claim"], ["check"], ["report"]):
        refused = call(*command)
        assert refused.exit_code == 2 and "may not be written to; give another --root" in " ".join(
            refused.output.split()
        )
    assert call("list").exit_code == 0 and [path.name for path in place.iterdir()] == ["experiments"]


def test_an_error_of_the_file_system_is_one_sentence(place):
    write(place / "experiments", "mine/claim")
    (place / RESULTS / "paper_checks.md").mkdir(parents=True)
    refused = call("check")
    assert refused.exit_code == 2 and "paper_checks.md: " in refused.output
