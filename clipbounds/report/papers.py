"""The papers, as the gallery cites them."""

from typing import NamedTuple


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
