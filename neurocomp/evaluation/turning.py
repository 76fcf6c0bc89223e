"""Where samples turn wrong as layer after layer is replaced, by bisection.

A sample whose class is right with few layers replaced, and wrong with more, turned at one of those
between; halving finds it. Where both ends agree, those between are taken to agree, too. A sample
that nothing befalls costs one run, another one log2(layers) of them.
"""

from collections.abc import Callable

import numpy as np

from neurocomp.arrays import Array

Right = Callable[[int, Array], Array]  # layers replaced, (n,) samples -> bool (n,)


def turning(
    layers: int, unreplaced: Array, right: Right, seen: Callable[[int], None] = lambda done: None
) -> Array:
    """Give whether samples are right with 0, 1... `layers` replaced, bool (layers + 1, samples).

    `unreplaced`, (samples,), says it of none replaced; `seen` is told how much is known.
    """
    every = np.arange(len(unreplaced))
    found = np.zeros((layers + 1, len(every)), dtype=bool)
    found[0], found[-1] = unreplaced, right(layers, every)
    todo, known = [(0, layers, every)], 2 * len(every)
    while todo:
        low, high, which = todo.pop()
        turned = found[low, which] != found[high, which]
        same, which, between = which[~turned], which[turned], high - low - 1
        found[low + 1 : high, same] = found[low, same]
        known += between * len(same)
        if between and len(which):
            middle = (low + high) // 2
            found[middle, which] = right(middle, which)
            known += len(which)
            todo += [(low, middle, which), (middle, high, which)]
        seen(known)
    return found
