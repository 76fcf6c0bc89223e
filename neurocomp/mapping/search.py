"""The best cut of all populations together: the fewest cores, then the fewest input axons.

A* from the last population to the first. A state has cut some of them, and the others take at least
the cores that each takes by itself. Two states that cut alike all that the others see are one.
"""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from neurocomp.errors import GraphError
from neurocomp.mapping.choices import Choices, choices, fits, refuse_large_neuron
from neurocomp.mapping.demand import DEMANDS, Cutting, out_of
from neurocomp.mapping.grid import Grid
from neurocomp.snn.network import Population

PATIENCE = 10_000  # states; after them the search goes for the nearest end, best or not
OUT_AXONS = next(d for d in DEMANDS if d.resource == "out_axons")


@dataclass(frozen=True, order=True, slots=True)
class State:
    """Some populations cut, and which group of grids to try for the next."""

    hurry: int  # 0; of states found after patience has ended, as `left`
    extra: int  # cores beyond those that each population takes by itself
    axons: int  # of what is cut
    serial: int
    left: int = field(compare=False)  # populations still to cut
    group: int = field(compare=False)
    grids: Mapping[str, Grid] = field(compare=False)


def best(whole: Cutting, order: Sequence[Population]) -> Mapping[str, Grid]:
    """Give the best grid of each population; `order` has sources before their targets.

    Raises CapacityError where a neuron reaches more cores than it has output axons.
    """
    every = [choices(whole, population) for population in order]
    heap = [State(0, 0, 0, 0, len(order), 0, {})]
    seen: set[tuple[object, ...]] = set()
    deepest, serial = heap[0], 0
    while heap:
        state = heapq.heappop(heap)
        if not state.left:
            return state.grids
        deepest = min(deepest, state, key=lambda s: s.left)
        key = (state.left, state.group, *_visible(whole, order[: state.left], state.grids))
        if key in seen:
            continue
        seen.add(key)
        for new in _successors(whole, order[state.left - 1], every[state.left - 1], state):
            serial += 1
            hurry = new.left if len(seen) >= PATIENCE else 0
            heapq.heappush(heap, replace(new, serial=serial, hurry=hurry))
    refuse_large_neuron(whole._replace(grids=deepest.grids), order[deepest.left - 1], OUT_AXONS)
    raise GraphError(order[deepest.left - 1].name, "has no cut that fits, yet each neuron does")


def _visible(
    whole: Cutting, left: Sequence[Population], grids: Mapping[str, Grid]
) -> Iterator[tuple[str, Grid]]:
    """Give the grids that the output axons of the populations left depend on."""
    if "out_axons" in whole.target.core.limits:
        names = {p.target for source in left for p in out_of(whole.network, source.name)}
        yield from ((name, grid) for name, grid in grids.items() if name in names)


def _successors(
    whole: Cutting, population: Population, own: Choices, state: State
) -> Iterator[State]:
    """Give the states that cut `population` by a grid of the group, and that of the next group."""
    group, following = own.group(state.group), own.group(state.group + 1)
    if group is None:
        return
    if following is not None:
        extra = state.extra + following.blocks - group.blocks
        yield replace(state, extra=extra, group=state.group + 1)
    for axons, grid in group.grids:
        grids = {**state.grids, population.name: grid}
        cutting = whole._replace(grids=grids)
        if fits(cutting, population.name, OUT_AXONS):
            added = state.axons + axons
            yield replace(state, axons=added, left=state.left - 1, group=0, grids=grids)
