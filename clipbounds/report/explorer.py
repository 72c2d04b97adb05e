"""The explorer: a page a paper, on which its bounds move with sliders. What the pages say; their formulas are in the templates."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Slider:
    """A parameter: from `low` to `high`, by equal ratios unless `linear`; its first position is near `start`."""

    name: str
    label: str
    low: float
    high: float
    start: float
    linear: bool = False
    integer: bool = False


@dataclasses.dataclass(frozen=True)
class Curve:
    """A number and its curve: `name` in the page's script, what it is in HTML."""

    name: str
    label: str
    about: str


@dataclasses.dataclass(frozen=True)
class Explorer:
    """One page. `theory` and `script` are files of the templates; `axes` are the sliders that a plot has on its axis."""

    file: str
    paper: str
    short: str
    title: str
    lead: str
    sliders: tuple
    curves: tuple
    axes: tuple
    theory: tuple
    script: str
    source: str
    switches: tuple = ()


FLOOR = Explorer(
    "interactive.html",
    "koloskova2023",
    "Bias floor",
    "The bias floor of clipped SGD, and how close the theory comes",
    "Clipped SGD, x ← x − η·clip<sub>c</sub>(g), on an L-smooth f with L = 1, started with f(x<sub>0</sub>) − f* at most u*(c, σ)²/2, as"
    " f = x²/2 is where its gradient is u*. Move the sliders: the curves are the theory in the threshold c, and the line marks your c.",
    (
        Slider("c", "threshold c", 0.02, 50, 1),
        Slider("sigma", "noise σ", 0.1, 10, 1),
        Slider("eta", "step size η", 1e-5, 1, 1e-3),
        Slider("steps", "steps T", 10, 1e7, 1e6, integer=True),
        Slider("p", "tail exponent p", 1.05, 2, 1.5, linear=True),
    ),
    (
        Curve("s1", "S1", "(1/T) Σ E‖∇f‖ is at most this: closed form, any noise with variance at most σ²"),
        Curve("s0", "S0", "the same, sharp: a maximum over ‖∇f‖, computed so that it is never too small"),
        Curve(
            "s0star",
            "S0*",
            "(1/T) Σ E‖∇f‖ is at most this for any noise with E‖ξ‖<sup>p</sup> at most σ<sup>p</sup>, for your p: drift and second"
            " moment of a clipped step from one worst law. It does not rise above S0 at p = 2; S0 and S1 say nothing below",
        ),
        Curve(
            "floor",
            "u*(c, σ)",
            "the largest ‖∇f‖ at which the mean clipped step can vanish: the exact floor of the worst noise of variance σ²",
        ),
        Curve(
            "lower",
            "finite lower bound",
            "(1/T) Σ E‖∇f‖ is at least this on f = x²/2 under two-point noise of the best skewness, started at its stationary"
            " point; nothing is drawn where it is not positive",
        ),
        Curve(
            "heavy",
            "u*<sub>p</sub>(c, σ)",
            "the largest ‖∇f‖ at which the mean clipped step can vanish under noise with E‖ξ‖<sup>p</sup> at most σ<sup>p</sup>",
        ),
    ),
    ("c",),
    ("theory.js", "theory_joint.js"),
    "explorer_floor.js",
    "<code>worst_case.floor</code>, <code>bounds.koloskova2023.S0</code>, <code>S0Star</code>, <code>S1</code>, <code>FiniteLowerBound</code>",
)
DEVIATION = Explorer(
    "interactive-nobile2026.html",
    "nobile2026",
    "Per-sample deviation",
    "How far the mean of clipped samples can be off",
    "n gradients with E‖X − g‖<sup>p</sup> at most 1 (the unit is σ) are clipped one by one and averaged. With probability 1 − δ the error is at"
    " most the curve. The variance may be infinite; the thresholds are λn<sup>1/p</sup> for all samples, or λk<sup>1/p</sup> for sample k.",
    (
        Slider("delta", "failure probability δ", 1e-6, 0.4, 0.01),
        Slider("n", "samples n", 1, 1024, 64, integer=True),
        Slider("p", "tail exponent p", 1.05, 2, 1.5, linear=True),
        Slider("scale", "scale λ of the thresholds", 0.03, 3, 0.5),
        Slider("norm", "gradient norm ‖g‖", 0.01, 100, 0.1),
    ),
    (
        Curve("constant", "one threshold", "Theorem 2, the sharper form, for the threshold λn<sup>1/p</sup>"),
        Curve("growing", "growing thresholds", "the same for the paper's schedule, λk<sup>1/p</sup> for sample k"),
        Curve("bernstein", "Bernstein form", "Theorem 2 in closed form, for the threshold λn<sup>1/p</sup>"),
        Curve(
            "least",
            "no estimator",
            "whatever is computed from n samples, some law of the class makes its error at least this large with probability δ"
            " (two points, or Gaussian)",
        ),
        Curve(
            "star",
            "Theorem 2*, one threshold",
            "from exact exponential moments of a clipped sample, for the threshold λn<sup>1/p</sup>; it speaks where ‖g‖ is at"
            " most the smallest threshold",
        ),
        Curve("starGrowing", "Theorem 2*, growing thresholds", "the same for λk<sup>1/p</sup>"),
    ),
    ("delta",),
    ("theory.js", "theory_joint.js", "theory_deviation.js"),
    "explorer_deviation.js",
    "<code>bounds.nobile2026.deviation_bound</code>, <code>deviation_star</code>, <code>mean_estimation_lower_bound</code>",
)
EXPONENTS = Explorer(
    "interactive-yu2023.html",
    "yu2023",
    "SClip-EF exponents",
    "How fast SClip-EF converges under noise without a variance",
    "E‖x<sub>t</sub> − x*‖² falls like t<sup>−e</sup>. Three clients on the line with the curvatures 1, 1 and a; noise with"
    " P(|ξ| &gt; x) of the order x<sup>−α</sup>; the standard schedules with θ = a c<sub>φ</sub>/√τ. The smallest of the three exponents of the law decides. The law was derived and"
    " measured; Theorem 2 of growing thresholds proves its exponent for these clients, and one for every power q of the thresholds.",
    (
        Slider("theta", "θ of the schedules", 0.01, 3, 0.1),
        Slider("alpha", "tail index α", 0.2, 3, 1.4, linear=True),
        Slider("third", "curvature a of the third client", 1, 10, 3),
        Slider("power", "power q of the thresholds, Theorem 2", 0.06, 0.46, 0.3, linear=True),
    ),
    (
        Curve("law", "the law", "min of the next three, for SClip-EF"),
        Curve("variance", "variance", ".4 + .3 min(α, 2): the noise that clipping leaves"),
        Curve("start", "start", "2θ times the mean curvature: how fast the start is forgotten"),
        Curve("bias", "bias", "1.2 for clients with the same noise law, .6 min(α, 2) for different ones"),
        Curve(
            "proved",
            "Theorem D1",
            "every smaller exponent is proved, with constants: needs α &gt; 1, symmetric noise, ρL &lt; μ",
        ),
        Curve(
            "strong",
            "Theorem 2",
            "proved, without constants, for every θ and symmetric noise, thresholds of the order s<sup>q</sup>: min of the start, 2q min(α, 2)"
            " (4q for the same noise law) and 1 − 2q + q min(α, 2). SClip-EF has q = .3; at α = 2 every smaller exponent is meant",
        ),
    ),
    ("theta", "alpha"),
    ("theory.js", "theory_exponents.js"),
    "explorer_exponents.js",
    "<code>bounds.yu2023.NearOptimumLaw</code>, <code>Rate</code>, <code>exponents</code>",
    (("unequal", "clients have different noise"),),
)
SPIDER = Explorer(
    "interactive-reisizadeh2023.html",
    "reisizadeh2023",
    "SPIDER against clipped SGD",
    "How many gradients until ‖∇F‖ is at most ε",
    "What the plans of the theorems spend, all of it, on the ramp-valley problem with H<sub>0</sub> = 1 and noise of deviation σ. SPIDER grows like"
    " ε<sup>−3</sup>, methods without variance reduction like ε<sup>−4</sup>: where the curves cross, variance reduction begins to pay.",
    (
        Slider("eps", "accuracy ε", 0.002, 0.2, 0.05),
        Slider("sigma", "noise σ", 0.1, 10, 1),
        Slider("gap", "F(x₀) − F*", 0.1, 100, 1),
        Slider("rate", "H₁", 0.01, 10, 1),
    ),
    (
        Curve(
            "spider",
            "SPIDER, rule H",
            "step δ/((L<sub>0</sub> + L<sub>1</sub>‖v‖)‖v‖), batches S<sub>1</sub> and S<sub>2</sub> by the plan",
        ),
        Curve(
            "paper", "SPIDER, the paper's rule", "min{1/(2L<sub>0</sub>), δ/(L<sub>0</sub>‖v‖), δ/(L<sub>1</sub>‖v‖²)}"
        ),
        Curve("mini", "mini-batch clipping", "rule H without variance reduction"),
        Curve("clipped", "clipped SGD", "one sample a step; asks for ‖noise‖ at most σ always, and for ε at most 1.6σ"),
    ),
    ("eps",),
    ("theory.js", "theory_spider.js"),
    "explorer_spider.js",
    "<code>bounds.reisizadeh2023.plan</code>, methods H, P, M, C",
)
EXPLORERS = (FLOOR, DEVIATION, EXPONENTS, SPIDER)
