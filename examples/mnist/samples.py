"""Write `digits.npz`, to test with, and `calibration.npz`, to measure ranges with.

    python examples/mnist/samples.py

wrote the two in this folder.
"""

from pathlib import Path

import numpy as np
from data import Labels, mnist, save
from numpy.typing import NDArray

DIGITS = 200  # the first of the test set
CALIBRATION = 256  # of the training set, so that no test digit has a say in any range
SEED = 2024


def balanced(labels: Labels, count: int, seed: int) -> NDArray[np.int64]:
    """Give indices of `count` digits, (count,), as many of each class as can be, shuffled."""
    random = np.random.default_rng(seed)
    order = random.permutation(len(labels))
    rank = np.empty(len(labels), np.int64)  # the how-manieth of its class a digit is
    for label in range(10):
        of_class = order[labels[order] == label]
        rank[of_class] = np.arange(len(of_class))
    first = np.lexsort((labels, rank))[:count]
    return random.permutation(first)


def main() -> None:
    """Write both files beside this one."""
    folder = Path(__file__).parent
    images, labels = mnist("test")
    save(folder / "digits.npz", inputs=images[:DIGITS], labels=labels[:DIGITS])
    images, labels = mnist("train")
    save(folder / "calibration.npz", inputs=images[balanced(labels, CALIBRATION, SEED)])


if __name__ == "__main__":
    main()
