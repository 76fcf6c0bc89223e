"""Measure a compiled artifact on the 10,000 MNIST test digits: ANN, float and integer network.

    python examples/mnist/accuracy.py [ARTIFACT] [--digits 10000]

The digits come from the package that `data.py` names. The spiking networks run in the engine, which
gives the oracle's spikes; `neurocomp verify` compares the simulators with the oracle.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from data import mnist

from neurocomp import engine
from neurocomp.build import read
from neurocomp.snn.network import Network

STEPS = (4, 8, 16, 32)


def correct(network: Network, images: np.ndarray, labels: np.ndarray, steps: int) -> np.ndarray:
    """Count the images, (steps,), whose class is right after each step of the readout."""
    keep = engine.Keep(counts=False, operations=False)
    length = network.run_length(steps)
    hits = np.zeros(length, dtype=int)
    done = 0
    for part in engine.stream(network, {network.inputs[0].name: images}, length, keep=keep):
        read_out = part.readout.reshape(len(part.readout), length, -1)
        wanted = labels[done : done + len(read_out), None]
        hits += (np.argmax(read_out, axis=2) == wanted).sum(axis=0)
        done += len(read_out)
        print(f"\r{done} of {len(images)}", end="", file=sys.stderr)
    print(file=sys.stderr)
    return hits[length - steps :]


def main() -> int:
    """Print the three accuracies."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("artifact", nargs="?", default=Path(__file__).parent / "build", type=Path)
    parser.add_argument("--digits", default=10_000, type=int)
    options = parser.parse_args()
    artifact = read(options.artifact)
    images, labels = (part[: options.digits] for part in mnist("test"))
    program = artifact.program
    ann = int((np.argmax(artifact.ann(images), axis=1) == labels).sum())
    print(f"ANN          {ann / len(images):.2%} of {len(images)} digits")
    for name, network in (("float SNN", program.reference), ("integer SNN", program.network)):
        hits = correct(network, images, labels, program.steps)
        curve = ", ".join(f"{hits[t - 1] / len(images):.2%} at {t}" for t in STEPS if t < len(hits))
        print(f"{name:12} {hits[-1] / len(images):.2%} after {len(hits)} steps ({curve})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
