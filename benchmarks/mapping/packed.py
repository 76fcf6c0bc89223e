"""Cores of known networks on Loihi 1, packed: `python -m benchmarks.mapping.packed [name ...]`.

For each kind of axon and each reset the fewest cores that the search finds; beside them neurons
over 1,024. Groups of input channels, by on and off pairs, are made only where a network does not
fit without: a star marks those.
"""

import sys
from dataclasses import replace
from math import prod
from time import process_time

from benchmarks.mapping.shapes import NETWORKS, mobilenet, nxtf_mnist
from neurocomp.errors import CapacityError
from neurocomp.hw.read import load_target
from neurocomp.hw.target import Target
from neurocomp.mapping.split import split
from neurocomp.snn.network import Network
from neurocomp.snn.neurons import IntegrateAndFire

TARGETS = ("loihi1", "loihi1-population")
ANCHORS = {"nxtf-mnist": nxtf_mnist, "mobilenet32": lambda: mobilenet(32), **NETWORKS}


def resetting(net: Network, reset: str) -> Network:
    """Give the network with every neuron's reset as named."""
    populations = tuple(
        replace(p, neuron=replace(p.neuron, reset=reset))
        if isinstance(p.neuron, IntegrateAndFire)
        else p
        for p in net.populations
    )
    return replace(net, populations=populations)


def cores(net: Network, target: Target) -> str:
    """Give the fewest cores found."""
    try:
        return f"{sum(g.count for g in split(net, target).values()):,}"
    except CapacityError:
        return f"{sum(g.count for g in split(net, target, groups=True).values()):,} *"


def main(names: list[str]) -> None:
    """Print a row for each network."""
    print(
        "network | least | " + " | ".join(f"{t} {r}" for t in TARGETS for r in ("zero", "subtract"))
    )
    for name in names or ANCHORS:
        net, began = ANCHORS[name](), process_time()
        neurons = sum(prod(p.shape) for p in net.populations)
        found = [
            cores(resetting(net, reset), load_target(target))
            for target in TARGETS
            for reset in ("zero", "subtract")
        ]
        row = [name, f"{-(-neurons // 1024):,}", *found, f"{process_time() - began:.1f} s"]
        print(" | ".join(row), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
