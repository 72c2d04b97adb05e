"""What a log of gradients says about a threshold. Nothing here is certain: shares are counted, tails and constants estimated, bounds assumed."""

from .estimates import NoiseLevel, SmoothnessLine, noise_level, secants, smoothness_line
from .examine import diagnose
from .result import Diagnosis

__all__ = ["Diagnosis", "NoiseLevel", "SmoothnessLine", "diagnose", "noise_level", "secants", "smoothness_line"]
