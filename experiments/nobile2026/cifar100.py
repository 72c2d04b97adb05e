"""AlexNet on CIFAR-100: PS-Clip, micro-batches and batch clipping against momentum SGD.

Set CLIPBOUNDS_CIFAR100 to the folder with the dataset's published binary files (train.bin, test.bin), with PyTorch installed
(extra `torch`), and the runs of the budget are carried out in two processes of one thread; finished runs are kept one a line in
cifar100.runs.jsonl beside the record, so that an interrupted run goes on where it stopped. Without the folder the record is
made from that journal. Methods, recipes, sizes and the rule of tuning stand in
clipbounds/networks/image_plan.py.
"""

import importlib.util
import os
from pathlib import Path

import numpy as np
from scipy import stats

from clipbounds.networks import image_plan as plan
from clipbounds.networks.images import POINTS
from clipbounds.networks.run_journal import RunJournal
from clipbounds.report import Outcome, Row, style
from clipbounds.verdict.tail import hill

FOLDER = "CLIPBOUNDS_CIFAR100"
FAMILY = 0.05  # error of all intervals of one claim together
FINAL = [
    (ours, other) for ours in ("PS-Clip, schedule", "PS-Clip, constant") for other in ("momentum SGD", "batch clipping")
]
ACCUMULATION = [("micro-batches of 8", "batch clipping")]


def run(lab):
    journal = RunJournal(None if lab.records is None else Path(lab.records) / "cifar100.runs.jsonl")
    folder = os.environ.get(FOLDER)
    missing = "dataset not at hand" if not folder else ""
    if folder and importlib.util.find_spec("torch") is None:
        missing = "PyTorch not installed"
    if not missing:
        _carry_out(lab, journal, folder)
    sizes = [lab.budget] if not missing else ["full", "standard"]
    size = next((s for s in sizes if len(_seeds(journal.runs, s, 0.0)) > 1), sizes[0])
    rows, data, drawn = [], {}, {}
    for noise in plan.SIZES["full"].noises:
        curves = _curves(journal.runs, size, noise)
        rows += _rows(curves, size, noise) if curves else [_no_row(journal.runs, size, noise, missing)]
        for name, curve in curves.items():
            data[f"{name}, {100 * noise:.0f} % wrong labels"] = {
                "epoch": np.arange(len(curve["mean"])),
                **_table(curve),
            }
        if curves:
            drawn[noise] = curves
    tails = _tails(journal.runs)
    rows.append(_tail_row(tails, missing))
    rows.append(_cost_row(lab, missing))
    data |= _tuning_table(journal.runs) | _machines(journal.runs) | ({"sample gradient norms": tails} if tails else {})
    return Outcome(rows, _draw(drawn, tails) if drawn else None, data)


def _carry_out(lab, journal, folder):
    """All runs of the budget that the journal lacks."""

    def complete(runs, what):
        journal.complete(runs, folder, lambda done, total: lab.step(done, total, what))

    complete([r for m in plan.METHODS for r in plan.tuning_runs(m, plan.METHODS[m][3])], "tuning")
    beyond = {m: plan.tuned(m, journal.runs)[1] for m in plan.METHODS}
    complete(
        [r for m, s in beyond.items() if s is not None for r in plan.tuning_runs(m, [s])], "tuning beyond the edge"
    )
    complete([plan.NORMS], "norms")
    size = plan.SIZES[lab.budget]
    for noise in size.noises:
        complete(list(plan.confirmation(size, plan.best_steps(journal.runs), noise).values()), f"{noise:g} wrong")


def _wanted(runs, size, noise):
    """Runs of the confirmation by (seed, method); none while tuning has not finished."""
    steps = plan.untuned_steps() if size == "quick" else plan.best_steps(runs)
    return plan.confirmation(plan.SIZES[size], steps, noise) if steps else {}


def _seeds(runs, size, noise):
    """Seeds of which every method has finished."""
    wanted = _wanted(runs, size, noise)
    return [s for s in plan.SIZES[size].seeds if wanted and all(wanted[s, m] in runs for m in plan.METHODS)]


def _curves(runs, size, noise):
    """By method: accuracy (seeds, epochs + 1), seconds likewise, final (seeds,), mean; empty below two seeds."""
    seeds, wanted, curves = _seeds(runs, size, noise), _wanted(runs, size, noise), {}
    if len(seeds) < 2:
        return {}
    for name in plan.METHODS:
        found = [runs[wanted[seed, name]] for seed in seeds]
        accuracy = np.array([[0.01, *f["accuracy"]] for f in found])  # a hundred classes, equally frequent
        seconds = np.array([[0.0, *f["seconds"]] for f in found])
        final = np.array([f["final"] for f in found])
        curves[name] = dict(accuracy=accuracy, seconds=seconds, final=final, mean=accuracy.mean(axis=0))
    return curves


