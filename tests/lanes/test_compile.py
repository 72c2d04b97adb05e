"""The kernel decorator: refusals, and a disk cache that is never stale. Each trap of the numerics page has a test."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba import types

import clipbounds as cb
from clipbounds.lanes import compile as compiling
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


def test_an_edited_helper_in_another_file_gives_the_new_value(tmp_path):
    root, cache = tmp_path / "copy", tmp_path / "cache"
    shutil.copytree(PACKAGE, root / "clipbounds", ignore=shutil.ignore_patterns("__pycache__"))
    first, hits = run(DRAW, root, cache)
    assert int(hits) == 0
    again, hits = run(DRAW, root, cache)
    assert again == first and int(hits) == 1  # the cache works, so that the next line means something
    helper = root / "clipbounds" / "lanes" / "random.py"
    before = helper.read_text()
    after = before.replace("LARGEST_BELOW_ONE = 1.0 - 2.0**-53", "LARGEST_BELOW_ONE = 0.75 - 2.0**-53")
    assert after != before
    helper.write_text(after)
    edited, hits = run(DRAW, root, cache)
    assert edited != first and int(hits) == 0


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


def test_the_digest_covers_the_modules_that_a_users_file_calls(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "clip_helper.py").write_text("def twice(x):\n    return 2.0 * x\n")
    (tmp_path / "clip_user.py").write_text(
        "import clip_helper\nfrom clip_helper import twice\n\n\n"
        "def direct(x):\n    return twice(x)\n\n\ndef by_module(x):\n    return clip_helper.twice(x)\n"
    )
    import clip_user

    names = ["clip_helper.py", "clip_user.py"]
    assert [file.name for file in compiling.origins(clip_user.direct)[0]] == names
    assert [file.name for file in compiling.origins(clip_user.by_module)[0]] == names
    before = compiling.cache_folder(clip_user.direct)
    (tmp_path / "clip_helper.py").write_text("def twice(x):\n    return 2.5 * x\n")
    assert compiling.cache_folder(clip_user.direct) != before


def test_a_module_that_cannot_be_imported_by_name_is_not_cached(tmp_path):
    """runpy, for one: a cache entry of such a function could be written, and not be read."""
    import runpy

    (tmp_path / "loose.py").write_text("def twice(x):\n    return 2.0 * x\n")
    twice = runpy.run_path(str(tmp_path / "loose.py"), run_name="not_a_module")["twice"]
    assert compiling.cache_folder(twice) is None


def test_one_file_under_two_module_names_has_two_cache_folders(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "clip_named.py").write_text("def twice(x):\n    return 2.0 * x\n")
    import clip_named

    first = compiling.cache_folder(clip_named.twice)
    monkeypatch.setattr(clip_named.twice, "__module__", "__main__")
    assert compiling.cache_folder(clip_named.twice) != first


RATE = 2.0


def test_a_changed_global_number_recompiles(monkeypatch):
    def rated(x):
        return RATE * x

    before = compiling.cache_folder(rated)
    monkeypatch.setattr(sys.modules[__name__], "RATE", 3.0)
    assert compiling.cache_folder(rated) != before


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
    assert compiling.cache_folder(first.gradient_kernel.function) is None


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


def test_the_cache_lies_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("CLIPBOUNDS_CACHE", str(tmp_path))
    assert compiling.cache_root() == tmp_path
    monkeypatch.delenv("CLIPBOUNDS_CACHE")
    assert compiling.cache_root().name == "clipbounds"
