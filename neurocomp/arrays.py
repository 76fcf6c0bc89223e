"""Arrays that are shared, never copied and never written."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]
Shape = tuple[int, ...]


def readonly(values: ArrayLike) -> Array:
    """Give `values` as an array that cannot be written: a view, not a copy."""
    view = np.asarray(values).view()
    view.flags.writeable = False
    return view
