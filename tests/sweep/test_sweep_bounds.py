"""Bounds in the cells of a sweep: values where they apply, nan where they do not, and runs that `compare` takes."""

import numpy as np
import pytest
from sweep_helpers import grid

import clipbounds as cb
from clipbounds.sweep import Sweep, load, load_cell, overlay, run


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """S1 asks for a variance, which the law of tail index 1.5 does not have; D1Mean is about no noise at all."""
    folder = tmp_path_factory.mktemp("bounds") / "store"
    noise = {"type": "SymmetricPareto", "tail_index": [3.0, 1.5], "scale": 1.0}
    method = {"type": "ClippedSGD", "step_size": 0.01, "clip": {"type": "NormClip", "threshold": [0.5, 1.0, 2.0]}}
    bounds = ["koloskova2023.S1", "koloskova2023.D1Mean"]
    sweep = Sweep.from_dict(grid(kind="Quadratic", noise=noise, method=method, bounds=bounds, checkpoints=[0, 5, 20]))
    run(sweep, folder)
    return sweep, folder


def test_each_bound_is_a_variable_with_nan_where_it_does_not_apply(store):
    sweep, folder = store
    data = load(folder)
    for bound in sweep.bounds:
        found = data[f"bound_{bound.name}"]
        assert found.dims == ("tail_index", "threshold", "checkpoint") and found.attrs["quantity"] == bound.quantity
        for index in range(sweep.size):
            cell, place = sweep.cell(index), np.unravel_index(index, sweep.shape)
            values = found[place].values
            if all(row.holds for row in bound.hypotheses(cell.setting)):
                assert np.isnan(values[0]) and np.array_equal(values[1:], bound.value(cell.setting, [5, 20]))
            else:
                assert np.isnan(values).all()
    assert np.isnan(data.bound_S1[1]).all() and not np.isnan(data.bound_S1[0, :, 1:]).any()


def test_where_a_bound_applies_is_counted(store):
    (name, count, of, reason), _ = store[0].applies()
    assert (name, count, of) == ("S1", 3, 6) and "tail_index = 1.5" in reason


def test_a_slice_evaluates_only_what_is_looked_at(store, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "clipbounds.sweep.bounded._in_cell", lambda bound, cell: asked.append(cell.index) or [np.nan] * 3
    )
    load(store[1]).bound_S1[0, 1].load()
    assert asked == [1]


def test_two_choices_of_a_parameter_have_two_names(tmp_path):
    bounds = ["koloskova2023.S1", {"type": "koloskova2023.S1", "accept_sampled": True}]
    sweep = Sweep.from_dict(grid(5, kind="Quadratic", bounds=bounds))
    run(sweep, tmp_path / "store")
    assert {"bound_S1", "bound_S1_2"} <= set(load(tmp_path / "store").data_vars)


def test_overlay_takes_the_dataset_and_compare_says_how_to_get_a_run(store):
    sweep, folder = store
    drawn = overlay(load(folder), "of the sweep")
    assert str(drawn) == str(overlay(folder, "of the sweep"))
    with pytest.raises(ValueError, match="load_cell"):
        cb.compare(load(folder), sweep.bounds[0])
    verdicts = cb.compare(load_cell(folder, tail_index=3.0, threshold=1.0), sweep.bounds[0])
    assert [verdict.bound for verdict in verdicts.verdicts] == ["S1"]
