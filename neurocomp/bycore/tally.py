"""Compare what blocks gave, and count."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np

from neurocomp.arrays import Array
from neurocomp.bycore.report import ENGINE, CoreDifference, LayerCheck
from neurocomp.comparison import Difference
from neurocomp.engine import Result, spikes_in
from neurocomp.mapping.placement import Block
from neurocomp.mapping.sample import by_population
from neurocomp.program import Program
from neurocomp.simulation import Outcome
from neurocomp.snn.neurons import Given


@dataclass(slots=True)
class Tally:
    """What was compared so far."""

    program: Program
    names: tuple[str, ...]  # the engine and the backends
    run: dict[tuple[str, str], int] = field(default_factory=dict)
    values: dict[tuple[str, str], int] = field(default_factory=dict)
    wrong: dict[tuple[str, str], int] = field(default_factory=dict)
    first: dict[str, CoreDifference] = field(default_factory=dict)
    seen: set[Block] = field(default_factory=set)

    def engine(self, blocks: Sequence[Block], wanted: Outcome, recorded: Result) -> None:
        """Compare what was recorded with what the oracle does with the same blocks."""
        for block in blocks:
            if block not in self.seen:
                self.seen.add(block)
                silent = block.population in recorded.membranes
                v = recorded.membranes[block.population] if silent else None
                spikes = wanted.spikes[str(block)]
                fired = spikes if silent else spikes_in(recorded, block.population, block.box)
                here = None if v is None else v[:, :, *block.box.slices]
                self.compare(ENGINE, block, wanted, fired, here)

    def backend(self, name: str, blocks: Sequence[Block], wanted: Outcome, found: Outcome) -> None:
        """Compare what a backend gave for isolated blocks."""
        for block in blocks:
            key = str(block)
            self.compare(name, block, wanted, found.spikes[key], found.v.get(key))

    def compare(
        self, name: str, block: Block, wanted: Outcome, fired: Array, v: Array | None
    ) -> None:
        """Count the values that differ, and note the first."""
        key = name, block.population
        spikes, membrane = wanted.spikes[str(block)], wanted.v.get(str(block))
        wrong, values = spikes != fired, spikes.size
        if membrane is not None and v is not None:
            differ = membrane != v
            wrong = wrong | (differ.any(axis=-1) if differ.ndim > wrong.ndim else differ)
            values += membrane.size
        self.run[key] = self.run.get(key, 0) + 1
        self.values[key] = self.values.get(key, 0) + values
        self.wrong[key] = self.wrong.get(key, 0) + int(wrong.sum())
        if wrong.any() and name not in self.first:
            at = tuple(int(i) for i in np.argwhere(wrong)[0])
            self.first[name] = self._difference(block, at, wanted, fired, v)

    def _difference(
        self, block: Block, at: tuple[int, ...], wanted: Outcome, fired: Array, v: Array | None
    ) -> CoreDifference:
        membrane = wanted.v.get(str(block))
        both = None if membrane is None or v is None else (membrane[at], v[at])
        begin = [low for low, _ in block.box.ranges]
        c, y, x = (i + low for i, low in zip(at[2:], begin, strict=True))
        place = self.program.placement.cores.get(block)
        core = "the host" if place is None else f"core ({place.row}, {place.column})"
        return CoreDifference(
            core=core if place is None else f"{core} of chip {place.chip}",
            block=block,
            at=Difference(
                sample=at[0],
                step=at[1] + 1,
                population=block.population,
                neuron=(c, y, x),
                expected=int(wanted.spikes[str(block)][at]),
                found=int(fired[at]),
                v_expected=None if both is None else _number(both[0]),
                v_found=None if both is None else _number(both[1]),
            ),
        )

    def layers(self) -> tuple[LayerCheck, ...]:
        """Give what was compared of each population."""
        every = by_population(self.program.placement)
        found = []
        for p in self.program.network.populations:
            each = {
                what: {n: counts.get((n, p.name), 0) for n in self.names}
                for what, counts in (
                    ("run", self.run),
                    ("values", self.values),
                    ("mismatches", self.wrong),
                )
            }
            blocks = 1 if isinstance(p.neuron, Given) else len(every[p.name])
            found.append(LayerCheck(name=p.name, neurons=prod(p.shape), blocks=blocks, **each))
        return tuple(found)


def _number(membrane: Array) -> float:
    """Give one membrane; of a neuron with compartments, the fullest one's."""
    return float(np.max(membrane))
