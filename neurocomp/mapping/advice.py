"""When a network does not fit: the worst layer, the limit that binds, what would make it fit."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil, prod

import numpy as np

from neurocomp.errors import CapacityError, UnsupportedError
from neurocomp.hw.narrow import narrow
from neurocomp.hw.read import load_target, target_names
from neurocomp.hw.target import LAYER_RESOURCES, Core, Target
from neurocomp.hw.topology import cores
from neurocomp.mapping.connections import refuse_spread
from neurocomp.mapping.counts import Counts
from neurocomp.mapping.demand import DEMANDS, Cutting
from neurocomp.mapping.grid import grids
from neurocomp.mapping.lay import room, taken
from neurocomp.mapping.layers import layers, map_layers, most_channels
from neurocomp.mapping.share import shared
from neurocomp.mapping.split import split
from neurocomp.mapping.support import refuse_unsupported
from neurocomp.snn.network import Network, Population

FACTORS = (1.05, 1.1, 1.25, 1.5, 2, 3, 4, 6, 8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Excess:
    """One limit that one neuron of a population exceeds."""

    population: str
    resource: str
    needed: int
    limit: int

    @property
    def factor(self) -> float:
        """Give how many times too large it is."""
        return self.needed / self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What binds, worst first, and changes that each alone would make the network fit."""

    excesses: tuple[Excess, ...]
    changes: tuple[str, ...]


def advise(network: Network, target: Target, *, relays: bool = True) -> Advice:
    """Say why `network` does not fit `target` without groups of input channels, and what would.

    `relays` says that partial sums may be passed on, which is one of the changes.
    """
    if target.layers is not None:
        large = [*_large_layers(network, target)]
        return Advice(excesses=tuple(large), changes=tuple(_smaller(network, target)))
    found = sorted(excesses(network, target), key=lambda e: -e.factor)
    changes = _changes(network, target, found)
    passed = _relays(network, target) if relays else ()
    return Advice(excesses=tuple(found), changes=(*passed, *changes))


def advised(error: CapacityError, network: Network, target: Target) -> CapacityError:
    """Give `error` with the layer that exceeds a limit most, by how much, and what would fit."""
    advice = advise(network, target, relays=False)
    remedy = "; or ".join(advice.changes) or error.remedy
    if not advice.excesses:
        return CapacityError(error.where, error.wrong, remedy)
    worst, others = advice.excesses[0], len({e.population for e in advice.excesses}) - 1
    wrong = (
        f"a neuron needs {worst.needed} {worst.resource}, a {target.name} core has {worst.limit}: "
        f"{worst.factor:.2f} times as many"
    )
    more = f", and {others} other layers exceed a limit" if others else ""
    same = error.where.startswith(worst.population)  # it names the neuron
    return CapacityError(error.where if same else worst.population, wrong + more, remedy)


def binding(network: Network, target: Target) -> tuple[tuple[str, str, float], ...]:
    """Give for each population the resource that asks for most cores, and how many, worst first.

    The cores are a lower bound: what all its neurons take together, over one core's limit.
    """
    whole = Cutting(
        network, target, {p.name: grids(p.shape)[0] for p in network.populations}, Counts()
    )
    found = []
    for p in network.populations:
        known = [d for d in DEMANDS if d.resource in target.core.limits]
        needs = [
            (int(d.each(whole, p.name).sum()) / target.core.limits[d.resource], d.resource)
            for d in known
        ]
        most, resource = max(needs, default=(0.0, "neurons"))
        found.append((p.name, resource, most))
    return tuple(sorted(found, key=lambda f: -f[2]))


def least_cores(network: Network, target: Target) -> int:
    """Give the cores that no mapping can go below: all neurons take so much of some resource."""
    cutting = Cutting(
        network, target, {p.name: grids(p.shape)[0] for p in network.populations}, Counts()
    )
    names, limits = [p.name for p in network.populations], target.core.limits
    taken = {d.resource: sum(int(d.each(cutting, n).sum()) for n in names) for d in DEMANDS}
    return max((ceil(taken[r] / limit) for r, limit in limits.items()), default=0)


def _large_layers(network: Network, target: Target) -> Iterator[Excess]:
    """Name the layers that take more of a resource than the largest core has."""
    for name, layer in layers(network, target).items():
        for resource in LAYER_RESOURCES:
            limit = max(core.limits.get(resource, 0) for core in target.kinds)
            needed = layer.demand[resource]
            if needed > limit:
                yield Excess(population=name, resource=resource, needed=needed, limit=limit)


def _smaller(network: Network, target: Target) -> Iterator[str]:
    for name, layer in layers(network, target).items():
        channels = most_channels(layer, target)
        if 0 < channels < layer.channels:
            yield f"give {name} at most {channels} channels, it has {layer.channels}"


