"""A user's module that is edited while a process that has imported it lives on: no cell is computed under a false name."""

import importlib
import sys

import pytest
from sweep_helpers import as_toml, grid

from clipbounds.sweep import Sweep, SweepStopped, run
from clipbounds.sweep.user_files import bring

LAW = """import clipbounds as cb

class Law(cb.noise.Noise):
    scale: float = cb.specs.parameter()

    @cb.noise.from_quantile
    def fill(u, scale):
        return (u - 0.5) * scale
"""


@pytest.fixture
def described(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "edited_law.py").write_text(LAW)
    (tmp_path / "s.toml").write_text(
        as_toml(grid(5, kind="Quadratic", noise={"type": "edited_law.py:Law", "scale": 1.0}))
    )
    yield tmp_path
    sys.modules.pop("edited_law", None)


def test_an_edit_after_the_import_stops_the_sweep_and_a_reload_goes_on(described):
    assert run(Sweep.from_toml(described / "s.toml"), described / "one").computed == 5
    file = described / "edited_law.py"
    file.write_text("# a comment\n" + LAW)
    assert run(Sweep.from_toml(described / "s.toml"), described / "one").present == 5
    file.write_text(LAW.replace("0.5", "0.25"))
    with pytest.raises(SweepStopped, match="the module edited_law with another text than the driver's file"):
        run(Sweep.from_toml(described / "s.toml"), described / "two", workers=1)
    assert not list((described / "two").rglob("*.cell"))
    importlib.invalidate_caches()
    importlib.reload(sys.modules["edited_law"])
    assert run(Sweep.from_toml(described / "s.toml"), described / "two", workers=1).computed == 5


def test_a_worker_that_was_sent_an_older_text_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("CLIPBOUNDS_CACHE", str(tmp_path))
    try:
        assert bring({"sent_law": "a = 1\n"}) is None and bring({"sent_law": "a = 1  # one\n"}) is None
        assert "restart it" in bring({"sent_law": "a = 2\n"})
        assert "cannot be imported" in bring({"sent_wrong": "a = \n"})
    finally:
        sys.modules.pop("sent_law", None)
