"""A program: all that a backend gets."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from neurocomp.arrays import Array
from neurocomp.hw.target import Target
from neurocomp.mapping.cost import Cost
from neurocomp.mapping.placement import Placement
from neurocomp.precision import Precision
from neurocomp.snn.network import Network


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Program:
    """A network in a chip's numbers, placed on its cores."""

    network: Network  # what the chip computes
    reference: Network  # the float network that it was quantized from
    scale: Mapping[
        str, Array
    ]  # population -> state units per float unit, broadcastable to its shape
    target: Target
    placement: Placement
    steps: int  # the readout accumulates over this many
    cost: Cost | None = None  # of a step; None: of a target without a mesh, or not counted
    precision: tuple[Precision, ...] = ()  # of each population that has numbers
    units: Mapping[str, Array] = field(default_factory=dict)  # value -> (channels,) of rate 1
