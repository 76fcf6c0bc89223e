"""Measure the engine beside onnxruntime and spiking libraries, and write the table of ratios.

    python benchmarks/peers/run.py                    # W1, W2, W3; a private environment for peers
    python benchmarks/peers/run.py --only W1 --no-peers

Everything runs in turn on one machine in one run, on two threads. What is compared is CPU time over
all threads, for an image and a step, over that of onnxruntime's forward pass of the trained network
on one thread (which waits for nobody) and on two.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import ann
import numpy as np
from spec import Workload
from workloads import WORKLOADS, samples, tuned, weights

from neurocomp.engine import Keep, native
from neurocomp.engine.plan import plan

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs" / "reference" / "performance.md"
MARK = "<!-- measured -->"
REQUIREMENTS = ("torch==2.13.0", "spikingjelly", "sinabs", "snntorch", "norse")
ROUNDS = 7
THREADS = 2


def cpu_s(work: Callable[[], object], times: int = 1) -> float:
    """Give the CPU seconds, of all threads, of one call among `times`."""
    begin = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - begin) / times


def engine(workload: Workload, float_grid: bool) -> list[dict[str, float | str]]:
    """Measure our engine in turns with onnxruntime; give one row for each build of the kernel."""
    kernels = list(weights(workload, float_grid))
    network = tuned(workload, kernels, float_grid)
    images = samples(workload)
    forward = {n: ann.session(workload, kernels, n) for n in (1, THREADS)}
    # every layer is active from step `depth` on: the steps before are not counted
    depth = len(network.populations)
    lengths = (depth, depth + workload.steps)
    rows: list[dict[str, float | str]] = []
    begin = time.perf_counter()
    kernel = native.load(plan(network, max(lengths)))
    set_up = time.perf_counter() - begin
    passes: list[tuple[float, float]] = []
    levels = native.levels() if not float_grid else native.levels()[:1]
    for level in levels:

        def ours(length: int, level: str = level) -> None:
            keep = Keep(operations=False)
            native.run(kernel, {"x": images}, length, keep, THREADS, 256, level)

        ours(lengths[1])
        turns = [_turn(ours, lengths, forward, images) for _ in range(ROUNDS)]
        step, one, two = (np.array(column) for column in zip(*turns, strict=True))
        passes += zip(one, two, strict=True)
        per = workload.images * workload.steps
        rows.append(
            {
                "workload": workload.name,
                "engine": f"neurocomp, {'float grid' if float_grid else 'int8'}, {level}",
                "us": float(np.median(step)) / per * 1e6,
                "ratio1": float(np.median(step / one)) / workload.steps,
                "ratio2": float(np.median(step / two)) / workload.steps,
                "low": float(np.min(step / two)) / workload.steps,
                "high": float(np.max(step / two)) / workload.steps,
            }
        )
    one, two = np.array(passes).T
    rows.append(
        {
            "workload": workload.name,
            "engine": "onnxruntime, the trained network, times T",
            "us": float(np.median(two)) / workload.images * 1e6,
            "ratio1": float(np.median(two / one)),
            "ratio2": 1.0,
            "set_up_s": set_up,
        }
    )
    return rows


def _turn(
    ours: Callable[[int], None], lengths: tuple[int, int], forward: dict, images: np.ndarray
) -> tuple[float, float, float]:
    """Give the CPU seconds of our counted steps and of onnxruntime, in turn."""
    short = cpu_s(lambda: ours(lengths[0]))
    one = cpu_s(lambda: forward[1].run(None, {"x": images}), 3)
    long = cpu_s(lambda: ours(lengths[1]))
    two = cpu_s(lambda: forward[THREADS].run(None, {"x": images}), 3)
    return long - short, one, two


def environment() -> Path | None:
    """Give the Python of the peers' environment; make it where it is not there."""
    cache = Path(os.environ.get("NEUROCOMP_CACHE") or Path.home() / ".cache" / "neurocomp")
    python = cache / "peers" / "bin" / "python"
    if python.is_file():
        return python
    venv.create(python.parents[1], with_pip=True)
    for requirement in REQUIREMENTS:
        done = subprocess.run([python, "-m", "pip", "install", "--quiet", requirement])
        if done.returncode:
            print(f"{requirement} cannot be installed and is left out", file=sys.stderr)
    return python


def peers(workload: Workload, python: Path) -> list[dict[str, float | str]]:
    """Measure the libraries of the other environment on the same network."""
    kernels = list(weights(workload, False))
    network = tuned(workload, kernels, False)
    thresholds = [float(p.neuron.v_threshold.flat[0]) for p in network.populations[:-1]]
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "workload.npz"
        arrays = {f"w{i}": kernel for i, kernel in enumerate(kernels)}
        layers = json.dumps([asdict(layer) for layer in workload.layers])
        np.savez(file, images=samples(workload), thresholds=thresholds, layers=layers, **arrays)
        command = [python, HERE / "torch_peers.py", workload.name, file, str(workload.steps)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def table(rows: list[dict[str, float | str]]) -> str:
    """Write the rows as a table."""
    lines = [
        "| | engine | µs CPU / image and step | over onnxruntime, 1 thread | 2 threads | range |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        spread = f"{row['low']:.3f}..{row['high']:.3f}" if "low" in row else ""
        ratios = [f"{row[k]:.3f}" if k in row else "" for k in ("ratio1", "ratio2")]
        lines.append(
            f"| {row['workload']} | {row['engine']} | {row['us']:.1f} | "
            f"{ratios[0]} | {ratios[1]} | {spread} |"
        )
    return "\n".join(lines)


def main() -> int:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=WORKLOADS, action="append")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument(
        "--no-float", choices=WORKLOADS, action="append", default=["W3"], help="W3's takes 20 GB"
    )
    options = parser.parse_args()
    rows = []
    python = None if options.no_peers else environment()
    for name in options.only or WORKLOADS:
        workload = WORKLOADS[name]
        found = engine(workload, False) + (
            [] if name in options.no_float else engine(workload, True)[:-1]
        )
        base = next(r for r in found if r["engine"].startswith("onnxruntime"))
        for row in peers(workload, python) if python else []:
            row["ratio2"] = row["us"] / base["us"]
            row["ratio1"] = row["ratio2"] * base["ratio1"]
            found.append(row)
        print(table(found), flush=True)
        rows += found
    text = DOCUMENT.read_text(encoding="utf-8")
    head, _, _ = text.partition(MARK)
    DOCUMENT.write_text(f"{head}{MARK}\n\n{table(rows)}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
