"""What a chip's connections cannot express is said with both numbers and a remedy."""

from dataclasses import replace

import numpy as np
import pytest

from neurocomp.errors import UnsupportedError
from neurocomp.hw.read import load_target
from neurocomp.mapping.chain import map_network
from neurocomp.mapping.connections import distinct_weights, fan_out
from neurocomp.mapping.counts import Counts
from neurocomp.snn.boxes import whole
from neurocomp.snn.network import Input
from neurocomp.snn.synapses import Conv, Dense, Sparse
from tests.mapping.nets import chain, drawn, target


def dense(weight: list[list[int]]) -> Dense:
    array = np.array(weight)
    post, pre = array.shape
    return Dense(weight=array, pre_shape=(pre, 1, 1), post_shape=(post, 1, 1))


NET = chain((3, 1, 1), dense([[1, 2, 3], [1, 1, 1]]))


@pytest.mark.parametrize(
    ("allowed", "says"),
    [
        ({"fan_in": 2}, r"^p1: has neurons with 3 inputs, chip allows 2 \(make the window smaller"),
        ({"fan_out": 1}, r"^p0: has neurons with 2 synapses out of them, chip allows 1 \(prune"),
        ({"weights": 2}, r"^p1: has neurons with 3 distinct weights, chip allows 2 \(quantize"),
        ({"cores": 1}, r"^p0: has neurons that send to 2 cores, chip allows 1 \(make the layers"),
        ({"inputs": 4}, r"^the input: has 9 values, chip allows 4 \(make the samples smaller\)"),
    ],
)
def test_what_is_too_much_is_named(allowed: dict[str, int], says: str) -> None:
    given = Input(name="x", shape=(1, 3, 3), low=0.0, high=1.0, grid=0.5)
    net = replace(NET, inputs=(given,))
    chip = target({"neurons": 2 if "cores" in allowed else 99}, connections=allowed)
    with pytest.raises(UnsupportedError, match=says):
        map_network(net, chip)
    enough = {"fan_in": 3, "fan_out": 2, "weights": 3, "cores": 2, "inputs": 9}
    assert map_network(net, replace(chip, connections=enough)).cores


@pytest.mark.parametrize("seed", range(40))
def test_the_synapses_out_of_a_neuron_are_those_that_are_listed(seed: int) -> None:
    for j in drawn(seed).projections:
        edges = j.synapse.edges(whole(j.synapse.post_shape))
        counted = np.bincount(edges.pre).max(initial=0)
        assert fan_out(Counts(), j.synapse) >= counted
        if isinstance(j.synapse, Dense | Sparse):
            assert fan_out(Counts(), j.synapse) == counted


def test_distinct_weights_are_of_one_neuron() -> None:
    assert distinct_weights(dense([[1, 2, 2, 0], [3, 3, 3, 3]])) == 2
    kernel = np.array([1, 2, 3, 3, 5, 5, 5, 0]).reshape(2, 1, 2, 2)
    assert distinct_weights(Conv(weight=kernel, pre_shape=(1, 4, 4))) == 3
    post, pre = np.array([0, 0, 1, 1, 1]), np.array([0, 1, 0, 1, 2])
    single = Sparse(
        weight=np.array([4, 4, 1, 2, 0]), pre=pre, post=post,
        pre_shape=(3, 1, 1), post_shape=(2, 1, 1),
    )  # fmt: skip
    assert distinct_weights(single) == 2


@pytest.mark.parametrize(("name", "key"), [("truenorth", "weights"), ("xylo2", "inputs")])
def test_chips_say_what_they_allow(name: str, key: str) -> None:
    chip = load_target(name)
    assert chip.connections[key] == {"weights": 4, "inputs": 16}[key]
    assert f"connections.{key}" in chip.sources
