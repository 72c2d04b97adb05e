"""The CIFAR-100 loader on a tiny folder in the published format."""

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


def test_records_in_any_order_are_the_dataset_and_one_changed_pixel_is_not(tmp_path):
    write_folder(tmp_path, SMALL)
    file = tmp_path / "train.bin"
    table = np.fromfile(file, np.uint8).reshape(-1, cifar.RECORD)
    digest = cifar.content_digest(table)
    table[::-1].tofile(file)
    cifar.read_part(file, 7, digest)
    table[3, 100] ^= 1
    table.tofile(file)
    with pytest.raises(ValueError, match=r"train.bin has the right size, but its records are not those of CIFAR-100"):
        cifar.read_part(file, 7, digest)
