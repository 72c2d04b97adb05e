"""Thresholds so large that the panels cannot be held: one sentence, at once, and "auto" samples."""

import pytest

import clipbounds as cb

WIDE = cb.Setting(
    cb.problems.Quadratic([1.0], [0.0]),
    cb.noise.StudentT(1.5, 1.0),
    cb.methods.ClippedSGD(0.1, cb.clipping.NormClip(1e5)),
)


def test_one_sentence():
    with pytest.raises(ValueError, match=r"would take .* GiB; take a smaller threshold, or simulate") as found:
        cb.simulate(WIDE, 100, engine="exact")
    assert "\n" not in str(found.value)
    assert cb.simulate(WIDE, 10, 3, engine="auto").attrs["engine"] == "sample"
    near = WIDE.replace(method=cb.methods.ClippedSGD(0.1, cb.clipping.NormClip(10.0)))
    assert cb.simulate(near, 10, engine="auto").attrs["engine"] == "exact"
