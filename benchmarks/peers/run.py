"""Measure the engine beside onnxruntime and spiking libraries, and write the table of ratios.

    python benchmarks/peers/run.py                      # everything; makes the peers' environments
    python benchmarks/peers/run.py --only W1 --no-peers

Everything runs in turn on one machine in one run, on two threads that do not spin while they wait.
What is compared is CPU time over all threads, for an image and a step, over that of onnxruntime's
forward pass of the trained network on one thread and on two. Each peer's spike counts are compared
with the engine's.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import ann
import chain
import numpy as np
from environments import PEERS, Peer, interpreter
from workloads import WORKLOADS, samples, tuned, weights

from neurocomp.compiler import Options, prepare
from neurocomp.engine import Keep, native, simulate
from neurocomp.engine.plan import plan
from neurocomp.frontend.onnx import load
from neurocomp.hw.read import load_target
from neurocomp.quantize import quantize
from neurocomp.snn.network import Network
from neurocomp.snn.neurons import IntegrateAndFire, MaxGate

HERE = Path(__file__).parent
sys.path.append(str(HERE.parents[1]))  # a script finds what lies beside it only
from benchmarks.document import write_section  # noqa: E402 - see the line above

EXAMPLES = HERE.parents[1] / "examples"
ROUNDS = 5
THREADS = 2
LIMIT_S = 1800  # for one peer on one network
PEER_STEPS = {"W1": 50, "W2": 10, "W3": 5}  # their cost does not depend on it
SMALL = ("W1", "LeNet")  # networks that Brian2 and Lava are given
LENET_STEPS = 64

Row = dict[str, float | str]
Forward = dict[int, Callable[[], object]]  # threads -> one pass of the trained network


def cpu_s(work: Callable[[], object], times: int = 1) -> float:
    """Give the CPU seconds, of all threads, of one call among `times`."""
    begin = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - begin) / times


def ours(
    name: str, network: Network, images: np.ndarray, steps: int, forward: Forward, grid: str
) -> list[Row]:
    """Measure our engine in turns with onnxruntime; give one row for each build of the kernel."""
    source, first = network.inputs[0].name, network.population(network.readout).start_step
    # every layer is active from the readout's first step on: the steps before are not counted
    lengths = (first, first + steps)
    begin = time.perf_counter()
    kernel = native.load(plan(network, max(lengths)))
    set_up = time.perf_counter() - begin
    passes: list[tuple[float, float]] = []
    per = len(images) * steps
    rows: list[Row] = []
    for level in native.levels() if grid == "int8" else native.levels()[:1]:

        def run(length: int, level: str = level) -> None:
            keep = Keep(operations=False)
            native.run(kernel, {source: images}, length, keep, THREADS, 256, level)

        run(lengths[1])
        turns = [_turn(run, lengths, forward) for _ in range(ROUNDS)]
        step, one, two = (np.array(column) for column in zip(*turns, strict=True))
        passes += zip(one, two, strict=True)
        rows.append(
            {
                "workload": name,
                "engine": f"neurocomp, {grid}, {level}",
                "us": float(np.median(step)) / per * 1e6,
                "ratio1": float(np.median(step / one)) / steps,
                "ratio2": float(np.median(step / two)) / steps,
            }
        )
    one, two = np.array(passes).T
    rows.append(
        {
            "workload": name,
            "engine": "onnxruntime, the trained network, times T",
            "us": float(np.median(two)) / len(images) * 1e6,
            "ratio1": float(np.median(two / one)),
            "ratio2": 1.0,
        }
    )
    print(f"{name}, {grid}: set up in {set_up:.2f} s", file=sys.stderr)
    return rows


def _turn(
    run: Callable[[int], None], lengths: tuple[int, int], forward: Forward
) -> tuple[float, float, float]:
    """Give the CPU seconds of our counted steps and of onnxruntime, in turn."""
    short = cpu_s(lambda: run(lengths[0]))
    one = cpu_s(forward[1], 3)
    long = cpu_s(lambda: run(lengths[1]))
    two = cpu_s(forward[THREADS], 3)
    return long - short, one, two


def peer_rows(
    name: str, network: Network, images: np.ndarray, steps: int, allowed: list[str]
) -> Iterator[Row]:
    """Measure the peers that can be had, each in a process and an environment of its own."""
    if not chain.is_chain(network):
        print(f"{name} is no chain of convolutions: peers are not given it", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as scratch:
        file, counts = Path(scratch) / "chain.npz", Path(scratch) / "counts.npz"
        chain.write(network, images, file)
        for peer in PEERS:
            if peer.name not in allowed or (peer.name in ("brian2", "lava") and name not in SMALL):
                continue
            python = interpreter(peer)
            found = _run(peer, python, file, steps, counts) if python else None
            if found:
                same = _same(network, images, steps, peer, counts)
                yield {"workload": name, "engine": peer.name, "same": same, **found}


def _run(peer: Peer, python: str, file: Path, steps: int, counts: Path) -> Row | None:
    counts.unlink(missing_ok=True)
    command = [python, HERE / peer.script, peer.name, file, str(steps), counts]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    environment |= {"OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": str(THREADS)}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=LIMIT_S
        )
    except subprocess.TimeoutExpired:
        print(f"{peer.name} is left out: over {LIMIT_S} s", file=sys.stderr)
        return None
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        print(f"{peer.name} is left out: {last}", file=sys.stderr)
        return None
    return dict(json.loads(lines[-1]))


def _same(network: Network, images: np.ndarray, steps: int, peer: Peer, path: Path) -> float | str:
    """Give the share of neurons whose spike count, of some images, is the engine's."""
    counts = np.load(path)
    if not counts.files:
        return ""
    like = _resetting(network, peer.reset)
    late = {p.name: len(like.populations) - 1 - i for i, p in enumerate(like.populations)}
    found = simulate(
        like,
        {like.inputs[0].name: images[: chain.CHECKED]},
        steps + len(late) - 1,
        keep=Keep(operations=False, uncounted=late),
    ).counts
    equal = total = 0
    for i, p in enumerate(like.populations[:-1]):
        given = counts[f"counts{i}"]
        wanted = found[p.name][: len(given)]
        equal += int((given.reshape(wanted.shape) == wanted).sum())
        total += wanted.size
    return equal / total


