"""Populations as Brian2 NeuronGroups: their arrays, and their part of run.py."""

from math import prod

import numpy as np

from neurocomp.arrays import Array
from neurocomp.snn.network import Network, Population
from neurocomp.snn.neurons import Accumulator, IntegrateAndFire, MaxGate
from neurocomp.snn.synapses import Window


def population_arrays(population: Population) -> dict[str, Array]:
    """Give what the population's .npz holds, each (neurons,)."""
    arrays = {"v_init": _flat(population.v_init, population)}
    if isinstance(population.neuron, IntegrateAndFire):
        arrays["theta"] = _flat(population.neuron.v_threshold, population)
    return arrays


def _flat(values: Array, population: Population) -> Array:
    return np.broadcast_to(values, population.shape).ravel()


def population_text(index: int, network: Network) -> str:
    """Write the NeuronGroup of the population at `index`."""
    population = network.populations[index]
    driven = any(c.target == population.name for c in network.currents)
    match population.neuron:
        case MaxGate():
            body = _gate(index, population, _taps(network, population))
        case Accumulator():
            body = _integrator(index, population, driven, "", "")
        case IntegrateAndFire(reset="subtract"):
            body = _integrator(index, population, driven, _THETA, _fires(population, "v -= theta"))
        case IntegrateAndFire():
            body = _integrator(index, population, driven, _THETA, _fires(population, "v = 0"))
    return f"{_comment(index, population)}\n{body}"


_THETA = "\n    theta : 1 (constant)  # threshold"


def _fires(population: Population, reset: str) -> str:
    return f'\n    threshold="{_condition(population)}v >= theta",\n    reset="{reset}",'


def _comment(index: int, population: Population) -> str:
    channels, rows, columns = population.shape
    size = f"{channels} x {rows} x {columns} neurons"
    return f"# p{index}: {population.name!r}, {size}, from step {population.start_step}"


def _taps(network: Network, population: Population) -> int:
    synapses = (p.synapse for p in network.into(population.name))
    kernels = [s.kernel for s in synapses if isinstance(s, Window)]
    return prod(kernels[0]) if kernels else 1


def _active(population: Population) -> str:
    """Give the equation of "has started"; empty where it always has."""
    first = population.start_step - 1
    text = f"\n    active = t_in_timesteps % LENGTH >= {first} : boolean (shared)"
    return text if first > 0 else ""


def _condition(population: Population) -> str:
    return "active and " if _active(population) else ""


def _once_active(population: Population, drive: str) -> str:
    return f"int(active) * {drive}" if _active(population) else drive.strip("()")


def _integrator(index: int, population: Population, driven: bool, theta: str, fires: str) -> str:
    name = f"p{index}"
    # What is constant is set here, what an analog input adds to is set at each sample.
    constant = "" if driven else " (constant)"
    current = f"{name}.current = drive[{index}][0]\n"
    timed = f"{name}_current = TimedArray(drive[{index}], dt=PERIOD)\n"
    each = f"; current = {name}_current(t, i)" if driven else ""
    step = f"v += {_once_active(population, '(drive + current)')}; drive = 0"
    loads = f'{name}.theta = {name}_arrays["theta"]\n' if theta else ""
    return f'''\
{name}_arrays = host.read_npz(HERE / "{name}.npz")
{name} = NeuronGroup(
    {prod(population.shape)},
    """
    v : 1  # membrane
    drive : 1  # what spikes brought
    current : 1{constant}  # bias and analog input
    v_init : 1 (constant){theta}{_active(population)}
    """,{fires}
    name="{name}",
)
{name}.v_init = {name}_arrays["v_init"]
{loads}{timed if driven else current}\
{name}.run_regularly("v = v_init; drive = 0{each}", dt=PERIOD, when="start")
{name}.run_regularly("{step}", when="groups")
'''


def _gate(index: int, population: Population, taps: int) -> str:
    name = f"p{index}"
    states = "".join(f"\n    tap{k} : 1\n    count{k} : 1" for k in range(taps))
    counts = [f"count{k} += {_once_active(population, f'tap{k}')}" for k in range(taps)]
    chain = _chain(taps)
    empty = [f"tap{k} = 0" for k in range(taps)]
    fresh = _lines(empty + [f"count{k} = 0" for k in range(taps)])
    step = _lines([*counts, *chain, *empty])
    return f'''\
# Each gate passes the tap that has fired most so far, of equal taps the first.
{name} = NeuronGroup(
    {prod(population.shape)},
    """
    passed : 1  # the spike that passes{states}{_active(population)}
    """,
    threshold="{_condition(population)}passed > 0",
    reset="",
    name="{name}",
)
{name}.run_regularly(
    {fresh},
    dt=PERIOD,
    when="start",
)
{name}.run_regularly(
    {step},
    when="groups",
)
'''


def _chain(taps: int) -> list[str]:
    """Write the comparisons of counts that end with the tap that `passed`.

    Every step has names of its own: Brian2 2.9 makes `a += c` of `a = a + c`, and in numpy that
    also changes what `a` was a name for.
    """
    most, leader, lines = "count0", "tap0", []
    for k in range(1, taps):
        lines.append(f"leader{k} = {leader} + int(count{k} > {most}) * (tap{k} - {leader})")
        leader = f"leader{k}"
        if k < taps - 1:
            lines.append(f"most{k} = {most} + int(count{k} > {most}) * (count{k} - {most})")
            most = f"most{k}"
    return [*lines, f"passed = {leader}"]


def _lines(statements: list[str]) -> str:
    return '"""\n    ' + "\n    ".join(statements) + '\n    """'
