"""Bounds over the grid of a sweep: a verdict for each cell, and curves over one axis."""

import csv
import json
import math
from pathlib import Path

import numpy as np

from ..verdict import compare
from ..verdict.bands import error_of
from ..verdict.picture import COLOURS, LINES
from .bounded import read_bounds
from .collect import load
from .components import label
from .store import Store
from .values import nearest

COLUMNS = ("bound", "kind", "quantity", "step", "verdict", "measured", "low", "high", "value", "tightness", "reason")
PANELS = 6


class Overlay:
    """Verdicts on bounds for each cell of a sweep at its last checkpoint; `rows` is a list of dicts.

    Attributes
    ----------
    x : str, the axis of the figure
    axes : list of str, the other axes
    rows : list of dict: the value of each axis, then `COLUMNS`
    confidence : float, joint over all cells and bounds
    """

    def __init__(self, x, axes, rows, confidence):
        self.x, self.axes, self.rows, self.confidence = x, axes, rows, confidence

    def counts(self):
        """How often each verdict was reached."""
        words = [row["verdict"] for row in self.rows]
        return {word: words.count(word) for word in dict.fromkeys(words)}

    def write(self, path):
        """Write PATH.png, PATH.csv and PATH.json; returns their paths."""
        path = Path(path)
        if not path.parent.is_dir():
            raise ValueError(f"overlay: there is no folder {path.parent}; make it, or give another --out")
        files = [path.with_name(path.name + end) for end in (".png", ".csv", ".json")]
        self.figure().savefig(files[0], dpi=160)
        with open(files[1], "w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, [self.x, *self.axes, *COLUMNS])
            writer.writeheader()
            writer.writerows(self.rows)
        plain = [
            {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}
            for row in self.rows
        ]
        content = {"x": self.x, "confidence": self.confidence, "verdicts": self.counts(), "rows": plain}
        files[2].write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
        return files

    def figure(self):
        """One panel for each value of the other axes (the first 6): measured with its band, and every bound."""
        from matplotlib.figure import Figure

        groups = list(dict.fromkeys(tuple(row[a] for a in self.axes) for row in self.rows))[:PANELS]
        figure = Figure(figsize=(4.6 * max(len(groups), 1), 3.8), layout="constrained")
        panels = np.atleast_1d(figure.subplots(1, max(len(groups), 1), sharey=True))
        for panel, group in zip(panels, groups, strict=False):
            self.draw(panel, [row for row in self.rows if tuple(row[a] for a in self.axes) == group])
            panel.set_title(", ".join(f"{a} = {v}" for a, v in zip(self.axes, group, strict=True)), fontsize=9)
        return figure

    def draw(self, ax, rows):
        """Measured means with their bands, and the bounds, of some rows over the axis `x`."""
        values = [row[self.x] for row in rows]
        numeric = all(isinstance(v, (int, float)) for v in values)
        position = {v: v if numeric else k for k, v in enumerate(dict.fromkeys(values))}
        for k, quantity in enumerate(dict.fromkeys(row["quantity"] for row in rows)):
            shown = {row[self.x]: row for row in rows if row["quantity"] == quantity and row["measured"] is not None}
            if not shown:
                continue
            at = [position[v] for v in shown]
            mean, low, high = (
                np.array([row[name] for row in shown.values()], dtype=float) for name in ("measured", "low", "high")
            )
            ax.plot(at, mean, ("o-", "s-", "^-")[k % 3], color="black", ms=3, lw=1, label=f"measured {quantity}")
            finite = np.isfinite(low) & np.isfinite(high)
            ax.fill_between(at, low, high, where=finite, color="black", alpha=0.15, lw=0)
        for k, bound in enumerate(dict.fromkeys(row["bound"] for row in rows)):
            mine = [row for row in rows if row["bound"] == bound and row["value"] is not None]
            if mine:
                line = LINES[mine[0]["kind"]]
                ax.plot(
                    [position[r[self.x]] for r in mine],
                    [r["value"] for r in mine],
                    line,
                    color=COLOURS[k % 6],
                    label=bound,
                )
        positive = [row[n] for row in rows for n in ("measured", "value") if row[n] is not None and row[n] > 0]
        if positive:
            ax.set_yscale("log")
        if numeric and min(values) > 0 and max(values) > 10 * min(values):
            ax.set_xscale("log")
        if not numeric:
            ax.set_xticks(list(position.values()), [str(v) for v in position], rotation=30)
        ax.set_xlabel(self.x)
        ax.legend(fontsize=7)
        ax.grid(alpha=0.25)


def overlay(store, x=None, bounds=None, confidence=0.999, partial=False):
    """Confront every cell of a sweep with bounds, at its last checkpoint.

    Parameters
    ----------
    store : path of a sweep's results
    x : str, the axis of the figure; by default the longest one with numbers
    bounds : names such as "koloskova2023.S1", or bounds; by default those of the sweep's description
    confidence : float in (0, 1), joint over all cells and bounds (Bonferroni)
    partial : bool, accept that cells are missing

    Returns
    -------
    Overlay

    Raises
    ------
    ValueError
        If there is no such axis, no bound, or cells are missing.
    """
    error_of(confidence)
    kept = Store(store)
    sweep = kept.sweep()
    chosen = sweep._bounds if bounds is None else read_bounds(bounds)[0]
    if not chosen:
        raise ValueError("overlay: the sweep names no bounds; give them, such as --bounds koloskova2023.S1")
    names = [axis.name for axis in sweep.axes]
    if not names:
        raise ValueError("overlay: the sweep has one cell only, and no axis to draw over; use compare")
    if x is None:
        x = max(
            sweep.axes, key=lambda a: (all(isinstance(label(v), (int, float)) for v in a.values), len(a.values))
        ).name
    if x not in names:
        raise ValueError(f"overlay: the sweep has no axis {x!r}; {nearest(str(x), names)}")
    data = load(store, partial)
    last = data.isel(checkpoint=[-1]).load()
    level = 1 - (1 - confidence) / sweep.size
    rows = []
    for index in range(sweep.size):
        choice = sweep.choice(index)
        place = {axis.name: label(axis.values[choice[axis]]) for axis in sweep.axes}
        run = _cell_run(last, sweep.cell(index), {axis.name: choice[axis] for axis in sweep.axes})
        rows += [place | row for row in _judged(run, chosen, level)] if run is not None else []
    return Overlay(x, [name for name in names if name != x], rows, confidence)


def _cell_run(data, cell, where):
    """The results of one cell in the form of a run, or None where it is missing."""
    run = data.isel(where, drop=True).drop_vars([n for n in where if n in data.coords], errors="ignore")
    if all(np.all(np.isnan(v.values)) for v in run.data_vars.values() if v.dtype.kind == "f"):
        return None
    whole = [n for n in ("diverged_at", "diverged_count") if n in run and run[n].dtype.kind == "f"]
    run = run.assign({n: run[n].astype(np.int64) for n in whole}).assign_coords(checkpoint=[cell.checkpoints[-1]])
    run.attrs = {
        "setting": cell.setting.to_json(), "keep": cell.keep, "seed": str(cell.seed), "steps": cell.steps,
        "trajectories": cell.trajectories, "first_trajectory": 0,
    }  # fmt: skip
    return run


def _judged(run, bounds, level):
    for verdict in compare(run, bounds, level).verdicts:
        some = verdict.steps.size > 0
        yield {
            "bound": verdict.bound, "kind": verdict.kind, "quantity": verdict.quantity, "step": int(run["checkpoint"][-1]),
            "verdict": verdict.verdict, "tightness": verdict.tightness, "reason": verdict.reason.partition("\n")[0],
            **{n: float(getattr(verdict, n)[-1]) if some else None for n in ("measured", "low", "high", "value")},
        }  # fmt: skip
