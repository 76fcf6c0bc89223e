"""Measure the rows of the paper on the networks of this folder.

    python examples/paper/measure.py [binary front ladder gates clamp] [--digits 10000]

Each section's numbers are kept in results/, from which page.py makes docs/reference/paper.md.
"""

import argparse
import json
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "mnist"))
from data import mnist
from fetch import fashion_mnist

import neurocomp as nc
from neurocomp.compiler import Options, prepare
from neurocomp.evaluation import Evaluation, evaluate, read
from neurocomp.frontend.onnx import run_model
from neurocomp.readouts import ClockedSoftmax, EarlyExit, Membrane, Readout, SoftmaxSpikes

HERE = Path(__file__).parent
CALIBRATION = 500  # training digits
FASHION = "-fashion"  # ends the name of a network of Fashion-MNIST

PLAIN = {"half_threshold": False, "per": "layer", "reset": "zero", "spikes": "poisson"}
LADDER = {
    "none": {**PLAIN, "ranges": "none"},
    "max-norm": {**PLAIN, "percentile": 100.0},
    "+ reset by subtraction": {**PLAIN, "percentile": 100.0, "reset": "subtract"},
    "+ analog input": {
        **PLAIN,
        "percentile": 100.0,
        "reset": "subtract",
        "spikes": "analog",
    },
    "+ 99.9 %": {**PLAIN, "reset": "subtract", "spikes": "analog"},
}
FRONT = {
    "paper: 99.9 % a layer, gate": {"half_threshold": False, "per": "layer"},
    "+ v_init = threshold / 2": {"per": "layer"},
    "+ 99.9 % a channel": {},
    "+ pool on accumulated drive": {"max_pool": "drive"},
    "+ ranges by least error": {"max_pool": "drive", "ranges": "error"},
    "99.9 % a channel, drive, bias corrected": {"max_pool": "drive", "correct": "bias"},
    "99.9 % a channel, drive, start corrected": {"max_pool": "drive", "correct": "potential"},
    "+ ranges by least error at T = 4": {"max_pool": "drive", "ranges": "error", "steps": 4},
    "99.9 % a channel, drive, bias corrected at T = 4": {
        "max_pool": "drive",
        "correct": "bias",
        "steps": 4,
    },
    "max pool as ReLUs": {"max_pool": "relus"},
}
GATES = {
    "online average": {"max_pool": "average"},
    "exponential average": {"max_pool": "exponential"},
    "FIR filter": {"max_pool": "fir"},
}
CLAMPS = {f"{n} steps a layer": {"clamp": n, "half_threshold": False} for n in (0, 1, 2, 4)}
READOUTS: dict[str, Readout] = {
    "argmax of v": Membrane(),
    "Bernoulli of softmax(v)": SoftmaxSpikes(),
    "external clock, 0.3 a step": ClockedSoftmax(),
    "from step 2": Membrane(first=2),
    "from step 3": Membrane(first=3),
    **{f"early exit at margin {m:g}": EarlyExit(margin=m) for m in (0.5, 1.0, 2.0, 3.0, 4.0)},
}


class Digits:
    """The digits, or pieces of clothing, and one network to run them on."""

    def __init__(self, name: str, digits: int) -> None:
        data = fashion_mnist if name.endswith(FASHION) else mnist
        self.graph = nc.load(HERE / f"{name}.onnx")
        self.x, self.y = (part[:digits] for part in data("test"))
        self.calibration = data("train")[0][:CALIBRATION]

    def run(self, **options: object) -> Evaluation:
        """Convert with `options`, and run every digit for that many steps."""
        chosen = Options(**options)
        prepared = prepare(self.graph, self.calibration, chosen)
        return evaluate(prepared.network, prepared.graph, self.x, self.y, chosen.steps)


def row(found: Evaluation, readout: Readout) -> dict[str, object]:
    """Give errors in percent and operations after each step."""
    curve = read(found.trace, found.spent, found.wanted, readout, 0)
    return {
        "error": [round(100 * (1 - a), 2) for a in curve.accuracy.tolist()],
        "operations": [round(o) for o in curve.operations.tolist()],
        "operations_without_borders": [round(o) for o in curve.operations_without_borders.tolist()],
    }


def rows(digits: Digits, steps: int, settings: dict[str, dict], readouts: dict) -> dict:
    """Measure each setting with each readout."""
    made: dict[str, object] = {}
    for name, options in settings.items():
        start = time.perf_counter()
        options = {"steps": steps, **options}
        found = digits.run(**options)
        each = {key: row(found, readout) for key, readout in readouts.items()}
        layers = {
            layer.name: {"pearson": round(layer.pearson, 4), "rms": round(layer.rms, 4)}
            for layer in found.layers
        }
        made[name] = {
            "options": asdict(Options(**options)),
            "readouts": each,
            "layers": layers,
            "ann_error": round(100 * (1 - found.ann_right / found.samples), 2),
            "ann_operations": found.ann_operations,
        }
        seconds = time.perf_counter() - start
        errors = next(iter(each.values()))["error"]
        print(f"{name}: {errors} ({seconds:.0f} s)", file=sys.stderr, flush=True)
    return made


def binary(count: int) -> dict:
    """Compare binary networks with their trained networks, class by class, after one step."""
    made = {}
    for name in (n + data for data in ("", FASHION) for n in ("heaviside", "sign", "binary")):
        digits, integrates = Digits(name, count), name.startswith("binary")
        steps = 8 if integrates else 1
        options = {} if integrates else {"half_threshold": False, "ranges": "none"}
        found = digits.run(steps=steps, **options)
        (ann,) = run_model(HERE / f"{name}.onnx", digits.x).values()
        same = found.curve.classes == np.argmax(ann, axis=1)[:, None]
        made[name] = {
            **row(found, Membrane()),
            "same_class_as_ann": same.sum(axis=0).tolist(),
            "ann_error": round(100 * (1 - found.ann_right / found.samples), 2),
            "ann_operations": found.ann_operations,
        }
        print(f"{name}: {made[name]}", file=sys.stderr, flush=True)
    return made


def commit() -> str:
    """Give the commit that is checked out, with a star where files differ from it."""
    described = ["git", "describe", "--always", "--dirty=*", "--exclude=*"]
    return subprocess.run(described, cwd=HERE, capture_output=True, text=True).stdout.strip()


def main() -> None:
    """Measure the sections that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*", default=[])
    parser.add_argument("--digits", type=int, default=10_000)
    given = parser.parse_args()
    one = {"argmax of v": Membrane(), "Bernoulli of softmax(v)": SoftmaxSpikes()}
    sections = {
        "binary": lambda: binary(given.digits),
        "front": lambda: rows(Digits("lenet", given.digits), 8, FRONT, READOUTS),
        "ladder": lambda: rows(Digits("lenet", given.digits), 20, LADDER, one),
        "gates": lambda: rows(Digits("lenet", given.digits), 16, GATES, {"v": Membrane()}),
        "clamp": lambda: rows(Digits("lenet", given.digits), 12, CLAMPS, {"v": Membrane()}),
    }
    (HERE / "results").mkdir(exist_ok=True)
    for name in given.sections or sections:
        made = {"digits": given.digits, "commit": commit(), "rows": sections[name]()}
        path = HERE / "results" / f"{name}.json"
        path.write_text(json.dumps(made) + "\n")


if __name__ == "__main__":
    main()
