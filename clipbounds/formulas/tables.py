"""What a notebook shows of a setting, of a bound and of its hypotheses: HTML with mathematics."""

import dataclasses
import html
from typing import Any

from .mathml import mathml
from .prose import as_html

SHOWN = 6  # entries of a vector
WORDS = {True: "holds", False: "<b>fails</b>", None: "undecidable"}
AGGREGATES = {"mean": "in expectation", "every": "on every trajectory", "probability": "with the stated probability"}


def _written(value: Any) -> str:
    """A parameter in few letters."""
    if dataclasses.is_dataclass(value):
        return f"{type(value).__name__}({', '.join(f'{name}={text}' for name, text in _parameters(value))})"
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        entries = [_written(entry) for entry in value[:SHOWN]]
        return f"[{', '.join(entries)}{f', ... {len(value)} in all' if len(value) > SHOWN else ''}]"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _parameters(spec: Any) -> list[tuple[str, str]]:
    """Names and values of the parameters that do not have their default."""
    found = []
    for field in dataclasses.fields(spec):
        value = getattr(spec, field.name)
        plain = not hasattr(value, "shape")
        if not (plain and field.default is not dataclasses.MISSING and value == field.default):
            found.append((field.name, _written(value)))
    return found


def _about(spec: Any) -> str:
    """The first paragraph of the docstring, as HTML."""
    return as_html(" ".join((type(spec).__doc__ or "").strip().partition("\n\n")[0].split()))


def setting_html(setting: Any) -> str:
    """Problem, noise and method: what each is in mathematics, and its parameters."""
    rows = []
    for name in ("problem", "noise", "method"):
        part = getattr(setting, name)
        numbers = ", ".join(f"{key} = {text}" for key, text in _parameters(part))
        rows.append(
            f'<tr><th scope="row">{name}</th><td style="white-space: nowrap"><code style="overflow-wrap: normal">{html.escape(type(part).__name__)}</code></td>'
            f"<td>{_about(part)}</td><td>{html.escape(numbers)}</td></tr>"
        )
    return f"<table><tbody>{''.join(rows)}</tbody></table>"


def statement_html(bound: Any) -> str:
    """The statement of a bound, or the first paragraph of its docstring where it has none."""
    return mathml(bound.statement) if bound.statement else f"<p>{_about(bound)}</p>"


def bound_html(bound: Any) -> str:
    """Name, statement, what it is about and where it is from."""
    numbers = ", ".join(f"{key} = {text}" for key, text in _parameters(bound))
    standing = "" if bound.asserted else " It is shown, never asserted: its constants are not confirmed."
    source = bound.source[:1].upper() + bound.source[1:]
    about = f"{bound.kind} bound on <code>{html.escape(getattr(bound, 'quantity', ''))}</code> {AGGREGATES[bound.aggregate]}"
    return (
        f"<div><p><b>{html.escape(bound.name)}</b>{': ' if numbers else ''}{html.escape(numbers)}</p>{statement_html(bound)}"
        f"<p>{about[:1].upper()}{about[1:]}. {html.escape(source)}.{standing}</p></div>"
    )


def hypotheses_html(rows: Any) -> str:
    """The table of hypotheses."""
    head = "".join(f'<th scope="col">{name}</th>' for name in ("hypothesis", "in this setting", ""))
    body = "".join(
        f'<tr><th scope="row">{as_html(str(row.what))}</th><td>{as_html(str(row.value))}</td><td>{WORDS[row.holds]}</td></tr>'
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
