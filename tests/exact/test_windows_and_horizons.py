"""What leaves the window, what stays after settling, and the engine that `simulate` and `compare` see."""

import numpy as np
import pytest
from enumerations import SETTINGS, enumerated, name

import clipbounds as cb
from clipbounds.bounds import Scaled, koloskova2023
from clipbounds.clipping import NormClip
from clipbounds.exact import QUANTITIES, atoms, mean_curves
from clipbounds.exact.exits import leaving
from clipbounds.exact.grid import Grid
from clipbounds.methods import ClippedSGD
from clipbounds.noise import Rademacher, Stable, TwoPoint
from clipbounds.problems import Cosh, Huber, Quadratic

NARROW = [s for s in SETTINGS if s.method.step_size == 0.1 and not isinstance(s.noise, Rademacher)]


def left_by_enumeration(setting, steps, low, high):
    """P(x has left (low, high) by t), over all sequences of atoms."""
    places, weights = setting.noise.atoms()
    c = setting.method.clip.threshold
    x, mass, out, found = np.array([setting.problem.x0[0]]), np.ones(1), np.zeros(1, dtype=bool), []
    for _ in range(steps):
        u = setting.problem.gradient(x[:, None])[:, 0]
        x = np.concatenate([x - setting.method.step_size * np.clip(u + place, -c, c) for place in places])
        mass = np.concatenate([mass * weight for weight in weights])
        out = np.tile(out, len(places)) | (x <= low) | (x >= high)
        found.append(mass[out].sum())
    return np.array(found)


@pytest.mark.parametrize("setting", NARROW, ids=name)
def test_the_probability_of_leaving_is_not_below_the_true_one(setting):
    start, steps = setting.problem.x0[0], 9
    low, high = start - 0.45, start + 0.15
    grid = Grid(setting, low, high, 400)
    exact = left_by_enumeration(setting, steps, grid.x[0], grid.x[-1])
    bound, last = leaving(grid, steps, steps)
    assert np.all(bound >= exact - 1e-12) and last == bound[-1] and exact[-1] > 0
    # not below for any longer horizon either, from fewer steps
    short, longer = leaving(grid, 3, steps)
    assert longer >= exact[-1] - 1e-12 and np.array_equal(short, bound[:3])


@pytest.mark.parametrize("setting", NARROW[:4], ids=name)
def test_a_wide_window_is_hardly_left_and_a_far_start_is_seen(setting):
    """A thousand steps, 25 step lengths beyond start and minimiser; from the end of the window it is left."""
    start = setting.problem.x0[0]
    low, high = min(start, 0.0) - 2.5, max(start, 0.0) + 2.5
    grid = Grid(setting, low, high, 800)
    bound, later = leaving(grid, 100, 10**6)
    assert bound[-1] < 1e-9 and bound[-1] <= later < 1e-5 and np.all(np.diff(bound) >= 0)
    grid.origin = grid.x.size - 1
    assert leaving(grid, 100, 100)[1] >= 1


@pytest.mark.parametrize("setting", NARROW, ids=name)
def test_a_window_that_is_left_is_paid_for(setting, monkeypatch):
    """The enclosure of a window that loses mass still contains the exact mean; without the part for leaving it does not."""
    steps, start = 9, setting.problem.x0[0]
    _, gaps = enumerated(setting, steps)
    monkeypatch.setattr(atoms, "_window", lambda *_: (start - 0.3, start + 0.1, steps))
    honest = mean_curves(setting, steps, [steps], nodes=800)
    assert abs(honest.gap[0] - gaps[-1]) <= honest.errors["gap"][0]
    monkeypatch.setattr("clipbounds.exact.grid.leaving", lambda grid, steps, horizon: (np.zeros(steps), 0.0))
    blind = mean_curves(setting, steps, [steps], nodes=800)
    assert abs(blind.gap[0] - gaps[-1]) > blind.errors["gap"][0]


@pytest.mark.parametrize(
    "setting", [SETTINGS[0], pytest.param(SETTINGS[8], marks=pytest.mark.full), SETTINGS[12]], ids=name
)
def test_a_long_run_is_a_short_one_and_what_stays(setting, monkeypatch):
    """Settled after some hundred steps, or all 3000 computed: both enclosures overlap, and the long tail costs little."""
    at = [1, 2, 200, 1500, 3000]
    whole = mean_curves(setting, 3000, at, tolerance=1e-4)
    monkeypatch.setattr(atoms, "SHORT", 128)
    short = mean_curves(setting, 3000, at, tolerance=1e-4)
    for quantity in QUANTITIES:
        difference = np.abs(getattr(whole, quantity) - getattr(short, quantity))
        assert np.all(difference <= whole.errors[quantity] + short.errors[quantity])
        assert np.all(short.errors[quantity] <= 1e-4 * getattr(short, quantity))


def test_an_end_that_cannot_be_passed_is_not_paid_for(monkeypatch):
    """Ten steps reach the ends of the window with a tenth of the mass, and do not leave it."""
    _, gaps = enumerated(SETTING, 10)
    honest = mean_curves(SETTING, 10, [10])
    assert abs(honest.gap[0] - gaps[-1]) <= honest.errors["gap"][0] <= 1e-4 * gaps[-1]
    monkeypatch.setattr("clipbounds.exact.atoms.Grid", lambda *given: Grid(*given[:4]))
    with pytest.raises(ValueError, match="out of reach"):
        mean_curves(SETTING, 10, [10])


