"""Certified ends of the spectrum of A'A for a matrix of data."""

import numpy as np
from scipy.linalg import eigvalsh

from .linear_kernels import sparse_gram

LARGEST_GRAM = 4000  # rows of the Gram matrix whose eigenvalues are computed


def spectrum(rows):
    """(low, high) with low <= lambda_min(A'A) and lambda_max(A'A) <= high.

    The eigenvalues of the computed Gram matrix G, of the smaller side m = min(n, d), differ from the exact ones by at most
    the norm of the error of G plus the backward error of the solver (Weyl). Entry by entry the former is at most
    k eps |A|'|A| for sums of k = max(n, d) products, whose norm is at most k eps ‖A‖_F² (Higham, Accuracy and Stability of
    Numerical Algorithms, section 3.5); for the latter 10 m eps ‖G‖ is allowed. Where the Gram matrix would be too large,
    lambda_max <= ‖A‖_1 ‖A‖_inf and lambda_min >= 0.

    Parameters
    ----------
    rows : ndarray or scipy.sparse array, (n, d)
    """
    n, d = rows.shape
    if min(n, d) > LARGEST_GRAM:
        return 0.0, float(abs(rows).sum(axis=0).max() * abs(rows).sum(axis=1).max()) * (1 + 1e-12)
    gram = _lower_gram(rows if d <= n else rows.T)
    frobenius = float(np.trace(gram))
    error = (max(n, d) + 10 * min(n, d)) * np.finfo(float).eps * frobenius
    values = eigvalsh(gram.T, lower=False, overwrite_a=True, check_finite=False)  # in the order of LAPACK: no copy
    low = max(float(values[0]) - error, 0.0) if d <= n else 0.0
    return low, float(values[-1]) + error


def _lower_gram(rows):
    """A'A, of which the lower triangle counts. Sparse rows: no sparse product, which would take more room than A."""
    if isinstance(rows, np.ndarray):
        return rows.T @ rows
    rows, (n, d) = rows.tocsr(), rows.shape
    rows.sort_indices()
    indices = [part.astype(np.int32, copy=False) for part in (rows.indices, rows.indptr)]
    gram = np.zeros(d * d)
    sparse_gram(np.array([part.ctypes.data for part in (rows.data, *indices)]), n, gram, d)
    return gram.reshape(d, d)
