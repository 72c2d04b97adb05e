"""Negative controls: the same checks, fed wrong bounds, must fail.

Each proved bound is confronted with its tight instance twice: as it stands, where the verdict must be "holds", and with its
constant made 10 % too good, where it must be "violated". A row holds when the check behaves so.
"""

import clipbounds as cb
from clipbounds.bounds import HypothesesFail, Scaled
from clipbounds.bounds import koloskova2023 as theory
from clipbounds.report import Outcome, Row

CONFIDENCE = 0.999


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
