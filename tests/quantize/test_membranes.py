"""Membranes that may leave their bits: what is proved, what is counted, and what is refused."""

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from neurocomp.errors import CapacityError, UnsupportedError
from neurocomp.hw.narrow import bounded
from neurocomp.hw.read import load_target
from neurocomp.hw.target import Target
from neurocomp.quantize import quantize
from neurocomp.snn.neurons import IntegrateAndFire, Integrating
from neurocomp.snn.oracle import simulate
from tests.ann.corpus import CORPUS
from tests.ann.net import samples
from tests.quantize.test_quantize import chip, float_network

STEPS = 48


def narrowed(overflow: Literal["saturate", "wrap"], bits: int) -> Target:
    whole = chip()
    assert whole.arithmetic is not None
    return bounded(replace(whole, arithmetic=replace(whole.arithmetic, overflow=overflow)), bits)


@pytest.mark.parametrize("overflow", ["saturate", "wrap"])
@pytest.mark.parametrize("bits", [15, 18])
def test_sums_past_the_bits_are_simulated_and_counted(
    overflow: Literal["saturate", "wrap"], bits: int
) -> None:
    network = float_network(CORPUS["lenet"]())
    (source,) = network.inputs
    x = samples(CORPUS["lenet"](), 3)
    target = narrowed(overflow, bits)
    made = quantize(network, target, STEPS, samples={source.name: x})
    length = network.run_length(STEPS)
    past = dict.fromkeys(made.network.index, 0)
    for step in simulate(made.network, {source.name: x}, length):
        for p in made.network.populations:
            assert isinstance(p.neuron, Integrating) and p.neuron.membrane is not None
            assert p.neuron.membrane.bits == bits and p.neuron.membrane.overflow == overflow
            assert np.abs(step.v[p.name]).max() <= 2 ** (bits - 1)
            if step.t >= p.start_step:
                peak = step.peak[p.name]
                past[p.name] += int((p.neuron.membrane.hold(peak) != peak).sum())
            if step.t == p.start_step:  # one step from rest stays inside
                assert np.abs(step.peak[p.name]).max() < 2 ** (bits - 1)
    assert sum(past.values()) > 0
    for row in made.precision:
        p = made.network.population(row.name)
        sums = len(x) * p.v_init.size * (length - p.start_step + 1)
        assert row.overflowed == pytest.approx(past[row.name] / sums)


def test_by_default_nothing_leaves_its_bits_and_membranes_stay_plain() -> None:
    network = float_network(CORPUS["lenet"]())
    made = quantize(network, load_target("loihi1"), STEPS)
    neurons = [p.neuron for p in made.network.populations]
    assert all(isinstance(n, Integrating) and n.membrane is None for n in neurons)
    assert any(isinstance(n, IntegrateAndFire) for n in neurons)
    assert all(row.overflowed is None for row in made.precision)


def test_more_room_leaves_weights_more_levels() -> None:
    network = float_network(CORPUS["lenet"]())
    tight = quantize(network, chip(state_bits=20), STEPS)
    free = quantize(network, narrowed("saturate", 20), STEPS)
    for p in network.populations:
        assert (free.scale[p.name] >= tight.scale[p.name]).all()


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="spinnaker2 does past its bits was not published"):
        bounded(load_target("spinnaker2"), 16)
    with pytest.raises(CapacityError, match="are 25, loihi1 has 24"):
        bounded(load_target("loihi1"), 25)
    with pytest.raises(CapacityError, match="of ideal are not whole numbers"):
        bounded(load_target("ideal"), 16)
    with pytest.raises(CapacityError, match=r"bits in one step.*raise --membrane-bits"):
        quantize(float_network(CORPUS["lenet"]()), narrowed("saturate", 6), STEPS)
