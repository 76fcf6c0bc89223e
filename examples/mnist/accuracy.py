"""Measure a compiled artifact on the 10,000 MNIST test digits: ANN, float and integer network.

    python examples/mnist/accuracy.py [ARTIFACT] [--digits 10000]

The digits come from the package that `data.py` names. Every digit runs in the oracle, so this takes
minutes; `neurocomp verify` compares the simulators on as many as you like.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from data import mnist

from neurocomp.build import read
from neurocomp.snn.network import Network
from neurocomp.snn.oracle import simulate

CHUNK = 100


def classes(network: Network, samples: np.ndarray, steps: int) -> np.ndarray:
    """Give the class, (samples,), of `samples` after `steps` steps of the readout."""
    inputs = {network.inputs[0].name: samples}
    *_, last = simulate(network, inputs, network.run_length(steps))
    return np.argmax(last.v[network.readout].reshape(len(samples), -1), axis=1)


def main() -> int:
    """Print the three accuracies."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("artifact", nargs="?", default=Path(__file__).parent / "build", type=Path)
    parser.add_argument("--digits", default=10_000, type=int)
    options = parser.parse_args()
    artifact = read(options.artifact)
    images, labels = (part[: options.digits] for part in mnist("test"))
    program = artifact.program
    right = {"integer SNN": 0, "float SNN": 0}
    networks = {"integer SNN": program.network, "float SNN": program.reference}
    for start in range(0, len(images), CHUNK):
        part = slice(start, start + CHUNK)
        for name, network in networks.items():
            right[name] += int(
                (classes(network, images[part], program.steps) == labels[part]).sum()
            )
        print(f"\r{min(start + CHUNK, len(images))} of {len(images)}", end="", file=sys.stderr)
    ann = int((np.argmax(artifact.ann(images), axis=1) == labels).sum())
    print(file=sys.stderr)
    for name, hits in {"ANN": ann, **right}.items():
        print(f"{name:12} {hits / len(images):.2%} of {len(images)} digits")
    return 0


if __name__ == "__main__":
    sys.exit(main())
