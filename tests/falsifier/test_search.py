"""The search as a program: coordinates, determinism, resuming, shrinking, snippets, replay, bad input."""

import dataclasses
import json

import numpy as np
import pytest

import clipbounds as cb
from clipbounds.bounds import Bound, Hypothesis, Scaled, koloskova2023, nobile2026
from clipbounds.falsifier import Budget, Template, catalogue, evaluate, mutants, replay
from clipbounds.falsifier.coordinates import read, rebuild
from clipbounds.falsifier.mutants import Dropped, LaterHorizon, LowerMoment, OtherForm
from clipbounds.falsifier.snippet import code

TEMPLATES = catalogue()
LINE = cb.Setting(
    cb.problems.Quadratic([1.0], [1.0]), cb.noise.NoNoise(), cb.methods.ClippedSGD(0.1, cb.clipping.NormClip(1.0))
)


@pytest.mark.parametrize("template", TEMPLATES[::7], ids=lambda t: t.name)
def test_coordinates_lead_back_to_their_setting(template):
    axes = template.axes()
    place = {axis.path: axis.place(read(template.setting, template.steps, axis.path)) for axis in axes}
    values = {axis.path: axis.value(place[axis.path]) for axis in axes}
    for axis in axes:
        assert values[axis.path] == pytest.approx(read(template.setting, template.steps, axis.path), rel=1e-9, abs=2e-3)
    assert min(place.values()) >= 0 and max(place.values()) <= 1


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("template", TEMPLATES, ids=lambda t: t.name)
def test_the_snippet_makes_the_setting_again(template):
    text, imports = code(template.setting)
    assert imports == []
    assert eval(text, {"cb": cb}) == template.setting


def test_a_number_can_be_held():
    held = Template(LINE, 10, fixed=("problem", "method.step_size"))
    paths = {axis.path[:2] for axis in held.axes()}
    assert not any(path[0] == "problem" for path in paths)
    assert ("method", "step_size") not in paths and ("method", "clip") in paths
    with pytest.raises(ValueError, match="fixed names no number"):
        Template(LINE, 10, fixed=("method.learning_rate",))


def test_the_adversary_follows_the_method():
    template = next(t for t in TEMPLATES if t.group == "adversary")
    setting, steps = rebuild(template.setting, template.steps, {("method", "step_size"): 0.2, ("steps",): 7})
    policy = setting.noise.policy
    assert (policy.step_size, policy.steps, steps) == (0.2, 7, 7)


def test_same_seed_same_path_for_any_thread_count_and_a_journal_goes_on(tmp_path):
    bound, space = Scaled(koloskova2023.S1(), 0.5), TEMPLATES[:16]
    one = cb.falsify(bound, space, 80, seed=3, threads=1, keep_going=True)
    two = cb.falsify(bound, space, 80, seed=3, threads=2, keep_going=True)
    assert one.history == two.history and one.setting == two.setting and one.states == two.states
    journal = tmp_path / "journal.jsonl"
    cb.falsify(bound, space, 40, seed=3, journal=journal, keep_going=True)
    before = len(journal.read_text().splitlines())
    journal.write_text(journal.read_text()[:-20])  # a kill in the middle of a line
    third = cb.falsify(bound, space, 80, seed=3, journal=journal, keep_going=True)
    assert third.history == one.history
    assert len(journal.read_text().splitlines()) > before


def test_a_file_is_replayed_and_a_wrong_one_is_not_confirmed(tmp_path):
    result = cb.falsify(Scaled(koloskova2023.D3(), 0.9), budget=400)
    assert result.broken and "cb.bounds.Scaled" in result.snippet()
    path = result.write(tmp_path / "instance.json")
    assert replay(path).confirmed
    content = json.loads(path.read_text())
    content["bound"]["factor"] = 5.0  # now it is true
    path.write_text(json.dumps(content))
    assert not replay(path).confirmed
    for text in ("", "[]", "{}", '{"clipbounds": "falsification", "format": 99}'):
        path.write_text(text)
        with pytest.raises(ValueError, match="no file that falsify has written"):
            replay(path)


def test_the_snippet_runs(capsys):
    result = cb.falsify(Scaled(koloskova2023.D3(), 0.9), budget=400)
    exec(result.snippet(), {})
    assert "violated" in capsys.readouterr().out


def test_the_figure_of_a_search():
    axes = cb.falsify(Scaled(koloskova2023.D3(), 0.9), budget=400).figure().axes
    assert axes[0].get_xlabel() == "evaluations" and len(axes[1].patches) >= 1


class Raises(Bound):
    quantity = "gap"

    def evaluate(self, setting, steps):
        if setting.problem.dim == 2:
            raise RuntimeError("by my hand")
        return np.full(steps.shape, np.inf)


class IsNan(Bound):
    quantity = "gap"

    def evaluate(self, setting, steps):
        return np.full(steps.shape, np.nan)


