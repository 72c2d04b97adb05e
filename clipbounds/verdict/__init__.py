"""What may be concluded from a measurement: bands, tests, tightness, slopes."""

from .bands import betting, empirical_bernstein, normal
from .case import Verdict
from .compare import compare, until_decided
from .comparison import Comparison
from .proportions import clopper_pearson
from .quantiles import quantile_limits
from .ranges import measured_range
from .slopes import Slope, check_slope, fit_slope, mean_slope

__all__ = [
    "Comparison",
    "Slope",
    "Verdict",
    "betting",
    "check_slope",
    "clopper_pearson",
    "compare",
    "empirical_bernstein",
    "fit_slope",
    "mean_slope",
    "measured_range",
    "normal",
    "quantile_limits",
    "until_decided",
]
