"""The kernel decorator: refusals, and a disk cache that is never stale."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba import types

import clipbounds as cb
from clipbounds.lanes import kernel
from clipbounds.lanes.blocks import FLOATS
from clipbounds.problems import GRADIENT

PACKAGE = Path(cb.__file__).parent
DRAW = """
import numpy as np, clipbounds as cb
from clipbounds.noise.kernels import gaussian
print(repr(float(cb.noise.Gaussian(1.0).sample(4, 0)[0])), sum(gaussian.compiled.stats.cache_hits.values()))
"""


def run(code, root, cache, folder=None):
    """Standard output of a script in a new process."""
    environment = {**os.environ, "PYTHONPATH": str(root), "CLIPBOUNDS_CACHE": str(cache)}
    if folder is None:
        command = [sys.executable, "-c", code]
    else:
        (folder / "script.py").write_text(code)
        command = [sys.executable, str(folder / "script.py")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=cache.parent, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


EDITS = [  # file, what, by what, whether the machine code is another one
    ("lanes/random.py", "LARGEST_BELOW_ONE = 1.0 - 2.0**-53", "LARGEST_BELOW_ONE = 0.75 - 2.0**-53", True),
    ("lanes/elementary.py", "return (1.0 - m) / (1.0 + m)", "return (0.5 - m) / (1.0 + m)", True),
    ("lanes/elementary.py", "@scalar\n", "# a comment\n\n\n@scalar\n", False),
    ("noise/kernels.py", '"""', '"""Another docstring. ', False),
    ("noise/kernels.py", "\n\n\n", "\n\n\ndef unrelated(x):\n    return x\n\n\n", False),
    ("noise/kernels.py", "@kernel(FILL)\ndef gaussian(", "@kernel(FILL)  # why\ndef gaussian(", False),
]


def test_an_edit_in_any_file_recompiles_what_it_changes_and_nothing_else(tmp_path):
    root, cache = tmp_path / "copy", tmp_path / "cache"
    shutil.copytree(PACKAGE, root / "clipbounds", ignore=shutil.ignore_patterns("__pycache__"))
    first, hits = run(DRAW, root, cache)
    assert int(hits) == 0
    for name, what, by, matters in EDITS:
        file = root / "clipbounds" / name
        before = file.read_text()
        assert what in before
        file.write_text(before.replace(what, by, 1))
        edited, hits = run(DRAW, root, cache)
        assert (edited != first, int(hits)) == ((True, 0) if matters else (False, 1)), (name, what)
        file.write_text(before)


PLUGIN = """
import sys
import numpy as np, clipbounds as cb
from clipbounds.specs import vector

class Steep(cb.problems.Problem):
    x0: np.ndarray = vector()
    @cb.problems.coordinatewise
    def gradient_kernel(x):
        return {factor} * x

print(Steep([1.0]).gradient([1.0])[0], sum(Steep.gradient_kernel.compiled.stats.cache_hits.values()))
"""


def test_a_users_script_is_cached_and_an_edit_recompiles_it(tmp_path):
    cache = tmp_path / "cache"
    where = (PACKAGE.parent, cache, tmp_path)
    assert run(PLUGIN.format(factor=2.0), *where) == ["2.0", "0"]
    assert run(PLUGIN.format(factor=2.0), *where) == ["2.0", "1"]
    assert run(PLUGIN.format(factor=3.0), *where) == ["3.0", "0"]


def cell(factor):
    """Run the text of a notebook cell: its functions have no file."""
    scope = {"cb": cb, "np": np, "vector": cb.specs.vector, "__name__": "__main__"}
    text = f"""
class Steep(cb.problems.Problem):
    x0: np.ndarray = vector()
    @cb.problems.coordinatewise
    def gradient_kernel(x):
        return {factor} * x
"""
    exec(compile(text, "<ipython-input-1>", "exec"), scope)
    return scope["Steep"]


def test_notebook_cells_work_and_classes_of_one_name_do_not_collide():
    first, second = cell(2.0), cell(3.0)
    assert first.__qualname__ == second.__qualname__
    assert first([1.0]).gradient([1.0]) == 2 and second([1.0]).gradient([1.0]) == 3
    assert first.gradient_kernel.meaning is None


def steep(factor):
    class Steep(cb.problems.Problem):
        x0: np.ndarray = cb.specs.vector()

        @cb.problems.coordinatewise
        def gradient_kernel(x):
            return factor * x

    return Steep


def test_closures_of_one_text_do_not_collide():
    assert [steep(f)([1.0]).gradient([1.0])[0] for f in (2.0, 3.0, 2.0)] == [2, 3, 2]


def test_a_kernel_of_the_wrong_signature_is_refused_at_decoration_with_the_right_one():
    with pytest.raises(ValueError, match=r"write def slope\(x, g, dim, params\) with x: float64 array"):

        @kernel(GRADIENT)
        def slope(x, g):
            g[0] = x[0]

    with pytest.raises(ValueError, match="needs a signature"):

        @kernel
        def bare(x, g, dim, params):
            pass


def test_a_kernel_of_the_wrong_types_is_refused_at_first_use_with_the_right_ones():
    @kernel(GRADIENT)
    def slope(x, g, dim, params):
        g[0] = x.missing

    with pytest.raises(ValueError, match=r"slope does not compile as def slope\(x, g, dim, params\)"):
        _ = slope.address


@pytest.mark.parametrize(
    ("base", "name"), [(cb.problems.Problem, "gradient_kernel"), (cb.noise.Noise, "fill"), (cb.clipping.Clip, "kernel")]
)
def test_a_component_with_a_kernel_of_another_kind_is_refused_when_its_class_is_made(base, name):
    @kernel(types.void(FLOATS))
    def other(x):
        x[0] = 0.0

    for wrong in (other, len, lambda x: x):
        with pytest.raises(ValueError, match=f"{name} must be a kernel, def {name}"):
            type("Wrong", (base,), {name: wrong, "__annotations__": {}})


@pytest.mark.parametrize(
    ("adapter", "function"),
    [
        (cb.problems.coordinatewise, lambda: 0.0),
        (cb.problems.per_trajectory, lambda x, g: None),
        (cb.noise.from_quantile, lambda *u: 0.0),
        (cb.noise.from_uniforms, lambda u: 0.0),
        (cb.clipping.coordinatewise, 3.0),
        (cb.clipping.per_trajectory, lambda v: None),
    ],
)
def test_adapters_refuse_functions_of_another_form(adapter, function):
    with pytest.raises(ValueError, match="f\\("):
        adapter(function)
