"""The text form of networks, against files."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from neurocomp.snn.network import Current, Input, Network, Population, Projection
from neurocomp.snn.neurons import Accumulator, IntegrateAndFire, MaxGate
from neurocomp.snn.synapses import Conv, Dense, Sparse, Window
from neurocomp.snn.text import text


def branching() -> Network:
    """Make a network with every neuron model and every synapse, and a branch."""
    pixels, features = (1, 4, 5), (2, 4, 5)
    pooled = (2, 2, 3)
    silent = np.zeros(pooled, np.int64)
    first = Conv(weight=np.arange(18).reshape(2, 1, 3, 3) / 16, pre_shape=pixels, pads=(1, 1, 1, 1))
    dense = Dense(weight=np.arange(36).reshape(3, 12) - 9, pre_shape=pooled, post_shape=(3, 1, 1))
    odd = Conv(
        weight=np.full((2, 1, 2, 1), 3),
        pre_shape=features,
        strides=(2, 2),
        dilations=(2, 1),
        pads=(0, 0, 1, 0),
        groups=2,
    )
    few = Sparse(
        weight=np.array([7, -7]),
        pre=np.array([0, 11]),
        post=np.array([0, 2]),
        pre_shape=pooled,
        post_shape=(3, 1, 1),
    )
    return Network(
        inputs=(Input(name="pixels", shape=pixels, low=0.0, high=1.0, grid=2.0**-16),),
        currents=(
            Current(source="pixels", target="conv", synapse=first, scale=np.ones((1, 1, 1))),
        ),
        populations=(
            Population(
                name="conv",
                shape=features,
                neuron=IntegrateAndFire(v_threshold=np.full(features, 64)),
                v_init=np.full(features, 32),
                bias=np.arange(40).reshape(features) - 20,
            ),
            Population(
                name="max",
                shape=pooled,
                neuron=MaxGate(),
                v_init=silent,
                bias=silent,
                start_step=2,
            ),
            Population(
                name="odd",
                shape=pooled,
                neuron=IntegrateAndFire(
                    v_threshold=np.arange(1, 13).reshape(pooled) * 64, reset="zero"
                ),
                v_init=silent,
                bias=silent,
                start_step=2,
            ),
            Population(
                name="classes",
                shape=(3, 1, 1),
                neuron=Accumulator(),
                v_init=np.zeros((3, 1, 1), np.int64),
                bias=np.full((3, 1, 1), -5),
                start_step=3,
            ),
        ),
        projections=(
            Projection(
                source="conv",
                target="max",
                synapse=Window(
                    pre_shape=features, kernel=(2, 2), strides=(2, 2), pads=(0, 0, 0, 1)
                ),
            ),
            Projection(source="conv", target="odd", synapse=odd, weight_exponent=6),
            Projection(source="max", target="classes", synapse=dense),
            Projection(source="odd", target="classes", synapse=few, delay_steps=3),
        ),
        readout="classes",
    )


def test_every_part_has_its_line(golden: Callable[[str, str], None]) -> None:
    golden("snn/branching.txt", text(branching()))


def test_a_float_network_says_so() -> None:
    whole = branching()
    floats = tuple(replace(p, bias=p.bias * 0.5) for p in whole.populations)
    assert text(replace(whole, populations=floats)).startswith("network (float), readout classes\n")


def test_no_weights_are_written_as_none() -> None:
    empty = Sparse(
        weight=np.zeros(0),
        pre=np.zeros(0, np.int64),
        post=np.zeros(0, np.int64),
        pre_shape=(2, 2, 3),
        post_shape=(3, 1, 1),
    )
    whole = branching()
    last = replace(whole.projections[-1], synapse=empty)
    assert "from odd: Sparse 0 none, delay 3\n" in text(
        replace(whole, projections=(*whole.projections[:-1], last))
    )
