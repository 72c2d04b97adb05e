"""No two test files have one name: pytest imports files of folders without `__init__.py` by their name alone."""

from collections import Counter
from pathlib import Path


def test_every_test_file_has_a_name_of_its_own():
    names = Counter(path.name for path in Path(__file__).parent.rglob("*.py") if path.name != "conftest.py")
    assert names[Path(__file__).name] == 1
    assert [name for name, count in names.items() if count > 1] == []
