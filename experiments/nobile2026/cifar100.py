"""AlexNet on CIFAR-100: PS-Clip against standard clipping and momentum SGD.

It runs only when asked: set CLIPBOUNDS_CIFAR100 to the folder with the dataset's published binary files (train.bin, test.bin),
with PyTorch installed (extra `torch`). Otherwise its row says why it was not measured.
"""

import importlib.util
import os

import numpy as np

from clipbounds.networks import Recipe, cifar
from clipbounds.report import Outcome, Row, style

CLAIM = "AlexNet on CIFAR-100: PS-Clip beats SGD with momentum and standard clipping, also in wall-clock time (abstract of the paper)"
FOLDER = "CLIPBOUNDS_CIFAR100"
BATCH = 64
RECIPES = {
    "momentum SGD": [Recipe(eta) for eta in (0.003, 0.01, 0.03)],
    "clip the batch ($M=1$)": [Recipe(eta, 1, c) for eta in (0.01, 0.03) for c in (1.0, 3.0)],
    "PS-Clip ($M=64$)": [Recipe(eta, BATCH, c, 1.5) for eta in (0.01, 0.03) for c in (0.3, 1.0)],
}


def run(lab):
    folder = os.environ.get(FOLDER)
    reason = (
        "dataset not at hand"
        if not folder
        else "PyTorch not installed"
        if importlib.util.find_spec("torch") is None
        else ""
    )
    if reason:
        row = Row(
            CLAIM,
            "test accuracy against epochs and seconds",
            "",
            "",
            None,
            "not measured",
            asserted=False,
            reason=reason,
        )
        return Outcome([row], None)
    return _measure(lab, *cifar.load(folder))


def _measure(lab, train_set, test_set):
    from clipbounds.networks import alexnet

    epochs, seeds = lab.choose(1, 10, 60), range(1, lab.choose(2, 3, 6))
    total, curves = sum(map(len, RECIPES.values())) + len(RECIPES) * len(seeds), {}
    done = 0
    # tune on the last tenth of the training set
    cut = len(train_set[1]) * 9 // 10
    inner, held = ((train_set[0][part], train_set[1][part]) for part in (slice(cut), slice(cut, None)))
    for name, recipes in RECIPES.items():
        scores = []
        for recipe in recipes:
            scores.append(alexnet.train(inner, held, recipe, max(1, epochs // 3), BATCH, 0)[0][-1])
            lab.step(done := done + 1, total, f"tuning {name}")
        best, runs = recipes[int(np.argmax(scores))], []
        for seed in seeds:
            runs.append(alexnet.train(train_set, test_set, best, epochs, BATCH, seed))
            lab.step(done := done + 1, total, name)
        curves[name] = np.array([r[0] for r in runs]), np.median([r[1] for r in runs], axis=0)
    final = {name: 100 * accuracy[:, -1] for name, (accuracy, _) in curves.items()}
    ours = final.pop("PS-Clip ($M=64$)")
    clear = all(ours.min() > other.max() for other in final.values())
    behind = any(ours.max() < other.min() for other in final.values())
    row = Row(
        CLAIM,
        f"{epochs} epochs, {len(seeds)} seeds, each method tuned on a held-out tenth of the training set",
        f"PS-Clip {ours.mean():.1f} %; "
        + ", ".join(f"{n.replace('$', '')} {v.mean():.1f} %" for n, v in final.items()),
        "larger for every seed",
        None,
        "holds" if clear else "violated" if behind else "undecided",
        asserted=False,
        reason="" if clear or behind else "the seeds overlap",
    )
    data = {n.replace("$", ""): {"accuracy": a.mean(axis=0)} for n, (a, _) in curves.items()}
    times = {n.replace("$", ""): {"seconds": s, "accuracy": a.mean(axis=0)} for n, (a, s) in curves.items()}
    return Outcome([row], _draw(curves, False), data, times=times, times_figure=_draw(curves, True))


def _draw(curves, against_time):
    figure, axes = style.figure()
    for k, (name, (accuracy, seconds)) in enumerate(curves.items()):
        low, mean, high = 100 * accuracy.min(axis=0), 100 * accuracy.mean(axis=0), 100 * accuracy.max(axis=0)
        x = seconds if against_time else np.arange(1, mean.size + 1)
        style.measured(axes, x, mean, low, high, label=name, color=style.SERIES[k], marker=style.MARKERS[k])
    axes.set(xlabel="training time (s)" if against_time else "epochs", ylabel="test accuracy (%), range over seeds")
    axes.legend(loc="lower right")
    return figure
