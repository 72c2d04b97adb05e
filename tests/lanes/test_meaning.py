"""Digests of meaning: comments and docstrings leave them alone, whatever machine code is made of changes them."""

import ast
import subprocess
import sys

import pytest

import clipbounds as cb
from clipbounds.lanes import all_kernels
from clipbounds.lanes.meaning import PACKAGE, Reach, file_meaning, names_in, syntax

LOOP = '''
"""A file."""
import math

WEIGHT = 2.0


def helper(x):
    """Doubled."""
    return WEIGHT * x


def loop(x):
    return helper(x) + math.sqrt(x)


def unrelated(x):
    return 3.0 * x
'''


def meaning(text, folder, monkeypatch, name="loop"):
    """Digest of a function of a module with this text."""
    folder.mkdir(exist_ok=True)
    (folder / "meant.py").write_text(text)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "meant", raising=False)
    import meant

    reach = Reach(getattr(meant, name))
    monkeypatch.delitem(sys.modules, "meant")
    return reach.digest()


@pytest.mark.parametrize(
    ("what", "by", "same"),
    [
        ("WEIGHT = 2.0", "WEIGHT = 2.0  # why", True),
        ("def helper(x):", "# why\n\ndef helper( x ):", True),
        ("Doubled.", "Twice.", True),
        ("A file.", "A file that was edited.", True),
        ("WEIGHT = 2.0", "WEIGHT = 2.5", False),
        ("WEIGHT * x", "WEIGHT + x", False),
        ("helper(x) +", "helper(x) -", False),
        ("math.sqrt", "math.cbrt" if hasattr(__import__("math"), "cbrt") else "math.exp", False),
    ],
)
def test_what_counts(what, by, same, tmp_path, monkeypatch):
    first = meaning(LOOP, tmp_path / "a", monkeypatch)
    assert LOOP.replace(what, by) != LOOP
    assert (meaning(LOOP.replace(what, by), tmp_path / "b", monkeypatch) == first) == same


def test_a_string_that_is_no_docstring_counts():
    assert syntax(ast.parse("x = 'a'")) != syntax(ast.parse("x = 'b'"))
    assert syntax(ast.parse("def f():\n    'a'\n    return 1")) == syntax(ast.parse("def f():\n    return 1"))
    assert syntax(ast.parse("def f():\n    'a'"), docstrings=True) != syntax(ast.parse("def f():\n    'b'"), True)


def test_a_file_that_is_no_python_counts_by_its_bytes(tmp_path):
    file = tmp_path / "half.py"
    file.write_text("def f(:")
    first = file_meaning(file)
    file.write_text("def f(: # edited")
    assert file_meaning(file) != first


def test_files_of_a_users_modules_are_told(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "clip_helper.py").write_text("def twice(x):\n    return 2.0 * x\n")
    (tmp_path / "clip_user.py").write_text(
        "import clip_helper\nfrom clip_helper import twice\n\n\n"
        "def direct(x):\n    return twice(x)\n\n\ndef by_module(x):\n    return clip_helper.twice(x)\n"
    )
    import clip_user

    for function in (clip_user.direct, clip_user.by_module):
        assert {file.name for file in Reach(function).files} == {"clip_helper.py", "clip_user.py"}
        assert {found.__name__ for found in Reach(function).functions} == {function.__name__, "twice"}
    before = [Reach(function).digest() for function in (clip_user.direct, clip_user.by_module)]
    (tmp_path / "clip_helper.py").write_text("def twice(x):\n    return 2.5 * x\n")
    assert not {Reach(function).digest() for function in (clip_user.direct, clip_user.by_module)} & set(before)


def test_an_edit_on_disk_of_a_module_that_is_loaded_is_not_taken_for_what_is_compiled(tmp_path, monkeypatch):
    """The function in memory is the old one: the new text and the old code must not share an entry of the cache."""
    monkeypatch.syspath_prepend(tmp_path)
    keys = []
    for text in ("def rate(x):\n    return 2.0 * x\n", "def rate(x):\n    return 2.5 * x\n"):
        (tmp_path / "clip_loaded.py").write_text(text)
        import clip_loaded

        keys.append((Reach(clip_loaded.rate).digest(), Reach(clip_loaded.rate).bytecode()))
    monkeypatch.delitem(sys.modules, "clip_loaded")
    import clip_loaded  # as the next session sees it

    keys.append((Reach(clip_loaded.rate).digest(), Reach(clip_loaded.rate).bytecode()))
    assert len(set(keys)) == 3


