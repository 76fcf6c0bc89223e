"""Compare the engine with the oracle on trained networks and write how many values differ.

    python -m benchmarks.exact.run [--only VGG-16] [--limit 1]

Every spike, every membrane at every step, every count and every peak must be equal; exit code 1
where one is not. VGG-16 takes minutes, most of them the oracle's.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.document import write_section
from benchmarks.exact.compare import Compared, compare
from neurocomp.compiler import Options, in_numbers, prepare
from neurocomp.engine import native
from neurocomp.frontend.onnx import load
from neurocomp.hw.read import load_target
from neurocomp.snn.network import Network

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "examples" / "paper"))
import fetch  # noqa: E402 - the examples are scripts, beside each other

Array = np.ndarray
CHIP = "loihi1"  # weights of 8 bits with a sign


@dataclass(frozen=True)
class Case:
    """A trained network and samples; `steps` are those in which every layer is active."""

    name: str
    given: Callable[[], tuple[Path, Array]]
    samples: int
    steps: int
    together: int  # samples that run side by side


def lenet() -> tuple[Path, Array]:
    digits = np.load(ROOT / "examples" / "mnist" / "digits.npz")["inputs"]
    return ROOT / "examples" / "mnist" / "lenet.onnx", digits.reshape(-1, 1, 28, 28)


CASES = (
    Case("LeNet", lenet, samples=20, steps=64, together=20),
    Case("CIFAR-10", lambda: (fetch.cifar10_net(), fetch.cifar10_photos()[0]), 20, 64, 4),
    Case("VGG-16", lambda: (fetch.vgg16(), fetch.vgg16_inputs()), 1, 5, 1),
)


def networks(path: Path, samples: Array, steps: int) -> Iterator[tuple[str, Network]]:
    """Give the float network, and the one in the chip's integers."""
    options, graph = Options(steps=steps), load(path)
    made = prepare(graph, samples, options)
    yield "float", made.network
    yield "int8", in_numbers(made.network, load_target(CHIP), samples, options).network


def measure(case: Case, limit: int | None) -> Iterator[str]:
    """Compare one network on both grids, with every build; give a row each."""
    path, samples = case.given()
    samples = samples[: min(case.samples, limit or case.samples)]
    for grid, network in networks(path, samples, case.steps):
        length = network.population(network.readout).start_step + case.steps - 1
        (source,), total = network.inputs, dict[str, Compared]()
        begin = time.process_time()
        for start in range(0, len(samples), case.together):
            part = {source.name: samples[start : start + case.together]}
            for level, found in compare(network, part, length, native.levels()).items():
                total[level] = _sum(total[level], found) if level in total else found
        print(f"{case.name}, {grid}: {time.process_time() - begin:.0f} CPU s", file=sys.stderr)
        for level, found in total.items():
            wrong = sum(found.mismatches.values())
            yield (
                f"| {case.name} | {grid} | {level} | {len(network.populations)} | "
                f"{found.neurons:,} | {len(samples)} x {length} | {found.spikes:,} | "
                f"{found.values:,} | {wrong:,} |"
            )
            if wrong:
                worst = {name: n for name, n in found.mismatches.items() if n}
                print(f"{case.name}, {grid}, {level}: {worst}", file=sys.stderr)


def _sum(a: Compared, b: Compared) -> Compared:
    return Compared(
        neurons=a.neurons,
        spikes=a.spikes + b.spikes,
        values=a.values + b.values,
        mismatches={name: n + b.mismatches[name] for name, n in a.mismatches.items()},
    )


def main() -> int:
    """Compare, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=[c.name for c in CASES], action="append")
    parser.add_argument("--limit", type=int, help="samples of each network; nothing is written")
    asked = parser.parse_args()
    head = [
        "| network | grid | build | populations | neurons | samples x steps | spikes | "
        "values compared | mismatches |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    print("\n".join(head))
    rows: list[str] = []
    for case in CASES:
        if not asked.only or case.name in asked.only:
            for row in measure(case, asked.limit):
                rows.append(row)
                print(row, flush=True)
    if not asked.only and not asked.limit:
        write_section("exact", "\n".join(head + rows))
    return 0 if all(row.endswith("| 0 |") for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
