"""The text that makes one neuron process, and the arrays it reads."""

import numpy as np

from neurocomp.arrays import Array
from neurocomp.snn.estimates import Exponential, Fir
from neurocomp.snn.network import Network, Population
from neurocomp.snn.neurons import (
    Accumulator,
    Given,
    Graded,
    IntegrateAndFire,
    Integrating,
    MaxGate,
    MaxIntegrateAndFire,
)


def population_text(
    network: Network, population: Population, name: str
) -> tuple[str, dict[str, Array]]:
    """Give the call that makes `population` as the process `name`, and its arrays by file name."""
    neuron = population.neuron
    if isinstance(neuron, Given):
        return _input_spikes(population, name), {}
    rest, arrays = _value("v_init", population.v_init, name)
    arguments = [f'name="{name}"', "run=run", f"shape={population.shape}", rest]
    exponent = f"weight_exponent={base_exponent(network, population.name)}"
    if isinstance(neuron, IntegrateAndFire):
        full = np.broadcast_to(neuron.v_threshold, population.shape)
        threshold, more = _value("v_threshold", full, name)
        arrays |= more
        arguments += [threshold, f'reset="{neuron.reset}"', exponent]
    elif isinstance(neuron, MaxIntegrateAndFire):
        threshold, more = _value("v_threshold", neuron.v_threshold, name)
        arrays |= more
        arguments += [threshold, f"taps={network.taps(population.name)}", exponent]
    elif isinstance(neuron, Graded):
        arguments.append(f"quantum={neuron.quantum!r}")
    elif isinstance(neuron, Accumulator):
        arguments += [exponent, f"readout={population.name == network.readout}"]
    else:
        arguments.append(f"taps={network.taps(population.name)}")
        arguments += _estimate(neuron)
    arguments.append(f"start_step={population.start_step}")
    if isinstance(neuron, Integrating) and neuron.membrane is not None:
        arguments.append(f"membrane={(neuron.membrane.bits, neuron.membrane.overflow)!r}")
    inner = "".join(f"        {argument},\n" for argument in arguments)
    return f"{name} = {type(neuron).__name__}(\n{inner}    )", arrays


def base_exponent(network: Network, name: str) -> int:
    """Give the weight exponent that the neurons of the population called `name` apply.

    A float network's weights carry theirs.
    """
    exponents = [p.weight_exponent for p in network.into(name)]
    return min(exponents, default=0) if network.integer else 0


def _value(what: str, values: Array, name: str) -> tuple[str, dict[str, Array]]:
    """Write one number where all neurons have the same, else the name of its array."""
    if (values == values.flat[0]).all():
        return f"{what}={values.flat[0].item()!r}", {}
    return f'{what}=array("{name}_{what}")', {f"{name}_{what}": values}


def _input_spikes(population: Population, name: str) -> str:
    inner = "".join(f"        {a},\n" for a in (f'name="{name}"', "run=run"))
    return f"{name} = InputSpikes(\n{inner}        shape={population.shape},\n    )"


def _estimate(gate: MaxGate) -> list[str]:
    """Give the arguments that say how the gate estimates rates, where it does not just count."""
    if isinstance(gate.estimate, Exponential):
        return [f"decay_shift={gate.estimate.shift}"]
    return [f"weights={gate.estimate.weights}"] if isinstance(gate.estimate, Fir) else []