def _resetting(network: Network, reset: str) -> Network:
    return replace(
        network,
        populations=tuple(
            replace(p, neuron=replace(p.neuron, reset=reset))
            if isinstance(p.neuron, IntegrateAndFire)
            else p
            for p in network.populations
        ),
    )


def workload_rows(name: str, allowed: list[str], float_grid: bool) -> list[Row]:
    """Measure one of the networks with random weights."""
    workload, images = WORKLOADS[name], samples(WORKLOADS[name])
    rows: list[Row] = []
    for grid in ("int8", "float grid") if float_grid else ("int8",):
        kernels = list(weights(workload, grid != "int8"))
        forward = _forward({n: ann.session(workload, kernels, n) for n in (1, THREADS)}, images)
        network = tuned(workload, kernels, grid != "int8")
        made = ours(name, network, images, workload.steps, forward, grid)
        peak = _peak(name, grid, network)
        rows += [{**row, "mb": peak} if "neurocomp" in str(row["engine"]) else row for row in made]
        if grid == "int8":
            rows += peer_rows(name, network, images, PEER_STEPS[name], allowed)
    return rows


def _forward(sessions: dict, images: np.ndarray) -> Forward:
    def once(threads: int) -> Callable[[], object]:
        session = sessions[threads]
        feed = {session.get_inputs()[0].name: images}
        return lambda: session.run(None, feed)

    return {threads: once(threads) for threads in sessions}


