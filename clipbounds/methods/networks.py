"""Networks of clients: doubly stochastic mixing matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..specs import Interval, Spec, integer, parameter

if TYPE_CHECKING:
    from ..array_types import FloatArray

ROUNDING = 1e-9


class Network(Spec):
    """Base of all networks. A subclass provides ``matrix``, the (n, n) weights w_ir of a doubly stochastic W.

    Client i replaces its point by sum_r w_ir (what client r sends).
    """

    if TYPE_CHECKING:

        @property
        def matrix(self) -> FloatArray: ...

    @property
    def clients(self) -> int:
        """Number of clients."""
        return len(self.matrix)

    @property
    def contraction(self) -> float:
        """Largest singular value of W - 11'/n: a step of mixing shrinks the consensus error by it; 1 if nothing mixes."""
        return float(np.linalg.norm(self.matrix - 1 / self.clients, 2))


class Mixing(Network):
    """A network given by its matrix.

    Parameters
    ----------
    matrix : array_like, (n, n), entries >= 0, rows and columns with the sum 1
    """

    matrix: np.ndarray

    def validate(self) -> None:
        matrix = np.array(self.matrix, dtype=np.float64)
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
            raise ValueError(f"Mixing: matrix must be square, but its shape is {matrix.shape}")
        if not matrix.min() >= 0:
            raise ValueError(
                f"Mixing: a doubly stochastic matrix has entries >= 0, but {matrix.min():g} was given; use lazy weights"
            )
        for axis, what in ((1, "row"), (0, "column")):
            sums = matrix.sum(axis=axis)
            worst = int(np.argmax(np.abs(sums - 1)))
            if not abs(sums[worst] - 1) <= ROUNDING:
                raise ValueError(
                    f"Mixing: the matrix must be doubly stochastic, but {what} {worst} has the sum {sums[worst]:.9g};"
                    " normalise rows and columns to 1 (Metropolis weights do both)"
                )
        self._normalise(matrix=matrix)


class Ring(Network):
    """Clients on a circle, each mixing with its two neighbours; w_ii = `own`, the rest in equal parts.

    Parameters
    ----------
    size : int >= 3
    own : float in (0, 1), default 1/3
    """

    size: int = integer(3)
    own: float = parameter(Interval(0, 1), "own weight", default=1 / 3)

    @property
    def matrix(self) -> FloatArray:
        side = 0.5 * (1 - self.own)
        eye = np.eye(self.size)
        return self.own * eye + side * (np.roll(eye, 1, axis=1) + np.roll(eye, -1, axis=1))


class Torus(Network):
    """Clients on a rows × columns grid without borders, each mixing with four neighbours, all weights 1/5.

    Parameters
    ----------
    rows, columns : int >= 3
    """

    rows: int = integer(3)
    columns: int = integer(3)

    @property
    def matrix(self) -> FloatArray:
        n = self.rows * self.columns
        cells = np.arange(n).reshape(self.rows, self.columns)
        matrix = np.eye(n)
        for axis in (0, 1):
            for shift in (1, -1):
                matrix[cells.ravel(), np.roll(cells, shift, axis=axis).ravel()] += 1.0
        return matrix / 5


class ExponentialNetwork(Network):
    """Client i mixes with itself and with i+1, i+2, i+4, ... (mod n), in equal parts: directed, doubly stochastic.

    Parameters
    ----------
    size : int >= 2
    """

    size: int = integer(2)

    @property
    def matrix(self) -> FloatArray:
        hops = [0] + [2**k for k in range((self.size - 1).bit_length())]
        return np.asarray(sum(np.roll(np.eye(self.size), hop, axis=1) for hop in hops)) / len(hops)


class Complete(Network):
    """Every client averages over all clients: the server form, up to rounding.

    Parameters
    ----------
    size : int >= 1
    """

    size: int = integer(1)

    @property
    def matrix(self) -> FloatArray:
        return np.full((self.size, self.size), 1 / self.size)
