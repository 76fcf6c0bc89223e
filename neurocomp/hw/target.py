"""What a chip is: its neuron models, its number formats, its limits per core, its mesh."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

MODELS = (  # integrate-and-fire by its reset, and others
    "subtract",
    "zero",
    "always",
    "accumulator",
    "max_gate",
    "max_subtract",
)
RESOURCES = (
    "neurons",
    "synapse_bits",
    "in_axons",
    "out_axons",
)  # each counted in mapping/demand.py

EVENTS = {
    "neuron": "a neuron's update, at every step",
    "spike": "what a neuron's spike takes beside its update",
    "synapse": "a synapse that a spike reaches",
    "packet": "a message to one core",
    "column_hop": "a message along a row, from column to column",
    "row_hop": "a message along a column, from row to row",
    "diagonal_hop": "a message to the next row and column, where routers have six links",
    "step": "the barrier at the end of a step",
}

CONNECTIONS = {
    "inputs": "values of a sample that the host may feed",
    "fan_in": "synapses into a neuron",
    "fan_out": "synapses out of a neuron",
    "cores": "cores that the spikes of a neuron may go to",
    "weights": "distinct weights of the synapses into a neuron",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arithmetic:
    """A chip's integers. A value is mantissa * 2^exponent, in units of the state's lowest bit."""

    weight_bits: int  # signed, symmetric: |mantissa| < 2^(bits - 1)
    weight_exponent: int
    threshold_bits: int  # unsigned mantissa
    threshold_exponent: int
    bias_bits: int  # signed mantissa, symmetric
    bias_exponent_max: int  # chosen per population, 0..max
    state_bits: int  # signed


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """One kind of core: how many a chip has, and the limits of each by name of the resource."""

    count: int | None  # per chip; None is no limit
    limits: Mapping[str, int]  # of RESOURCES; one that is absent was not published, or is no limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Mesh:
    """Routers of a chip lie on a mesh, each with some cores, and chips on a mesh of chips.

    A hop goes from router to router; cores of one router are no hops apart. One router with all
    cores of a chip is a star.
    """

    width: int  # routers of one chip
    height: int
    router_cores: int = 1
    links: Literal[4, 6] = 4  # of a router; six: diagonals to (row + 1, column + 1), and back
    chips: int | None  # the most that can be joined; None is no limit

    @property
    def places(self) -> int:
        """Count the places for cores on one chip."""
        return self.width * self.height * self.router_cores


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """What passing one neuron's partial sum from core to core takes of the two cores."""

    slots: int  # neuron slots on the core that sends
    axons: int  # output axons there, input axons on the core that receives
    synapse_bits: int  # on the core that receives
    exact: bool  # False: on and off spikes stand for the sum, which they round and clip


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A chip that programs are compiled for."""

    name: str
    title: str
    compartments: Mapping[str, int]  # of MODELS: neuron slots that one neuron takes
    threshold_per: Literal["neuron", "population"]
    max_delay_steps: int | None
    synapse_bits: int  # memory of one stored synapse
    stored: Literal["each", "kernel"] = "each"  # every synapse, or each weight once a core
    delay_bits: int = 0  # more for each synapse of a projection that delays by more than one step
    axon_bits: int = 0  # more for each input axon: where its list of synapses begins and ends
    arithmetic: Arithmetic | None  # None: float64 on the grid
    graded: Relay | None = None  # None: spikes carry no number
    core: Core
    mesh: Mesh | None  # None: one core that holds everything
    connections: Mapping[str, int] = field(default_factory=dict)  # of CONNECTIONS; absent: no limit
    energy_pj: Mapping[str, float] = field(default_factory=dict)  # of EVENTS; absent: not published
    time_ns: Mapping[str, float] = field(default_factory=dict)  # of EVENTS; absent: not published
    sources: Mapping[str, str]  # key of the file -> where its number is from

    @property
    def relay(self) -> Relay:
        """Give the relay of partial sums: graded spikes, or a pair of on and off neurons."""
        pair = Relay(slots=2, axons=2, synapse_bits=2 * self.synapse_bits, exact=False)
        return self.graded or pair
