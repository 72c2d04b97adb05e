"""Each wrong log gets one sentence from the command, and nothing is written."""

import pytest
from click.testing import CliRunner

from clipbounds.cli import main

WRONG = {
    "no step column": ("epoch,grad_norm\n1,2\n", "has no step column"),
    "a step column with a slip": ("stpe,grad_norm\n1,2\n", "is 'stpe' meant?"),
    "text in a number column": ("step,grad_norm\n0,1\n1,abc\n", "'abc' is in row 3"),
    "a number with an underscore": ("step,grad_norm\n0,1\n1,1_000\n", "'1_000' is in row 3"),
    "steps go back": ("step,grad_norm\n0,1\n5,2\n3,1\n", "5 is followed by 3 in row 4"),
    "a fraction of a step": ("step,grad_norm\n0,1\n1.5,2\n", "must be an integer"),
    "seeds of different lengths": ("seed,step,grad_norm\na,0,1\na,1,2\nb,0,1\n", "end at different steps"),
    "a column of nan": ("step,grad_norm\n0,nan\n1,nan\n", "has no number in log.csv"),
    "a seed of nan": ("seed,step,grad_norm\na,0,1\nb,0,nan\n", "log.csv, seed b"),
    "a negative norm": ("step,grad_norm\n0,1\n1,-2\n", "cannot be negative, but it is at step 1"),
    "no rows": ("step,grad_norm\n", "has no rows of data"),
    "nothing": ("", "is empty"),
    "a near name": ("step,gradnrm\n0,1\n", "is 'gradnrm' meant?"),
    "a column twice": ("step,grad_norm,grad_norm\n0,1,2\n", "has 2 columns 'grad_norm'"),
    "semicolons": ("step;grad_norm\n0;1,5\n", "separated by semicolons"),
    "no records": ('{"log_history": 3}', "must hold a list of records"),
    "no norms": ('[{"step": 1, "loss": 2}]', "no column of gradient norms"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_log(kind, tmp_path):
    text, sentence = WRONG[kind]
    log = tmp_path / "log.csv"
    log.write_text(text, encoding="utf-8")
    out = tmp_path / "page.html"
    done = CliRunner().invoke(main, ["diagnose", str(log), "--threshold", "1", "--out", str(out)])
    assert done.exit_code == 2 and sentence in done.output and len(done.output.strip().splitlines()) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["log.csv"]


def test_a_column_by_its_name_and_infinite_norms_are_counted(tmp_path):
    log = tmp_path / "log.csv"
    log.write_text("step,gradnrm\n0,1\n1,inf\n2,3\n", encoding="utf-8")
    done = CliRunner().invoke(main, ["diagnose", str(log), "--threshold", "2", "--column", "gradnrm"])
    assert done.exit_code == 0 and "2; 1 more are infinite" in done.output
    done = CliRunner().invoke(main, ["diagnose", str(log), "--threshold", "2", "--column", "gradnorm"])
    assert done.exit_code == 2 and "did you mean 'gradnrm'" in done.output


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--sigma", "-1"], "Constants: sigma must be"),
        (["--l0", "1"], "L0 and L1 belong together"),
        (["--p", "3"], "p must be"),
        (["--out", "nowhere/d.png"], "there is no folder nowhere"),
        (["--out", "d.txt"], "is written as .html"),
        (["--gradients", "log.csv"], "is no NPY or NPZ file"),
    ],
)
def test_wrong_options(options, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "log.csv").write_text("step,grad_norm\n0,1\n", encoding="utf-8")
    done = CliRunner().invoke(main, ["diagnose", "log.csv", "--threshold", "1", *options])
    assert done.exit_code == 2 and sentence in done.output
    assert [file.name for file in tmp_path.iterdir()] == ["log.csv"]
