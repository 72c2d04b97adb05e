"""The CIFAR-100 loader on a tiny folder in the published format, and AlexNet's clipped gradient where torch is installed."""

import numpy as np
import pytest

from clipbounds.networks import cifar

SMALL = {"train.bin": 7, "test.bin": 3}


def write_folder(folder, records):
    """Random records in the published format; returns what was written."""
    generator, written = np.random.default_rng(0), {}
    for name, count in records.items():
        coarse, fine = generator.integers(0, 20, count), generator.integers(0, 100, count)
        images = generator.integers(0, 256, (count, 3, 32, 32))
        content = b"".join(
            bytes([c, f]) + image.astype(np.uint8).tobytes() for c, f, image in zip(coarse, fine, images, strict=True)
        )
        (folder / name).write_bytes(content)
        written[name] = images, fine
    return written


def test_reads_what_was_written(tmp_path):
    written = write_folder(tmp_path, SMALL)
    for (images, labels), name in zip(cifar.load(tmp_path, SMALL), SMALL, strict=True):
        np.testing.assert_array_equal(images, written[name][0])
        np.testing.assert_array_equal(labels, written[name][1])
        assert images.dtype == np.uint8 and labels.dtype == np.int64


def test_published_sizes():
    """153 700 000 and 30 740 000 bytes: 50000 and 10000 records of 2 + 3·32·32 bytes."""
    assert {name: count * cifar.RECORD for name, count in cifar.RECORDS.items()} == {
        "train.bin": 153_700_000,
        "test.bin": 30_740_000,
    }


def test_missing_and_truncated_files_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"nowhere is not a folder; give the folder that holds train.bin"):
        cifar.load(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"train.bin is missing; .* = 153700000 bytes"):
        cifar.load(tmp_path)
    write_folder(tmp_path, SMALL)
    with pytest.raises(
        ValueError, match=r"train.bin has 21518 bytes, but 50000 records of 3074 bytes are 153700000 bytes"
    ):
        cifar.load(tmp_path)
    (tmp_path / "test.bin").write_bytes((tmp_path / "test.bin").read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"test.bin has 9221 bytes, but 3 records .* 9222 bytes; it is truncated"):
        cifar.load(tmp_path, SMALL)
    (tmp_path / "test.bin").write_bytes(bytes([5, 250] + [0] * 3072) * 3)
    with pytest.raises(ValueError, match=r"labels up to 5 \(coarse\) and 250 \(fine\)"):
        cifar.load(tmp_path, SMALL)


@pytest.mark.parametrize("groups", [1, 3, 6])
def test_alexnet_clipped_gradient_against_single_units(groups):
    torch = pytest.importorskip("torch")
    from clipbounds.networks import alexnet

    torch.manual_seed(0)
    model = alexnet.build(100)
    x, labels = torch.randn(6, 3, 32, 32), torch.tensor([0, 5, 99, 7, 3, 5])
    thresholds = 0.7 * np.arange(1, groups + 1) ** 0.5
    expected = {name: torch.zeros_like(value) for name, value in model.named_parameters()}
    for unit, threshold in zip(range(groups), thresholds, strict=True):
        chosen = slice(unit * 6 // groups, (unit + 1) * 6 // groups)
        model.zero_grad()
        torch.nn.functional.cross_entropy(model(x[chosen]), labels[chosen]).backward()
        norm = torch.sqrt(sum(value.grad.square().sum() for value in model.parameters()))
        for name, value in model.named_parameters():
            expected[name] += value.grad * min(1.0, threshold / norm.item()) / groups
    found = alexnet.clipped_gradient(model, x, labels, groups, thresholds)
    for name in expected:
        np.testing.assert_allclose(found[name].numpy(), expected[name].detach().numpy(), rtol=2e-3, atol=1e-6)


def test_alexnet_trains_on_a_tiny_folder(tmp_path):
    pytest.importorskip("torch")
    from clipbounds.networks import Recipe, alexnet

    write_folder(tmp_path, SMALL)
    train_set, test_set = cifar.load(tmp_path, SMALL)
    for recipe in (Recipe(0.01), Recipe(0.01, 3, 1.0, 1.5)):
        accuracy, seconds = alexnet.train(train_set, test_set, recipe, 2, 3, seed=0)
        assert accuracy.shape == seconds.shape == (2,) and np.all((accuracy >= 0) & (accuracy <= 1))
