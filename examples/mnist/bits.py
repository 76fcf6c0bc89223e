"""Measure a LeNet's accuracy on the 10,000 MNIST test digits by bits of a weight and by rounding.

    python examples/mnist/bits.py [examples/mnist/lenet.onnx] [--target loihi1] [--digits 10000]

prints the table of docs/reference/quantization.md. The ranges and roundings are calibrated on
`calibration.npz`, digits of the training set. The target gets weights of 9 bits, if it has fewer.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from data import mnist

from neurocomp.compiler import Options, in_numbers, prepare
from neurocomp.frontend.onnx import load, run_model
from neurocomp.hw.narrow import narrow
from neurocomp.hw.read import load_target
from neurocomp.readouts import classes
from neurocomp.sweep import hits

FOLDER = Path(__file__).parent
BITS = range(9, 0, -1)
METHODS = ("nearest", "least-squares", "adaptive")


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default=FOLDER / "lenet.onnx", type=Path)
    parser.add_argument("--target", default="loihi1")
    parser.add_argument("--steps", default=64, type=int)
    parser.add_argument("--digits", default=10_000, type=int)
    asked = parser.parse_args()
    images, labels = (part[: asked.digits] for part in mnist("test"))
    calibration = np.load(FOLDER / "calibration.npz")["inputs"]
    (output,) = run_model(asked.model, images).values()
    ann = (classes(output) == labels).mean()
    chip = load_target(asked.target)
    if chip.arithmetic is None:
        raise SystemExit(f"{chip.name} has no integers")
    if chip.arithmetic.weight_bits < max(BITS):
        chip = replace(chip, arithmetic=replace(chip.arithmetic, weight_bits=max(BITS)))
    options = Options(steps=asked.steps)
    network = prepare(load(asked.model), calibration, options).network
    as_float = hits(network, images, labels, asked.steps) / len(images)
    print(
        f"{asked.model.parent.name}/{asked.model.name}, {chip.name}, {len(images)} digits, ", end=""
    )
    print(f"{asked.steps} steps: ANN {ann:.2%}, float SNN {as_float:.2%}\n")
    print(f"| bits | {' | '.join(METHODS)} |\n|{' --- |' * (1 + len(METHODS))}", flush=True)
    for bits in BITS:
        found = []
        for method in METHODS:
            chosen = replace(options, weight_bits=bits, rounding=method)
            integer = in_numbers(network, narrow(chip, bits), calibration, chosen).network
            right = hits(integer, images, labels, asked.steps)
            found.append(f"{right / len(images):.2%}")
        print(f"| {bits} | {' | '.join(found)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
