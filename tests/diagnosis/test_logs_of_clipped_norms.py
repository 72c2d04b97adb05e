"""Logs as trainers leave them: norms after clipping, thin or negative curvatures, norms near the end of the floats."""

import json

import numpy as np
import pytest

from clipbounds.diagnosis import diagnose
from clipbounds.verdict.tail import hill

RNG = np.random.default_rng(8)


def _log(path, **columns):
    names = ["step", *columns]
    rows = zip(range(len(next(iter(columns.values())))), *columns.values(), strict=True)
    path.write_text("\n".join([",".join(names), *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


@pytest.mark.parametrize("c", [1.0, 0.1, 1e-200, 7e250])
def test_norms_after_clipping_have_no_tail(c):
    """Nine in ten norms equal c to the last bit: no index, where rounding alone would give one of 1e15."""
    norms = c * np.minimum(RNG.uniform(0, 10, 1000), 1.0)
    with pytest.raises(ValueError, match="largest values are equal, as after clipping"):
        hill(norms)
    found = diagnose(norms, c)
    assert found.tail is None and "as after clipping" in found.tail_words


def test_a_tail_that_is_there_is_still_estimated():
    assert 1 < hill(RNG.pareto(1.5, 1000) + 1).index < 2.5


@pytest.mark.parametrize("columns", [None, "my_norm"])
def test_curvatures_of_either_sign_also_beside_a_named_column(tmp_path, columns):
    norms = RNG.uniform(1, 2, 60)
    name = columns or "grad_norm"
    log = _log(tmp_path / "log.csv", **{name: norms, "sharpness": np.where(np.arange(60) % 2, -2.0, 1.0)})
    line = diagnose(log, 1.0, column=columns).smoothness
    assert pytest.approx((2, 0), abs=1e-9) == (line.L0, line.L1)


@pytest.mark.parametrize("curvature", [[""] * 60, ["", 3.0] + [""] * 58])
def test_a_curvature_column_with_fewer_than_two_numbers_gives_no_line(tmp_path, curvature):
    found = diagnose(_log(tmp_path / "log.csv", grad_norm=np.linspace(1, 2, 60), sharpness=curvature), 1.0)
    assert found.smoothness is None and found.count == 60


def test_norms_at_the_end_of_the_floats():
    found = diagnose(np.geomspace(1e290, 1e307, 60), 1e300, sigma=1.0)
    assert np.all(np.isfinite(found.thresholds))
    json.dumps(found.to_dict(), allow_nan=False)
