"""Rows of paper_checks.md from verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..verdict.bands import SHARE
from .lab import Row

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ..array_types import ArrayLike
    from ..verdict.case import Verdict

ORDER = ("violated", "undecided", "not measured", "holds", "vacuous")  # the worst verdict of several decides


def joint_verdict(verdicts: Collection[str]) -> str:
    """The verdict on the conjunction of several claims: the worst of them."""
    return next((word for word in ORDER if word in verdicts), "not measured")


def within(low: ArrayLike, high: ArrayLike, expected: ArrayLike, tolerance: float) -> str:
    """The verdict on "the values are `expected` up to the relative `tolerance`", from simultaneous bands [low, high].

    "violated" as soon as one band lies outside its tolerance, whatever the others do; "holds" if all lie inside;
    otherwise "undecided", also where a band is nan.
    """
    low, high, expected = (np.asarray(v, dtype=np.float64) for v in (low, high, expected))
    slack = tolerance * np.abs(expected)
    if np.any((low > expected + slack) | (high < expected - slack)):
        return "violated"
    return "holds" if np.all((low >= expected - slack) & (high <= expected + slack)) else "undecided"


def refusals(shares: ArrayLike) -> str:
    """Why the guard of normal bands refused some of several bands, or "" if it refused none.

    Parameters
    ----------
    shares : array_like, of each band what one trajectory carries of the sample variance (`clipbounds.verdict.bands.carried`)
    """
    shares = np.ravel(np.asarray(shares, dtype=np.float64))
    equal, heavy = int(np.isnan(shares).sum()), shares[shares > SHARE]
    said = []
    if heavy.size:
        most = " to ".join(dict.fromkeys(f"{100 * end:.3g}" for end in (heavy.min(), heavy.max())))
        said.append(f"one trajectory carries {most} % of the sample variance, {100 * SHARE:g} % is allowed")
    if equal:
        said.append(f"in {equal} all values are equal")
    return f"{heavy.size + equal} of {shares.size} bands are refused: {'; '.join(said)}" if said else ""


def row_from_verdicts(claim: str, check: str, verdicts: Sequence[Verdict], bound: str = "") -> Row:
    """One row for one bound checked on several instances.

    Parameters
    ----------
    verdicts : list of `clipbounds.verdict.Verdict` of the same bound

    Raises
    ------
    ValueError
        If the bound does not apply to one of the settings.
    """
    for v in verdicts:
        if v.verdict == "does not apply":
            raise ValueError(f"a row needs bounds that apply to its settings, but {v.reason}")
    word = joint_verdict([v.verdict for v in verdicts])
    known = [v.tightness for v in verdicts if v.tightness is not None]
    reasons = list(dict.fromkeys(v.reason for v in verdicts if v.verdict == word and word != "holds" and v.reason))
    methods = ", ".join(dict.fromkeys(v.method for v in verdicts if v.method))
    span = f"measured/bound from {min(known):.4g} to {max(known):.4g}" if known else ""
    if verdicts and verdicts[0].kind == "lower":
        span = span.replace("measured/bound", "bound/measured")
        vacuous = sum(not np.any(v.value > 0) for v in verdicts)
        span += f"; vacuous in {vacuous} of {len(verdicts)} instances" if vacuous else ""
    return Row(
        claim=claim,
        check=f"{check}; band: {methods}",
        measured=span,
        bound=bound or (verdicts[0].bound if verdicts else ""),
        tightness=max(known, default=None),
        verdict=word,
        reason="; ".join(reasons),
    )
