"""Where each block of neurons lies."""

from collections.abc import Mapping
from dataclasses import dataclass

from neurocomp.snn.boxes import Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A box of one population: what one core holds of it."""

    population: str
    box: Box

    def __str__(self) -> str:
        """Write the block as `conv1[0:6,0:12,0:24]`."""
        return f"{self.population}{self.box}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A core's position: its chip and its mesh coordinates there."""

    chip: int
    row: int
    column: int


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Placement:
    """Block -> core, in the order of the network's populations."""

    cores: Mapping[Block, Place]
    demand: Mapping[Block, Mapping[str, int]]  # what each block uses of each resource
