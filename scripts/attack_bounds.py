"""Attack every asserted bound of the package, and mutants of some: the tables of docs/howto/falsify.md.

python scripts/attack_bounds.py --evaluations 2500 --seconds 40 [--mutants] [NAME ...]
"""

import argparse
import re
import time
import warnings
from pathlib import Path

import clipbounds as cb
from clipbounds import bounds
from clipbounds.bounds import Bound, nobile2026, reisizadeh2023
from clipbounds.falsifier import Budget, attack_mutants, falsify

# bounds with parameters that have no default, as they are attacked
MADE = {
    "Corollary3": nobile2026.Corollary3(p=2.0),
    "Theorem3": nobile2026.Theorem3(p=2.0),
    "Theorem3Star": nobile2026.Theorem3Star(p=2.0),
    "NormalizedSGDBound": nobile2026.NormalizedSGDBound(p=2.0),
    "FixedStepFloor": reisizadeh2023.FixedStepFloor(steepness=4.0),
}
PAPERS = ("koloskova2023", "nobile2026", "yu2023", "reisizadeh2023", "cutkosky2020")
GUESSES = (dict(accuracy=0.1), dict(p=2.0, failure_probability=0.1), dict(failure_probability=0.1))


def made(cls):
    """The bound with its defaults, or with p = 2 and a failure probability of .1."""
    if cls.__name__ in MADE:
        return MADE[cls.__name__]
    for options in ({}, *GUESSES):
        try:
            return cls(**options)
        except TypeError:
            continue
    raise ValueError(f"attack_bounds: say in MADE how {cls.__name__} is made")


def asserted():
    """(paper, bound) for all asserted upper and lower bounds."""
    for paper in PAPERS:
        room = getattr(bounds, paper)
        for name in room.__all__:
            found = getattr(room, name)
            if (
                isinstance(found, type)
                and issubclass(found, Bound)
                and found.asserted
                and found.kind in ("upper", "lower")
            ):
                yield paper, made(found)


def recorded(text):
    """Bound's name to the largest tightness that paper_checks.md records for a row whose bound is this one."""
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if len(cells) < 8 or not re.fullmatch(r"[0-9.e+-]+", cells[6]):
            continue
        for name in re.findall(r"\w+", cells[5]):
            found[name] = max(found.get(name, 0.0), float(cells[6]))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--evaluations", type=int, default=2500)
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--mutants", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    budget = Budget(options.evaluations, options.seconds)
    known = recorded((Path(__file__).parents[1] / "paper_checks.md").read_text(encoding="utf-8"))
    if not options.mutants:
        print(f"clipbounds {cb.__version__}, seed {options.seed}")
        print("| paper | bound | best ratio | in paper_checks.md | evaluations | CPU seconds | the instance |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
    for paper, bound in asserted():
        if options.names and type(bound).__name__ not in options.names:
            continue
        started = time.process_time()
        if options.mutants:
            print(attack_mutants(bound, None, budget, options.seed), flush=True)
            continue
        try:
            found = falsify(bound, None, budget, options.seed)
        except ValueError as error:
            print(f"| {paper} | {bound.name} | not attacked: {error} | | | | |", flush=True)
            continue
        ratio = f"**BROKEN** {found.ratio:.4g}" if found.broken else f"{found.ratio:.4g}"
        old = known.get(type(bound).__name__)
        parts = () if found.setting is None else (found.setting.problem, found.setting.noise, found.setting.method)
        where = ", ".join(type(part).__name__ for part in parts) + f", T = {found.steps}"
        cells = (paper, bound.name, ratio, "" if old is None else f"{old:.4g}", found.evaluations)
        print("|", " | ".join(map(str, cells)), f"| {time.process_time() - started:.0f} | {where} |", flush=True)


if __name__ == "__main__":
    main()
