"""Whole layers on cores of several kinds: memory in powers of two, a matching, what is refused."""

import os
import subprocess
import sys
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from neurocomp.errors import CapacityError, UnsupportedError
from neurocomp.hw.read import load_target
from neurocomp.hw.target import Core, Layers, Target
from neurocomp.mapping.advice import advise
from neurocomp.mapping.chain import map_network
from neurocomp.mapping.cost import cost
from neurocomp.mapping.lay import lay
from neurocomp.mapping.layers import Layer, assigned, layers, power
from neurocomp.mapping.utilisation import utilisation
from neurocomp.snn.network import Network, Projection
from neurocomp.snn.rates import assumed
from neurocomp.snn.synapses import Conv, Dense, Synapse
from tests.mapping.nets import chain, identity, network, population

SPECK = load_target("speck2f")
LOOSE = replace(SPECK, v_init_per=None)


def conv(
    channels: int, pre: tuple[int, int, int], side: int, *, pool: int = 1, **more: object
) -> Conv:
    """Give a convolution of distinct weights behind a sum pool."""
    weight = np.arange(channels * pre[0] * side * side).reshape(channels, pre[0], side, side) + 1
    weight = weight.repeat(pool, axis=2).repeat(pool, axis=3)
    return Conv(weight=weight, pre_shape=pre, **more)  # type: ignore[arg-type]  # geometry


