"""Arrays that are shared, never copied and never written."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]
Shape = tuple[int, ...]

BLOCK = 2**16  # numbers that are looked at together


def readonly(values: ArrayLike) -> Array:
    """Give `values` as an array that cannot be written: a view, not a copy."""
    view = np.asarray(values).view()
    view.flags.writeable = False
    return view


def all_finite(values: Array) -> bool:
    """Say whether no number is NaN or infinite, in memory that does not grow with `values`."""
    rows = np.atleast_1d(values)
    each = max(1, BLOCK // max(1, rows[:1].size))
    return all(
        bool(np.isfinite(rows[start : start + each]).all()) for start in range(0, len(rows), each)
    )
