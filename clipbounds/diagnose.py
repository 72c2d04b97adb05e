"""What a log of gradient norms says about a threshold. Nothing here is certain: shares are counted, tails are estimated, bounds assumed."""

import dataclasses

import numpy as np

from .bounds.koloskova2023 import S0Star
from .clipping import NormClip
from .described import Constants
from .logs import read_log
from .methods import ClippedSGD
from .specs import POSITIVE, Interval, real_array
from .verdict.tail import TailIndex, hill
from .worst_case import floor

LEVELS = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
GRID = 40  # thresholds


@dataclasses.dataclass(frozen=True)
class Diagnosis:
    """What `diagnose` found; `str()` is one page of text.

    Attributes
    ----------
    threshold : float
    count : int, norms that were logged and finite
    clipped : float, share of the steps with ‖g‖ > threshold
    step_factor : float, mean of min(1, threshold/‖g‖): the effective step size in units of the step size
    quantiles : dict of level to norm
    tail : TailIndex or None, with `tail_words`
    thresholds, clipped_at, step_factor_at : arrays, the same against c
    bias_floor, bound : arrays against c or None, under assumed numbers; `floor_at`, their values at the threshold
    assumed : str, the numbers that were assumed
    missing : str, why there is no curve
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
    bias_floor: np.ndarray | None = dataclasses.field(default=None, repr=False)
    bound: np.ndarray | None = dataclasses.field(default=None, repr=False)
    floor_at: float | None = None
    floor_if_heavier: tuple | None = None
    assumed: str = ""
    missing: str = ""

    @property
    def best_threshold(self):
        """The smallest threshold of the grid whose bound is within 1 % of the smallest one, or None: often it stays flat above."""
        if self.bound is None or not np.isfinite(self.bound).any():
            return None
        return float(self.thresholds[np.flatnonzero(self.bound <= 1.01 * np.nanmin(self.bound))[0]])

    def rows(self):
        """(what, value) of the page."""
        rows = [
            ("logged norms", f"{self.count}"),
            (f"share of steps clipped at c = {self.threshold:g}", f"{self.clipped:.3g}"),
            ("effective step, mean of min(1, c/‖g‖)", f"{self.step_factor:.3g} of the step size"),
            ("quantiles", ", ".join(f"{q:g}: {v:.3g}" for q, v in self.quantiles.items())),
            ("tail of the norms", self.tail_words),
        ]
        if self.assumed:
            rows.append(("assumed by the user", self.assumed))
        if self.floor_at is not None:
            rows.append((f"bias floor u* at c = {self.threshold:g} (assumed sigma)", f"{self.floor_at:.3g}"))
        if self.floor_if_heavier is not None:
            p, value = self.floor_if_heavier
            rows.append((f"the same if sigma is assumed for p = {p:.3g} only", f"{value:.3g}"))
        elif self.floor_at is not None and self.tail is not None and self.tail.heavy and self.tail.low <= 1:
            rows.append(
                ("the same for the lower end of the tail index", "none: it is at most 1, and no floor is finite")
            )
        if self.best_threshold is not None:
            least = float(np.nanmin(self.bound))
            rows.append(
                (
                    "smallest c with S0* within 1 % of its least (assumed)",
                    f"{self.best_threshold:.3g}; least S0* = {least:.3g}",
                )
            )
        if self.missing:
            rows.append(("no bound against c", self.missing))
        return rows

    def __str__(self):
        width = max(len(what) for what, _ in self.rows())
        return "\n".join(f"{what.ljust(width)}  {value}" for what, value in self.rows())

    def to_dict(self):
        """Plain numbers and text, for JSON."""
        return {
            "threshold": self.threshold, "count": self.count, "clipped": self.clipped, "step_factor": self.step_factor,
            "quantiles": {f"{q:g}": v for q, v in self.quantiles.items()}, "tail": self.tail_words,
            "assumed": self.assumed, "bias_floor": self.floor_at, "best_threshold": self.best_threshold,
            "missing": self.missing,
        }  # fmt: skip

    def figure(self):
        """Three panels: clipping against c, the Hill plot with the chosen k, and the assumed floor and bound against c."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(13.0, 3.8), layout="constrained")
        left, middle, right = figure.subplots(1, 3)
        left.semilogx(self.thresholds, self.clipped_at, label="share of steps clipped")
        left.semilogx(self.thresholds, self.step_factor_at, "--", label="effective step")
        for ax in (left, right):
            ax.axvline(self.threshold, color="grey", ls=":", label="threshold asked about")
            ax.set_xlabel("threshold c")
        if self.tail is not None:
            tail = self.tail
            middle.semilogx(tail.k_all, tail.all, color="black", lw=0.8, label="Hill estimates")
            middle.errorbar(
                [tail.k],
                [tail.index],
                [[tail.index - tail.low], [tail.high - tail.index]],
                fmt="o",
                capsize=4,
                label=f"chosen k, {tail.confidence:g} interval",
            )
            middle.set_ylim(0, min(3 * tail.high, 30))
        middle.set_xlabel("k largest norms")
        middle.set_ylabel("tail index")
        for name, curve, line in (("bias floor", self.bias_floor, "-."), ("bound S0*", self.bound, "-")):
            if curve is not None:
                right.loglog(
                    self.thresholds, np.where(curve > 0, curve, np.nan), line, label=f"{name} (assumed numbers)"
                )
        for ax in (left, middle, right):
            ax.legend(fontsize=7)
            ax.grid(alpha=0.25)
        return figure


