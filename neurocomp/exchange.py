"""What a simulator counted in a run, beside what the mapper counts for the same spikes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from neurocomp.arrays import Array
from neurocomp.mapping.cost import cost
from neurocomp.mapping.placed import placed
from neurocomp.program import Program
from neurocomp.simulation import Outcome

SOMA = ("neuron", "spike")
NETWORK = ("packet", "column_hop", "row_hop")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """One quantity of a whole run."""

    what: str
    ours: float
    simulated: float

    @property
    def difference(self) -> float:
        """Give the relative difference."""
        return abs(self.ours - self.simulated) / max(abs(self.simulated), 1e-300)


def beside(program: Program, outcome: Outcome) -> tuple[Counted, ...]:
    """Give what the simulator counted, and what we count; nothing where it counts nothing.

    Our numbers come from where `program` places its neurons and the spikes that the simulator gave,
    never from its counts. Sums over all samples and steps; messages to the own core count. The time
    is that of the slower of core and link in the mean step, of which the simulator knows more.
    """
    return tuple(_each(program, outcome)) if outcome.costs else ()


def _each(program: Program, outcome: Outcome) -> Iterator[Counted]:
    spikes: dict[str, float | Array] = {
        n: s.sum(axis=(0, 1)).astype(float) for n, s in outcome.spikes.items()
    }
    for p in program.network.populations:
        spikes.setdefault(p.name, 0.0)  # the readout
    layout = placed(program.network, program.target, program.placement, spikes)
    found = cost(layout)
    samples, steps = outcome.readout.shape[:2]
    events = {**found.events, "neuron": found.events["neuron"] * samples * steps}
    updates = samples * steps * sum(int(np.prod(p.shape)) for p in program.network.populations)
    totals = {key: each.sum(axis=0) for key, each in outcome.costs.items()}
    hops = events.get("column_hop", 0.0) + events.get("row_hop", 0.0)
    for what, ours, theirs in (
        ("packets", events["packet"], "packets"),
        ("hops", hops, "hops"),
        ("synaptic events", events["synapse"], "synapses"),
        ("spikes", events["spike"], "spikes"),
        ("updates of neurons", float(updates), "updates"),
    ):
        yield Counted(what=what, ours=ours, simulated=float(totals[theirs]))
    price = program.target.energy_pj
    pj = {event: price[event] * n for event, n in events.items() if event in price}
    synapse, dendrite, soma, network = (float(e) * 1e9 for e in totals["energy_j"])
    for what, own, nj in (
        ("energy of synapses, nJ", ("synapse",), synapse + dendrite),
        ("energy of neurons, nJ", SOMA, soma),
        ("energy of messages, nJ", NETWORK, network),
        ("energy, nJ", tuple(pj), synapse + dendrite + soma + network),
    ):
        yield Counted(what=what, ours=sum(pj.get(e, 0.0) for e in own) / 1000, simulated=nj)
    mean = {name: rate / (samples * steps) for name, rate in spikes.items()}
    step_ns = cost(replace(layout, rates=mean, flow=layout.flow / (samples * steps))).step_ns
    if step_ns is not None:
        ours, simulated = step_ns * samples * steps / 1000, float(totals["time_s"]) * 1e6
        yield Counted(what="time, us", ours=ours, simulated=simulated)
