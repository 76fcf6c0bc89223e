"""The best grids of all populations together: the fewest cores, then the fewest input axons.

From the last population to the first, with a beam of the best states. A state has cut some of
them; each of the others takes at least the cores that it takes by itself, and those that its output
axons need. Two states that cut alike all that the others still see are one, so that a beam which is
wide enough is dynamic programming. Source: Rueckauer et al. 2021 (NxTF) for the order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from neurocomp.arrays import Array
from neurocomp.errors import CapacityError, GraphError
from neurocomp.mapping.demand import (
    DEMANDS,
    Cutting,
    Demand,
    model,
    neuron_name,
    out_axons,
    out_of,
)
from neurocomp.mapping.extremes import extremes, largest, padded
from neurocomp.mapping.grid import Cut, Grid, grids, joined
from neurocomp.mapping.irregular import Irregular
from neurocomp.mapping.regular import Regular, sizes
from neurocomp.mapping.tiles import Tiles, tiles
from neurocomp.snn.network import Population

WORK = 2_000_000  # grids weighed, over all populations and states: the beam is as wide as it allows
WIDEST, NARROWEST = 256, 6
NEAR, SPARE = 2, 64  # tiles with up to so many times and more the fewest blocks are tried first
DEAD_END = 1e9  # cores: what a state seems to take whose neurons may reach more cores than they can
OUT_AXONS = next(d for d in DEMANDS if d.resource == "out_axons")


class State(NamedTuple):
    """Some populations cut."""

    bound: float  # cores of the whole network, at least
    axons: int  # input axons of what is cut
    cores: int  # of what is cut
    rest: float  # cores of the others, at least
    chosen: Mapping[str, int]  # which of its tiles each has
    sent: Mapping[str, int]  # output axons that what is cut asks of each population
    fan: Mapping[str, int]  # and of one of its neurons, at most


def best(
    whole: Cutting, order: Sequence[Population], groups: bool = False
) -> tuple[dict[str, Grid], dict[str, Tiles]]:
    """Give the best grid of each population, and all that fit; `order` has sources first.

    Raises CapacityError where a neuron does not fit.
    """
    every = {p.name: _tiles(whole, p, groups) for p in order}
    fewest = float(sum(found.blocks[0] for found in every.values()))
    beam = [State(fewest, 0, 0, fewest, {}, {}, {})]
    for left in range(len(order) - 1, -1, -1):
        own = every[order[left].name].blocks
        near = int(np.searchsorted(own, own[0] * NEAR + SPARE))
        into = out_of(whole.network, order[left].name)
        out = [(whole.counts.of(p.synapse), p.target) for p in into]
        step = Step(whole, order[: left + 1], every, out)
        found = step.advance(beam, near) or step.advance(beam, len(own))
        if not found:
            refuse_large_neuron(step.cutting(beam[0].chosen), order[left], OUT_AXONS)
            raise GraphError(order[left].name, "has no cut that fits, yet each neuron does")
        beam = found
    return {n: every[n].grid(i) for n, i in beam[0].chosen.items()}, every


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


def _tiles(whole: Cutting, population: Population, groups: bool) -> Tiles:
    found = tiles(whole, population, groups)
    if not len(found.blocks):
        for demand in DEMANDS:
            if demand.resource in whole.target.core.limits and demand is not OUT_AXONS:
                refuse_large_neuron(whole, population, demand)
        raise CapacityError(
            population.name, "has no cut that fits", "use a target with larger cores"
        )
    return found


@dataclass(frozen=True, eq=False, slots=True)
class Step:
    """Cutting the last population of `order`, with sources first, in every state of a beam."""

    whole: Cutting
    order: Sequence[Population]
    every: Mapping[str, Tiles]
    out: Sequence[tuple[Regular | Irregular, str]]  # counts and target of its projections
    reach: dict[tuple[int, ...], Array] = field(default_factory=dict)  # by the targets' cuts

    @property
    def own(self) -> Population:
        """Give the population that is cut."""
        return self.order[-1]

    def cutting(self, chosen: Mapping[str, int]) -> Cutting:
        """Give the network cut as a state has it."""
        return self.whole._replace(grids={n: self.every[n].grid(i) for n, i in chosen.items()})

    def advance(self, beam: list[State], most: int) -> list[State]:
        """Give the best states that cut it as well, by one of its first `most` tiles."""
        own = self.every[self.own.name].kept(np.arange(most))
        width = int(np.clip(WORK // (most * len(self.every)), NARROWEST, WIDEST))
        total = sum(own.axons.values(), start=np.zeros(most, dtype=np.int64))
        parts = [self._weighed(own, state) for state in beam]
        kept = np.concatenate([k for k, _ in parts])
        bound = np.concatenate([b for _, b in parts])
        of = np.repeat(np.arange(len(beam)), [len(k) for k, _ in parts])
        axons = np.array([s.axons for s in beam])[of] + total[kept]
        visible = self._visible()
        alike = _numbered([tuple(s.chosen[n] for n in s.chosen if n in visible) for s in beam])
        apart = self.own.name in visible or not self._plain()
        key = alike[of] * most + (kept if apart else 0)
        order = np.lexsort((axons, bound))
        first = np.sort(np.unique(key[order], return_index=True)[1])
        found: list[State] = []
        for i in order[first]:
            new = self._cut(own, beam[of[i]], int(kept[i]), float(bound[i]), int(axons[i]))
            if self._exactly(new.chosen):
                found.append(new)
                if len(found) == width:
                    break
        return found

    def _weighed(self, own: Tiles, state: State) -> tuple[Array, Array]:
        """Give the tiles whose output axons fit, and the least cores of the network with each."""
        kept = np.nonzero(self._out_fits(own, state.chosen))[0]
        bound = state.cores + state.rest + own.blocks[kept] - self._least(self.own.name, state.sent)
        for source, each in own.axons.items():
            if source != self.own.name:
                before = self._least(source, state.sent)
                sent = state.sent.get(source, 0) + each[kept]
                bound += np.maximum(0.0, sent / self._limit() - before)
                fan = state.fan.get(source, 0) + own.fan[source][kept]
                bound += DEAD_END * np.maximum(0.0, fan - self._limit())
        return kept, bound

    def _least(self, name: str, sent: Mapping[str, int]) -> float:
        """Give the fewest cores that hold a population and its output axons."""
        return max(float(self.every[name].blocks[0]), sent.get(name, 0) / self._limit())

    def _limit(self) -> float:
        return float(self.whole.target.core.limits.get("out_axons", np.inf))

    def _cut(self, own: Tiles, state: State, index: int, bound: float, axons: int) -> State:
        sent, fan = dict(state.sent), dict(state.fan)
        for source, each in own.axons.items():
            sent[source] = sent.get(source, 0) + int(each[index])
            fan[source] = fan.get(source, 0) + int(own.fan[source][index])
        chosen = {self.own.name: index, **state.chosen}
        cores = state.cores + int(own.blocks[index])
        return State(bound, axons, cores, bound - cores, chosen, sent, fan)

    def _visible(self) -> set[str]:
        """Name the populations whose cuts the output axons of those left depend on."""
        if "out_axons" not in self.whole.target.core.limits:
            return set()
        left = self.order[:-1]
        return {p.target for s in left for p in out_of(self.whole.network, s.name)}

    def _out_fits(self, own: Tiles, chosen: Mapping[str, int]) -> Array:
        """Say of every tile whether its blocks have enough output axons, (tiles,).

        Only projections with a closed form count; see `_exactly` for the others.
        """
        limit = self.whole.target.core.limits.get("out_axons")
        known = [
            (c, self.every[t].grid(chosen[t]))
            for c, t in self.out
            if isinstance(c, Regular) and t in chosen
        ]
        if limit is None or not known:
            return np.ones(len(own.blocks), dtype=bool)
        tops = [self._reach(axis, known) for axis in range(3)]
        each = np.full(len(known) + 1, self.whole.target.axon_entries)
        each[-1] *= self.whole.target.feeds_back(model(self.own.neuron))
        return largest(tops, own.at, each) <= limit

    def _reach(self, axis: int, known: list[tuple[Regular, Grid]]) -> Array:
        """Give for each cut of one axis the extreme numbers of target ranges that it reaches.

        The last term is what its own resets take.
        """
        atoms = self.whole.target.atoms if axis == 0 else 1
        key = (axis, *(len(grid.axes[axis]) for _, grid in known))
        if atoms > 1:
            key += tuple(grid.groups for _, grid in known)
        if key not in self.reach:
            cuts = self.every[self.own.name].axes[axis]
            if atoms > 1:
                self.reach[key] = padded([_axons(cut, known, atoms) for cut in cuts])
            else:
                each = [c.axes[axis].ranges(grid.axes[axis]) for c, grid in known]
                own = np.ones(self.own.shape[axis], dtype=np.int64)
                self.reach[key] = _sums(np.stack([*each, own], axis=1), cuts)
        return self.reach[key]

    def _plain(self) -> bool:
        """Say whether all its projections have a closed form, and none is a loop."""
        return all(isinstance(c, Regular) and t != self.own.name for c, t in self.out)

    def _exactly(self, chosen: Mapping[str, int]) -> bool:
        """Say whether the output axons fit; those with a closed form do already."""
        if self._plain() or "out_axons" not in self.whole.target.core.limits:
            return True
        return int(out_axons(self.cutting(chosen), self.own.name).max()) <= self._limit()


def _axons(cut: Cut, known: list[tuple[Regular, Grid]], atoms: int) -> Array:
    """Give the extreme axons of the ranges of one cut of the channels, and those of its resets."""
    each = [c.axes[0].axons_out(cut, grid.axes[0], grid.groups, atoms) for c, grid in known]
    own = -(-sizes(cut) // atoms)
    return extremes(np.stack([*each, own], axis=1))


def _numbered(keys: list[tuple[int, ...]]) -> Array:
    """Give equal keys the same number, (keys,)."""
    numbers: dict[tuple[int, ...], int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys])


def _sums(each: Array, cuts: Sequence[Cut]) -> Array:
    """Give the extreme sums of `each`, (indices, terms), over the ranges of every cut."""
    counts = np.array([len(cut) for cut in cuts])
    different, which = np.unique(counts, return_inverse=True)
    first, last, offsets = joined(len(each), tuple(different.tolist()))
    before = np.concatenate([np.zeros_like(each[:1]), np.cumsum(each, axis=0)])
    sums = before[last] - before[first]
    top = np.maximum.reduceat(sums, offsets, axis=0)
    reached = (sums == np.repeat(top, different, axis=0)).all(axis=1)
    if np.logical_or.reduceat(reached, offsets).all():
        return top[which][:, None]
    ends = [*offsets[1:], len(sums)]
    tops = padded([extremes(sums[a:b]) for a, b in zip(offsets, ends, strict=True)])
    return tops[which]
