"""What a bound is: a statement with checked hypotheses and explicit constants."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..facts import MissingConstant, NotSmooth
from ..methods import Setting
from ..specs import Spec

if TYPE_CHECKING:
    from ..array_types import ArrayLike, FloatArray
    from ..facts import Moment


@dataclasses.dataclass(frozen=True)
class Hypothesis:
    """One row of a hypotheses table.

    Attributes
    ----------
    what : str, the condition, in the symbols of the notation page
    value : str, the values that this setting gives it
    holds : True, False, or None where it is undecidable
    """

    what: str
    value: str
    holds: bool | None


def reason_of(moment: Moment) -> str:
    """What a moment rests on, or what is missing, as the end of a cell of the table."""
    reason = getattr(moment, "reason", "")
    return f" ({reason})" if reason else ""


class HypothesesFail(ValueError):
    """A bound was evaluated although a hypothesis fails; the message is the table."""


def _schedules(setting: Setting) -> str:
    return ", ".join(f"{name} = {schedule!r}" for name, schedule in setting.method.varying.items())


def hypotheses_table(rows: list[Hypothesis]) -> str:
    """The rows as aligned text."""
    words = {True: "holds", False: "FAILS", None: "undecidable"}
    cells = [("hypothesis", "value", "")] + [(str(r.what), str(r.value), words[r.holds]) for r in rows]
    widths = [max(len(c[k]) for c in cells) for k in range(3)]
    return "\n".join("  ".join(c[k].ljust(widths[k]) for k in range(3)).rstrip() for c in cells)


class Hypotheses(list[Hypothesis]):
    """The rows of a table of hypotheses: a list that prints itself as the table, in a notebook with mathematics."""

    def __repr__(self) -> str:
        return hypotheses_table(self)

    def _repr_html_(self) -> str:
        from ..formulas import hypotheses_html

        return hypotheses_html(self)


class Bound(Spec):
    """Base of all bounds. Parameters of a bound (a confidence, a free constant) are its fields.

    A subclass sets ``kind``, ``quantity``, ``aggregate``, ``statement``, ``source`` and provides ``conditions(setting)``
    (its own hypotheses) and ``evaluate(setting, steps)``; its docstring is the theorem, with a proof or a reference.

    Attributes
    ----------
    kind : "upper", "lower", "floor" or "prediction"
        A floor is a value that the worst case of the class attains; a prediction is never asserted.
    quantity : str
        The variable of a run that the bound speaks about, for example "mean_gradient_norm".
    aggregate : "mean", "every" or "probability"
        It bounds the expectation over trajectories, every trajectory, or all but a share ``failure_probability``.
    asserted : bool
        False for statements whose constants are not confirmed: they may be drawn, never asserted.
    takes_schedules : bool
        Whether it speaks of step sizes and thresholds that are schedules; otherwise its table refuses them.
    superseded_by : str
        Name of a bound that is better in every setting of interest: `applicable` then leaves this one out. Empty: none.
    statement : str, LaTeX
    source : str, paper and theorem, or "proved here"
    """

    if TYPE_CHECKING:  # a subclass has them as constants, parameters or properties

        @property
        def kind(self) -> str: ...
        @property
        def quantity(self) -> str: ...
        @property
        def aggregate(self) -> str: ...
        @property
        def asserted(self) -> bool: ...

    else:  # no quantity: a bound may have it as a parameter, in a place of its own choice
        kind = "upper"
        aggregate = "mean"
        asserted = True
    superseded_by: ClassVar[str] = ""
    costly: ClassVar[bool] = False  # a value takes seconds: to be asked for by name, not by `applicable`
    takes_schedules: ClassVar[bool] = False
    statement: ClassVar[str] = ""
    source: ClassVar[str] = ""

    accept_sampled: bool = dataclasses.field(default=False, kw_only=True)

    @property
    def name(self) -> str:
        """Name in tables and legends."""
        return type(self).__name__

    def bibtex(self) -> str:
        """BibTeX of the paper of the statement, and of this program, where proof and constants are; see `clipbounds.cite`."""
        from .citing import cite  # it needs this class

        return cite(self)

    def _repr_html_(self) -> str:
        from ..formulas import bound_html

        return bound_html(self)

    def conditions(self, setting: Setting) -> list[Hypothesis]:
        """The bound's own hypotheses, a list of `Hypothesis`."""
        return []

    def hypotheses(self, setting: Setting) -> list[Hypothesis]:
        """All hypotheses for this setting: the trust in the problem's constants, then the bound's own.

        Returns
        -------
        Hypotheses, a list of Hypothesis that displays itself as a table
        """
        if not isinstance(setting, Setting):
            raise ValueError(f"{self.name}: expected a Setting(problem, noise, method), but {setting!r} was given")
        certificate = setting.problem.certificate
        trusted = certificate.trusted or self.accept_sampled
        first = Hypothesis(
            "certified constants of f", f"{certificate.kind}: {certificate.reason}", True if trusted else None
        )
        if setting.method.scheduled and not self.takes_schedules:  # it would read a schedule as a number
            return Hypotheses([first, Hypothesis("step size and threshold are constants", _schedules(setting), False)])
        try:
            return Hypotheses([first, *self.conditions(setting)])
        except NotSmooth as missing:  # no other condition can be evaluated
            return Hypotheses([first, Hypothesis("f is L-smooth or (L0, L1)-smooth", str(missing), False)])
        except (ArithmeticError, np.linalg.LinAlgError) as error:  # a power or a quotient of extreme parameters
            found = error.args[-1] if error.args else type(error).__name__
            return Hypotheses([first, Hypothesis("the constants lie in the range of floats", str(found), None)])

    def evaluate(self, setting: Setting, steps: FloatArray) -> FloatArray:
        """The bound at `steps` (float64 array, each >= 1), the hypotheses being true."""
        raise NotImplementedError(f"{type(self).__name__} needs evaluate(setting, steps)")

    def value(self, setting: Setting, steps: ArrayLike) -> FloatArray:
        """The bound after `steps` steps.

        Parameters
        ----------
        setting : Setting
        steps : int or array_like of int >= 1

        Returns
        -------
        ndarray of the shape of `steps`

        Raises
        ------
        HypothesesFail
            If a hypothesis fails or is undecidable; the message is the table. Or if the value leaves the range of floats, or
            is no number.
        """
        try:
            rows = self.hypotheses(setting)
        except MissingConstant as missing:
            raise MissingConstant(f"{self.name}: {missing}") from None
        if not all(row.holds for row in rows):
            advice = " (accept_sampled=True accepts sampled constants)" if rows[0].holds is None else ""
            raise HypothesesFail(f"{self.name} does not apply to this setting{advice}:\n{hypotheses_table(rows)}")
        steps = np.asarray(steps, dtype=np.float64)
        if not np.all(steps >= 1):
            raise ValueError(f"{self.name}: steps must be >= 1, but {steps.min():g} was given")
        try:
            setting.check_horizon(self.name, steps.max(initial=1))
        except ValueError as beyond:
            raise HypothesesFail(str(beyond)) from None
        try:
            value = np.asarray(self.evaluate(setting, steps), dtype=np.float64)
        except MissingConstant as missing:
            raise MissingConstant(f"{self.name}: {missing}") from None
        except (ArithmeticError, np.linalg.LinAlgError) as error:
            raise HypothesesFail(
                f"{self.name}: its value leaves the range of floats in this setting ({error})"
            ) from None
        if np.isnan(value).any():  # inf - inf or 0·inf of parameters at the ends of the range of floats
            raise HypothesesFail(
                f"{self.name}: its value is not a number in this setting; look for a parameter, such as a threshold or a step"
                " size, that overflows or is nearly 0"
            )
        try:
            return np.broadcast_to(value, steps.shape).copy()
        except ValueError:
            raise ValueError(
                f"{self.name}: evaluate must return one number or the shape of steps, {steps.shape}, but gave {value.shape}"
            ) from None


class Recalled(Bound):
    """A statement whose shape is known and whose constants are not confirmed: drawn, never asserted."""

    asserted = False
