"""A user's kernel that raises, or makes nan or inf of finite numbers, ends the run with one sentence that names it.

Nothing is paid on the way but a look at the state every 0.2 s and at the end: a lane that is no longer finite stays so.
Then the last state that was whole is advanced again, up to the step at which it broke, and that step is repeated with
the kernels of `watch_kernels` in front of the user's. The package's own kernels are tested and are not watched.
"""

from __future__ import annotations

import contextlib
import dataclasses
import traceback
from typing import TYPE_CHECKING

import numpy as np

from ..lanes.blocks import LANES
from ..lanes.compile import KernelFailed
from ..noise.window import START
from . import watch_kernels
from .base import CLIP_AT, DIVERGED, FILL_AT, GRADIENT_AT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from ..array_types import BoolArray, FloatArray
    from ..clipping.base import Clip
    from ..noise.base import Noise
    from ..problems.base import Problem
    from .base import Setting
    from .blocks import Block

PLAN, PROBLEM, NOISE, CLIP, ADDRESSES = 1, 3, 4, 5, 7  # of `Block.arguments`
# a run has diverged beyond this, and what a gradient or a step is there tells nothing: fourth powers are finite below
ORDINARY = 1e75
PARTS = {
    "problem": ("gradient_kernel", PROBLEM, GRADIENT_AT),
    "noise": ("fill", NOISE, FILL_AT),
    "operator": ("kernel", CLIP, CLIP_AT),
}


def _component(setting: Setting, part: str) -> Clip | Noise | Problem:
    return setting.method.operator if part == "operator" else getattr(setting, part)


def users_kernels(setting: Setting) -> dict[Any, Any]:
    """The kernels of a setting that are not the package's: a dict of part (also "method") to kernel."""
    found = {part: getattr(_component(setting, part), name) for part, (name, _, _) in PARTS.items()}
    found["method"] = setting.method.advance
    return {part: kernel for part, kernel in found.items() if getattr(kernel, "counted", False)}


def compile_users(settings: Iterable[Setting]) -> None:
    """Compile the user's kernels of these settings, each kind once; raises ValueError for one that does not."""
    seen = set()
    for setting in settings:
        kinds = tuple(type(part) for part in (setting.problem, setting.noise, setting.method, setting.method.operator))
        if kinds not in seen:
            seen.add(kinds)
            for kernel in users_kernels(setting).values():
                _ = kernel.address