def test_what_has_not_settled_is_not_called_settled():
    """Far out, where every step is clipped, the oscillation stays; a settled quadratic's is small."""
    far = cb.Setting(Huber(1.0, 1.0, [40.0]), TwoPoint(1.0, 0.5), ClippedSGD(0.1, NormClip(1.0)))
    grid = Grid(far, -2.0, 42.0, 800)
    assert np.all(grid.settling(50)[:, -1] > 0.5)
    near = Grid(SETTINGS[0], -2.0, 2.0, 800)
    assert np.all(near.settling(400)[:, -1] < 1e-6)


@pytest.mark.full
@pytest.mark.parametrize("setting", [SETTINGS[0], SETTINGS[6], SETTINGS[12]], ids=name)
def test_a_million_steps(setting):
    """Certified to 1e-5, and the mean of runs of 10^6 steps lies in the enclosure widened by Bernstein's band."""
    steps = 10**6
    curves = mean_curves(setting, steps, [steps], tolerance=1e-5, wanted=["mean_gradient_norm"])
    assert curves.errors["mean_gradient_norm"][0] <= 1e-5 * curves.mean_gradient_norm[0]
    run = cb.simulate(setting, steps, 256, seed=5, checkpoints=[steps])
    values = run["mean_gradient_norm"].to_numpy().ravel()
    log = np.log(2 / 1e-8)
    band = values.std() * np.sqrt(2 * log / values.size) + 3 * np.ptp(values) * log / values.size
    assert abs(values.mean() - curves.mean_gradient_norm[0]) <= band + curves.errors["mean_gradient_norm"][0]


SETTING = cb.Setting(Quadratic([1.0], [0.25]), TwoPoint(1.0, 0.5), ClippedSGD(1e-2, NormClip(1.0)))


def test_an_exact_run_decides_without_confidence():
    run = cb.simulate(SETTING, 1000, engine="exact", checkpoints=[0, 10, 1000])
    assert run.attrs["engine"] == "exact" and run["gradient_norm"].dims == ("checkpoint",)
    assert (
        run["gradient_norm"].values[0] == 0.25 and run["gap"].values[0] == 0.03125 and run["gap_error"].values[0] == 0
    )
    found = cb.compare(run, [koloskova2023.S0(), Scaled(koloskova2023.S0(), 0.5)], until="decided").verdicts
    assert [v.verdict for v in found] == ["holds", "violated"]
    assert {v.method for v in found} == {"exact"} and {v.confidence for v in found} == {1.0}


def test_a_bound_inside_the_enclosure_stays_undecided():
    setting = SETTING.replace(problem=Cosh(1.0, 0.5, [0.25]))
    run = cb.simulate(setting, 1000, engine="exact", checkpoints=[1000], tolerance=1e-2)
    bound = koloskova2023.S0()
    middle = float(run["mean_gradient_norm"].values[0] / bound.value(setting, np.array([1000]))[0])
    verdict = cb.compare(run, Scaled(bound, middle)).verdicts[0]
    assert verdict.verdict == "undecided" and "smaller tolerance" in verdict.reason


def test_both_engines_say_the_same():
    exact = cb.simulate(SETTING, 1000, engine="exact", checkpoints=[10, 1000])
    sampled = cb.simulate(SETTING, 1000, 4096, seed=3, checkpoints=[10, 1000])
    bounds = [koloskova2023.S0(), koloskova2023.S1(), Scaled(koloskova2023.S0(), 0.5)]
    words = [[v.verdict for v in cb.compare(run, bounds).verdicts] for run in (exact, sampled)]
    assert words[0] == words[1]


def test_what_speaks_of_trajectories_is_not_judged():
    class Every(cb.bounds.Bound):
        quantity, aggregate = "gap", "every"

        def evaluate(self, setting, steps):
            return 1.0 + 0 * steps

    run = cb.simulate(SETTING, 100, engine="exact")
    assert "simulate with engine='sample'" in cb.compare(run, Every()).verdicts[0].reason
    assert cb.compare(run, koloskova2023.D3()).verdicts[0].verdict in ("not measured", "does not apply")


def test_auto_samples_where_nothing_exact_exists():
    stable = SETTING.replace(noise=Stable(1.5, 1.0))
    assert cb.simulate(stable, 10, 2, engine="auto").attrs["engine"] == "sample"
    assert cb.simulate(SETTING, 10, 2, engine="auto").attrs["engine"] == "exact"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (dict(engine="exakt"), "engine must be one of sample, exact, auto"),
        (
            dict(engine="exact", setting=SETTING.replace(noise=Stable(1.5, 1.0))),
            "does not exist for this setting: the noise",
        ),
        (dict(engine="exact", steps=0), "at least one step"),
        (dict(engine="exact", tolerance=0.0), "tolerance must be > 0"),
    ],
)
def test_refusals_are_one_sentence(options, words):
    with pytest.raises(ValueError, match=words) as caught:
        cb.simulate(**{"setting": SETTING, "steps": 10, **options})
    assert "\n" not in str(caught.value)


def test_a_run_that_lost_its_errors_is_refused():
    run = cb.simulate(SETTING, 100, engine="exact").mean("checkpoint", keep_attrs=True)
    with pytest.raises(ValueError, match="lost its"):
        cb.compare(run, koloskova2023.S0())