def _table(curve):
    count = len(curve["final"])
    half = stats.t.ppf(0.975, count - 1) * curve["accuracy"].std(axis=0, ddof=1) / count**0.5
    return {"accuracy": curve["mean"], "half_width": half, "processor_seconds": np.median(curve["seconds"], axis=0)}


def at_equal_time(ours, theirs):
    """Accuracies of both, run by run, at the processor time at which the first of the two has finished; linear between epochs."""
    pairs = []
    for k in range(len(ours["seconds"])):
        end = min(curve["seconds"][k, -1] for curve in (ours, theirs))
        pairs.append([np.interp(end, curve["seconds"][k], curve["accuracy"][k]) for curve in (ours, theirs)])
    return np.array(pairs).T


def comparison(ours, theirs, comparisons):
    """(mean, half width) of the paired difference: a t interval, Bonferroni for so many comparisons."""
    difference = 100 * (np.asarray(ours) - theirs)
    count = len(difference)
    half = stats.t.ppf(1 - FAMILY / (2 * comparisons), count - 1) * difference.std(ddof=1) / count**0.5
    return float(difference.mean()), float(half)


def _rows(curves, size, noise):
    chosen = plan.SIZES[size]
    reduced = "" if size == "full" else " (reduced: the full budget has 25000, 10 and 5 seeds)"
    tuning = "untuned" if size == "quick" else "four step sizes a method, tuned on held-out images"
    where = (
        f"{chosen.images} images, {chosen.epochs} epochs{reduced}, {100 * noise:.0f} % wrong training labels, {tuning}, fresh seeds"
        " in pairs, t intervals at 95 % for all comparisons of the claim"
    )
    claims = [
        ("PS-Clip is more accurate than {other} at the end of training", FINAL, False),
        ("PS-Clip is more accurate than {other} at equal processor time", FINAL, True),
        ("Clipping each micro-batch before accumulating is more accurate than clipping once", ACCUMULATION, False),
    ]
    rows = []
    for text, pairs, timed in claims:
        for other in dict.fromkeys(other for _, other in pairs):
            against = [(ours, o) for ours, o in pairs if o == other]
            claim = f"AlexNet on CIFAR-100 (abstract): {text.format(other=other)}, {100 * noise:.0f} % wrong labels"
            rows.append(_row(claim, where, curves, against, len(pairs), timed))
    return rows


def _no_row(runs, size, noise, missing):
    """The row of a block of which fewer than two seeds have finished."""
    wanted = _wanted(runs, size, noise).values()
    if wanted:
        state = f"{sum(run in runs for run in wanted)} of {len(wanted)} runs have finished, two seeds of every method are needed"
    else:
        state = f"tuning has not finished ({sum(run.tuning and not run.norms for run in runs)} runs are in the journal)"
    return Row(
        f"AlexNet on CIFAR-100 (abstract): PS-Clip beats momentum SGD and batch clipping, also at equal processor time, "
        f"{100 * noise:.0f} % wrong labels",
        "paired seeds, test accuracy at the end and at equal processor time", "", "> 0", None, "not measured", asserted=False,
        reason=f"{missing}; {state}" if missing else state,
    )  # fmt: skip


def _row(claim, where, curves, against, comparisons, timed):
    told, words = [], []
    for ours, other in against:
        pair = curves[ours], curves[other]
        values = at_equal_time(*pair) if timed else (pair[0]["final"], pair[1]["final"])
        mean, half = comparison(*values, comparisons)
        words.append("holds" if mean > half else "violated" if mean < -half else "undecided")
        told.append(
            f"{ours} {mean:+.2f} ± {half:.2f} points ({100 * np.mean(values[0]):.1f} % against {100 * np.mean(values[1]):.1f} %)"
        )
    word = words[0] if len(set(words)) == 1 else "undecided"
    reason = (
        "" if word != "undecided" else "an interval contains 0" if "undecided" in words else "the variants disagree"
    )
    seeds = f"{len(curves[other]['final'])} seeds; {where}"
    return Row(claim, seeds, "; ".join(told), "> 0", None, word, asserted=False, reason=reason)


def _tails(runs):
    """Hill's tail index of the norms of sample gradients at five points of a training."""
    found = runs.get(plan.NORMS)
    if found is None:
        return {}
    indices = [hill(norms) for norms in found["norms"]]
    medians = [float(np.median(norms)) for norms in found["norms"]]
    table = {name: [getattr(index, name) for index in indices] for name in ("index", "low", "high")}
    return {"share of training": list(POINTS), "median norm": medians, **table}


