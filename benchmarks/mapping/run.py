"""Map known networks and print a row for each: `python -m benchmarks.mapping.run [name ...]`.

Each network has a process of its own, so that the peak memory is its own. Seconds are of the
processor, without the first compilation of the annealing.
"""

import resource
import subprocess
import sys
from pathlib import Path
from time import process_time

import numpy as np

from benchmarks.mapping.shapes import NETWORKS, resnet18
from neurocomp.hw.read import load_target
from neurocomp.mapping.arrange import Effort, arrange, symmetric
from neurocomp.mapping.arrange import cost as hops
from neurocomp.mapping.chips import chips_needed
from neurocomp.mapping.cost import cost
from neurocomp.mapping.floor import floor, hilbert
from neurocomp.mapping.lay import Wishes, lay
from neurocomp.mapping.split import split
from neurocomp.mapping.traffic import traffic
from neurocomp.snn.network import Network
from neurocomp.snn.rates import assumed

KERNELS = load_target(Path(__file__).with_name("kernels.toml"))
EXTRA = 0.3
COLUMNS = (
    "network,fewest cores,cores,chips,tile s,graph s,place s,hops,least,crossing,/Hilbert,link,MB"
)


def network(name: str) -> Network:
    """Give a network by name; `resnet18@1472` is one of any size."""
    name, _, size = name.partition("@")
    return resnet18(int(size)) if name == "resnet18" else NETWORKS[name]()


def measure(name: str) -> list[object]:
    net, warm = network(name), lay(NETWORKS["lenet"](), KERNELS, assumed(NETWORKS["lenet"](), 0.1))
    rates = assumed(net, 0.1)
    fewest = sum(g.count for g in split(net, KERNELS, groups=True).values())
    assert warm.floor.chips == 1
    times = [process_time()]
    grids = split(net, KERNELS, groups=True, extra=EXTRA)
    times.append(process_time())
    flow = traffic(net, grids, rates, KERNELS.relay)
    times.append(process_time())
    assert KERNELS.mesh is not None
    chips = chips_needed(flow.shape[0], 128)
    arrange(flow, KERNELS.mesh, 128, chips, Effort())
    times.append(process_time())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    found = lay(net, KERNELS, rates, Wishes(extra=EXTRA))
    counted, on = cost(found), floor(KERNELS.mesh, 128, chips)
    curve = hops(symmetric(flow), hilbert(on)[: flow.shape[0]], on) / 2
    seconds = [f"{t:.1f}" for t in np.diff(times)]
    mean, least = counted.mean_hops, counted.least_hops / max(counted.packets, 1e-9)
    row = [name, fewest, flow.shape[0], chips, *seconds, f"{mean:.2f}", f"{least:.2f}"]
    ratio = f"{counted.hops / curve:.3f}"
    return [*row, f"{counted.crossing:.1%}", ratio, f"{counted.link_most:.0f}", peak]


def main(names: list[str]) -> None:
    if len(names) == 1:
        print(" | ".join(map(str, measure(names[0]))), flush=True)
        return
    print(COLUMNS.replace(",", " | "), flush=True)
    for name in names or NETWORKS:
        subprocess.run([sys.executable, "-m", "benchmarks.mapping.run", name], check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
