"""The grids of one population whose blocks fit a core, whatever the other populations' are."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from neurocomp.errors import CapacityError
from neurocomp.mapping.demand import DEMANDS, Cutting, Demand, in_axons, neuron_name
from neurocomp.mapping.grid import Grid, grids
from neurocomp.snn.network import Population


class Group(NamedTuple):
    """Grids with the same number of blocks."""

    blocks: int
    grids: list[tuple[int, Grid]]  # input axons of all blocks, grid


@dataclass(frozen=True, eq=False, slots=True)
class Choices:
    """Groups of grids that fit, fewest blocks first, each found when it is asked for."""

    coming: Iterator[Group]
    found: list[Group] = field(default_factory=list)

    def group(self, index: int) -> Group | None:
        """Give one group; None after the last."""
        while len(self.found) <= index:
            following = next(self.coming, None)
            if following is None:
                return None
            self.found.append(following)
        return self.found[index]


def choices(whole: Cutting, population: Population) -> Choices:
    """Give the grids of `population` that fit; `whole` is the network uncut.

    Raises CapacityError where not even one neuron fits.
    """
    limits = whole.target.core.limits
    known = [d for d in DEMANDS if d.resource in limits and d.resource != "out_axons"]
    for demand in known:
        refuse_large_neuron(whole, population, demand)
    return Choices(_groups(whole, population, known))


def refuse_large_neuron(cutting: Cutting, population: Population, demand: Demand) -> None:
    """Raise CapacityError for the neuron that takes most, where a core has less."""
    limit = cutting.target.core.limits[demand.resource]
    alone = {**cutting.grids, population.name: grids(population.shape)[-1]}
    each = demand.each(cutting._replace(grids=alone), population.name)
    if int(each.max()) > limit:
        neuron = neuron_name(population, int(np.argmax(each)))
        wrong = f"a neuron needs {each.max()} {demand.resource}"
        raise CapacityError(
            neuron, f"{wrong}, a {cutting.target.name} core has {limit}", demand.remedy
        )


def fits(cutting: Cutting, name: str, demand: Demand) -> bool:
    """Say whether every block of a population has enough of one resource."""
    limit = cutting.target.core.limits.get(demand.resource)
    return limit is None or int(demand.each(cutting, name).max()) <= limit


def _groups(whole: Cutting, population: Population, known: list[Demand]) -> Iterator[Group]:
    name, limits = population.name, whole.target.core.limits
    uncut = [(int(d.each(whole, name).max()), limits[d.resource]) for d in known]
    least = max((-(-used // limit) for used, limit in uncut), default=1)
    group = Group(0, [])
    for grid in grids(population.shape):
        if grid.count < least:
            continue
        if grid.count != group.blocks:
            if group.grids:
                yield group
            group = Group(grid.count, [])
        cutting = whole._replace(grids={name: grid})
        if all(fits(cutting, name, d) for d in known):
            group.grids.append((int(in_axons(cutting, name).sum()), grid))
    if group.grids:
        yield group
