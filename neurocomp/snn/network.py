"""The spiking network: inputs, populations, projections, and what must be true of them.

Steps are t = 1..T. For a population p, with s the spikes (0 or 1) of its sources:

    drive(t) = bias + current + sum over projections of 2^exponent W . s_source(t - delay_steps)
    v(t)     = v(t-1) + drive(t)              v(0) = v_init
    s(t)     = 1 where v(t) >= v_threshold    then the neuron model's reset

(graded neurons send whole numbers instead, and keep no v), and nothing at all before p's
start_step. Numbers are float64 on a grid (see `grid.py`) or int64, never both in one network; every
sum is exact, so the order of adding does not matter.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from neurocomp.arrays import Array, Shape
from neurocomp.snn.neurons import Neuron
from neurocomp.snn.synapses import Pooled, Synapse, Window


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Input:
    """An analog input.

    Samples are clipped to [low, high], the range that was calibrated, and rounded to multiples of
    `grid`, a power of two, so that sums over them are exact. The host brings their axes into the
    network's order: many images come with the channels last.
    """

    name: str
    shape: Shape  # (channels, rows, columns)
    low: float
    high: float
    grid: float
    order: tuple[int, ...] = (0, 1, 2)  # axis i of the shape is axis order[i] of a sample

    @property
    def sample_shape(self) -> Shape:
        """Give the shape of one sample as it comes."""
        return tuple(self.shape[self.order.index(axis)] for axis in range(3))

    def prepare(self, samples: Array) -> Array:
        """Give `samples`, (samples, ...), on the grid, as float64 (samples, *shape)."""
        given = samples.reshape(len(samples), *self.sample_shape)
        moved = given.transpose(0, *(axis + 1 for axis in self.order)).astype(np.float64)
        return np.rint(np.clip(moved, self.low, self.high) / self.grid) * self.grid


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Current:
    """Analog input as a constant current: the same drive at every step, computed once a sample.

    drive = quantum * rint(scale / quantum * (W . x)), computed on the host in float64.
    Source: Rueckauer et al. 2017, equation 10; NxTF adds it to the bias in the same way.
    """

    source: str
    target: str
    synapse: Synapse  # float64 weights, on the grid
    scale: Array  # broadcastable to the target's shape: units of the drive per unit of W . x
    quantum: float = 1.0  # the drive is a multiple of this

    def drive(self, prepared: Array) -> Array:
        """Give the drive, (samples, *target shape), of samples on the input's grid."""
        return np.rint(self.synapse.apply(prepared) * (self.scale / self.quantum)) * self.quantum


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Population:
    """Neurons of one model, one shape, and one first step.

    The arrays of neurons whose taps have a membrane each have one more axis for them.
    """

    name: str
    shape: Shape  # (channels, rows, columns)
    neuron: Neuron
    v_init: Array  # (channels, rows, columns)
    bias: Array  # (channels, rows, columns)
    start_step: int = 1  # before it the population does nothing


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Projection:
    """Synapses from every spike of `source` to `target`."""

    source: str
    target: str
    synapse: Synapse
    delay_steps: int = 1  # from spike to arrival
    weight_exponent: int = 0  # the drive is the synapse's times 2^weight_exponent
    resets: bool = False  # between the two halves of a pair: see `pairs.py`


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Network:
    """A spiking network. `readout` names the accumulator whose membrane is the result."""

    inputs: tuple[Input, ...]
    currents: tuple[Current, ...]
    populations: tuple[Population, ...]
    projections: tuple[Projection, ...]
    readout: str
    index: Mapping[str, Population] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Index the populations by name."""
        object.__setattr__(self, "index", {p.name: p for p in self.populations})

    def population(self, name: str) -> Population:
        """Give the population called `name`."""
        return self.index[name]

    def into(self, name: str) -> tuple[Projection, ...]:
        """Give the projections into the population called `name`."""
        return tuple(p for p in self.projections if p.target == name)

    def arriving(self, name: str) -> tuple[Synapse, ...]:
        """Give the synapses of all projections and currents into the population called `name`."""
        currents = (c.synapse for c in self.currents if c.target == name)
        return (*(p.synapse for p in self.into(name)), *currents)

    def taps(self, name: str) -> int | None:
        """Count the taps of the windows into the population called `name`; None without windows."""
        kernels = [s.kernel for s in self.arriving(name) if isinstance(s, Window | Pooled)]
        return kernels[0][0] * kernels[0][1] if kernels else None

    def drive_shape(self, population: Population) -> Shape:
        """Give the shape of what `population` gets in a step: its own, or one more axis of taps."""
        taps = self.taps(population.name)
        return population.shape if taps is None else (*population.shape, taps)

    @property
    def integer(self) -> bool:
        """Say whether the numbers are a chip's integers, not the float grid."""
        return all(p.bias.dtype.kind == "i" for p in self.populations)

    def run_length(self, steps: int) -> int:
        """Give the steps a sample takes so that the readout accumulates over `steps` of them."""
        return steps + self.population(self.readout).start_step - 1
