"""The dual of a moment problem on the line: the multiplier of the mean, for laws of the next step and of one step alike.

For multipliers beta and gamma >= 0 a function `lowest(u, given, beta, gamma)` gives the minimum over atoms y of
cost(y) - beta(y-u) + gamma|y-u|^p, and a minimiser; `given` is what it needs besides. The minimum is concave in beta, and the
minimiser does not decrease in beta.
"""

import math

from ..lanes.compile import device

DOUBLINGS = 60  # of the ends of the interval, by a factor 4
HALVINGS = 200  # steps in beta at most


@device
def power(base, exponent):
    """base**exponent, without the call where the exponent of p = 2 makes it superfluous."""
    if exponent == 1.0:
        return base
    return base * base if exponent == 2.0 else base**exponent


@device
def enclose(lowest, u, given, gamma, span, slack):
    """For one gamma: the largest minimum over beta, and the minimisers below and above u that enclose the best beta.

    Each beta gives a minimiser y, and with it a line above the concave function of beta. Where the lines of the two ends meet the
    function is evaluated next; three such steps that do not halve the interval are followed by a halving. `span` is the size of
    the costs, and slack (span + |beta|) the height over the function at which a line is as good as the function.
    """
    high = span + gamma
    low = -high
    at_low, y_low = lowest(u, given, low, gamma)
    for _ in range(DOUBLINGS):
        if y_low <= u:
            break
        low *= 4.0
        at_low, y_low = lowest(u, given, low, gamma)
    at_high, y_high = lowest(u, given, high, gamma)
    for _ in range(DOUBLINGS):
        if y_high >= u:
            break
        high *= 4.0
        at_high, y_high = lowest(u, given, high, gamma)
    best = max(at_low, at_high)
    width, patience = high - low, 3
    for _ in range(HALVINGS):
        beta = low + (at_high - at_low + (high - low) * (y_high - u)) / (y_high - y_low)
        model = at_low + (beta - low) * (u - y_low)
        if patience == 0 or not low < beta < high:
            beta = 0.5 * (low + high)
            model = math.inf
            width, patience = 0.5 * width, 3
            if beta <= low or beta >= high:
                break
        value, y = lowest(u, given, beta, gamma)
        best = max(best, value)
        if value >= model - slack * (span + abs(beta)):
            break
        if y < u:
            low, at_low, y_low = beta, value, y
        elif y > u:
            high, at_high, y_high = beta, value, y
        else:
            y_low = y_high = u
            break
        patience -= 1
        if high - low <= 0.5 * width:
            width, patience = high - low, 3
    return best, y_low, y_high
