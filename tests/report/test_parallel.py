"""Several settings at once give what each of them gives alone, in the order asked for."""

import clipbounds as cb
from clipbounds.report import Lab
from clipbounds.report.parallel import simulate_all


def test_same_as_one_by_one():
    problem = cb.problems.Quadratic([1.0, 2.0], [1.0, 1.0])
    seen = []
    lab = Lab("quick", seed=3, progress=lambda *report: seen.append(report[:2]))
    jobs = {
        eta: (cb.Setting(problem, cb.noise.Gaussian(1.0), cb.methods.SGD(eta)), 20, 10, {"checkpoints": [5, 20]})
        for eta in (0.3, 0.1, 0.2)
    }
    runs = simulate_all(lab, jobs)
    assert list(runs) == [0.3, 0.1, 0.2] and seen == [(1, 3), (2, 3), (3, 3)]
    for eta, (setting, steps, trajectories, options) in jobs.items():
        assert runs[eta].identical(cb.simulate(setting, steps, trajectories, seed=3, **options))