def _tail_row(tails, missing):
    claim = "The norms of AlexNet's sample gradients on CIFAR-100 are heavy-tailed, read as: a tail index below 4"
    check = f"norms of {plan.NORMS.norms} samples' gradients at five points of training, Hill's 95 % intervals"
    if not tails:
        reason = missing or "the run has not finished"
        return Row(claim, check, "", "tail index < 4", None, "not measured", asserted=False, reason=reason)
    told = ", ".join(
        f"{i:.1f} [{low:.1f}, {high:.1f}]"
        for i, low, high in zip(tails["index"], tails["low"], tails["high"], strict=True)
    )
    heavy, light = max(tails["high"]) < 4, min(tails["low"]) > 4
    word = "holds" if heavy else "violated" if light else "undecided"
    reason = "" if heavy or light else "no evidence of a heavy tail where an interval reaches 4"
    return Row(claim, check, f"tail index {told}", "tail index < 4", None, word, asserted=False, reason=reason)


def _cost_row(lab, missing):
    claim = "Clipping each micro-batch costs virtually nothing: at most 1.4 times a plain step (PS-Clip 1.4, the whole batch 1.1)"
    check = "AlexNet, batch 128, one thread, processor time, median of alternating runs"
    limits = {"micro-batches of 8": 1.4, "PS-Clip": 1.4, "whole batch": 1.1}
    if missing:
        return Row(claim, check, "", "1.4", None, "not measured", asserted=False, reason=missing, clock=True)
    from clipbounds.networks.image_costs import cost_ratios

    ratios = cost_ratios(128, lab.choose(3, 7, 21))
    told = ", ".join(f"{name} {ratio:.2f}" for name, ratio in ratios.items())
    fine = all(ratios[name] <= limit for name, limit in limits.items())
    worst = max(ratios[name] / limit for name, limit in limits.items())
    return Row(claim, check, told, "1.4", worst, "holds" if fine else "violated", asserted=False, clock=True)


def _tuning_table(runs):
    table = {"method": [], "step_size": [], "validation_loss": [], "chosen": []}
    for name in plan.METHODS:
        best = plan.tuned(name, runs)[0]
        for step, loss in plan.scores(name, runs).items():
            for column, value in zip(table, (name, step, loss, int(step == best)), strict=True):
                table[column].append(value)
    return {"tuned": table} if table["method"] else {}


def _machines(runs):
    """On what the runs of the journal were made."""
    kinds = sorted({(found["device"], found["torch"]) for found in runs.values()})
    return {"made on": {"device": [k[0] for k in kinds], "torch": [k[1] for k in kinds]}} if kinds else {}


def _draw(blocks, tails):
    figure, panels = style.figure(
        len(blocks) + 1 + bool(tails), width=4.6 * (len(blocks) + 1 + bool(tails)), squeeze=False
    )
    for axes, (noise, curves) in zip(panels[0], blocks.items(), strict=False):
        for k, (name, curve) in enumerate(curves.items()):
            table = _table(curve)
            mean, half = (100 * table[part] for part in ("accuracy", "half_width"))
            style.measured(
                axes,
                np.arange(mean.size),
                mean,
                mean - half,
                mean + half,
                label=name,
                color=style.SERIES[k],
                marker=style.MARKERS[k],
            )
            axes.plot(np.arange(mean.size), mean, color=style.SERIES[k], linewidth=0.9)
        axes.set(title=f"{100 * noise:.0f} % wrong labels", xlabel="epochs", ylabel="test accuracy (%)", ylim=(0, None))
    panels[0, 0].legend(loc="lower right")
    _draw_differences(panels[0, len(blocks)], *next(iter(blocks.items())))
    if tails:
        axes, x = panels[0, -1], 100 * np.array(tails["share of training"])
        style.measured(axes, x, tails["index"], tails["low"], tails["high"], label="Hill, 95 % interval")
        axes.axhline(4, color=style.FLOOR, linestyle=":", label="heavy below")
        axes.set(title="norms of sample gradients", xlabel="share of training (%)", ylabel="tail index")
        axes.legend()
    return figure


def _draw_differences(axes, noise, curves):
    """Paired differences with the intervals of the rows."""
    places, names = [], []
    for pairs, timed in ((FINAL, False), (FINAL, True), (ACCUMULATION, False)):
        for ours, other in pairs:
            pair = curves[ours], curves[other]
            values = at_equal_time(*pair) if timed else (pair[0]["final"], pair[1]["final"])
            mean, half = comparison(*values, len(pairs))
            places.append(len(places))
            names.append(f"{ours} - {other}{' (time)' if timed else ''}")
            axes.errorbar(
                mean, -places[-1], xerr=half, fmt="s" if timed else "o", color=style.SERIES[int(timed)], capsize=3
            )
    axes.axvline(0, color=style.FLOOR, linewidth=0.8)
    axes.set_yticks([-p for p in places], names)
    axes.set(title=f"paired differences, {100 * noise:.0f} % wrong labels", xlabel="test accuracy, percentage points")
