"""What was found, as a page: text for a terminal, HTML, plain numbers."""

from __future__ import annotations

import base64
import dataclasses
import html
import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..spec_text import plain
from ..verdict.tail import TailIndex
from .estimates import NoiseLevel, SmoothnessLine
from .figure import draw
from .theory import Curve

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TAIL_TAKES = (
    "norms that are independent, and a power as their tail: for clusters of 5 the interval covers .55 instead of .95, and of"
    " lognormal samples of 500 four in five are called heavy"
)
CLOSING = "Shares are counted; index, sigma and (L0, L1) are estimates; bounds hold only if the assumed numbers do."
PICTURES = (".png", ".pdf", ".svg")


@dataclasses.dataclass(frozen=True)
class Diagnosis:
    """What `diagnose` found; `str()` is one page of text, a notebook shows it with its figure.

    Attributes
    ----------
    threshold : float
    count : int, norms that were logged and finite
    clipped : float, share of the steps with ‖g‖ > threshold
    step_factor : float, mean of min(1, threshold/‖g‖): the effective step size in units of the step size
    quantiles : dict of level to norm
    tail : TailIndex or None, with `tail_words`
    thresholds, clipped_at, step_factor_at : arrays, the same against c
    noise, smoothness : NoiseLevel, SmoothnessLine, or None where nothing was given to estimate them from
    curves : list of Curve, bias floor and bounds against c, under the `assumed` numbers
    lower_p : float or None, the lower end of the tail index, with `lower_curves`: the same if sigma is that of this moment only
    assumed : str, the numbers that were assumed
    missing : str, why there is no curve
    infinite : int, norms that were logged as infinite, and left out
    """

    threshold: float
    count: int
    clipped: float
    step_factor: float
    quantiles: dict
    tail: TailIndex | None
    tail_words: str
    thresholds: np.ndarray = dataclasses.field(repr=False)
    clipped_at: np.ndarray = dataclasses.field(repr=False)
    step_factor_at: np.ndarray = dataclasses.field(repr=False)
    noise: NoiseLevel | None = None
    smoothness: SmoothnessLine | None = None
    curves: list[Curve] = dataclasses.field(default_factory=list, repr=False)
    floor_at: float | None = None
    lower_p: float | None = None
    lower_curves: list[Curve] = dataclasses.field(default_factory=list, repr=False)
    lower_floor_at: float | None = None
    assumed: str = ""
    missing: str = ""
    infinite: int = 0

    def curve(self, name: str) -> Curve | None:
        """The curve of this name, such as "S0*", or None."""
        return next((curve for curve in self.curves if curve.name == name), None)

    @property
    def best_threshold(self) -> float | None:
        """The smallest threshold whose sharpest bound is within 1 % of its least, or None."""
        bounds = [curve for curve in self.curves if curve.name != "bias floor"]
        return min(bounds, key=lambda curve: curve.least or 0.0).best if bounds else None

    def rows(self) -> list[tuple[str, str]]:
        """(what, value) of the page."""
        c = f"c = {self.threshold:g}"
        rows = [
            (
                "logged norms",
                f"{self.count}" + (f"; {self.infinite} more are infinite and left out" if self.infinite else ""),
            ),
            (f"share of steps clipped at {c}", f"{self.clipped:.3g}"),
            ("effective step, mean of min(1, c/‖g‖)", f"{self.step_factor:.3g} of the step size"),
            ("quantiles", ", ".join(f"{q:g}: {v:.3g}" for q, v in self.quantiles.items())),
            ("tail of the norms", self.tail_words),
        ]
        if self.tail is not None:
            rows.append(("the interval of the tail assumes", TAIL_TAKES))
        rows.append(
            ("noise at fixed points", str(self.noise or "not measured: it needs repeated gradients at fixed points"))
        )
        rows.append(
            ("smoothness along the run", str(self.smoothness or "not measured: it needs curvatures or exact gradients"))
        )
        if self.assumed:
            rows.append(("assumed numbers", self.assumed))
        if self.floor_at is not None:
            rows.append((f"bias floor u* at {c}", f"{self.floor_at:.3g}"))
        rows += [(f"bound {curve.name} against c", str(curve)) for curve in self.curves if curve.name != "bias floor"]
        if self.lower_p is not None and self.lower_p > 1:
            title = f"if only p = {self.lower_p:.3g} is finite, the tail's lower end"
            rows.append((title, f"bias floor {self.lower_floor_at:.3g} at {c}"))
            rows += [
                (f"  bound {curve.name} then", str(curve)) for curve in self.lower_curves if curve.name != "bias floor"
            ]
        elif self.lower_p is not None:
            rows.append(
                ("if p is the tail's lower end", f"it is {self.lower_p:.3g}, at most 1, and no floor is finite")
            )
        if self.missing:
            rows.append(("no bound against c", self.missing))
        return rows

    def __str__(self) -> str:
        width = max(len(what) for what, _ in self.rows())
        return "\n".join([*(f"{what.ljust(width)}  {value}" for what, value in self.rows()), CLOSING])

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and text, for JSON."""

        def of(curve: Curve) -> dict[str, float | str]:
            return plain({name: getattr(curve, name) for name in ("name", "p", "least", "least_at", "best")})

        return plain({
            "threshold": self.threshold, "count": self.count, "infinite": self.infinite, "clipped": self.clipped, "step_factor": self.step_factor,
            "quantiles": plain({f"{q:g}": v for q, v in self.quantiles.items()}), "tail": self.tail_words,
            "noise": plain(dataclasses.asdict(self.noise)) if self.noise else None,
            "smoothness": plain(dataclasses.asdict(self.smoothness)) if self.smoothness else None,
            "assumed": self.assumed, "bias_floor": self.floor_at, "best_threshold": self.best_threshold,
            "bounds": [of(curve) for curve in self.curves if curve.name != "bias floor"],
            "lower_p": self.lower_p, "lower_bias_floor": self.lower_floor_at,
            "lower_bounds": [of(curve) for curve in self.lower_curves if curve.name != "bias floor"],
            "missing": self.missing,
        })  # fmt: skip

    def figure(self, width: float | str | None = None, ax: Sequence[Axes] | None = None) -> Figure:
        """Three panels: clipping against c, the Hill plot with the chosen k, and floor and bounds against c.

        Parameters
        ----------
        width : "column", "text", "page" or inches, for a paper
        ax : three axes of matplotlib to draw on instead
        """
        return draw(self, width, ax)

    def _repr_html_(self) -> str:
        buffer = io.BytesIO()
        self.figure().savefig(buffer, format="png", dpi=110)
        picture = base64.b64encode(buffer.getvalue()).decode()
        rows = "".join(
            f"<tr><th>{html.escape(what)}</th><td>{html.escape(value)}</td></tr>" for what, value in self.rows()
        )
        return (
            f'<table style="text-align:left">{rows}</table><p>{html.escape(CLOSING)}</p><img style="max-width:100%"'
            f' alt="clipping, tail and bounds against the threshold" src="data:image/png;base64,{picture}">'
        )

    def write(self, path: str | Path, width: float | str | None = None) -> Path:
        """Write the page as .html, or its figure as .png, .pdf or .svg; returns the path."""
        path = Path(path)
        if not path.parent.is_dir():
            raise ValueError(f"diagnose: there is no folder {path.parent}; make it, or give another --out")
        if path.suffix == ".html":
            head = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Diagnosis</title><body style="font-family:sans-serif">'
            title = f"<h1>What the log says about c = {self.threshold:g}</h1>"
            path.write_text(f"{head}{title}{self._repr_html_()}</body></html>\n", encoding="utf-8")
        elif path.suffix in PICTURES:
            self.figure(width).savefig(path, dpi=160 if width is None else 300)
        else:
            raise ValueError(
                f"diagnose: the page is written as .html, a figure as {', '.join(PICTURES)}, but {path.name!r} was given"
            )
        return path