def test_a_module_that_cannot_be_imported_by_name_is_not_told(tmp_path):
    """runpy, for one: a cache entry of such a function could be written, and not be read."""
    import runpy

    (tmp_path / "loose.py").write_text("def twice(x):\n    return 2.0 * x\n")
    twice = runpy.run_path(str(tmp_path / "loose.py"), run_name="not_a_module")["twice"]
    assert not Reach(twice).whole and Reach(twice).digest() is None


def test_one_file_under_two_module_names_is_told_apart(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "clip_named.py").write_text("def twice(x):\n    return 2.0 * x\n")
    import clip_named

    first = Reach(clip_named.twice).digest()
    monkeypatch.setattr(clip_named.twice, "__module__", "__main__")
    assert Reach(clip_named.twice).digest() != first


RATE, UNKNOWN = 2.0, [1.0]


def test_a_changed_global_number_counts(monkeypatch):
    def rated(x):
        return RATE * x

    before = Reach(rated).digest()
    monkeypatch.setattr(sys.modules[__name__], "RATE", 3.0)
    assert Reach(rated).digest() != before


def test_closures_count_and_unknown_ones_are_not_told():
    def made(factor):
        def scaled(x):
            return factor * x

        return Reach(scaled)

    assert len({made(f).digest() for f in (2.0, 2, True, (1.0, 2.0), (1.0, 3.0))}) == 5
    assert made([1.0]).digest() is None

    def listed(x):
        return UNKNOWN[0] * x

    assert Reach(listed).whole  # its file counts as a whole


def built_in():
    """The package's kernels, without those that adapters and other tests have made."""
    own = {kernel.function: kernel for kernel in all_kernels() if kernel.function.__module__.startswith("clipbounds.")}
    return [kernel for function, kernel in own.items() if not hasattr(function, "made_for")]


def test_every_kernel_of_the_package_is_told_exactly():
    """No value without a text, so that no kernel counts more than its own functions."""
    for kernel in built_in():
        assert kernel.reach.whole and not kernel.reach.files, kernel


COMPILED = """
import gc, sys
from importlib import import_module
from numba.core.dispatcher import Dispatcher
from clipbounds.lanes.meaning import Reach
room, name = sys.argv[1:]
kernel = getattr(import_module(f"clipbounds.{room}"), name)
kernel.compiled
compiled = {d.py_func for d in gc.get_objects() if isinstance(d, Dispatcher) and d.overloads}
own = {f for f in compiled if f.__module__.startswith("clipbounds.")}
print(len(own), sorted(f.__qualname__ for f in own - Reach(kernel.function).functions))
"""


@pytest.mark.parametrize(
    ("room", "name"), [("methods.kernels", "sgd"), ("noise.heavy_kernels", "stable"), ("oracles.kernels", "zero_chain")]
)
def test_what_numba_compiles_is_what_is_told(room, name, tmp_path, monkeypatch):
    """Numba itself is the oracle: the functions that it compiled for a kernel are among those that were found."""
    monkeypatch.setenv("CLIPBOUNDS_CACHE", str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", COMPILED, room, name], capture_output=True, text=True, check=True, cwd=PACKAGE.parent
    )
    count, missed = done.stdout.strip().split(" ", 1)
    assert int(count) > 5 and missed == "[]"


def test_names_of_inner_functions_are_found():
    def outer(x):
        return [RATE * y for y in x]

    assert "RATE" in names_in(outer.__code__)


def test_kernels_mean_different_things():
    meanings = [kernel.meaning for kernel in built_in()]
    assert len(set(meanings)) == len(meanings) > 50
    assert cb.noise.Gaussian.fill.meaning in meanings