def excesses(network: Network, target: Target) -> Iterator[Excess]:
    """Give every limit of a core that one neuron of a population exceeds alone."""
    counts = Counts()
    for p in network.populations:
        for d in DEMANDS:
            limit = target.core.limits.get(d.resource)
            if limit is not None and d.resource != "out_axons":
                needed = _one_neuron(network, target, p, d.resource, counts)
                if needed > limit:
                    yield Excess(population=p.name, resource=d.resource, needed=needed, limit=limit)


def _one_neuron(
    network: Network, target: Target, population: Population, resource: str, counts: Counts
) -> int:
    """Give what the largest neuron takes: of blocks of one, only the largest sums count."""
    grid = grids(population.shape)[-1]
    demand = next(d for d in DEMANDS if d.resource == resource)
    cutting = Cutting(network, target, {population.name: grid}, counts)
    return int(np.max(demand.each(cutting, population.name)))


def _changes(network: Network, target: Target, excesses: list[Excess]) -> Iterator[str]:
    if excesses:
        yield _pruned(network, excesses)
    yield from _fewer_bits(network, target, excesses)
    least = max((e.factor for e in excesses), default=1.0)
    for factor in (f for f in FACTORS if f >= least):
        limits = {n: int(limit * factor) for n, limit in target.core.limits.items()}
        larger = replace(target, core=Core(count=target.core.count, limits=limits))
        needed = _needed(network, larger)
        if needed is not None and needed <= room(larger):
            yield f"a target whose cores are {factor} times as large: {needed} cores"
            break
    if target.mesh is not None and target.mesh.chips is not None and not excesses:
        needed = _needed(network, target)
        if needed is not None:
            chips = -(-needed // cores(target, target.mesh))
            yield f"{chips} chips, no more than {target.mesh.chips} of which can be joined"
    yield from _others(network, target)


def _pruned(network: Network, excesses: list[Excess]) -> str:
    """Say how many inputs each layer may read, where that alone is too much."""
    most: dict[str, Excess] = {}
    for e in excesses:  # the worst first
        most.setdefault(e.population, e)
    each = ", ".join(_reads(network, e) for e in most.values())
    return f"prune: let {each}"


def _reads(network: Network, excess: Excess) -> str:
    """Say what share of its inputs a layer may read, and how many channels that is."""
    share = excess.limit / excess.needed
    text = f"{excess.population} read {int(100 * share)}% of its inputs"
    sources = [network.population(p.source) for p in network.into(excess.population)]
    if len(sources) != 1 or sources[0].shape[0] == 1:
        return text
    channels = sources[0].shape[0]
    return f"{text} ({int(channels * share)} of the {channels} channels of {sources[0].name})"


def _fewer_bits(network: Network, target: Target, excesses: list[Excess]) -> Iterator[str]:
    """Say how many bits the weights may have, where synapses fill the cores."""
    widths = target.arithmetic
    if widths is None or any(e.resource != "synapse_bits" for e in excesses):
        return
    for bits in range(widths.weight_bits - 1, 0, -1):
        narrower = narrow(target, bits)
        if narrower.synapse_bits == target.synapse_bits:
            return
        needed = _needed(network, narrower)
        if needed is not None and needed <= room(target):
            yield f"weights of {bits} bits (--weight-bits {bits}): {needed} cores"
            return


def _others(network: Network, target: Target) -> Iterator[str]:
    """Name the other chips that come with the package and hold the network."""
    for name in target_names():
        other = load_target(name)
        if other.mesh is None or name == target.name:
            continue
        try:
            refuse_unsupported(network, other)
            needed = _cores(network, other, groups=False)
        except (CapacityError, UnsupportedError):
            continue
        if needed <= room(other):
            yield f"the target {name}: {needed} cores"


def _relays(network: Network, target: Target) -> Iterator[str]:
    if _needed(network, target, groups=True) is not None:
        kind = "graded spikes" if target.graded else "pairs of on and off neurons, which round them"
        yield f"pass partial sums from core to core, by {kind}"


def _needed(network: Network, target: Target, *, groups: bool = False) -> int | None:
    """Count the cores; None where one neuron does not fit."""
    try:
        return _cores(network, target, groups)
    except CapacityError:
        return None


def _cores(network: Network, target: Target, groups: bool) -> int:
    """Count the cores that `network` takes. Raises CapacityError or UnsupportedError."""
    if target.layers is not None:
        return len(set(map_layers(network, target).cores.values()))
    cut = split(network, target, groups=groups)
    refuse_spread(network, target, cut)
    blocks = sum(g.count for g in cut.values())
    if blocks <= room(target):
        return blocks
    return int(shared(taken(network, target, cut), target.core.limits).max()) + 1


def neurons(network: Network) -> int:
    """Count all neurons."""
    return sum(prod(p.shape) for p in network.populations)
