"""One training run of AlexNet on CIFAR-100 (extra `torch`), a function of what `ImageRun` says and of nothing else.

He weights, zero biases, pixels normalised by channel, cosine schedule of the step size to 0, momentum. Runs of one seed have the same
initial weights and the same order of the samples, so that methods are compared in pairs.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..clipping import GrowingClip, NormClip
from ..torch import ClippedGradients
from ..torch.library import library
from . import alexnet, cifar
from .digits import corrupt

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from torch import Tensor
    from torch.nn import Module

    from ..array_types import IntArray, NDArray

VERSION = 1  # of what a run computes; a journal of another version is not continued
VALIDATION = 45_000  # training images from here on are never trained on
POINTS = (0.0, 0.25, 0.5, 0.75, 1.0)
GLANCE = 2_000  # images that are classified after every epoch; after the last, all of the test set


@dataclasses.dataclass(frozen=True)
class ImageRun:
    """All that a run depends on.

    Parameters
    ----------
    step_size : float, the first of the cosine schedule
    groups : int or None, clipped units of a batch; None for no clipping
    alpha, beta : thresholds alpha k^{1/beta}, k = 1..groups; beta = inf for the constant alpha
    images, epochs, seed : int; the first `images` of the training set
    noise : float in [0, 1], share of the training labels that are replaced by another class
    tuning : bool, whether accuracy and loss are those of held-out training images (labels as they are), or of the test set
    batch : int
    momentum : float in [0, 1)
    version : int
    norms : int
        If positive, the norms of the gradients of so many samples (the first of the training set) are kept at the
        shares `POINTS` of the training.
    """

    step_size: float
    groups: int | None
    alpha: float
    beta: float
    images: int
    epochs: int
    seed: int
    noise: float = 0.0
    tuning: bool = False
    batch: int = 64
    momentum: float = 0.9
    version: int = VERSION
    norms: int = 0

    def __post_init__(self) -> None:
        if self.groups is not None and self.batch % self.groups:
            raise ValueError(f"ImageRun: groups must divide the batch, but {self.groups} were given for {self.batch}")
        if not self.batch <= self.images <= VALIDATION:
            raise ValueError(
                f"ImageRun: images must be in [batch, {VALIDATION}], the rest is held out, but {self.images} were given"
            )

    @property
    def clip(self) -> NormClip | GrowingClip:
        """The operator of the units."""
        return NormClip(self.alpha) if math.isinf(self.beta) else GrowingClip(self.alpha, self.beta)


@functools.lru_cache(1)
def _sets(folder: str) -> tuple[tuple[NDArray[np.uint8], IntArray], tuple[NDArray[np.uint8], IntArray]]:
    """Training set, and the test set without the images that also occur in it."""
    train, (images, labels) = cifar.load(folder)
    seen = {image.tobytes() for image in train[0]}
    fresh = np.array([image.tobytes() not in seen for image in images])
    return train, (images[fresh], labels[fresh])


def initialise(model: Module) -> None:
    """He weights for layers followed by ReLU, zero biases."""
    init = library().nn.init
    for value in model.parameters():
        if value.dim() > 1:
            init.kaiming_normal_(value, nonlinearity="relu")
        else:
            init.zeros_(value)


def prepared(run: ImageRun, folder: str | Path) -> tuple:
    """(training, evaluation) sets of a run, each (images uint8, labels), and the mean and deviation of a channel."""
    (images, labels), test = _sets(folder)
    chosen = labels[: run.images]
    if run.noise:
        chosen = corrupt(chosen, run.noise, cifar.CLASSES, np.random.default_rng(run.seed))
    held = (images[VALIDATION:], labels[VALIDATION:]) if run.tuning else test
    pixels = images[: run.images]
    moments = [f(pixels, axis=(0, 2, 3), keepdims=True).astype(np.float32) for f in (np.mean, np.std)]
    return (pixels, chosen), held, moments


def carry_out(run: ImageRun, folder: str | Path) -> dict:
    """Train as the run says, on a GPU where torch sees one.

    Parameters
    ----------
    run : ImageRun
    folder : path of the dataset

    Returns
    -------
    dict: accuracy, loss (lists, after every epoch, of `GLANCE` images), final (accuracy on all of them), seconds (of the
    processor, training alone, after every epoch), device, torch, and norms (a list a point) if the run asks for them
    """
    torch = library()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    (images, labels), held, moments = prepared(run, folder)
    mean, deviation = (torch.as_tensor(m).to(device) for m in moments)

    def pixels(some: Tensor) -> Tensor:
        return (torch.as_tensor(some).to(device).float() - mean) / deviation

    torch.manual_seed(run.seed)
    model = alexnet.build(cifar.CLASSES)
    initialise(model)
    model.to(device)
    optimizer = torch.optim.SGD(model.parameters(), run.step_size, run.momentum, fused=True)
    clipped = None if run.groups is None else ClippedGradients(model, run.clip, run.groups)
    steps, order = run.images // run.batch, np.random.default_rng([run.seed, 1])
    points = {round(share * run.epochs * steps) for share in POINTS} if run.norms else ()
    norms = []
    found = {"accuracy": [], "loss": [], "seconds": []}
    spent, done = 0.0, 0
    for epoch in range(run.epochs):
        shuffled, started = order.permutation(run.images), time.process_time()
        for k in range(steps):
            chosen = shuffled[k * run.batch : (k + 1) * run.batch]
            x, targets = pixels(images[chosen]), torch.as_tensor(labels[chosen]).to(device)
            if done in points:
                norms.append(sample_norms(model, pixels(images[: run.norms]), labels[: run.norms]))
            for group in optimizer.param_groups:
                group["lr"] = 0.5 * run.step_size * (1 + math.cos(math.pi * done / (run.epochs * steps)))
            optimizer.zero_grad()
            losses = torch.nn.functional.cross_entropy(model(x), targets, reduction="none")
            losses.mean().backward() if clipped is None else clipped.backward(losses)
            optimizer.step()
            done += 1
        spent += time.process_time() - started
        found["seconds"].append(spent)
        whole = epoch == run.epochs - 1 and not run.tuning
        hits, loss = _evaluate(model, pixels, *(part if whole else part[:GLANCE] for part in held))
        found["accuracy"].append(float(hits[:GLANCE].mean()))
        found["loss"].append(float(loss[:GLANCE].mean()))
    if run.norms:
        norms.append(sample_norms(model, pixels(images[: run.norms]), labels[: run.norms]))
        found["norms"] = norms
    return found | {"final": float(hits.mean()), "device": device, "torch": torch.__version__}


def sample_norms(model: Module, x: Tensor, labels: Tensor) -> list[float]:
    """Norms of the gradients of single samples; a list of float."""
    torch = library()
    clipped, norms = ClippedGradients(model, NormClip(1.0)), []
    for part, targets in zip(x.split(64), torch.as_tensor(labels).to(x.device).split(64), strict=True):
        norms += clipped.norms(torch.nn.functional.cross_entropy(model(part), targets, reduction="none")).tolist()
    clipped.detach()
    return norms


def _evaluate(model: Module, pixels: Callable[[Tensor], Tensor], images: Tensor, labels: Tensor) -> Any:
    """Which images are classified rightly, and the loss of each."""
    torch, hits, losses = library(), [], []
    with torch.no_grad():
        for k in range(0, len(labels), 500):
            scores = model(pixels(images[k : k + 500])).cpu()
            targets = torch.as_tensor(labels[k : k + 500])
            hits.append((scores.argmax(1) == targets).numpy())
            losses.append(torch.nn.functional.cross_entropy(scores, targets, reduction="none").numpy())
    return np.concatenate(hits), np.concatenate(losses)
