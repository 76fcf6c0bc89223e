"""Populations as Brian2 NeuronGroups: their arrays, and their part of run.py."""

from math import prod

import numpy as np

from neurocomp.arrays import Array
from neurocomp.snn.estimates import Average, Estimate, Exponential
from neurocomp.snn.network import Network, Population
from neurocomp.snn.neurons import (
    Accumulator,
    Graded,
    IntegrateAndFire,
    Integrating,
    MaxGate,
    MaxIntegrateAndFire,
    Poisson,
    Recorded,
)


def population_arrays(population: Population) -> dict[str, Array]:
    """Give what the population's .npz holds, each (neurons,)."""
    if isinstance(population.neuron, MaxIntegrateAndFire):  # all taps have the same
        theta = population.neuron.v_threshold[..., 0]
        return {"v_init": population.v_init[..., 0].ravel(), "theta": theta.ravel()}
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
        case MaxGate(estimate=estimate):
            body = _gate(index, population, network.taps(population.name) or 1, estimate)
        case MaxIntegrateAndFire():
            body = _compartments(index, population, network.taps(population.name) or 1)
        case Graded(quantum=quantum):
            body = _graded(index, network, driven, quantum)
        case Poisson() | Recorded():
            body = _given(index, population)
        case Accumulator():
            body = _integrator(index, population, driven, "", "")
        case IntegrateAndFire(reset="subtract"):
            body = _integrator(index, population, driven, _THETA, _fires(population, "v -= theta"))
        case IntegrateAndFire(reset="zero"):
            body = _integrator(index, population, driven, _THETA, _fires(population, "v = 0"))
        case IntegrateAndFire():
            body = _integrator(index, population, driven, _THETA, _fires(population, "v = 0"))
            kept = "v * (1 - int(active))" if _active(population) else "0"
            body += f'p{index}.run_regularly("v = {kept}", when="resets")\n'
    return f"{_comment(index, population)}\n{body}"


_RULES = {
    "Average": "Each gate passes the tap that has fired most so far",
    "Exponential": "Each gate passes the tap whose spikes, older ones counting less, are most",
    "Fir": "Each gate passes the tap whose weighted spikes of the last steps are most",
}
_THETA = "\n    theta : 1 (constant)  # threshold"


def _fires(population: Population, reset: str) -> str:
    return f'\n    threshold="{_condition(population)}v >= theta",\n    reset="{reset}",'


def _comment(index: int, population: Population) -> str:
    channels, rows, columns = population.shape
    size = f"{channels} x {rows} x {columns} neurons"
    return f"# p{index}: {population.name!r}, {size}, from step {population.start_step}"


def _active(population: Population) -> str:
    """Give the equation of "has started"; empty where it always has."""
    first = population.start_step - 1
    text = f"\n    active = t_in_timesteps % LENGTH >= {first} : boolean (shared)"
    return text if first > 0 else ""


def _condition(population: Population) -> str:
    return "active and " if _active(population) else ""


def _once_active(population: Population, drive: str) -> str:
    return f"int(active) * {drive}" if _active(population) else drive.strip("()")


def _held(population: Population, v: str) -> list[str]:
    """Write what a membrane of few bits keeps of its sum `v`; nothing where none leaves it."""
    neuron = population.neuron
    membrane = neuron.membrane if isinstance(neuron, Integrating) else None
    if membrane is None:
        return []
    limit, half = float(membrane.limit), float(membrane.limit + 1)
    if membrane.overflow == "saturate":
        return [f"{v} = clip({v}, {-limit}, {limit})"]
    return [f"{v} = {v} - {2 * half} * floor(({v} + {half}) / {2 * half})"]


def _integrator(index: int, population: Population, driven: bool, theta: str, fires: str) -> str:
    name = f"p{index}"
    # What is constant is set here, what an analog input adds to is set at each sample.
    constant = "" if driven else " (constant)"
    current = f"{name}.current = drive[{index}][0]\n"
    timed = f"{name}_current = TimedArray(drive[{index}], dt=PERIOD)\n"
    each = f"; current = {name}_current(t, i)" if driven else ""
    added = f"v += {_once_active(population, '(drive + current)')}"
    step = "; ".join([added, *_held(population, "v"), "drive = 0"])
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


def _compartments(index: int, population: Population, taps: int) -> str:
    """Write neurons with a membrane for each tap, of which the greatest fires."""
    name = f"p{index}"
    states = "".join(f"\n    v{k} : 1\n    tap{k} : 1\n    current{k} : 1" for k in range(taps))
    timed = "".join(
        f"{name}_current{k} = TimedArray(drive[{index}][:, {k}::{taps}], dt=PERIOD)\n"
        for k in range(taps)
    )
    fresh = [
        line
        for k in range(taps)
        for line in (f"v{k} = v_init", f"tap{k} = 0", f"current{k} = {name}_current{k}(t, i)")
    ]
    added = [_once_active(population, f"(tap{k} + current{k})") for k in range(taps)]
    kept = [_held(population, f"v{k}") for k in range(taps)]
    step = [line for k in range(taps) for line in (f"v{k} += {added[k]}", *kept[k], f"tap{k} = 0")]
    reset = [line for k in range(taps) for line in (f"v{k} -= theta", *kept[k])]
    full = " or ".join(f"v{k} >= theta" for k in range(taps))
    return f'''\
# Each tap has a membrane; the greatest fires, and all of them give up the threshold.
{name}_arrays = host.read_npz(HERE / "{name}.npz")
{name} = NeuronGroup(
    {prod(population.shape)},
    """
    v_init : 1 (constant){_THETA}{states}{_active(population)}
    """,
    threshold="{_condition(population)}({full})",
    reset={_lines(reset)},
    name="{name}",
)
{name}.v_init = {name}_arrays["v_init"]
{name}.theta = {name}_arrays["theta"]
{timed}{name}.run_regularly(
    {_lines(fresh)},
    dt=PERIOD,
    when="start",
)
{name}.run_regularly(
    {_lines(step)},
    when="groups",
)
'''


