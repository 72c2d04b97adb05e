"""Runs of AlexNet on a small set of random images: what they depend on, and what they refuse."""

import dataclasses

import numpy as np
import pytest

from clipbounds.networks import cifar, images
from clipbounds.networks.images import ImageRun, carry_out, prepared

RUN = ImageRun(0.01, None, np.inf, np.inf, images=16, epochs=2, seed=3, batch=8)


@pytest.fixture
def tiny(monkeypatch):
    """32 training images, the last 8 held out, and 6 test images, the first of which is a training image."""
    generator = np.random.default_rng(0)
    train = generator.integers(0, 256, (32, 3, 32, 32)).astype(np.uint8), generator.integers(0, 100, 32)
    test = generator.integers(0, 256, (6, 3, 32, 32)).astype(np.uint8), generator.integers(0, 100, 6)
    test[0][0] = train[0][20]
    monkeypatch.setattr(cifar, "load", lambda folder: (train, test))
    monkeypatch.setattr(images, "VALIDATION", 24)
    images._sets.cache_clear()
    yield train, test
    images._sets.cache_clear()


def test_sets_of_a_run(tiny):
    (train_x, train_y), (test_x, _) = tiny
    (x, y), held, (mean, deviation) = prepared(RUN, "folder")
    np.testing.assert_array_equal(x, train_x[:16])
    np.testing.assert_array_equal(y, train_y[:16])
    np.testing.assert_array_equal(held[0], test_x[1:])  # the first also occurs in the training set
    normalised = (x - mean) / deviation
    np.testing.assert_allclose(normalised.mean((0, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(normalised.std((0, 2, 3)), 1, rtol=1e-5)
    _, held, _ = prepared(dataclasses.replace(RUN, tuning=True), "folder")
    np.testing.assert_array_equal(held[0], train_x[24:])
    (_, noisy), _, _ = prepared(dataclasses.replace(RUN, noise=0.25), "folder")
    assert (noisy != train_y[:16]).sum() == 4


def test_training_by_hand_and_twice(tiny):
    """The losses after two epochs are those of plain PyTorch, step by step; a second run is the same to the last bit."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra `torch`)")
    found = carry_out(RUN, "folder")
    again = carry_out(RUN, "folder")
    assert found["loss"] == again["loss"] and found["final"] == again["final"]
    assert len(found["accuracy"]) == len(found["seconds"]) == 2 and found["device"] in ("cpu", "cuda")

    (x, y), held, (mean, deviation) = prepared(RUN, "folder")
    torch.manual_seed(3)
    model = images.alexnet.build(100)
    images.initialise(model)
    order, memory = np.random.default_rng([3, 1]), [torch.zeros_like(p) for p in model.parameters()]
    pixels = [torch.as_tensor((part - mean) / deviation) for part in (x, held[0])]
    for k, chosen in enumerate([c for _ in range(2) for c in np.split(order.permutation(16), 2)]):
        model.zero_grad()
        torch.nn.functional.cross_entropy(model(pixels[0][chosen]), torch.as_tensor(y[chosen])).backward()
        for p, m in zip(model.parameters(), memory, strict=True):
            m.mul_(0.9).add_(p.grad)
            p.data -= 0.01 * 0.5 * (1 + np.cos(np.pi * k / 4)) * m
    loss = torch.nn.functional.cross_entropy(model(pixels[1]), torch.as_tensor(held[1])).item()
    np.testing.assert_allclose(found["loss"][-1], loss, rtol=1e-4)


@pytest.mark.parametrize("clipping", [(8, 1e9, np.inf), (4, 1e9, 1.5), (1, 1e9, np.inf)])
def test_thresholds_that_never_engage_change_nothing(tiny, clipping):
    pytest.importorskip("torch", reason="PyTorch is not installed (extra `torch`)")
    groups, alpha, beta = clipping
    clipped = carry_out(dataclasses.replace(RUN, groups=groups, alpha=alpha, beta=beta), "folder")
    np.testing.assert_allclose(clipped["loss"], carry_out(RUN, "folder")["loss"], rtol=1e-4)


def test_small_thresholds_change_the_run(tiny):
    """The negative control of the test above."""
    pytest.importorskip("torch", reason="PyTorch is not installed (extra `torch`)")
    clipped = carry_out(dataclasses.replace(RUN, groups=8, alpha=1e-3), "folder")
    assert abs(clipped["loss"][-1] / carry_out(RUN, "folder")["loss"][-1] - 1) > 1e-3


def test_norms_at_five_points(tiny):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra `torch`)")
    found = carry_out(dataclasses.replace(RUN, norms=10), "folder")["norms"]
    assert np.shape(found) == (5, 10)
    (x, y), _, (mean, deviation) = prepared(RUN, "folder")
    torch.manual_seed(3)
    model = images.alexnet.build(100)
    images.initialise(model)
    torch.nn.functional.cross_entropy(
        model(torch.as_tensor((x[:1] - mean) / deviation)), torch.as_tensor(y[:1])
    ).backward()
    expected = sum(p.grad.square().sum().item() for p in model.parameters()) ** 0.5
    np.testing.assert_allclose(found[0][0], expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"groups": 3}, "groups must divide the batch, but 3 were given for 8"),
        ({"images": 7}, r"images must be in \[batch, 45000\], the rest is held out, but 7"),
        ({"images": 45_001}, "but 45001 were given"),
    ],
)
def test_what_a_run_refuses(changes, told):
    with pytest.raises(ValueError, match=told):
        dataclasses.replace(RUN, **changes)
