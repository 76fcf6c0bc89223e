"""Networks of this folder, run on their test sets with chosen options and readouts."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "mnist"))
from data import mnist
from fetch import fashion_mnist
from section import Row, Rows, commits, millions, table

import neurocomp as nc
from neurocomp.compiler import Options, prepare
from neurocomp.evaluation import Evaluation, evaluate, read
from neurocomp.evaluation.run import Meter
from neurocomp.frontend.onnx import run_model
from neurocomp.readouts import Membrane, Readout, classes

HERE = Path(__file__).parent
CALIBRATION = 500  # training images
FASHION = "-fashion"  # ends the name of a network of Fashion-MNIST
MEMBRANE = "argmax of v"


class Digits:
    """Digits, or pieces of clothing, and one network to run them on."""

    def __init__(self, name: str, limit: int | None, part: str = "test") -> None:
        data = fashion_mnist if name.endswith(FASHION) else mnist
        self.graph = nc.load(HERE / f"{name}.onnx")
        self.x, self.y = (each[:limit] for each in data(part))
        self.calibration = data("train")[0][:CALIBRATION]
        (outputs,) = run_model(HERE / f"{name}.onnx", self.x).values()
        self.ann = classes(outputs)

    def run(self, **options: object) -> Evaluation:
        """Convert with `options`, and run every digit for that many steps."""
        chosen = Options(**options)
        prepared = prepare(self.graph, self.calibration, chosen)
        return evaluate(prepared.network, prepared.graph, self.x, self.y, chosen.steps)

    def traced(self, **options: object) -> "Traced":
        """Convert with `options`, and run every digit, without looking at layers."""
        chosen = Options(**options)
        network = prepare(self.graph, self.calibration, chosen).network
        meter = Meter(network, chosen.steps)
        parts = range(0, len(self.x), meter.chunk)
        runs = [meter.run(self.x[start : start + meter.chunk]) for start in parts]
        return Traced(
            trace=np.concatenate([run.trace for run in runs]),
            spent=np.concatenate([run.spent for run in runs], axis=1),
            wanted=self.y,
            ann=self.ann,
        )


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Traced:
    """What the readout had of each digit, step by step, and what that cost."""

    trace: np.ndarray  # (samples, steps, classes)
    spent: np.ndarray  # (2, samples, steps)
    wanted: np.ndarray  # (samples,)
    ann: np.ndarray  # (samples,) the trained network's classes

    def row(self, readouts: Mapping[str, Readout]) -> Row:
        """Give errors in percent and operations of each readout, and the trained network's."""
        return {
            "samples": len(self.wanted),
            "ann_error": round(100 * float((self.ann != self.wanted).mean()), 2),
            "readouts": {name: curve(self, readout) for name, readout in readouts.items()},
        }

    def differing(self, readouts: Mapping[str, Readout]) -> Row:
        """Count digits whose class is not the trained network's, and operations, after each step.

        Labels are not looked at.
        """
        found = {}
        for name, readout in readouts.items():
            given = read(self.trace, self.spent, self.ann, readout, 0)
            found[name] = {
                "differ": (given.samples - given.right).tolist(),
                "operations": [round(o) for o in given.operations.tolist()],
            }
        return {"samples": len(self.ann), "readouts": found}


def curve(found: Evaluation | Traced, readout: Readout) -> Row:
    """Give errors in percent and operations after each step."""
    given = read(found.trace, found.spent, found.wanted, readout, 0)
    plain = given.operations_without_borders
    return {
        "error": [round(100 * (1 - a), 2) for a in given.accuracy.tolist()],
        "operations": [round(o) for o in given.operations.tolist()],
        "operations_without_borders": [round(o) for o in plain.tolist()],
    }


def facts(found: Evaluation) -> Row:
    """Give the samples, and the trained network's error in percent and operations."""
    return {
        "samples": found.samples,
        "ann_error": round(100 * (1 - found.ann_right / found.samples), 2),
        "ann_operations": found.ann_operations,
    }


def settings(
    network: str,
    steps: int,
    chosen: Mapping[str, dict[str, object]],
    readouts: Mapping[str, Readout],
    limit: int | None,
) -> dict[str, Callable[[], Row]]:
    """Give what measures each of the `chosen` options on `network`, with each readout."""

    def measured(options: dict[str, object]) -> Row:
        found = Digits(network, limit).run(**options)
        return {
            **facts(found),
            "options": asdict(Options(**options)),
            "readouts": {name: curve(found, readout) for name, readout in readouts.items()},
            "layers": {
                layer.name: {"pearson": round(layer.pearson, 4), "rms": round(layer.rms, 4)}
                for layer in found.layers
            },
        }

    return {
        name: lambda options=options: measured({"steps": steps, **options})
        for name, options in chosen.items()
    }


MEMBRANES = {MEMBRANE: Membrane()}


def source(rows: Rows, what: str = "digits") -> str:
    """Say how many samples, and of which commit."""
    counts = " or ".join(f"{n:,}" for n in dict.fromkeys(r["samples"] for r in rows.values()))
    return f"{counts} {what}, commit {commits(rows)}."


def plain(rows: Rows, title: str, text: str) -> list[str]:
    """Write a section of settings that have one readout."""
    first = next(iter(rows.values()))["readouts"][MEMBRANE]["error"]
    shown = [t for t in (1, 2, 4, 6, 8, 10, 12, 16) if t <= len(first)]
    cells = []
    for name, row in rows.items():
        each = row["readouts"][MEMBRANE]
        points = (
            f"{each['error'][t - 1]:.2f} ({millions(each['operations'][t - 1])})" for t in shown
        )
        cells.append([name, *points])
    return [
        f"## {title}",
        "",
        source(rows),
        "",
        text,
        "",
        *table(["", *(f"T = {t}" for t in shown)], cells),
        "",
    ]
