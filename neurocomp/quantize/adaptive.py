"""Weights to the whole levels that together change a layer's output least.

Weights are in levels, (rows, columns): a row is what one channel or neuron adds up, a column one of
its inputs. `gram`, (columns, columns), is the inputs' second moment, so that an error d of a row
costs d' gram d in its output, and `damping` * d' d besides: what inputs that were not seen may do.
Every order is fixed, so the same numbers give the same weights.
"""

import numba
import numpy as np
from scipy.linalg import cho_factor, cho_solve, cholesky

from neurocomp.arrays import Array
from neurocomp.quantize.rounding import top

SWEEPS = 1000  # a bound only: every change gains, so that sweeps end by themselves
LEAST_GAIN = 1e-9  # of a weight's own share in the loss, that a change has to bring
DAMPING = 0.01  # of the mean input


def damping(gram: Array) -> float:
    """Give the damping of a second moment."""
    return DAMPING * float(np.trace(gram)) / len(gram) + 1e-12


def adapt(levels: Array, start: Array, gradient: Array, gram: Array, bits: int) -> Array:
    """Give whole levels, (rows, columns), whose damped loss is never above that of `start`.

    `gradient`, (rows, columns), is the mean product of the output's error with each input, at
    `start`; it counts errors that come from elsewhere, too. Two starts are improved one weight at a
    time until no change of a weight helps: `start`, and the one that rounds column by column and
    lets the columns that follow make up for it (Babai 1986; Frantar et al. 2023). The better of the
    two is taken, row by row.
    """
    share = damping(gram)
    gap = levels - start
    elsewhere = gradient - gap @ gram
    damped = gram + share * np.eye(len(gram))
    best = levels + cho_solve(cho_factor(damped), elsewhere.T).T
    found = [start, _by_columns(best, damped, levels, bits)]
    found = [
        descend(q, levels - q, elsewhere + (levels - q) @ gram, gram, share, top(bits), bits == 1)
        for q in found
    ]
    losses = [_loss(levels - q, elsewhere, damped) for q in found]
    return np.where((losses[1] < losses[0])[:, None], found[1], found[0])


def _loss(gap: Array, elsewhere: Array, damped: Array) -> Array:
    """Give each row's damped loss, but for what no choice of its weights changes."""
    loss: Array = ((gap @ damped + 2 * elsewhere) * gap).sum(axis=1)
    return loss


def _by_columns(best: Array, damped: Array, levels: Array, bits: int) -> Array:
    """Round the columns of `best` one after the other, those with most input first."""
    order = np.argsort(-np.diag(damped), kind="stable")
    inverse = np.linalg.inv(damped[np.ix_(order, order)])
    factor = np.ascontiguousarray(cholesky((inverse + inverse.T) / 2, lower=False))
    absent = (levels == 0)[:, order] & (bits == 1)
    made = _rounded_by_columns(best[:, order], factor, absent, top(bits), bits == 1)
    rounded = np.empty_like(made)
    rounded[:, order] = made
    return rounded


@numba.njit(cache=True)
def _rounded_by_columns(
    best: Array, factor: Array, absent: Array, most: int, binary: bool
) -> Array:  # pragma: no cover
    rows, columns = best.shape
    made = np.zeros((rows, columns), dtype=np.int32)
    for r in range(rows):
        left = best[r].copy()
        for i in range(columns):
            if binary:
                level = 0 if absent[r, i] else (1 if left[i] >= 0 else -1)
            else:
                level = int(min(max(np.rint(left[i]), -most), most))
            made[r, i] = level
            error = (left[i] - level) / factor[i, i]
            for j in range(i + 1, columns):
                left[j] -= error * factor[i, j]
    return made


@numba.njit(cache=True)
def descend(
    start: Array,
    gap: Array,
    gradient: Array,
    gram: Array,
    damping: float,
    most: int,
    binary: bool,
) -> Array:  # pragma: no cover
    """Change one weight after the other, each to its best, until none changes.

    `gap` is what is wanted less `start`, `gradient` the mean product of the output's error with
    each input, all (rows, columns).
    """
    rows, columns = start.shape
    made = start.copy()
    for r in range(rows):
        g, d = gradient[r].copy(), gap[r].copy()
        for _ in range(SWEEPS):
            changed = False
            for i in range(columns):
                pull, stiff = g[i] + damping * d[i], gram[i, i] + damping
                level = made[r, i]
                if binary:
                    change = -2 * level
                else:
                    change = int(min(max(level + np.rint(pull / stiff), -most), most)) - level
                if change == 0 or change * (2 * pull - change * stiff) <= LEAST_GAIN * stiff:
                    continue
                made[r, i] = level + change
                d[i] -= change
                for j in range(columns):
                    g[j] -= change * gram[i, j]
                changed = True
            if not changed:
                break
    return made
