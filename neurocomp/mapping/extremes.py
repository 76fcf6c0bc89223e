"""The largest sum of products over all blocks of many grids at once.

What a block takes is a sum of terms, each a product of a number of its channel range, one of its
row range and one of its column range. Of the ranges of one cut only few can be the largest: those
that no other exceeds in every term.
"""

from collections.abc import Sequence
from itertools import product

import numpy as np

from neurocomp.arrays import Array


def extremes(ranges: Array) -> Array:
    """Keep the rows of `ranges`, (ranges, terms), that no other row exceeds in every term."""
    top: Array = ranges.max(axis=0)
    if np.any(np.all(ranges == top, axis=1)):
        only: Array = top[None]
        return only
    rows = np.unique(ranges, axis=0)
    below = np.all(rows[:, None] <= rows[None], axis=2)
    np.fill_diagonal(below, False)
    kept: Array = rows[~np.any(below, axis=1)]
    return kept


def padded(cuts: Sequence[Array]) -> Array:
    """Stack the extremes of every cut, (cuts, most, terms); a cut with fewer repeats its first."""
    most = max(map(len, cuts))
    rows = [np.concatenate([c, np.repeat(c[:1], most - len(c), axis=0)]) for c in cuts]
    return np.stack(rows)


def largest(axes: Sequence[Array], at: Sequence[Array], coefficients: Array) -> Array:
    """Give the largest sum of terms of each grid, (grids,).

    `axes` holds for channels, rows and columns the padded extremes, (cuts, most, terms); `at` the
    cut of each grid, (grids,).
    """
    found = np.zeros(len(at[0]), dtype=np.int64)
    for which in product(*(range(a.shape[1]) for a in axes)):
        total = np.zeros_like(found)
        for term in np.nonzero(coefficients)[0]:
            c, y, x = (a[:, k, term][i] for a, k, i in zip(axes, which, at, strict=True))
            total += coefficients[term] * c * y * x
        np.maximum(found, total, out=found)
    return found
