"""Records and figures are the same files on every machine: rounded numbers, no clock, shipped fonts."""

import json
import math

import matplotlib
import numpy as np
import pytest
from click.testing import CliRunner

from clipbounds.cli import main
from clipbounds.report import style
from clipbounds.report.digits import DRAWN, RECORDED, rounded
from clipbounds.report.runner import plain, save_figure

RNG = np.random.default_rng(5)
VALUES = RNG.normal(size=200) * 10.0 ** RNG.integers(-30, 30, size=200)
# what another order of summation or a fused product does to a number
WOBBLED = VALUES * (1 + RNG.uniform(-4, 4, size=200) * np.finfo(float).eps)


def test_rounding_keeps_the_digits_and_nothing_else():
    found = rounded(VALUES)
    assert np.all(np.abs(found - VALUES) <= 0.5 * 10.0 ** (1 - RECORDED) * np.abs(VALUES))
    assert np.array_equal(rounded(found), found)
    assert rounded({"a": [1 / 3, (2 / 3, 7, "x")], "b": None}) == {"a": [0.333333333, (0.666666667, 7, "x")], "b": None}
    assert rounded(123456789012) == 123456789012 and rounded(True) is True
    assert math.isnan(rounded(math.nan)) and rounded(-math.inf) == -math.inf and rounded(np.float64(0.1)) == 0.1
    assert plain({"x": np.array([1 / 3, np.inf])}) == {"x": [0.333333333, "inf"]}


def test_what_last_bits_do_to_a_record():
    """They change numbers in memory everywhere and in a record nowhere; a ninth digit in memory is seen there."""
    assert (VALUES != WOBBLED).mean() > 0.5
    assert plain(VALUES) == plain(WOBBLED)
    assert plain(VALUES) != plain(VALUES * (1 + 1e-8))


def drawn(values, folder):
    with style.context():
        figure, (left, right) = style.figure(2)
        style.measured(left, np.arange(values.size), values, values - 1, values + abs(values), label="$x^2$, all")
        left.axhline(values.mean())
        left.set(ylim=(values.min() * 1.1, values.max() * 1.3), title="√ of a title")
        right.pcolormesh(np.outer(values[:9], values[:9]))
        right.annotate("here", (1 + values[0] ** 2, 3.0))
        folder.mkdir()
        save_figure(figure, folder / "drawn")
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_figures_do_not_see_last_bits(tmp_path):
    values = RNG.normal(size=50)
    wobbled = values * (1 + RNG.uniform(-4, 4, size=50) * np.finfo(float).eps)
    first = drawn(values, tmp_path / "a")
    assert drawn(wobbled, tmp_path / "b") == first and len(first) == 3
    assert drawn(values * (1 + 10.0 ** (2 - DRAWN)), tmp_path / "c") != first


def test_the_fonts_are_those_of_matplotlib():
    from matplotlib.font_manager import FontProperties, findfont

    with matplotlib.rc_context(style.SETTINGS):
        assert findfont(FontProperties(), fallback_to_default=False).startswith(matplotlib.get_data_path())


TIMED = '''
"""A time."""

import time

from clipbounds.report import Outcome, Row, style


def run(lab):
    seconds = time.perf_counter()
    rows = [
        Row("a number", "by hand", "1", "2", 0.5, "holds"),
        Row("a time", "by the clock", f"{seconds:.9f} s", "1 s", seconds, "violated", asserted=False, clock=True),
    ]
    figure, axes = style.figure()
    axes.plot([0, 1], [0, seconds])
    return Outcome(rows, None, times={"t": {"seconds": [seconds]}}, times_figure=figure)
'''


@pytest.fixture
def timed(tmp_path):
    file = tmp_path / "experiments/koloskova2023/timed.py"
    file.parent.mkdir(parents=True)
    file.write_text(TIMED)
    return tmp_path


def call(*arguments):
    return CliRunner().invoke(main, [str(a) for a in arguments])


def test_times_are_kept_apart(timed):
    first = call("run", "koloskova2023/timed", "--root", timed, "--again")
    assert first.exit_code == 0 and "violated" in first.output  # the run itself prints what it measured
    folder = timed / "figures/koloskova2023"
    record, times = ((folder / f"timed{suffix}.json").read_bytes() for suffix in ("", ".times"))
    checks = call("check", "--root", timed)
    assert checks.exit_code == 0
    table = (timed / "paper_checks.md").read_bytes()
    assert call("report", "--root", timed).exit_code == 0
    assert "Times on this machine" in (folder / "timed.html").read_text()
    call("run", "koloskova2023/timed", "--root", timed, "--again")
    call("check", "--root", timed)
    assert (folder / "timed.json").read_bytes() == record and (timed / "paper_checks.md").read_bytes() == table
    assert (folder / "timed.times.json").read_bytes() != times and (folder / "timed.times.png").is_file()
    row = json.loads(record)["rows"][1]
    assert row["verdict"] == "not measured" and row["measured"] == "" and "belongs to the machine" in row["reason"]
    assert json.loads(times)["rows"][0]["verdict"] == "violated" and "NumPy" in json.loads(times)["machine"]
    assert "seconds" not in json.loads(record)


def test_a_row_of_the_clock_does_not_make_an_experiment_run_again(timed):
    file = timed / "experiments/koloskova2023/timed.py"
    file.write_text(file.read_text() + "\nprint('executed')\n")
    assert [call("run", "koloskova2023/timed", "--root", timed).output.count("executed") for _ in range(2)] == [2, 1]