class WrongShape(Bound):
    quantity = "gap"

    def evaluate(self, setting, steps):
        return np.ones((3, 7))


class Nowhere(Bound):
    quantity = "gap"

    def conditions(self, setting):
        return [Hypothesis("the moon is full", "", False)]


class Unmeasured(Bound):
    quantity = "happiness"

    def evaluate(self, setting, steps):
        return np.ones_like(steps)


def test_a_crash_costs_one_candidate_and_is_listed():
    result = cb.falsify(Raises(), TEMPLATES[:8], budget=40)
    assert not result.broken
    assert result.states["crashed"] >= 1 and "by my hand" in result.crashes[0].why


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: cb.falsify("S1"), "bound must be a Bound"),
        (lambda: cb.falsify(koloskova2023.S1(), []), "the space is empty"),
        (lambda: cb.falsify(koloskova2023.S1(), ["a"]), "setting must be a Setting"),
        (lambda: cb.falsify(koloskova2023.S1(), budget=0), "budget must be an integer >= 1"),
        (lambda: cb.falsify(koloskova2023.S1(), budget=10, confidence=1.0), r"confidence must be in \(0, 1\)"),
        (lambda: cb.falsify(koloskova2023.StochasticFloor(), budget=10), "asserts nothing about one setting"),
        (lambda: cb.falsify(Nowhere(), budget=200), "the moon is full"),
        (lambda: cb.falsify(IsNan(), LINE, budget=20), "not a number"),
        (lambda: cb.falsify(WrongShape(), LINE, budget=20), r"shape of steps.*\(3, 7\)"),
        (lambda: cb.falsify(Unmeasured(), LINE, budget=20), "happiness"),
    ],
)
def test_bad_input_is_one_sentence(call, words):
    with pytest.raises(ValueError, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_start_beyond_the_floats_is_no_candidate():
    far = LINE.replace(problem=cb.problems.Extremal(1.0, 1.0, [-300.0]))
    assert evaluate(koloskova2023.D1Min(), far, 5).state == "no setting"


def test_mutants_change_what_they_say():
    problem = cb.problems.Cosh(1.0, 1.0, [2.0])
    setting = cb.Setting(problem, cb.noise.StudentT(3.0, 1.0), cb.methods.ClippedSGD(0.05, cb.clipping.NormClip(1.0)))
    bound, steps = koloskova2023.S2(), [10, 100]
    value = bound.value(setting, steps)
    assert np.all(LaterHorizon(bound).value(setting, steps) < value)
    assert np.all(OtherForm(bound).value(setting, steps) < value)  # Hessian constants without 1/ln 2
    # E|xi|^1.5 of this law is below sigma^1.5: the mutant claims less
    assert np.all(LowerMoment(bound).value(setting, steps) < value)
    heavy = setting.replace(method=cb.methods.ClippedSGD(0.05, cb.clipping.NormClip(1.0), momentum=0.5))
    row = next(row.what for row in bound.hypotheses(heavy) if row.holds is False)
    assert Dropped(bound, row).value(heavy, [5]).shape == (1,)
    kinds = [kind for kind, _ in mutants(bound, TEMPLATES)]
    assert {"constants by 0.9", "hypothesis dropped", "sigma of a lower p", "other smoothness form", "T + 1"} <= set(
        kinds
    )


def test_mutants_are_attacked():
    table = cb.falsifier.attack_mutants(koloskova2023.D3(), TEMPLATES[:12], Budget(1500, 60))
    rates = table.rates()
    assert rates["constants by 0.9"] == (1, 1)
    assert "caught" in str(table) and table.to_dict()["rates"]["constants by 0.9"] == [1, 1]
    assert any("does not depend" in row.why for row in table.rows)


def test_bounds_of_a_theorem_with_p_are_attacked():
    result = cb.falsify(Scaled(nobile2026.Theorem3(2.0), 0.01), budget=400)
    assert result.broken


def test_an_infinite_ratio_is_written_and_read_again(tmp_path):
    """As of a bound of 0 that a run exceeds: JSON has no infinity, and readers of other languages must get the file."""

    result = cb.falsify(Scaled(koloskova2023.D3(), 0.9), budget=400)
    found = dataclasses.replace(
        result, ratio=np.inf, confirmation=dataclasses.replace(result.confirmation, ratio=np.inf)
    )
    path = found.write(tmp_path / "instance.json")
    json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert replay(path).recorded.ratio == np.inf


def test_a_file_whose_hypotheses_fail_now_is_answered(tmp_path):
    result = cb.falsify(Scaled(koloskova2023.D3(), 0.9), budget=400)
    content = result.to_dict()
    content["setting"]["method"]["momentum"] = 0.5
    path = tmp_path / "instance.json"
    path.write_text(json.dumps(content))
    again = replay(path)
    assert not again.confirmed and "NOT confirmed" in str(again)