def where_raised(error: Exception) -> str:
    """File and line of the innermost place of an error that lies outside the compiler."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename.rpartition('/')[2]}, line {frames[-1].lineno}" if frames else "unknown place"


def raised(setting: Setting, part: str, error: Exception, when: str) -> KernelFailed:
    """The error for a kernel that raised."""
    owner = setting.method if part is None else _component(setting, part)
    name = "advance" if part in (None, "method") else PARTS[part][0]
    return KernelFailed(
        f"{type(owner).__name__}.{name} raised {type(error).__name__} {when} ({where_raised(error)}): {error}"
    )


class Watch:
    """Advances one block, whose setting has kernels of the user.

    Parameters
    ----------
    setting : Setting
    make : callable () -> Block
        The block at step 0; called again if something has to be found out before the first look.
    stride : int >= 1, how many steps are looked at together
    first : int, number of the first trajectory

    Attributes
    ----------
    block : Block
    """

    def __init__(self, setting: Setting, make: Callable[[], Block], stride: int, first: int = 0) -> None:
        self.setting, self.make, self.stride, self.first = setting, make, stride, first
        self.block = make()
        self.kernels = users_kernels(setting)
        self.dim = setting.problem.dim
        self.accepted = np.zeros(LANES, dtype=bool)  # lanes that have diverged without a kernel being to blame
        self.looked = 0
        self._saved: Block | None = None  # step of the last look, and the state at it

    def saved(self) -> Block:
        """A copy of the block as it was at the last look."""
        return self.make() if self._saved is None else _copy(self._saved)

    def run_to(self, step: int) -> None:
        """Advance to `step`.

        Raises
        ------
        KernelFailed
            If a kernel of the user raises, or has made non-finite numbers of finite ones.
        """
        if not self.kernels:
            self.block.run_to(step)
            return
        try:
            self.block.run_to(step)
        except Exception as error:
            raise self._who_raised(step, error) from error
        if step - self.looked >= self.stride:
            self.look()
            self.looked, self._saved = step, _copy(self.block)

    def look(self) -> None:
        """Judge the lanes that are no longer finite."""
        if not self.kernels:
            return
        fresh = self._broken(self.block) & ~self.accepted
        while fresh.any():
            self._judge(fresh)
            fresh &= ~self.accepted

    def _broken(self, block: Block) -> BoolArray:
        finite = np.isfinite(block.iterate(self.dim).reshape(self.dim, LANES)).all(axis=0)
        return ~finite | (block.row(DIVERGED) >= 0)

    def _judge(self, fresh: BoolArray) -> None:
        """Blame a kernel for the first of these lanes to break, or accept the lanes that broke with it."""
        before = self._last_whole(fresh)
        notes = self._repeat(before)
        x = before.iterate(self.dim).reshape(self.dim, LANES)
        size = np.abs(x).max(axis=0)
        start = np.abs(self.setting.problem.x0).max()
        for part in ("noise", "problem", "operator"):
            flagged = notes[part][-LANES:] > 0 if part in notes else np.zeros(LANES, dtype=bool)
            if part == "problem":  # far away the gradient of a run that diverges overflows, as it should
                with np.errstate(invalid="ignore"):
                    flagged &= (size <= start) | ((size < ORDINARY) & self._undefined(before))
            flagged &= fresh
            if flagged.any() and not _component(self.setting, part).non_finite:
                raise self._complaint(part, before.step, int(np.argmax(flagged)), size)
        after = _copy(before)
        after.run_to(before.step + 1)
        now = self._broken(after) & fresh
        explained = np.any([note[-LANES:] > 0 for note in notes.values()], axis=0) | (after.row(DIVERGED) >= 0)
        if "method" in self.kernels and not self.setting.method.non_finite:
            flagged = now & ~explained & (size < ORDINARY) & (np.abs(self._gradient(before)).max(axis=0) < ORDINARY)
            if flagged.any():
                raise self._complaint("method", before.step, int(np.argmax(flagged)), size)
        self.accepted |= now

    def _gradient(self, block: Block) -> FloatArray:
        problem, gradient = self.setting.problem, np.empty(self.dim * LANES)
        problem.gradient_kernel(np.array(block.iterate(self.dim)), gradient, self.dim, problem.parameters)
        return gradient.reshape(self.dim, LANES)

    def _undefined(self, block: Block) -> Any:
        return np.isnan(self._gradient(block)).any(axis=0)

    def _complaint(self, part: str, step: int, lane: int, size: FloatArray) -> KernelFailed:
        owner = self.setting.method if part == "method" else _component(self.setting, part)
        name = "advance" if part == "method" else PARTS[part][0]
        given = {
            "noise": "as a draw", "problem": f"at a point with entries up to {size[lane]:.3g}",
            "operator": "for a finite gradient", "method": "for a finite point and gradient",
        }[part]  # fmt: skip
        return KernelFailed(
            f"{type(owner).__name__}.{name} gave nan or inf {given} at step {step}, trajectory {self.first + lane};"
            f" mend it, or declare non_finite = True in the class if it is meant"
        )

    def _last_whole(self, fresh: BoolArray) -> Block:
        """The state before the first step after which one of these lanes is broken."""
        low, high = self.saved(), self.block.step
        known = self.block.row(DIVERGED)[fresh]
        if (known >= 0).all():  # the iterate or the gradient of that step broke: one step before, both were whole
            low.run_to(max(low.step, int(known.min()) - 1))
            high = min(high, int(known.min()) + 1)
        while high - low.step > 1:
            trial = _copy(low)
            trial.run_to((low.step + high) // 2)
            if (self._broken(trial) & fresh).any():
                high = trial.step
            else:
                low = trial
        return low

    def _repeat(self, before: Block) -> dict[str, FloatArray]:
        """One step with the watching kernels in front of the user's; their notes, a dict of part to array."""
        block, notes = _copy(before), {}
        arguments = list(block.arguments)
        addresses = arguments[ADDRESSES] = arguments[ADDRESSES].copy()
        for part, kernel in self.kernels.items():
            if part not in PARTS:
                continue
            _, parameters, slot = PARTS[part]
            watching = {"problem": watch_kernels.gradient, "operator": watch_kernels.clip}.get(part) or (
                watch_kernels.fill if self.setting.noise.additive else watch_kernels.oracle
            )
            note = np.zeros(watch_kernels.NOTE)
            note[0], addresses[slot] = kernel.address, watching.address
            notes[part] = arguments[parameters] = np.concatenate([arguments[parameters], note])
        arguments[PLAN][START] = -1  # the window is filled again
        watched = dataclasses.replace(block, arguments=tuple(arguments))
        with contextlib.suppress(Exception):  # the caller has the error; the notes tell who was at work
            watched.run_to(before.step + 1)
        return notes

    def _who_raised(self, step: int, error: Exception) -> KernelFailed:
        """The error of a kernel that raised between the saved state and `step`, with the step at which it did."""
        low, high = self.saved(), step
        while high - low.step > 1:
            trial = _copy(low)
            try:
                trial.run_to((low.step + high) // 2)
            except Exception:
                high = (low.step + high) // 2
            else:
                low = trial
        notes = self._repeat(low)
        inside = [part for part, note in notes.items() if note[-LANES - 1] > 0]
        return raised(self.setting, inside[0] if inside else "method", error, f"at step {low.step}")


def _copy(block: Block) -> Block:
    """A block with a state of its own."""
    shared = block.arguments[ADDRESSES]
    arguments = tuple(a if a is shared else a.copy() for a in block.arguments)
    return dataclasses.replace(block, vectors=block.vectors.copy(), lanes=block.lanes.copy(), arguments=arguments)
