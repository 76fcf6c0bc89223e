"""The text that makes one neuron process, and the arrays it reads."""

from math import prod

import numpy as np

from neurocomp.arrays import Array
from neurocomp.snn.network import Network, Population
from neurocomp.snn.neurons import Accumulator, IntegrateAndFire
from neurocomp.snn.synapses import Window


def population_text(
    network: Network, population: Population, name: str
) -> tuple[str, dict[str, Array]]:
    """Give the call that makes `population` as the process `name`, and its arrays by file name."""
    neuron = population.neuron
    rest, arrays = _value("v_init", population.v_init, name)
    arguments = [f'name="{name}"', "run=run", f"shape={population.shape}", rest]
    exponent = f"weight_exponent={base_exponent(network, population.name)}"
    if isinstance(neuron, IntegrateAndFire):
        full = np.broadcast_to(neuron.v_threshold, population.shape)
        threshold, more = _value("v_threshold", full, name)
        arrays |= more
        arguments += [threshold, f'reset="{neuron.reset}"', exponent]
    elif isinstance(neuron, Accumulator):
        arguments += [exponent, f"readout={population.name == network.readout}"]
    else:
        arguments.append(f"taps={_taps(network, population)}")
    arguments.append(f"start_step={population.start_step}")
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


def _taps(network: Network, population: Population) -> int:
    windows = [p.synapse for p in network.into(population.name)]
    return next(prod(w.kernel) for w in windows if isinstance(w, Window))
