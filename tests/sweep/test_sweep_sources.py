"""The digest of the program text: an edit of what determines numbers changes it, an edit of a bound does not."""

import importlib
import shutil
import sys
from pathlib import Path

import clipbounds as cb
from clipbounds.sweep.sources import NO_NUMBERS, files_with_numbers, package_digest, sources_of, sources_of_function

PLUGGED_IN = """
import clipbounds as cb
from a_helper import slope

class Soft(cb.problems.Problem):
    width: float = cb.specs.parameter(cb.specs.POSITIVE)
    x0: "vector" = cb.specs.vector()
    f_star = 0.0

    @cb.problems.coordinatewise
    def gradient_kernel(x, width):
        return slope(x, width)

def compute():
    return {"slope": slope.py_func(1.0, 2.0)}
"""
HELPER = """
import math
from clipbounds.lanes import scalar

@scalar
def slope(x, width):
    return x / math.sqrt(x * x + width * width)
"""


def plugged_in(folder, monkeypatch, module=PLUGGED_IN, helper=HELPER):
    folder.mkdir()
    (folder / "plugged_in.py").write_text(module)
    (folder / "a_helper.py").write_text(helper)
    monkeypatch.syspath_prepend(folder)
    for name in ("plugged_in", "a_helper"):
        sys.modules.pop(name, None)
    made = importlib.import_module("plugged_in")
    method = cb.methods.ClippedSGD(0.1, cb.clipping.NormClip(1.0))
    setting = cb.Setting(made.Soft(1.0, [1.0]), cb.noise.Gaussian(1.0), method)
    return sources_of([setting]), sources_of_function(made.compute)


def test_edits_of_a_users_file_and_of_its_helper_are_noticed(tmp_path, monkeypatch):
    first = plugged_in(tmp_path / "a", monkeypatch)
    assert None not in first
    assert plugged_in(tmp_path / "b", monkeypatch) == first  # the text counts, not the place
    edited = plugged_in(tmp_path / "c", monkeypatch, module=PLUGGED_IN + "\nEDITED = 1\n")
    helped = plugged_in(tmp_path / "d", monkeypatch, helper=HELPER.replace("x * x", "2 * x * x"))
    assert plugged_in(tmp_path / "e", monkeypatch, module=PLUGGED_IN + "\n# a comment\n") == first
    for k in (0, 1):
        assert len({first[k], edited[k], helped[k]}) == 3


def test_built_in_settings_do_not_depend_on_the_user(tmp_path):
    method = cb.methods.ClippedSGD(0.1, cb.clipping.NormClip(1.0))
    one = cb.Setting(cb.problems.Quadratic(1.0, 1.0), cb.noise.Gaussian(1.0), method)
    other = cb.Setting(cb.problems.Huber(1.0, 1.0, 1.0), cb.noise.Rademacher(1.0), method)
    assert sources_of([one]) == sources_of([other]) == sources_of([one, other])


def test_bounds_verdicts_and_reports_may_change_without_a_new_simulation():
    package = Path(cb.__file__).parent
    found = {str(file.relative_to(package)) for file in files_with_numbers()}
    assert {"noise/kernels.py", "simulate.py", "specs.py", "worst_case/mean_step.py", "methods/sgd.py"} <= found
    assert not [name for name in found if name.startswith(("bounds/", "verdict/", "report/", "sweep/", "cli."))]


def test_an_edit_of_a_file_with_numbers_changes_the_digest(monkeypatch, tmp_path):
    shutil.copytree(Path(cb.__file__).parent, tmp_path / "clipbounds", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr("clipbounds.sweep.sources.PACKAGE", tmp_path / "clipbounds")
    monkeypatch.setattr(files_with_numbers, "__defaults__", (tmp_path / "clipbounds",))
    digests = [package_digest.__wrapped__()]
    for edited in ("bounds/base.py", "sweep/run.py", "simulate.py", "worst_case/mean_step.py"):
        file = tmp_path / "clipbounds" / edited
        file.write_text(file.read_text() + "\n# a comment\n")
        assert package_digest.__wrapped__() == digests[-1]
        file.write_text(file.read_text() + "\nEDITED = 1\n")
        digests.append(package_digest.__wrapped__())
    assert digests[0] == digests[1] == digests[2] and len(set(digests)) == 3


def test_what_is_left_out_exists():
    package = Path(cb.__file__).parent
    beside = package.parent / "experiments"  # inside the package once that is installed
    assert all((package / name).exists() or (package.parent / name) == beside for name in NO_NUMBERS)
    assert beside.is_dir()
