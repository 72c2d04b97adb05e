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

# what docs/literature.md compares with the project, besides the papers above
LITERATURE = {
    "abadi2016": Paper(
        "M. Abadi, A. Chu, I. Goodfellow, H. B. McMahan, I. Mironov, K. Talwar, L. Zhang",
        "Deep Learning with Differential Privacy",
        "CCS 2016",
        "1607.00133",
    ),
    "andrew2021": Paper(
        "G. Andrew, O. Thakkar, H. B. McMahan, S. Ramaswamy",
        "Differentially Private Learning with Adaptive Clipping",
        "NeurIPS 2021",
        "1905.03871",
    ),
    "bu2023": Paper(
        "Z. Bu, Y.-X. Wang, S. Zha, G. Karypis",
        "Automatic Clipping: Differentially Private Deep Learning Made Easier and Stronger",
        "NeurIPS 2023",
        "2206.07136",
    ),
    "chen2020": Paper(
        "X. Chen, Z. S. Wu, M. Hong",
        "Understanding Gradient Clipping in Private SGD: A Geometric Perspective",
        "NeurIPS 2020",
        "2006.15429",
    ),
    "chezhegov2025": Paper(
        "S. Chezhegov, Y. Klyukin, A. Semenov, A. Beznosikov, A. Gasnikov, S. Horváth, M. Takáč, E. Gorbunov",
        "Clipping Improves Adam-Norm and AdaGrad-Norm when the Noise Is Heavy-Tailed",
        "ICML 2025",
        "2406.04443",
    ),
    "cutkosky2021": Paper(
        "A. Cutkosky, H. Mehta",
        "High-probability Bounds for Non-Convex Stochastic Optimization with Heavy Tails",
        "NeurIPS 2021",
        "2106.14343",
    ),
    "gorbunov2020": Paper(
        "E. Gorbunov, M. Danilova, A. Gasnikov",
        "Stochastic Optimization with Heavy-Tailed Noise via Accelerated Gradient Clipping",
        "NeurIPS 2020",
        "2005.10785",
    ),
    "hubler2024": Paper(
        "F. Hübler, J. Yang, X. Li, N. He",
        "Parameter-Agnostic Optimization under Relaxed Smoothness",
        "AISTATS 2024",
        "2311.03252",
    ),
    "hubler2025": Paper(
        "F. Hübler, I. Fatkhullin, N. He",
        "From Gradient Clipping to Normalization for Heavy Tailed SGD",
        "AISTATS 2025",
        "2410.13849",
    ),
    "khirirat2023": Paper(
        "S. Khirirat, E. Gorbunov, S. Horváth, R. Islamov, F. Karray, P. Richtárik",
        "Clip21: Error Feedback for Gradient Clipping",
        "2023",
        "2305.18929",
    ),
    "liu2025": Paper(
        "Z. Liu, Z. Zhou",
        "Nonconvex Stochastic Optimization under Heavy-Tailed Noises: Optimal Convergence without Gradient Clipping",
        "ICLR 2025",
        "2412.19529",
    ),
    "mai2021": Paper(
        "V. V. Mai, M. Johansson",
        "Stability and Convergence of Stochastic Gradient Clipping: Beyond Lipschitz Continuity and Smoothness",
        "ICML 2021",
        "2102.06489",
    ),
    "nguyen2023": Paper(
        "T. D. Nguyen, T. H. Nguyen, A. Ene, H. L. Nguyen",
        "Improved Convergence in High Probability of Clipped Gradient Methods with Heavy Tailed Noise",
        "NeurIPS 2023",
        "2304.01119",
    ),
    "pascanu2013": Paper(
        "R. Pascanu, T. Mikolov, Y. Bengio",
        "On the difficulty of training Recurrent Neural Networks",
        "ICML 2013",
        "1211.5063",
    ),
    "sadiev2023": Paper(
        "A. Sadiev, M. Danilova, E. Gorbunov, S. Horváth, G. Gidel, P. Dvurechensky, A. Gasnikov, P. Richtárik",
        "High-Probability Bounds for Stochastic Optimization and Variational Inequalities: the Case of Unbounded Variance",
        "ICML 2023",
        "2302.00999",
    ),
    "ward2019": Paper(
        "R. Ward, X. Wu, L. Bottou",
        "AdaGrad Stepsizes: Sharp Convergence over Nonconvex Landscapes",
        "ICML 2019",
        "1806.01811",
    ),
    "zhang2020a": Paper(
        "J. Zhang, T. He, S. Sra, A. Jadbabaie",
        "Why Gradient Clipping Accelerates Training: A Theoretical Justification for Adaptivity",
        "ICLR 2020",
        "1905.11881",
    ),
    "zhang2020b": Paper(
        "B. Zhang, J. Jin, C. Fang, L. Wang",
        "Improved Analysis of Clipping Algorithms for Non-convex Optimization",
        "NeurIPS 2020",
        "2010.02519",
    ),
    "zhang2020c": Paper(
        "J. Zhang, S. P. Karimireddy, A. Veit, S. Kim, S. J. Reddi, S. Kumar, S. Sra",
        "Why are Adaptive Methods Good for Attention Models?",
        "NeurIPS 2020",
        "1912.03194",
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
    paper = (PAPERS | OTHERS | LITERATURE)[key]
    venue, _, year = paper.venue.rpartition(" ")
    fields = {
        "author": paper.authors.replace(", ", " and "), "title": f"{{{paper.title}}}", "howpublished": venue, "year": year,
        "eprint": paper.arxiv, "archivePrefix": "arXiv",
    }  # fmt: skip
    body = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items() if value)
    return f"@misc{{{key},\n{body}\n}}\n"
