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
    "graded",
)
RESOURCES = (
    "neurons",
    "synapse_bits",
    "in_axons",
    "out_axons",
)  # each counted in mapping/demand.py
LAYER_RESOURCES = ("kernel_words", "neuron_words")  # of cores that run a whole layer: [layers]

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
TIMES = {**EVENTS, "tick": "a step, where the chip takes the same real time for each"}
POWER = {"chip": "a chip that is used, whatever it does", "core": "each core that is used, beside"}

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
    weight_exponent: int  # as a rule
    weight_exponent_min: int | None = None  # of a projection; None: the chip has no other
    weight_exponent_max: int | None = None
    threshold_bits: int  # unsigned mantissa
    threshold_exponent: int
    bias_bits: int  # signed mantissa, symmetric
    bias_exponent_max: int  # chosen per population, 0..max
    state_bits: int  # signed
    overflow: Literal["saturate", "wrap"] | None = None  # of a membrane; None: not published
    proved_for: Literal["run", "step"] = "run"  # what no membrane leaves its bits in, see `narrow`

    @property
    def weight_exponents(self) -> tuple[int, int]:
        """Give the least and the greatest exponent that a projection's weights can have."""
        low, high = self.weight_exponent_min, self.weight_exponent_max
        rule = self.weight_exponent
        return (rule if low is None else low), (rule if high is None else high)

    @property
    def state_limit(self) -> int:
        """Give the greatest membrane."""
        return int(2 ** (self.state_bits - 1) - 1)

    @property
    def threshold_limit(self) -> int:
        """Give the greatest threshold."""
        return int(2**self.threshold_bits - 1 << self.threshold_exponent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """One kind of core: how many a chip has, and the limits of each by name of the resource.

    A limit that is absent was not published, or is none.
    """

    count: int | None  # per chip; None is no limit
    limits: Mapping[str, int]  # of RESOURCES, or of LAYER_RESOURCES where the target has layers
    name: str = ""  # where there are several kinds


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """What a core can run that runs a whole layer: a convolution, its neurons, and a sum pool.

    Nothing is cut: each population takes one core. A layer of features is a convolution whose
    kernel is as large as its input.
    """

    kernel: int  # rows or columns, at most
    strides: tuple[int, ...]  # that there are
    padding: int  # at most
    pools: tuple[int, ...]  # sum pools of the output that there are; 1 is none
    channels: int  # in or out, at most
    input_size: int  # rows or columns, at most
    output_size: int  # before the pool


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
class Packing:
    """How a core packs synapses into words: lists of entries, one list for each source.

    An entry is a prefix and up to so many synapses: sparse ones name their neuron, run-length ones
    the step from the one before, dense ones follow each other. A list of `bits` takes
    ceil((bits + end_bits) / word_bits) words. Counted in `mapping/packing.py`.
    """

    word_bits: int
    end_bits: int  # that stay free behind a list
    axon_words: int  # of one list, at most
    entry_synapses: int  # of one entry, at most
    prefix_bits: int  # of each entry: its format, and how many synapses
    index_bits_least: int
    index_bits_most: int
    skip_bits_least: int
    skip_bits_most: int
    formats: int  # of entries that one core knows
    strides: int  # the largest step of a format's indices, and how many offsets it may have
    bases: int  # places that an axon may shift its list by; lists are shared within those
    atoms: int = 1  # channels of a pixel that share an axon, at most; 1: each source has its own
    entries: int = 1  # output axons that an axon takes
    crossing: int = 0  # and more where it leaves its chip


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A chip that programs are compiled for."""

    name: str
    title: str
    compartments: Mapping[str, int]  # of MODELS: neuron slots that one neuron takes
    threshold_per: Literal["neuron", "population"]
    bias_per: Literal["neuron", "population", "none"] | None = None  # None: not published
    v_init_per: Literal["neuron", "population", "none"] | None = None  # None: not published
    max_delay_steps: int | None
    synapse_bits: int  # memory of one stored synapse
    stored: Literal["each", "kernel"] = "each"  # every synapse, or each weight once a core
    delay_bits: int = 0  # more for each synapse of a projection that delays by more than one step
    axon_bits: int = 0  # more for each input axon: where its list of synapses begins and ends
    packing: Packing | None = None  # None: synapses take their bits and no more
    arithmetic: Arithmetic | None  # None: float64 on the grid
    graded: Relay | None = None  # None: spikes carry no number
    core: Core  # the only kind, or the first
    other_cores: tuple[Core, ...] = ()
    layers: Layers | None = None  # None: populations are cut into blocks that fit a core
    mesh: Mesh | None  # None: one core that holds everything
    connections: Mapping[str, int] = field(default_factory=dict)  # of CONNECTIONS; absent: no limit
    energy_pj: Mapping[str, float] = field(default_factory=dict)  # of EVENTS; absent: not published
    time_ns: Mapping[str, float] = field(default_factory=dict)  # of TIMES; absent: not published
    power_mw: Mapping[str, float] = field(default_factory=dict)  # of POWER; absent: not published
    sources: Mapping[str, str]  # key of the file -> where its number is from

    @property
    def kinds(self) -> tuple[Core, ...]:
        """Give every kind of core, in the order in which they lie on the chip."""
        return self.core, *self.other_cores

    def limits(self, place: int) -> Mapping[str, int]:
        """Give the limits of the core at a place of the chip, counted row by row."""
        for kind in self.kinds:
            if kind.count is None or place < kind.count:
                return kind.limits
            place -= kind.count
        return self.core.limits

    @property
    def relay(self) -> Relay:
        """Give the relay of partial sums: graded spikes, or a pair of on and off neurons."""
        pair = Relay(slots=2, axons=2, synapse_bits=2 * self.synapse_bits, exact=False)
        return self.graded or pair

    @property
    def atoms(self) -> int:
        """Give the channels of one pixel that may share an axon."""
        return self.packing.atoms if self.packing else 1

    @property
    def axon_entries(self) -> int:
        """Give the output axons that one axon takes on the core that sends."""
        return self.packing.entries if self.packing else 1

    def feeds_back(self, model: str) -> bool:
        """Say whether neurons of `model` reset by a synapse of their own spike.

        Source: Rueckauer et al. 2021 (NxTF): of two compartments one spikes, the other integrates,
        and the spike takes the threshold from it.
        """
        return self.packing is not None and self.compartments.get(model, 1) > 1
