"""Program texts are parsed whatever other threads and finalizers do meanwhile; a text that is no Python is still told."""

import ast
import gc
import sys
import threading

import pytest

from clipbounds.lanes.meaning import ATTEMPTS, parsed, syntax

TEXT = "\n".join(f"def f{k}(x):\n    return [x + {k}, (x, -x)]\n" for k in range(300))
COUNTS_IN_ONE_PLACE = sys.version_info < (3, 11, 8)  # gh-106905


def deeper(depth, what):
    return deeper(depth - 1, what) if depth else what()


@pytest.fixture
def meanwhile():
    """Parse another text, deeper in the stack, in a few of the garbage collections that a parse causes."""
    left = []

    def collected(phase, info):
        if phase == "start" and left:
            left.pop()
            deeper(20, lambda: ast.parse("x = 1"))

    gc.callbacks.append(collected)
    threshold = gc.get_threshold()
    gc.set_threshold(50)
    yield left
    gc.set_threshold(*threshold)
    gc.callbacks.remove(collected)


def test_another_parse_within_a_parse(meanwhile):
    expected = syntax(ast.parse(TEXT))
    meanwhile += range(1000)
    interrupted = 0
    while meanwhile:
        try:
            ast.parse(TEXT)
        except SystemError:
            interrupted += 1
    if COUNTS_IN_ONE_PLACE:
        assert interrupted > 0, "the fault that this test is about was not met"
    meanwhile += range(3)
    assert syntax(parsed(TEXT)) == expected


def test_threads_that_parse_at_once(monkeypatch):
    """No two of our parses overlap: a parse that is told of the others would see one."""
    inside, overlaps = [], []

    def parse(text):
        inside.append(text)
        deeper(5, lambda: threading.Event().wait(0.001))
        if len(inside) > 1:
            overlaps.append(list(inside))
        inside.remove(text)

    def all_at_once(target):
        threads = [threading.Thread(target=target, args=(f"x = {k}",)) for k in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    monkeypatch.setattr(ast, "parse", parse)
    all_at_once(parsed)
    assert overlaps == []
    all_at_once(parse)
    assert overlaps != []


@pytest.mark.parametrize("failures", [0, 1, ATTEMPTS - 1, ATTEMPTS])
def test_a_fault_that_stays_is_told(failures, monkeypatch):
    left, found = [SystemError("AST constructor recursion depth mismatch")] * failures, ast.parse("x = 1")

    def parse(text):
        if left:
            raise left.pop()
        return found

    monkeypatch.setattr(ast, "parse", parse)
    if failures < ATTEMPTS:
        assert parsed("x = 1") is found
    else:
        with pytest.raises(SystemError):
            parsed("x = 1")


@pytest.mark.parametrize("text", ["def f(:", b"x = '\xff'", "x = 1\0"])
def test_a_text_that_is_no_python_is_told_at_once(text):
    with pytest.raises((SyntaxError, ValueError)):
        parsed(text)
