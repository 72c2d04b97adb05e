"""Small networks on real data, for what theory on one gradient at a time cannot show: whole training curves."""

from .perceptron import Perceptron, unit_factors, unit_norms
from .training import Data, Recipe, train

__all__ = ["Data", "Perceptron", "Recipe", "train", "unit_factors", "unit_norms"]