def dense(post: int, pre: tuple[int, int, int], *, pool: int = 1) -> Dense:
    channels, rows, columns = pre
    weight = np.arange(post * channels * rows * columns // pool**2)
    weight = weight.reshape(post, channels, rows // pool, columns // pool)
    weight = weight.repeat(pool, axis=2).repeat(pool, axis=3).reshape(post, -1)
    return Dense(weight=weight, pre_shape=pre, post_shape=(post, 1, 1))


def test_the_worked_example_of_the_documentation() -> None:
    net = chain((16, 64, 64), conv(32, (16, 64, 64), 3, pads=(1, 1, 1, 1)))
    layer = layers(net, LOOSE)["p1"]
    assert (layer.kernel_words, layer.neuron_words) == (8 * 1024, 128 * 1024)
    says = (
        r"p1: needs 131,072 neuron_words, the largest core of speck2f has 65,536 "
        r"\(give it 16 channels, it has 32\)"
    )
    with pytest.raises(CapacityError, match=says):
        map_network(Network(
            inputs=net.inputs, currents=(), populations=net.populations[1:], projections=(),
            readout="p1",
        ), LOOSE)  # fmt: skip


@pytest.mark.parametrize(("count", "least"), [(1, 1), (2, 2), (3, 4), (9, 16), (16, 16), (17, 32)])
def test_an_address_has_whole_bits(count: int, least: int) -> None:
    assert power(count) == least


@pytest.mark.parametrize("pool", [1, 2, 4])
def test_a_pool_is_found_in_the_kernel_that_it_was_folded_into(pool: int) -> None:
    made = conv(8, (3, 16, 16), 3, pool=pool, strides=(pool, pool))
    found = layers(chain((3, 16, 16), made), LOOSE)["p1"]
    assert (found.pool, found.kernel, found.strides) == (pool, (3, 3), (1, 1))
    assert found.kernel_words == 3 * 16 * 8
    flat = layers(chain((3, 16, 16), dense(10, (3, 16, 16), pool=pool)), LOOSE)["p1"]
    assert (flat.pool, flat.kernel) == (pool, (16 // pool, 16 // pool))
    assert flat.kernel_words == 3 * (16 // pool) ** 2 * 16


def test_what_is_no_pool_is_none() -> None:
    strided = conv(8, (3, 16, 16), 3, pool=2)  # strides by 1
    other = conv(8, (3, 16, 16), 4, strides=(2, 2))  # of distinct weights
    for made in (strided, other):
        assert layers(chain((3, 16, 16), made), LOOSE)["p1"].pool == 1


def kinds(*each: tuple[int, int, int]) -> Target:
    """Give a target of these kinds: count, kernel words, neuron words."""
    cores = [
        Core(count=n, limits={"kernel_words": k, "neuron_words": w}, name=f"kind {i}")
        for i, (n, k, w) in enumerate(each)
    ]
    return replace(SPECK, name="chip", core=cores[0], other_cores=tuple(cores[1:]))


def sized(name: str, kernel: int, neurons: int) -> Layer:
    return Layer(
        name=name, channels_in=kernel, channels=1, kernel=(1, 1), strides=(1, 1), padding=0,
        dilation=1, pool=1, input_size=(1, 1), output_size=(1, neurons),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(60))
def test_a_matching_is_found_where_one_of_all_orders_is(seed: int) -> None:
    rng = np.random.default_rng(seed)
    chip = kinds(*((int(rng.integers(1, 3)), *map(int, 2 ** rng.integers(0, 4, 2))) for _ in "abc"))
    cores = [kind for kind in chip.kinds for _ in range(kind.count or 0)]
    count = int(rng.integers(1, len(cores) + 1))
    found = {f"l{i}": sized(f"l{i}", *map(int, 2 ** rng.integers(0, 4, 2))) for i in range(count)}
    possible = any(
        all(layer.fits(core) for layer, core in zip(found.values(), order, strict=False))
        for order in permutations(cores, count)
    )
    if possible:
        given = assigned(found, chip)
        assert len(set(given.values())) == count
        assert all(found[name].fits(cores[core]) for name, core in given.items())
    else:
        with pytest.raises(CapacityError):
            assigned(found, chip)


def test_layers_that_want_the_same_cores_are_named() -> None:
    chip = kinds((1, 8, 8), (2, 1, 1))
    says = r"l\d: needs 8 kernel_words and 1 neuron_words, which cores of kind 0 have, and l\d need"
    with pytest.raises(CapacityError, match=says):
        assigned({"l0": sized("l0", 8, 1), "l1": sized("l1", 8, 1)}, chip)


def test_no_kind_that_has_both_is_told() -> None:
    chip = kinds((1, 8, 1), (1, 1, 8))
    says = r"l0: needs 8 kernel_words and 8 neuron_words, and no core of chip has both"
    with pytest.raises(CapacityError, match=says):
        assigned({"l0": sized("l0", 8, 8)}, chip)


def test_more_layers_than_cores_are_told() -> None:
    net = chain((1, 1, 1), *[dense(1, (1, 1, 1))] * 9)
    with pytest.raises(CapacityError, match=r"has 10 layers, a speck2f has 9 cores"):
        map_network(net, LOOSE)


def lenet() -> Network:
    first = conv(6, (1, 28, 28), 5)
    second = conv(16, (6, 24, 24), 5, pool=2, strides=(2, 2))
    return chain(
        (1, 28, 28), first, second, dense(120, (16, 8, 8), pool=2), dense(84, (120, 1, 1)),
        dense(10, (84, 1, 1)),
    )  # fmt: skip


def test_a_lenet_is_laid_whole() -> None:
    net = lenet()
    placement = map_network(net, LOOSE)
    places = list(placement.cores.values())
    assert len(places) == len(set(places)) == 6
    for block, place in placement.cores.items():
        limits = LOOSE.limits(place.column)
        assert all(placement.demand[block][name] <= limit for name, limit in limits.items())
    used = utilisation(placement, LOOSE)
    assert (used.cores, used.chips, used.binding) == (6, 1, "kernel_words")
    assert used.resources["kernel_words"].used == 32 * 1024
    found = cost(lay(net, LOOSE, assumed(net, 0.1)))
    assert found.hops == 0 and found.packets > 0
    assert found.energy_pj["synapse"] is None and found.step_ns is None


CHANGES: tuple[tuple[Synapse, str], ...] = (
    (conv(1, (1, 64, 64), 17), r"p1: has a kernel with a side of 17, speck2f allows 16 \(make"),
    (conv(1, (1, 64, 64), 3, strides=(3, 3)), r"p1: strides by 3, speck2f by one of 1, 2, 4, 8"),
    (conv(1, (1, 9, 9), 15, pads=(8, 8, 8, 8)), r"p1: has a padding of 8, speck2f allows 7 \(pad"),
    (conv(1, (1, 200, 200), 8, strides=(8, 8)), r"p1: has an input with a side of 200, .* 128"),
    (conv(1, (1, 128, 128), 1), r"p1: has an output with a side of 128, speck2f allows 64 \(str"),
    (conv(1, (1, 9, 9), 3, dilations=(2, 2)), r"p1: has a dilation of 2, speck2f allows 1"),
    (dense(1, (1025, 1, 1)), r"p1: has input channels: 1,025, speck2f allows 1,024"),
    (identity((2, 4, 4)), r"p0 -> p1: is read by single synapses, a core of speck2f runs conv"),
)


@pytest.mark.parametrize(("synapse", "says"), CHANGES)
def test_what_a_core_cannot_run_is_named(synapse: Synapse, says: str) -> None:
    with pytest.raises(UnsupportedError, match=says):
        map_network(chain(synapse.pre_shape, synapse), LOOSE)


def test_every_reason_is_told_at_once() -> None:
    net = chain((1, 64, 64), conv(1, (1, 64, 64), 17, strides=(3, 3)))
    biased = replace(net.populations[1], bias=net.populations[1].bias + 1)
    net = replace(net, populations=(net.populations[0], biased))
    with pytest.raises(UnsupportedError) as caught:
        map_network(net, SPECK)
    assert "cannot be put on speck2f, for 3 reasons:" in str(caught.value)
    for reason in ("p1: have biases, speck2f has none (train", "a side of 17", "strides by 3"):
        assert reason in str(caught.value)


def test_a_layer_is_read_by_two_others_at_most() -> None:
    shape = (1, 1, 1)
    each = [population(f"p{i}", shape) for i in range(4)]
    net = network(
        each,
        *(Projection(source="p0", target=f"p{i}", synapse=dense(1, shape)) for i in (1, 2, 3)),
    )
    with pytest.raises(UnsupportedError, match=r"p0: is read by 3 layers, speck2f allows 2"):
        map_network(net, LOOSE)


@pytest.mark.parametrize("sides", [(3, 3), (3, 1)])
def test_branches_that_meet_share_a_kernel_shape(sides: tuple[int, int]) -> None:
    shape = (2, 8, 8)
    each = [population("p0", shape), population("p1", shape), population("p2", (4, 8, 8))]
    links = [
        Projection(source=f"p{i}", target="p2", synapse=conv(4, shape, side, pads=(side // 2,) * 4))
        for i, side in enumerate(sides)
    ]
    net = network(each, *links)
    if sides[0] == sides[1]:
        assert layers(net, LOOSE)["p2"].channels_in == 4
        assert len(map_network(net, LOOSE).cores) == 3
    else:
        with pytest.raises(UnsupportedError, match=r"p2: reads 2 sources by kernels of different"):
            map_network(net, LOOSE)


def test_what_would_fit_is_advised_and_does() -> None:
    net = chain((16, 8, 8), conv(300, (16, 8, 8), 3, pads=(1, 1, 1, 1)))
    found = advise(net, LOOSE)
    assert [(e.population, e.resource, e.limit) for e in found.excesses] == [
        ("p1", "kernel_words", 65_536)
    ]
    assert found.changes == ("give p1 at most 256 channels, it has 300",)
    smaller = chain((16, 8, 8), conv(256, (16, 8, 8), 3, pads=(1, 1, 1, 1)))
    assert len(map_network(smaller, LOOSE).cores) == 2


def test_kinds_without_a_rule_are_refused() -> None:
    chip = replace(load_target("akd1000"), compartments=SPECK.compartments)
    with pytest.raises(UnsupportedError, match=r"^akd1000: has cores of several kinds \(CNP1 and"):
        map_network(chain((1, 1, 1), dense(1, (1, 1, 1))), chip)
    assert isinstance(SPECK.layers, Layers)


def test_the_same_layers_get_the_same_cores_in_every_process() -> None:
    code = (
        "from tests.mapping.test_layers import LOOSE, assigned, layers, lenet;"
        "print(assigned(layers(lenet(), LOOSE), LOOSE))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in range(3)
    }  # fmt: skip
    assert len(said) == 1
