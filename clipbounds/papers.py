"""The papers whose statements are checked, and what else is cited; as BibTeX too."""

from __future__ import annotations

from typing import NamedTuple

from .version import __version__


class Paper(NamedTuple):
    """Authors, title, venue and arXiv number."""

    authors: str
    title: str
    venue: str
    arxiv: str


PAPERS = {
    "koloskova2023": Paper(
        "A. Koloskova, H. Hendrikx, S. U. Stich",
        "Revisiting Gradient Clipping: Stochastic bias and tight convergence guarantees",
        "ICML 2023",
        "2305.01588",
    ),
    "nobile2026": Paper(
        "D. Nobile, P. Grohs",
        "Robust and Fast Training via Per-Sample Clipping",
        "2026",
        "2605.02701",
    ),
    "yu2023": Paper(
        "S. Yu, D. Jakovetic, S. Kar",
        "Smoothed Gradient Clipping and Error Feedback for Distributed Optimization under Heavy-Tailed Noise",
        "2023",
        "2310.16920",
    ),
    "reisizadeh2023": Paper(
        "A. Reisizadeh, H. Li, S. Das, A. Jadbabaie",
        "Variance-reduced Clipping for Non-convex Optimization",
        "2023",
        "2303.00883",
    ),
}

# statements of other papers that a room quotes
OTHERS = {
    "arjevani2023": Paper(
        "Y. Arjevani, Y. Carmon, J. C. Duchi, D. J. Foster, N. Srebro, B. Woodworth",
        "Lower bounds for non-convex stochastic optimization",
        "Mathematical Programming 2023",
        "1912.02365",
    ),
    "cutkosky2020": Paper(
        "A. Cutkosky, H. Mehta",
        "Momentum Improves Normalized SGD",
        "ICML 2020",
        "2002.03305",
    ),
    "fang2018": Paper(
        "C. Fang, C. J. Li, Z. Lin, T. Zhang",
        "SPIDER: Near-Optimal Non-Convex Optimization via Stochastic Path Integrated Differential Estimator",
        "NeurIPS 2018",
        "1807.01695",
    ),
}


def bibtex(key: str) -> str:
    """The BibTeX entry of a paper, or for "clipbounds" of this program in its version."""
    if key == "clipbounds":
        return (
            "@software{clipbounds,\n  author = {{The clipbounds authors}},\n"
            "  title = {clipbounds: the theory of gradient clipping against numbers},\n"
            f"  version = {{{__version__}}},\n  year = {{2026}}\n}}\n"
        )
    paper = (PAPERS | OTHERS)[key]
    venue, _, year = paper.venue.rpartition(" ")
    fields = {
        "author": paper.authors.replace(", ", " and "), "title": f"{{{paper.title}}}", "howpublished": venue, "year": year,
        "eprint": paper.arxiv, "archivePrefix": "arXiv",
    }  # fmt: skip
    body = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items() if value)
    return f"@misc{{{key},\n{body}\n}}\n"