def _peak(name: str, grid: str, network: Network) -> float:
    unit = 1 if grid == "int8" else 2.0**-24
    neurons = [p.neuron for p in network.populations if isinstance(p.neuron, IntegrateAndFire)]
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "thresholds.json"
        file.write_text(json.dumps([float(n.v_threshold.flat[0]) / unit for n in neurons]))
        command = [sys.executable, HERE / "peak.py", name, grid, file]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def example_rows(name: str, folder: str, allowed: list[str]) -> list[Row]:
    """Measure a trained network of the examples, in the integers of loihi1 or as floats."""
    graph = load(EXAMPLES / folder / "lenet.onnx")
    calibration = np.load(EXAMPLES / "mnist" / "calibration.npz")["inputs"]
    images = np.load(EXAMPLES / "mnist" / "digits.npz")["inputs"].reshape(-1, *graph.input_shape)
    options = Options(steps=LENET_STEPS, half_threshold=False, per="layer")
    made = prepare(graph, calibration.reshape(-1, *graph.input_shape), options)
    gated = any(isinstance(p.neuron, MaxGate) for p in made.network.populations)
    target = load_target("ideal" if gated else "loihi1")
    network = quantize(made.network, target, LENET_STEPS).network
    path = str(EXAMPLES / folder / "lenet.onnx")
    forward = _forward({n: ann.opened(path, n) for n in (1, THREADS)}, images)
    rows = ours(name, network, images, LENET_STEPS, forward, target.title)
    return rows + list(peer_rows(name, network, images, LENET_STEPS, allowed))


EXAMPLE_NETWORKS = {"LeNet": "mnist", "LeNet, max pooling": "paper"}


def table(rows: list[Row]) -> str:
    """Write the rows as a table."""
    best = {
        name: min(float(r["us"]) for r in rows if r["workload"] == name and _own(r))
        for name in dict.fromkeys(str(r["workload"]) for r in rows)
    }
    lines = [
        "| | simulator | µs CPU / image and step | times neurocomp's | over onnxruntime, 1 thread "
        "| 2 threads | peak MB | same counts |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        times = float(row["us"]) / best[str(row["workload"])]
        ratios = [f"{row[k]:.3f}" if k in row else "" for k in ("ratio1", "ratio2")]
        same = row.get("same", "")
        lines.append(
            f"| {row['workload']} | {row['engine']} | {row['us']:.1f} | {times:.1f} | "
            f"{ratios[0]} | {ratios[1]} | {row.get('mb', 0) or '':.5} | "
            f"{'all' if same == 1 else f'{same:.2%}' if same != '' else ''} |"
        )
    return "\n".join(lines)


def _own(row: Row) -> bool:
    return str(row["engine"]).startswith("neurocomp")


def main() -> int:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = (*WORKLOADS, *EXAMPLE_NETWORKS)
    parser.add_argument("--only", choices=names, action="append")
    parser.add_argument("--peer", choices=[p.name for p in PEERS], action="append")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument(
        "--float",
        choices=WORKLOADS,
        action="append",
        help="whose float grid is run, too; by default all but that of W3, which takes 20 GB",
    )
    options = parser.parse_args()
    floats = options.float or [name for name in WORKLOADS if name != "W3"]
    whole = not (options.only or options.peer or options.no_peers)  # else the page keeps its table
    allowed = [] if options.no_peers else options.peer or [p.name for p in PEERS]
    rows: list[Row] = []
    loads = [os.getloadavg()[0]]
    for name in options.only or names:
        if name in WORKLOADS:
            found = workload_rows(name, allowed, name in floats)
        else:
            found = example_rows(name, EXAMPLE_NETWORKS[name], allowed)
        base = next(r for r in found if str(r["engine"]).startswith("onnxruntime"))
        for row in found:
            if "ratio2" not in row:
                row["ratio2"] = float(row["us"]) / float(base["us"])
                row["ratio1"] = row["ratio2"] * float(base["ratio1"])
        loads.append(os.getloadavg()[0])
        print(table(found), flush=True)
        rows += found
        busy = f"Load of the {os.cpu_count()} cores: {min(loads):.1f} to {max(loads):.1f}."
        if whole:
            write_section("measured", f"{busy}\n\n{table(rows)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
