"""Certified ends of the spectrum of A'A for a matrix of data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .linear_kernels import sparse_gram

if TYPE_CHECKING:
    from typing import Any

    from ..array_types import FloatArray

LARGEST_GRAM = 4000  # rows of the Gram matrix whose eigenvalues are computed


def spectrum(rows: Any, scale: FloatArray | None = None) -> tuple[float, float]:
    """(low, high) with low <= lambda_min(A'A) and lambda_max(A'A) <= high, A the rows times their scale.

    The eigenvalues of the computed Gram matrix G, of the smaller side m = min(n, d), differ from the exact ones by at most
    the norm of the error of G plus the backward error of the solver (Weyl). Entry by entry the former is at most
    (k + 4) eps |A|'|A| for sums of k = max(n, d) products of scaled entries, whose norm is at most that times ‖A‖_F² (Higham,
    Accuracy and Stability of Numerical Algorithms, section 3.5); for the latter 10 m eps ‖G‖ is allowed. Where the Gram
    matrix would be too large, lambda_max <= ‖A‖_1 ‖A‖_inf and lambda_min >= 0.

    Parameters
    ----------
    rows : ndarray or scipy.sparse array, (n, d)
    scale : ndarray, (n,), numbers >= 0; 1 by default
    """
    n, d = rows.shape
    sparse, few = not isinstance(rows, np.ndarray), min(n, d) <= LARGEST_GRAM
    if sparse and few and d <= n:
        gram = _lower_gram(rows, np.ones(n) if scale is None else scale)
    else:
        scaled = rows if scale is None else _scaled(rows, scale)
        if not few:
            return 0.0, float(abs(scaled).sum(axis=0).max() * abs(scaled).sum(axis=1).max()) * (1 + 1e-12)
        if sparse:
            gram = _lower_gram(scaled.T, np.ones(d))
        else:
            gram = scaled.T @ scaled if d <= n else scaled @ scaled.T
    from scipy.linalg import eigvalsh  # a fifth of a second to import, and only data need it

    frobenius = float(np.trace(gram))
    error = (max(n, d) + 4 + 10 * min(n, d)) * np.finfo(float).eps * frobenius
    values = eigvalsh(gram.T, lower=False, overwrite_a=True, check_finite=False)  # in the order of LAPACK: no copy
    low = max(float(values[0]) - error, 0.0) if d <= n else 0.0
    return low, float(values[-1]) + error


def _scaled(rows: Any, scale: FloatArray) -> Any:
    if isinstance(rows, np.ndarray):
        return rows * scale[:, np.newaxis]
    made = rows.tocsr(copy=True)
    made.data = made.data * np.repeat(scale, np.diff(made.indptr))
    return made


def _lower_gram(rows: Any, scale: FloatArray) -> FloatArray:
    """sum_i scale_i² a_i a_i' of sparse rows, of which the lower triangle counts.

    No sparse product and no scaled copy: each would take more room than the rows.
    """
    rows, (n, d) = rows.tocsr(), rows.shape
    rows.sort_indices()
    indices = [part.astype(np.int32, copy=False) for part in (rows.indices, rows.indptr)]
    gram = np.zeros(d * d)
    sparse_gram(np.array([part.ctypes.data for part in (rows.data, *indices)]), n, scale, gram, d)
    return gram.reshape(d, d)
