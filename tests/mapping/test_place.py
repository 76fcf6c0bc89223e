"""Places: no core twice, on the mesh, and close to those they talk to."""

from itertools import combinations, pairwise

import numpy as np
import pytest

from neurocomp.errors import CapacityError
from neurocomp.hw.read import load_target
from neurocomp.hw.target import Core, Mesh
from neurocomp.hw.topology import hops, position, snake
from neurocomp.mapping.grid import blocks
from neurocomp.mapping.place import place, spike_hops, swapped
from neurocomp.mapping.split import split
from neurocomp.mapping.traffic import traffic
from tests.mapping.nets import chain, drawn, identity, target

SMALL = Mesh(width=3, height=2, chips=None)


@pytest.mark.parametrize("seed", range(30))
def test_no_core_is_given_twice_and_all_lie_on_the_mesh(seed: int) -> None:
    net = drawn(seed)
    chip = target({"neurons": 24}, mesh=SMALL, core=Core(count=5, limits={"neurons": 24}))
    given = place(split(net, chip), net, chip)
    assert list(given) == list(blocks(split(net, chip)))
    assert len(set(given.values())) == len(given)
    chips = -(-len(given) // 5)
    allowed = snake(chip, SMALL, chips)
    assert {(p.chip, p.row, p.column) for p in given.values()} <= set(allowed)
    assert all(p.row < 2 and p.column < 3 and p.chip < chips for p in given.values())
    assert (chips - 1) * 5 < len(given)


@pytest.mark.parametrize("seed", range(20))
def test_the_same_network_gets_the_same_places(seed: int) -> None:
    net, chip = drawn(seed), target({"neurons": 24})
    grids = split(net, chip)
    assert place(grids, net, chip) == place(grids, net, chip)


@pytest.mark.parametrize("seed", range(20))
def test_swaps_never_add_hops(seed: int) -> None:
    rng = np.random.default_rng(seed)
    flow = rng.integers(0, 9, (9, 9)) * (rng.random((9, 9)) < 0.4)
    flow = np.triu(flow, 1) + np.triu(flow, 1).T
    seats = np.array([(y, x) for y in range(4) for x in range(4)])
    found = swapped(flow.astype(float), seats)
    assert len(set(found.tolist())) == 9
    assert spike_hops(flow, seats, found) <= spike_hops(flow, seats, np.arange(9))


@pytest.mark.parametrize("seed", range(20))
def test_no_single_swap_is_left_that_saves_hops(seed: int) -> None:
    rng = np.random.default_rng(seed)
    flow = rng.integers(0, 9, (7, 7))
    flow = np.pad(np.triu(flow, 1) + np.triu(flow, 1).T, (0, 5))
    seats = np.array([(y, x) for y in range(3) for x in range(4)])
    found = swapped(flow.astype(float), seats)
    least = spike_hops(flow, seats, found)
    for i, j in combinations(range(12), 2):
        other = found.copy()
        other[[i, j]] = found[[j, i]]
        assert spike_hops(flow, seats, other) >= least


def test_swaps_find_the_neighbours_of_a_scattered_pair() -> None:
    flow = np.zeros((6, 6))
    flow[0, 5] = flow[5, 0] = 7
    seats = np.array([(y, x) for y in range(2) for x in range(4)])
    assert spike_hops(flow, seats, np.arange(6)) == 7 * 2
    assert spike_hops(flow, seats, swapped(flow, seats)) == 7


def test_spike_hops_are_the_hops_of_single_neurons() -> None:
    net = drawn(7)
    chip = target({"neurons": 12})
    assert chip.mesh is not None
    grids = split(net, chip)
    given = list(place(grids, net, chip).values())
    sent = traffic(net, grids).toarray()
    nodes = [(p.chip, p.row, p.column) for p in given]
    chips = max(p.chip for p in given) + 1
    total = sum(
        sent[a, b] * hops(chip.mesh, chips, nodes[a], nodes[b]) for a, b in np.ndindex(sent.shape)
    )
    seats = np.array([position(chip.mesh, chips, node) for node in nodes])
    assert spike_hops(sent + sent.T, seats, np.arange(len(nodes))) == total > 0


def test_a_chain_of_blocks_has_one_hop_each() -> None:
    net = chain((1, 1, 1), *[identity((1, 1, 1))] * 9)
    chip = target({"neurons": 2})
    given = list(place(split(net, chip), net, chip).values())
    assert chip.mesh is not None
    for a, b in pairwise(given):
        assert hops(chip.mesh, 1, (0, a.row, a.column), (0, b.row, b.column)) == 1


def test_without_a_mesh_one_core_holds_all() -> None:
    net, ideal = drawn(5), load_target("ideal")
    given = place(split(net, ideal), net, ideal)
    assert len(given) == len(net.populations)
    assert {(p.chip, p.row, p.column) for p in given.values()} == {(0, 0, 0)}


def test_too_many_blocks_for_all_chips_are_refused() -> None:
    net = chain((9, 1, 1), identity((9, 1, 1)))
    chip = target({"neurons": 4}, mesh=Mesh(width=2, height=2, chips=2))
    says = r"^the network: needs 10 cores, 2 chip of 4 have 8 \(make it smaller: p0 alone takes 5\)"
    with pytest.raises(CapacityError, match=says):
        place(split(net, chip), net, chip)
