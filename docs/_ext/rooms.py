"""One page of reference a room, written when the documentation is built, from what the room exports."""

import importlib.util
import inspect
from pathlib import Path

ROOMS = {
    "clipbounds": "The package",
    "clipbounds.problems": "Problems",
    "clipbounds.noise": "Noise laws",
    "clipbounds.clipping": "Clipping operators",
    "clipbounds.torch": "Clipping in PyTorch",
    "clipbounds.data": "Data",
    "clipbounds.oracles": "Stochastic oracles",
    "clipbounds.methods": "Methods",
    "clipbounds.worst_case": "Worst-case analysis",
    "clipbounds.bounds": "Bounds",
    "clipbounds.bounds.koloskova2023": "Bounds: koloskova2023",
    "clipbounds.bounds.nobile2026": "Bounds: nobile2026",
    "clipbounds.bounds.yu2023": "Bounds: yu2023",
    "clipbounds.bounds.reisizadeh2023": "Bounds: reisizadeh2023",
    "clipbounds.bounds.cutkosky2020": "Bounds: cutkosky2020",
    "clipbounds.verdict": "Verdicts",
    "clipbounds.sweep": "Sweeps",
    "clipbounds.report": "Experiments and reports",
    "clipbounds.testing": "Tests for other projects",
}

# the statements of a paper in the order of their weight; modules that are not named follow by name
FIRST = {
    "clipbounds.bounds.koloskova2023": "joint stochastic sharp worst_noise deterministic convex last_iterate lower",
    "clipbounds.bounds.nobile2026": "sharp_expectation theorem6 theorem7 one_batch deviation estimator expectation",
    "clipbounds.bounds.yu2023": "rate law growth",
    "clipbounds.bounds.reisizadeh2023": "spider plans baselines lower",
    "clipbounds.worst_case": "bias_floor clipped_drift one_step adversary",
    "clipbounds.verdict": "compare comparison",
}


def _inside(module, room):
    return module.startswith(f"{room}.")


def _is_bound(value):
    from clipbounds.bounds import Bound

    return inspect.isclass(value) and issubclass(value, Bound)


def page(name, title):
    """The reference of one room, in the order of its modules; names under the path by which they are imported."""
    room = importlib.import_module(name)
    homes = {}
    for public in room.__all__:
        value = getattr(room, public)
        documented = inspect.isclass(value) or inspect.isfunction(value)
        if documented and not any(_inside(value.__module__, other) for other in ROOMS if _inside(other, name)):
            homes.setdefault(value.__module__, []).append(public)
    lines = [f"# {title}", "", "```{eval-rst}", f".. automodule:: {name}", "   :no-members:", ""]
    first = [f"{name}.{module}" for module in ["base", *FIRST.get(name, "").split()]]
    order = sorted(homes, key=lambda module: (first.index(module) if module in first else len(first), module))
    for module in order:
        if _inside(module, name):
            heading = module.removeprefix(name + ".").replace("_", " ")
            lines += [
                "",
                f".. rubric:: {heading.capitalize()}",
                "",
                f".. automodule:: {module}",
                "   :no-members:",
                "   :no-index:",
                "",
            ]
        for public in sorted(
            homes[module], key=lambda public: not _is_bound(getattr(room, public))
        ):  # statements first
            kind = "class" if inspect.isclass(getattr(room, public)) else "function"
            lines += [f".. auto{kind}:: {name}.{public}", ""]
    return "\n".join([*lines, "```", ""])


def write(app):
    folder = Path(app.srcdir) / "api"
    folder.mkdir(exist_ok=True)
    index = [
        "# Reference",
        "",
        "From the docstrings. A bound's docstring is its theorem, with the proof; [](../formulas.md) says how formulas are written there.",
        "",
        "```{toctree}",
    ]
    for name, title in ROOMS.items():
        if importlib.util.find_spec(name) is None or not getattr(importlib.import_module(name), "__all__", None):
            continue
        _write_if_new(folder / f"{name}.md", page(name, title))
        index.append(name)
    _write_if_new(folder / "index.md", "\n".join([*index, "```", ""]))


def _write_if_new(path, text):
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def setup(app):
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
