"""Figures for papers: they survive pickling with their rc, and take a width of any real type."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

from clipbounds.verdict import paper


def drawn():
    with paper.figure(2, "column") as (made, axes):
        axes[0].plot([1, 2], [3, 5], label="a")
    return made


def test_a_figure_is_pickled():
    made = drawn()
    again = pickle.loads(pickle.dumps(made))
    assert (
        type(again) is type(made) is paper.PaperFigure and again.settings == made.settings != paper.PaperFigure.settings
    )
    assert np.array_equal(again.axes[0].get_lines()[0].get_xydata(), [[1, 3], [2, 5]])


def test_another_process_reads_it(tmp_path):
    """There nothing has made the class yet."""
    file = tmp_path / "figure.pickle"
    file.write_bytes(pickle.dumps(drawn()))
    code = "import pickle, sys; f = pickle.load(open(sys.argv[1], 'rb')); f.savefig(sys.argv[1] + '.pdf'); print(type(f).__name__)"
    told = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "PaperFigure"
    assert b"/Type3" not in (tmp_path / "figure.pickle.pdf").read_bytes()


def test_an_unknown_name_is_one():
    with pytest.raises(AttributeError, match="no attribute 'PaperFigures'"):
        paper.PaperFigures  # noqa: B018


@pytest.mark.parametrize("width", [3, 3.0, np.int64(3), np.float32(3), np.float64(3)])
def test_a_width_of_any_real_type(width):
    assert paper.inches(width) == 3.0


@pytest.mark.parametrize("width", [True, np.True_, np.int64(0), np.nan, 3j, "3", None, [3]])
def test_other_widths_are_refused(width):
    with pytest.raises(ValueError, match="width must be one of"):
        paper.inches(width)
