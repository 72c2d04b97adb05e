"""Negative controls: the same checks, fed wrong bounds, must fail.

Each proved bound is confronted with its tight instance twice: as it stands, where the verdict must be "holds", and with its
constant made 10 % too good, where it must be "violated". A row holds when the check behaves so.
"""

import clipbounds as cb
from clipbounds.bounds import HypothesesFail, Scaled
from clipbounds.bounds import koloskova2023 as theory
from clipbounds.report import Outcome, Row

CONFIDENCE = 0.999


def against_the_adversary(lab):
    """S0* against the adversary at c = 4, eta = .3: its programme is exact, its simulation refutes .9 of the bound.

    The programme comes within one percent of S0*, too near for the upper end of a band.
    """
    problem, steps = cb.problems.Quadratic(1.0, 1 / 16), 333
    found = cb.worst_case.adversary(problem, 0.3, 4.0, 1.0, steps)
    noise = cb.noise.Adaptive(found.policy)
    setting = cb.Setting(problem, noise, cb.methods.ClippedSGD(0.3, cb.clipping.NormClip(4.0)))
    bound = theory.S0Star()
    value, trajectories = float(bound.value(setting, steps)), lab.choose(512, 8192, 8192)
    result = lab.simulate(setting, steps, trajectories, checkpoints=[steps])
    right, control = cb.compare(result, [bound, Scaled(bound, 0.9)], CONFIDENCE).verdicts
    exact = "holds" if found.value <= value else "violated"
    wrong = exact == "violated" or right.verdict == "violated" or control.verdict == "holds"
    return Row(
        "S0Star holds against the adversary's noise at c = 4, eta = .3, 0.9·S0Star does not",
        f"T = {steps}; S0Star by the adversary's programme, without sampling, 0.9·S0Star by {trajectories} trajectories, confidence {CONFIDENCE}; {control.method}",
        f"{exact} and {control.verdict}, programme/bound {found.value / value:.4f}, measured/bound {right.tightness:.4f}",
        "holds and violated",
        found.value / value,
        "violated" if wrong else "holds" if control.verdict == "violated" else "undecided",
    )


def steepest_end(steps, step_size):
    """The Huber function that keeps the gradient R0/(eta T + 1/L) for T steps without being clipped, R0 = L = 1."""
    problem = cb.problems.Huber(1.0, 1 / (step_size * steps + 1), 1.0)
    return cb.Setting(problem, cb.noise.NoNoise(), cb.methods.ClippedSGD(step_size, cb.clipping.NormClip(1.0)))


def instances(lab):
    """(bound, setting, steps, trajectories): the instances that make each bound tight."""
    steps = lab.choose(50_000, 200_000, 800_000)
    worst = theory.two_point_setting(1.0, 1.0, 0.5, 1.0, 1e-3)
    small = theory.two_point_setting(0.05, 1.0, 0.98, 1.0, 1e-3)
    long_huber = theory.hardest_huber(2.0, 1.5, 1e-3, 0.5, 20_000)
    start = cb.Setting(cb.problems.Quadratic(1.0, 2.0), cb.noise.NoNoise(), worst.method.replace(step_size=0.01))
    return [
        (theory.D1Min(), theory.hardest_huber(50.0, 1.0, 1e-2, 5.0, 20_000), 20_000, 1),
        (theory.D1Refined(), long_huber, 20_000, 1),
        (theory.D1LowerBound(), long_huber, 20_000, 1),
        (theory.D2LowerBound(), theory.hardest_convex_huber(3.0, 1.0, 1e-2, 10.0, 20_000), 20_000, 1),
        (theory.D2B(), theory.hardest_convex_huber(1.0, 1.0, 1.0, 0.05, 100), 100, 1),
        (theory.D2Exact1D(), theory.hardest_convex_huber(3.0, 1.0, 1e-2, 10.0, 20_000), 20_000, 1),
        (theory.D2G(), steepest_end(100, 0.5), 100, 1),
        (theory.D3(), start, 3, 1),
        (theory.S0(), worst, steps, 1024),
        (theory.S1(), worst, steps, 1024),
        (theory.S2(), worst, steps, 1024),
        (theory.S3(), small, 5 * steps, 256),
        (theory.FiniteLowerBound(), worst, steps, 1024),
    ]


def refusals():
    """What must be refused: (what, call, exception, words that the message must contain)."""
    setting = theory.two_point_setting(1.0, 1.0, 0.5, 1.0, 1e-3)
    run = cb.simulate(setting, 10, 2)
    return [
        ("D1 on a setting with noise", lambda: theory.D1Min().value(setting, 10), HypothesesFail, "FAILS"),
        ("the recalled floor, asserted", lambda: cb.compare(run, [theory.RecalledFloor()]), ValueError, "drawn only"),
    ]


def run(lab):
    rows = []
    cases = instances(lab)
    for k, (bound, setting, steps, trajectories) in enumerate(cases):
        wrong = Scaled(bound, 0.9 if bound.kind == "upper" else 1.1)
        result = lab.simulate(setting, steps, trajectories, checkpoints=[steps])
        right, control = cb.compare(result, [bound, wrong], CONFIDENCE).verdicts
        found = (right.verdict, control.verdict)
        # a small budget may leave a test undecided, which is no failure of the check
        word = "holds" if found == ("holds", "violated") else "undecided" if "undecided" in found else "violated"
        rows.append(
            Row(
                f"{bound.name} holds on its tight instance, {wrong.name} does not",
                f"T = {steps:g}, {trajectories} trajectories, confidence {CONFIDENCE}; {right.method}",
                f"{right.verdict} and {control.verdict}, measured/bound {right.tightness:.4f}"
                if bound.kind == "upper"
                else f"{right.verdict} and {control.verdict}, bound/measured {right.tightness:.4f}",
                "holds and violated",
                right.tightness,
                word,
            )
        )
        lab.step(k + 1, len(cases), bound.name)
    rows.append(against_the_adversary(lab))
    for what, call, expected, words in refusals():
        try:
            call()
            message = "accepted"
        except expected as error:
            message = str(error)
        rows.append(
            Row(
                f"Refused: {what}",
                f"the message must contain “{words}”",
                message.splitlines()[0],
                expected.__name__,
                None,
                "holds" if words in message else "violated",
            )
        )
    return Outcome(rows, None)