def diagnose(
    norms, threshold, *, step_size=None, sigma=None, p=2.0, L=None, L0=None, L1=None, F0=None, confidence=0.95
):
    """What logged norms of stochastic gradients say about a clipping threshold.

    Parameters
    ----------
    norms : path of a log (`read_log`), what `read_log` gives, or array_like of ‖g_t‖ before clipping
    threshold : float c in (0, inf)
    step_size, sigma, p, L, L0, L1, F0 : numbers that are assumed, as in `Constants`; with sigma the bias floor against c is
        shown, with a step size, F0 and L (or L0, L1) too the bound S0* after as many steps as were logged
    confidence : float in (0, 1), of the interval of the tail index; norms along a run are dependent, and the interval
        takes them as independent

    Returns
    -------
    Diagnosis

    Raises
    ------
    ValueError
        If there are no finite norms, one is negative, or a number is outside its domain.
    """
    values = _norms(norms)
    for name, number, domain in (("threshold", threshold, POSITIVE), ("p", p, Interval(1, 2, closed_high=True))):
        if np.ndim(number) or isinstance(number, (str, bool)) or not domain.contains(number):
            raise ValueError(f"diagnose: {name} must be a number in {domain}, but {number!r} was given")
    c = float(threshold)
    positive = values[values > 0]
    ends = [positive.min(), positive.max(), c] if positive.size else [c]
    grid = np.geomspace(0.1 * min(ends), 10 * max(ends), GRID)
    tail, words = _tail(positive, confidence)
    found = Diagnosis(
        c, values.size, float(np.mean(values > c)), float(_factor(values, c)),
        {q: float(v) for q, v in zip(LEVELS, np.quantile(values, LEVELS), strict=True)}, tail, words,
        grid, np.array([np.mean(values > t) for t in grid]), np.array([_factor(values, t) for t in grid]),
    )  # fmt: skip
    if sigma is None:
        return dataclasses.replace(found, missing="give sigma for the bias floor; sigma, step_size, F0 and L for S0*")
    given = {"sigma": sigma, "p": p, "L": L, "L0": L0, "L1": L1, "F0": F0}
    return _with_theory(found, given, 1.0 if step_size is None else step_size, step_size is not None)


def _with_theory(found, given, step_size, stepped):
    """The diagnosis with the floor and, if every number is given, S0* against c."""
    c, sigma, p = found.threshold, given["sigma"], given["p"]
    setting = Constants(method=ClippedSGD(step_size, NormClip(c)), **given)
    lower = found.tail.low if found.tail is not None and found.tail.heavy else None
    heavier = (lower, float(floor(c, sigma, lower))) if lower is not None and 1 < lower < p else None
    numbers = setting.assumed + (f", step size = {step_size:g}" if stepped else "")
    found = dataclasses.replace(
        found, bias_floor=np.asarray(floor(found.thresholds, sigma, p)), floor_at=float(floor(c, sigma, p)),
        floor_if_heavier=heavier, assumed=numbers,
    )  # fmt: skip
    absent = [name for name, there in (("step_size", stepped), ("F0", given["F0"] is not None)) if not there]
    if given["L"] is None and given["L0"] is None:
        absent.append("L")
    if absent or p == 1:
        text = f"S0* needs {', '.join(absent)} too" if absent else "S0* needs p > 1"
        return dataclasses.replace(found, missing=text)
    bound = S0Star(p=p)
    values = []
    for threshold in found.thresholds:
        cell = setting.replace(method=ClippedSGD(step_size, NormClip(float(threshold))))
        rows = bound.hypotheses(cell)
        values.append(float(bound.value(cell, max(found.count, 1))) if all(row.holds for row in rows) else np.nan)
    return dataclasses.replace(found, bound=np.array(values))


def _norms(given):
    """A flat array of finite norms from a path, a log or an array."""
    if isinstance(given, (str, bytes)) or hasattr(given, "__fspath__"):
        given = read_log(given)
    if hasattr(given, "data_vars"):
        if "gradient_norm" not in given:
            raise ValueError(f"diagnose: the log has no gradient_norm; it has {', '.join(given.data_vars)}")
        given = given["gradient_norm"].values
    values = real_array("diagnose", "norms", given).ravel()
    values = values[np.isfinite(values)]
    if not values.size:
        raise ValueError("diagnose: expected norms of gradients, but there is no finite one")
    if values.min() < 0:
        raise ValueError(f"diagnose: norms cannot be negative, but {values.min():g} was given")
    return values


def _factor(values, threshold):
    """Mean of min(1, c/‖g‖)."""
    return np.mean(np.minimum(1.0, threshold / np.maximum(values, threshold)))


def _tail(values, confidence):
    try:
        tail = hill(values, confidence)
    except ValueError as reason:
        if values.size >= 50:
            raise
        return None, f"not estimated ({str(reason).removeprefix('hill: ')})"
    return tail, str(tail)
