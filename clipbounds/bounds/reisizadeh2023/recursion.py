"""The estimation error of SPIDER inside one epoch."""

from __future__ import annotations

import math


def mean_error(first: float, step_scale: float, tau: float, reach: int, small_batch: int, epoch: int) -> float:
    """ebar = mean over j < q of sqrt(a_j): a_0 = `first`, a_{j+1} = a_j + (reach delta + tau sqrt(a_j))²/S2.

    e_k = v_k - grad F(x_k) is a martingale sum inside an epoch, so E‖e_{j+1}‖² <= E‖e_j‖² + E‖difference‖²/S2, and the
    difference of a sample is at most (L0 + L1‖grad F‖)·(step length) in mean square. By ‖grad F‖ <= ‖v‖ + ‖e‖ that is at
    most reach·delta + tau‖e_j‖, with reach = 1 for rule H ((L0 + L1‖v‖)·step = delta) and 2 for rule P; Minkowski gives
    the recursion. The error grows along an epoch, so a last epoch that is cut short has a smaller mean.

    Parameters
    ----------
    first : float, sigma²/S1, or 0 where an epoch starts with the full gradient
    step_scale : float, delta
    tau : float, L1 delta/L0
    reach : 1 or 2
    small_batch, epoch : int, S2 and q
    """
    squared, total = first, 0.0
    for _ in range(epoch):
        root = math.sqrt(squared)
        total += root
        squared += (reach * step_scale + tau * root) ** 2 / small_batch
    return total / epoch
