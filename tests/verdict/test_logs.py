"""Logs: the four formats, near names, seeds by column and by file, and one sentence for each wrong file."""

import json

import numpy as np
import pytest

import clipbounds as cb

ROWS = [(0, 2.0), (1, 1.5), (3, 1.25)]


def write(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "trainer_state.json"])
def test_formats_agree(tmp_path, kind):
    if kind in ("csv", "tsv"):
        sign = "," if kind == "csv" else "\t"
        text = "\n".join(sign.join(map(str, row)) for row in [("Step", "train/grad_norm"), *ROWS])
    else:
        records = [{"step": t, "loss": 1.0, "grad_norm": g} for t, g in ROWS]
        lines = "\n".join(json.dumps(r) for r in records)
        summary = [{"step": 3, "eval_loss": 2.0}, {"step": 3, "train_runtime": 9.0}]
        text = lines if kind == "jsonl" else json.dumps({"log_history": records + summary, "epoch": 1})
    log = cb.read_log(write(tmp_path, f"log.{kind}", text))
    assert log["checkpoint"].values.tolist() == [0, 1, 3]  # step 2 is missing, and stays so
    assert log["gradient_norm"].values[:, 0].tolist() == [2.0, 1.5, 1.25]


def test_seeds_by_column_and_by_file(tmp_path):
    both = "seed,iteration,gnorm\n" + "\n".join(f"{s},{t},{g + s}" for s in (0, 1) for t, g in ROWS)
    one = cb.read_log(write(tmp_path, "both.csv", both))
    files = [write(tmp_path, f"s{s}.csv", "step,gnorm\n" + "\n".join(f"{t},{g + s}" for t, g in ROWS)) for s in (0, 1)]
    many = cb.read_log(*files)
    assert np.array_equal(one["gradient_norm"], many["gradient_norm"]) and one["gradient_norm"].shape == (3, 2)
    assert many["seed"].values.tolist() == ["s0", "s1"]


def test_a_missing_step_of_one_seed_is_nan(tmp_path):
    log = cb.read_log(write(tmp_path, "a.csv", "seed,step,gap\n0,1,5\n0,2,4\n0,3,3\n1,1,5\n1,3,2\n"))
    assert np.isnan(log["gap"].values[1, 1]) and np.isfinite(log["gap"].values).sum() == 5


def test_eight_seeds_from_a_file_to_a_verdict(tmp_path):
    draws = np.random.default_rng(0).uniform(0.9, 1.1, (30, 8))
    text = "step,seed,grad_norm\n" + "\n".join(f"{t},{s},{draws[t, s]}" for s in range(8) for t in range(30))
    log = cb.read_log(write(tmp_path, "log.csv", text))
    method = cb.methods.ClippedSGD(0.05, cb.clipping.NormClip(1.0))
    run = cb.measured(cb.Constants(method=method, L=1.0, F0=2.0, sigma=0.5), log)
    verdict = cb.compare(run, cb.bounds.koloskova2023.S1()).verdicts[0]
    assert verdict.verdict == "holds (assuming normal means and the given constants)"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty"),
        ("step,grad_norm\n", "has no rows of data"),
        ("time,grad_norm\n1,2\n", "has no step column"),
        ("step,loss\n1,2\n", "no column of gradient norms"),
        ("step,grad_norm\n1,2\n2,many\n", "'many' is in row 3"),
        ("step,grad_norm\n1,2\n1,3\n", "steps must increase, but 1 is followed by 1 in row 3"),
        ("step,grad_norm\n1,2\n2\n", "1 cells in row 3"),
        ("step,grad_norm\n1,nan\n2,nan\n", "gradient_norm has no number"),
        ("step,grad_norm\n1,-2\n", "cannot be negative"),
        ("step,grad_norm\n1.5,2\n", "integer >= 0"),
        ("seed,step,gap\n0,1,2\n0,2,2\n1,1,2\n", "end at different steps"),
        ('{"step": 1, "grad_norm": 2}\n{"step": 2,\n', "line 2 of"),
        ('{"log_history": 5}', "list of records"),
    ],
)
def test_wrong_files_get_a_sentence(tmp_path, text, sentence):
    with pytest.raises(ValueError) as error:
        cb.read_log(write(tmp_path, "log.csv", text))
    assert sentence in str(error.value)


def test_wrong_columns_are_named(tmp_path):
    path = write(tmp_path, "log.csv", "step,norm2\n1,2\n")
    with pytest.raises(ValueError, match="did you mean 'norm2'"):
        cb.read_log(path, columns={"gradient_norm": "norm"})
    assert cb.read_log(path, columns={"gradient_norm": "norm2"})["gradient_norm"].item() == 2
    with pytest.raises(ValueError, match="there is no file"):
        cb.read_log(tmp_path / "none.csv")
