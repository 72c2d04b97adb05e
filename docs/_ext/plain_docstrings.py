"""Docstrings are written to be read in an editor: bars are absolute values, and a bound has a statement of its own."""

import inspect
import re

AGGREGATES = {"mean": "in expectation", "every": "on every trajectory", "probability": "with the stated probability"}


def facts(bound):
    """What the attributes of a bound say, as reStructuredText."""
    standing = "" if bound.asserted else " Shown, never asserted: the constants are not confirmed."
    if bound.superseded_by:
        standing += f" Superseded by {bound.superseded_by}."
    return [
        ".. math::",
        "",
        f"   {bound.statement}",
        "",
        f"*{bound.kind.capitalize()}, about* ``{getattr(bound, 'quantity', '')}`` *{AGGREGATES[bound.aggregate]}. {bound.source[:1].upper()}{bound.source[1:]}.*{standing}",
        "",
    ]


def prepare(app, what, name, obj, options, lines):
    from clipbounds.bounds import Bound

    # outside of code, a name that ends in _ is a name and no reference
    lines[:] = [re.sub(r"(?<=\w)_(?=[\s.,;:)]|$)(?=[^`]*$)", r"\\_", line.replace("|", "\\|")) for line in lines]
    if inspect.isclass(obj) and issubclass(obj, Bound) and obj.statement:
        lines[:0] = facts(obj)


def skip(app, what, name, obj, skipped, options):
    """A class that another class names, such as the rule of a method, has its own entry."""
    return True if what == "class" and inspect.isclass(obj) else None


def setup(app):
    app.connect("autodoc-skip-member", skip)
    app.connect("autodoc-process-docstring", prepare, priority=400)  # before napoleon
    return {"parallel_read_safe": True, "parallel_write_safe": True}
