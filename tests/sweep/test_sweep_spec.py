"""What a sweep's description means, and what is refused before anything runs."""

import numpy as np
import pytest
from sweep_helpers import as_toml, grid

import clipbounds as cb
from clipbounds.sweep import Sweep
from clipbounds.sweep.journal import digest_of
from clipbounds.sweep.memory import simulation_key


def test_lists_and_ranges_are_axes_in_order():
    sweep = Sweep.from_dict(
        grid(
            noise=[{"type": "Gaussian", "scale": 1.0}, {"type": "TwoPoint", "sigma": [1.0, 2.0], "skew": 0.5}],
            seed=[3, 4],
            steps="geomspace(20, 80, 3)",
            checkpoints=[0.5, 1.0],
        )
    )
    assert [axis.name for axis in sweep.axes] == ["noise", "step_size", "threshold", "steps", "seed"]
    assert sweep.shape == (3, 4, 5, 3, 2) and sweep.size == 360
    assert sweep.axes[3].values == [20, 40, 80]
    for index in (0, 100, 359):
        cell = sweep.cell(index)
        noise, step_size, threshold, steps, seed = np.unravel_index(index, sweep.shape)
        laws = (cb.noise.Gaussian(1.0), cb.noise.TwoPoint(1.0, 0.5), cb.noise.TwoPoint(2.0, 0.5))
        assert cell.setting.noise == laws[noise]
        assert cell.setting.method.step_size == np.geomspace(1e-3, 1e-1, 4)[step_size]
        assert cell.setting.method.clip.threshold == np.geomspace(0.1, 10, 5)[threshold]
        assert (cell.steps, cell.seed) == ([20, 40, 80][steps], [3, 4][seed])
        assert cell.checkpoints == [cell.steps // 2, cell.steps]


def test_vectors_are_vectors_and_lists_of_vectors_are_an_axis():
    table = {"type": "Quadratic", "eigenvalues": [1.0, 2.0], "x0": [[1.0, 1.0], [2.0, 2.0]]}
    sweep = Sweep.from_dict(grid(problem=table))
    assert sweep.axes[0].name == "x0" and sweep.shape == (2, 4, 5)
    assert sweep.cell(20).setting.problem == cb.problems.Quadratic([1.0, 2.0], [2.0, 2.0])


def test_python_objects_and_tables_describe_the_same_cells(tmp_path):
    table = Sweep.from_dict(grid(problem={"type": "Quadratic", "eigenvalues": [1.0, 2.0], "x0": [1.0, 1.0]}))
    made = Sweep(
        cb.problems.Quadratic([1.0, 2.0], [1.0, 1.0]),
        cb.noise.SymmetricPareto(1.5, 1.0),
        {
            "type": "ClippedSGD",
            "step_size": np.geomspace(1e-3, 1e-1, 4),
            "clip": {"type": "NormClip", "threshold": list(np.geomspace(0.1, 10, 5))},
        },
        steps=20,
        trajectories=32,
        checkpoints=[20],
    )
    assert made.check() == table.check() and made.names("s") == table.names("s")
    file = tmp_path / "small.toml"
    file.write_text(as_toml(grid()))
    assert Sweep.from_toml(file).digest == Sweep.from_dict(grid()).digest
    for sweep in (table, made):
        again = Sweep.from_dict(sweep.to_dict())
        assert again.digest == sweep.digest and again.names("s") == sweep.names("s")


def test_a_cell_has_the_name_that_an_experiment_gives_the_same_simulation():
    sweep = Sweep.from_dict(grid())
    assert sweep.names("s") == [sweep.name_of(index, "s") for index in range(sweep.size)]
    for index, name in enumerate(sweep.names("s")):
        key = simulation_key(sweep.cell(index).setting, "s", 20, 32, seed=0, checkpoints=[20], keep="statistics")
        assert name == digest_of(key)


def test_bounds_that_hold_everywhere_pass():
    changes = {"noise": {"type": "Gaussian", "scale": 1.0}, "bounds": ["koloskova2023.S0"]}
    table = {"type": "Quadratic", "eigenvalues": [1.0], "x0": [1.0]}
    assert Sweep.from_dict(grid(problem=table, **changes)).applies() == [("S0", 20, 20, None)]


def test_where_a_bound_does_not_apply_is_told_and_not_refused():
    sweep = Sweep.from_dict(grid(bounds=["koloskova2023.S1"]))
    sweep.check()
    (told,) = sweep.applies()
    assert told[:3] == ("S1", 0, 20) and told[3].startswith("in cell 0 of 20 (step_size = 0.001") and "fails" in told[3]


GAUSS = {"type": "Gaussian", "scale": 1.0}
METHOD = grid()["method"]


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"stepz": 3}, ["there is no key 'stepz'", "did you mean 'steps'?"]),
        ({"noise": {"type": "Gausian", "scale": 1.0}}, ["no Noise 'Gausian'", "did you mean 'Gaussian'?"]),
        ({"noise": {**GAUSS, "scal": 1.0}}, ["Gaussian has no parameter 'scal'", "did you mean 'scale'?"]),
        ({"noise": {"type": "Gaussian"}}, ["Gaussian needs scale"]),
        ({"noise": {"type": "NormClip", "threshold": 1.0}}, ["no Noise 'NormClip'"]),
        ({"noise": 1.0}, ["noise: expected a table"]),
        ({"noise": {"type": "nowhere:Law"}}, ["nowhere:Law cannot be imported"]),
        ({"steps": []}, ["steps: an empty list makes an empty grid"]),
        ({"noise": []}, ["noise: an empty list makes an empty grid"]),
        ({"seed": [1, 1]}, ["seed: the value 1 is given twice"]),
        ({"steps": "geomspace(1, 2)"}, ["two finite ends"]),
        ({"steps": "geomspace(-1, 2, 3)"}, ["of one sign"]),
        ({"steps": "logspace(1, 2, 3)"}, ["no range 'logspace'", "did you mean 'linspace'?"]),
        ({"steps": "many"}, ["cell 0 of 20", "steps must be an integer >= 0", "'many'"]),
        ({"steps": [10, 20], "checkpoints": [15]}, ["cell 0 of 40", "steps = 10", "[0, 10]"]),
        ({"checkpoints": [0.01, 0.02]}, ["coincide"]),
        ({"checkpoints": [0.0, 1.0]}, ["(0, 1]"]),
        ({"checkpoints": "some"}, ["checkpoints must be a list"]),
        ({"keep": "all"}, ["keep must be one of"]),
        ({"keep": "trajectories", "trajectories": [1, 2]}, ['keep must be "statistics"']),
        ({"method": {**METHOD, "step_size": [0.1, -0.1]}}, ["cell 5 of 10", "step_size = -0.1", "(0, inf)"]),
        (
            {"method": {**METHOD, "clip": {"type": "NormClip", "threshold": [1.0, 0.0]}}},
            ["threshold = 0.0", "NormClip"],
        ),
        ({"noise": {**GAUSS, "along": [[1.0, 0.0], [1.0, 1.0]]}}, ["cell 20 of 40", "unit vector"]),
        ({"bounds": ["koloskova2023.S11"]}, ["no bound 'S11'", "did you mean 'S1'?"]),
        ({"bounds": ["koloskova.S1"]}, ["no paper 'koloskova'", "koloskova2023"]),
    ],
)
def test_bad_descriptions_are_one_clear_sentence(changes, parts):
    with pytest.raises(ValueError) as caught:
        Sweep.from_dict(grid(**changes)).check()
    for part in parts:
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_class_in_no_file_is_refused():
    source = "class Hidden(cb.problems.Quadratic):\n    pass\n"
    space = {"cb": cb, "__name__": "a_notebook"}
    exec(source, space)
    sweep = Sweep.from_dict(grid(problem=space["Hidden"]([1.0, 2.0], [1.0, 1.0])))
    with pytest.raises(ValueError, match="defined in no file"):
        sweep.check()


@pytest.mark.parametrize(("text", "part"), [("a = = 1", "is not TOML"), (None, "cannot be read")])
def test_files_that_are_no_description(tmp_path, text, part):
    file = tmp_path / "spec.toml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ValueError, match=part):
        Sweep.from_toml(file)
