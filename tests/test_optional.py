"""A library that is not installed is asked for in one sentence, with the command that installs it."""

import sys
import tomllib
from pathlib import Path

import pytest

import clipbounds as cb
from clipbounds.networks import alexnet, digits
from clipbounds.problems.certify import certify
from clipbounds.sweep.executors import open_crew

EXTRAS = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]["optional-dependencies"]
USES = [
    ("sklearn", "data", lambda: cb.problems.Logistic.bundled("digits")),
    ("sklearn", "data", digits.load),
    ("dask.distributed", "cluster", lambda: open_crew("dask", 1)),
    ("flint", "rigor", lambda: certify(cb.problems.Cosh(1.0, 1.0, x0=[1.0]), rigor=True)),
    ("torch", "torch", lambda: alexnet.build(10)),
]


@pytest.mark.parametrize(("library", "extra", "use"), USES, ids=[f"{use[0]}-{k}" for k, use in enumerate(USES)])
def test_what_is_missing_is_named_with_the_extra_that_holds_it(library, extra, use, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)  # as if it were not installed
    monkeypatch.setattr(digits, "AVAILABLE", False)
    assert extra in EXTRAS
    with pytest.raises(ValueError, match=rf'pip install "clipbounds\[{extra}\]"$') as told:
        use()
    assert "\n" not in str(told.value)
