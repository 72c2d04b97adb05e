"""What the record of an experiment says about its figure and about its bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..formulas import plain_text

if TYPE_CHECKING:
    from typing import Any

    from matplotlib.figure import Figure

    from ..bounds.base import Bound
    from ..methods.base import Setting

LONGEST = 8  # entries of a list that are written out


def panels(figure: Figure) -> list[dict[str, Any]]:
    """What is drawn, for those who do not see it: one dict a panel with its title, axes, scales and legend.

    Parameters
    ----------
    figure : matplotlib Figure

    Returns
    -------
    list of dict
    """
    found: list[dict[str, Any]] = []
    for axes in figure.axes:
        if axes.get_label() == "<colorbar>" and found:
            found[-1]["shows"].append(f"colours for {plain_text(axes.get_ylabel() or axes.get_xlabel())}")
            continue
        _, labels = axes.get_legend_handles_labels()
        axis = {}
        for name in "xy":
            label = plain_text(getattr(axes, f"get_{name}label")())
            logarithmic = getattr(axes, f"get_{name}scale")() == "log"
            axis[name] = f"{label} (logarithmic)" if label and logarithmic else label
        found.append({"title": plain_text(axes.get_title()), **axis, "shows": [plain_text(text) for text in labels]})
    return found


def alternative_text(title: str, described: list[dict[str, Any]]) -> str:
    """One paragraph in place of the figure."""
    sentences = [f"Figure: {title}."]
    for number, panel in enumerate(described, 1):
        name = f"Panel {number}" if len(described) > 1 else "It"
        if panel["x"] or panel["y"]:
            sentences.append(f"{name} shows {panel['y'] or 'values'} against {panel['x'] or 'position'}.")
        if panel["shows"]:
            sentences.append(f"Drawn: {'; '.join(panel['shows'])}.")
    return " ".join(sentences)


def statement(bound: Bound, setting: Setting) -> dict[str, Any]:
    """A bound and its hypotheses table for one setting, as plain data.

    Parameters
    ----------
    bound : clipbounds.bounds.Bound
    setting : clipbounds.Setting

    Returns
    -------
    dict
    """
    return {
        "name": bound.name,
        "kind": bound.kind,
        "quantity": bound.quantity,
        "aggregate": bound.aggregate,
        "asserted": bound.asserted,
        "statement": bound.statement,
        "source": bound.source,
        "setting": setting_text(setting),
        "hypotheses": [
            {"what": row.what, "value": row.value, "holds": None if row.holds is None else bool(row.holds)}
            for row in bound.hypotheses(setting)
        ],
    }


def setting_text(setting: Setting) -> str:
    """A setting as one would write it, without the parameters that have their default value."""
    return f"Setting({', '.join(_written(part) for part in (setting.problem, setting.noise, setting.method))})"


def _written(value: Any) -> str:
    import dataclasses

    if not dataclasses.is_dataclass(value):
        if hasattr(value, "tolist"):
            value = value.tolist()
        if isinstance(value, (list, tuple)):
            parts = [_written(item) for item in value[:LONGEST]]
            if len(value) > LONGEST:
                parts[-1] = f"... {len(value)} in all"
            return parts[0] if len(value) == 1 else f"[{', '.join(parts)}]"
        return f"{value:.6g}" if isinstance(value, float) else repr(value)
    parts = []
    for field in dataclasses.fields(value):
        item = getattr(value, field.name)
        plain = not hasattr(item, "shape")
        if plain and field.default is not dataclasses.MISSING and item == field.default:
            continue
        parts.append(f"{field.name}={_written(item)}")
    return f"{type(value).__name__}({', '.join(parts)})"