def late_states(network: Network, name: str) -> int:
    """Count the earlier messages that graded neurons keep for projections that delay them."""
    return max((p.delay_steps for p in network.projections if p.source == name), default=1) - 1


def _graded(index: int, network: Network, driven: bool, quantum: float) -> str:
    """Write neurons that send a number in every step; their synapses read it, or a late one."""
    population, name = network.populations[index], f"p{index}"
    late = late_states(network, population.name)
    states = "".join(f"\n    late{k} : 1" for k in range(1, late + 1))
    constant = "" if driven else " (constant)"
    current = f"{name}.current = drive[{index}][0]\n"
    timed = f"{name}_current = TimedArray(drive[{index}], dt=PERIOD)\n"
    fresh = ["v = v_init", "drive = 0", "message = 0"]
    fresh += [f"late{k} = 0" for k in range(1, late + 1)]
    fresh += [f"current = {name}_current(t, i)"] if driven else []
    shifts = [f"late{k} = late{k - 1}" for k in range(late, 1, -1)]
    shifts += ["late1 = message"] if late else []
    on = "int(active) * " if _active(population) else ""
    step = [*shifts, f"v = {on}(drive + current)", f"message = floor(v / {quantum!r} + 0.5)"]
    return f'''\
# Graded neurons: every step each sends a number, to all of its synapses.
{name}_arrays = host.read_npz(HERE / "{name}.npz")
{name} = NeuronGroup(
    {prod(population.shape)},
    """
    v : 1  # what this step brought
    message : 1  # in units of {quantum!r}
    drive : 1
    current : 1{constant}  # bias and analog input
    v_init : 1 (constant){states}{_active(population)}
    """,
    threshold="v == v",
    reset="",
    name="{name}",
)
{name}.v_init = {name}_arrays["v_init"]
{timed if driven else current}\
{name}.run_regularly(
    {_lines(fresh)},
    dt=PERIOD,
    when="start",
)
{name}.run_regularly(
    {_lines([*step, "drive = 0"])},
    when="groups",
)
'''


def _given(index: int, population: Population) -> str:
    """Write spikes that the host has drawn, or that were recorded."""
    name = f"p{index}"
    return f'''\
{name}_sample, {name}_step, {name}_neuron = np.nonzero(given[{index}])
{name} = SpikeGeneratorGroup(
    {prod(population.shape)},
    {name}_neuron,
    ({name}_sample * LENGTH + {name}_step) * STEP,
    name="{name}",
)
'''


def _estimated(population: Population, estimate: Estimate, k: int) -> tuple[str, list[str]]:
    """Give a tap's further states, and the lines that bring count{k}, its estimate, up to date."""
    if isinstance(estimate, Average):
        return "", [f"count{k} += {_once_active(population, f'tap{k}')}"]
    if isinstance(estimate, Exponential):
        change = f"(tap{k} * {2**16} - floor(count{k} / {2**estimate.shift}))"
        return "", [f"count{k} += {_once_active(population, change)}"]
    last = len(estimate.weights) - 1
    states = "".join(f"\n    late{k}_{j} : 1" for j in range(last + 1))
    sources = [f"tap{k}", *(f"late{k}_{j}" for j in range(last))]
    shifts = [
        f"late{k}_{j} += {_once_active(population, f'({sources[j]} - late{k}_{j})')}"
        for j in reversed(range(last + 1))
    ]
    terms = " + ".join(f"{w} * late{k}_{j}" for j, w in enumerate(estimate.weights))
    return states, [*shifts, f"count{k} = {terms}"]


def _gate(index: int, population: Population, taps: int, estimate: Estimate) -> str:
    name = f"p{index}"
    each = [_estimated(population, estimate, k) for k in range(taps)]
    states = "".join(f"\n    tap{k} : 1\n    count{k} : 1{each[k][0]}" for k in range(taps))
    counts = [line for _, lines in each for line in lines]
    chain = _chain(taps)
    empty = [f"tap{k} = 0" for k in range(taps)]
    further = [word for word in states.split() if word.startswith("late")]
    fresh = _lines(
        [*empty, *(f"count{k} = 0" for k in range(taps)), *(f"{w} = 0" for w in further)]
    )
    step = _lines([*counts, *chain, *empty])
    return f'''\
# {_RULES[type(estimate).__name__]}, of equal taps the first.
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
