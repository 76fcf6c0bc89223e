"""From a network to a placement, and how full its cores are."""

from dataclasses import replace

import numpy as np
import pytest

from neurocomp.errors import CapacityError, UnsupportedError
from neurocomp.hw.read import load_target
from neurocomp.hw.target import RESOURCES
from neurocomp.mapping.chain import map_network
from neurocomp.mapping.utilisation import utilisation
from neurocomp.snn.network import Network, Projection
from neurocomp.snn.neurons import Accumulator, MaxGate, Poisson
from neurocomp.snn.synapses import Conv, Dense, Synapse, Window
from tests.mapping.nets import chain, drawn, identity, network, population, target


def ones(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return np.ones(shape, dtype=np.int64)


def lenet() -> Network:
    """A LeNet whose pools are composed into the convolution that follows."""
    synapses: dict[str, Synapse] = {
        "conv2": Conv(weight=ones(16, 6, 10, 10), pre_shape=(6, 24, 24), strides=(2, 2)),
        "fc1": Dense(weight=ones(120, 1024), pre_shape=(16, 8, 8), post_shape=(120, 1, 1)),
        "fc2": Dense(weight=ones(84, 120), pre_shape=(120, 1, 1), post_shape=(84, 1, 1)),
        "out": Dense(weight=ones(10, 84), pre_shape=(84, 1, 1), post_shape=(10, 1, 1)),
    }
    populations, projections = [population("conv1", (6, 24, 24))], []
    for name, synapse in synapses.items():
        link = Projection(source=populations[-1].name, target=name, synapse=synapse)
        projections.append(link)
        neuron = Accumulator() if name == "out" else None
        populations.append(population(name, synapse.post_shape, neuron))
    return network(populations, *projections)


@pytest.mark.parametrize(
    ("name", "cores"), [("ideal", 1), ("loihi1", 16), ("loihi1-population", 16), ("loihi2", 17)]
)
def test_a_lenet_takes_so_many_cores(name: str, cores: int) -> None:
    found = utilisation(map_network(lenet(), load_target(name)), load_target(name))
    assert (found.cores, found.chips) == (cores, 1)
    assert found.binding == (None if name == "ideal" else "synapse_bits")
    assert all(u.limit is None or 0 < u.used <= u.limit for u in found.resources.values())


@pytest.mark.parametrize("seed", range(10))
def test_utilisation_is_of_the_fullest_core_and_of_all(seed: int) -> None:
    net, chip = drawn(seed), target({"neurons": 30, "in_axons": 10**6})
    placement = map_network(net, chip)
    found = utilisation(placement, chip)
    assert list(placement.cores) == list(placement.demand)
    assert found.cores == len(placement.cores)
    assert tuple(found.resources) == RESOURCES
    for resource, usage in found.resources.items():
        taken = [demand[resource] for demand in placement.demand.values()]
        assert (usage.used, usage.total) == (max(taken), sum(taken))
        assert usage.limit == {"neurons": 30, "in_axons": 10**6}.get(resource)
        assert usage.block is not None
        assert placement.demand[usage.block][resource] == usage.used
    assert found.binding == "neurons"
    assert found.resources["neurons"].share == found.resources["neurons"].used / 30


def test_blocks_that_share_a_core_are_added_up() -> None:
    found = utilisation(map_network(lenet(), load_target("ideal")), load_target("ideal"))
    neurons = found.resources["neurons"]
    assert neurons.used == neurons.total == 6 * 24 * 24 + 16 * 8 * 8 + 120 + 84 + 10
    assert neurons.block is not None and neurons.block.population == "conv1"


def test_all_gates_a_chip_lacks_are_named() -> None:
    window = Window(pre_shape=(1, 4, 4), kernel=(2, 2))
    pools = [population(f"pool{i}", (1, 3, 3), MaxGate()) for i in (1, 2)]
    net = network(
        [population("conv", (1, 4, 4)), *pools],
        *(Projection(source="conv", target=p.name, synapse=window) for p in pools),
    )
    says = (
        r"^pool1, pool2: loihi1 has no max_gate neuron, only subtract, zero, accumulator "
        r"\(compile with --max-pool relus, or use average pooling\)$"
    )
    with pytest.raises(UnsupportedError, match=says):
        map_network(net, load_target("loihi1"))
    assert len(map_network(net, load_target("ideal")).cores) == 3


def test_a_delay_that_is_too_long_is_named() -> None:
    net = network(
        [population("conv1", (2, 1, 1)), population("add", (2, 1, 1))],
        Projection(source="conv1", target="add", synapse=identity((2, 1, 1)), delay_steps=12),
    )
    with pytest.raises(
        CapacityError, match=r"^conv1 -> add: delays by 12 steps, loihi1 by at most 8 \(make the"
    ):
        map_network(net, load_target("loihi1"))
    assert map_network(net, load_target("loihi2")).cores


def test_analog_input_takes_no_axons() -> None:
    placement = map_network(chain((3, 1, 1)), target({"in_axons": 1, "out_axons": 1}))
    (demand,) = placement.demand.values()
    assert demand == {"neurons": 6, "synapse_bits": 0, "in_axons": 0, "out_axons": 0}


def test_spikes_that_the_host_sends_take_no_slots() -> None:
    sent = replace(population("sent", (2, 3, 3)), neuron=Poisson(seed=1))
    wires = Dense(weight=ones(4, 18), pre_shape=(2, 3, 3), post_shape=(4, 1, 1))
    link = Projection(source="sent", target="out", synapse=wires)
    net = network([sent, population("out", (4, 1, 1))], link)
    found = utilisation(map_network(net, load_target("loihi2")), load_target("loihi2"))
    assert found.resources["neurons"].total == 4
