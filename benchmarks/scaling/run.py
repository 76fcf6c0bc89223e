"""Measure what the engine's cost grows with; write a table and a figure.

    python -m benchmarks.scaling.run

A chain of 3 x 3 convolutions with random weights of 8 bits, tuned so that every layer fires at
about 10 %, is changed in one respect at a time. Cost is CPU time over all threads: of what the
kernel does, not of planning, and the least of some turns, since others run on the machine, too.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.document import write_section
from benchmarks.scaling.figure import FIGURE, draw
from benchmarks.scaling.study import Point, Study
from neurocomp.engine import Keep, native, simulate, spikes
from neurocomp.engine.plan import plan
from neurocomp.snn.network import Network, Projection

sys.path.append(str(Path(__file__).parents[1] / "peers"))
import workloads
from spec import Layer, Workload

Array = np.ndarray
TURNS = 5
LEAST_S = 0.05  # of CPU time in a turn, beside which a clock's own error is small
RATE, WIDTH, DEPTH, STEPS, IMAGES, SIDE = 0.1, 64, 5, 64, 8, 16
LOW = 0.15  # spikes of a neuron and step that are called few
STREAMS = {"W2": (100, 1_000, 10_000), "W3": (1, 4, 16)}  # samples that stream through


def chain(width: int = WIDTH, depth: int = DEPTH, images: int = IMAGES) -> Workload:
    """Give `depth` convolutions of `width` channels, and a readout."""
    layers = (*(Layer(width, 3, 1) for _ in range(depth)), Layer(10))
    return Workload("chain", (3, SIDE, SIDE), layers, STEPS, images)


def spiking(work: Workload, rate: float = RATE) -> Network:
    """Give the network with thresholds at which its layers fire at about `rate`."""
    return workloads.tuned(work, list(workloads.weights(work, False)), False, rate)


def measure(network: Network, images: Array, steps: int, threads: int = 1) -> Point:
    """Give what `steps` steps cost in which every layer is active."""
    first = network.population(network.readout).start_step
    kernel, level = native.load(plan(network, first + steps)), native.levels()[0]

    def run(length: int) -> None:
        keep = Keep(operations=False)
        native.run(kernel, {"x": images}, length, keep, threads, 256, level)

    long, short = least_s(lambda: run(first + steps)), least_s(lambda: run(first))
    hidden = network.populations[:-1]
    kept = Keep(rasters=tuple(p.name for p in hidden))
    found, per = simulate(network, {"x": images}, first + steps, keep=kept), len(images) * steps
    return Point(
        cpu_s=long - short,
        spikes=sum(int(spikes(found, p.name)[:, first:].sum()) for p in hidden),
        operations=sum(int(done[:, first:].sum()) for done in found.operations.values()),
        synapses=per * sum(taps(p) for p in network.projections),
        neurons=per * sum(int(np.prod(p.shape)) for p in hidden),
    )


def taps(projection: Projection) -> int:
    """Count the synapses of a convolution, those on its padding among them."""
    return int(projection.synapse.weight.size * np.prod(projection.synapse.post_shape[1:]))


def least_s(run: Callable[[], None]) -> float:
    """Give the least CPU seconds of a run among some turns."""
    run()
    cpu = []
    for _ in range(TURNS):
        times, began = 0, time.process_time()
        while not times or time.process_time() - began < LEAST_S:
            run()
            times += 1
        cpu.append((time.process_time() - began) / times)
    return min(cpu)


def studies() -> Iterator[Study]:
    """Measure everything, one respect after the other."""
    base = chain()
    network, images = spiking(base), workloads.samples(base)
    many = workloads.samples(replace(base, images=64))

    def shaped(work: Workload) -> Point:
        return measure(spiking(work), workloads.samples(work), STEPS)

    yield study("steps", (16, 32, 64, 128, 256, 512), lambda t: measure(network, images, int(t)))
    yield study(
        "samples", (1, 2, 4, 8, 16, 32, 64), lambda n: measure(network, many[: int(n)], STEPS)
    )
    yield study("layers", (2, 4, 8, 16, 32), lambda d: shaped(chain(depth=int(d))))
    yield study("channels", (16, 32, 64, 128, 256), lambda w: shaped(chain(width=int(w))))
    rates = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
    yield study("rate", rates, lambda r: measure(spiking(base, r), images, STEPS))
    cores = range(1, len(os.sched_getaffinity(0)) + 1)
    yield study("threads", cores, lambda n: measure(network, many, STEPS, int(n)))


def study(name: str, values: Sequence[float], at: Callable[[float], Point]) -> Study:
    """Measure at all values of one quantity; rates are what they came to be, in their order."""
    points = [at(value) for value in values]
    for value, point in zip(values, points, strict=True):
        print(f"{name} {value:g}: {point}", file=sys.stderr, flush=True)
    return studied(name, values, points)


def studied(name: str, values: Sequence[float], points: Sequence[Point]) -> Study:
    """Join values and points; rates are what they came to be, in their order."""
    found = [p.spikes / p.neurons for p in points] if name == "rate" else values
    pairs = sorted(zip(found, points, strict=True), key=lambda pair: pair[0])
    return Study(name=name, values=tuple(v for v, _ in pairs), points=tuple(p for _, p in pairs))


def table(found: Sequence[Study]) -> str:
    """Write a row for each end of each study, and the power that cost grows with."""
    lines = [
        "| changed | from | to | CPU ms, from | to | times | power | ps an operation, from | to |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for s in found:
        a, b = s.points[0], s.points[-1]
        each = [p.cpu_s / p.operations * 1e12 for p in (a, b)]
        power = "" if s.name in ("threads", "rate") else f"{s.power():.2f}"
        lines.append(
            f"| {s.name} | {s.values[0]:.3g} | {s.values[-1]:.3g} | {a.cpu_s * 1e3:.2f} | "
            f"{b.cpu_s * 1e3:.2f} | {b.cpu_s / a.cpu_s:.2f} | {power} | "
            f"{each[0]:.1f} | {each[1]:.1f} |"
        )
    return "\n".join(lines)


def fitted(rate: Study) -> str:
    """Say what a neuron's step costs and what a synapse that a spike arrives at, at low rates."""
    low = [p for p, r in zip(rate.points, rate.values, strict=True) if r <= LOW]
    work = np.array([[p.neurons, p.operations] for p in low], dtype=float)
    cost = np.array([p.cpu_s for p in low])
    (neuron, operation), *_ = np.linalg.lstsq(work / cost[:, None], np.ones(len(low)), rcond=None)
    off = float(np.abs(work @ [neuron, operation] / cost - 1).max())
    first = low[0]
    return (
        f"At rates up to {LOW:.0%} the cost is {neuron * 1e9:.2f} ns a step of a neuron, whether "
        f"anything arrives or not, and {operation * 1e12:.1f} ps a synapse that a spike arrives "
        f"at; synapses at which none arrives cost nothing. These two numbers give each of the "
        f"{len(low)} runs within {off:.1%}, the one among them with "
        f"{first.synapses / first.operations:.0f} times as many synapses as spikes arrive at, too. "
        f"There, neurons take {neuron * first.neurons / first.cpu_s:.0%} of the cost: at lower "
        "rates it no longer falls with the spikes."
    )


def memory() -> str:
    """Give the peak memory of streams of few and of many samples, a process each."""
    rows = ["| network | samples | peak MB |", "|---|---|---|"]
    for name, counts in STREAMS.items():
        for count in counts:
            command = [sys.executable, "-m", "benchmarks.scaling.memory", name, str(count)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            seen, peak = done.stdout.split()
            rows.append(f"| {name} | {int(seen):,} | {peak} |")
            print(rows[-1], file=sys.stderr, flush=True)
    return "\n".join(rows)


def main() -> int:
    """Measure, draw, print and write."""
    loads, found = [os.getloadavg()[0]], []
    for one in studies():
        found.append(one)
        loads.append(os.getloadavg()[0])
    draw(found)
    load = f"Load of the {os.cpu_count()} cores: {min(loads):.1f} to {max(loads):.1f}."
    kernel = f"Kernel: {native.levels()[0]}."
    rate = next(s for s in found if s.name == "rate")
    picture = f"![Cost against each of them]({FIGURE.name})"
    text = "\n\n".join((f"{load} {kernel}", table(found), fitted(rate), picture, memory()))
    print(text)
    write_section("scaling", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
