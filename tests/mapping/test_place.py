"""Places: no core twice, on the mesh, and close to those they talk to."""

from itertools import pairwise

import numpy as np
import pytest

from neurocomp.errors import CapacityError
from neurocomp.hw.read import load_target
from neurocomp.hw.target import Core, Mesh, Target
from neurocomp.hw.topology import hops, snake
from neurocomp.mapping.arrange import Effort
from neurocomp.mapping.chain import map_network, mapped
from neurocomp.mapping.grid import blocks
from neurocomp.mapping.lay import Wishes
from neurocomp.mapping.placement import Place, Placement
from neurocomp.mapping.split import split
from neurocomp.mapping.traffic import traffic
from neurocomp.snn.network import Network
from neurocomp.snn.rates import assumed
from tests.mapping.nets import chain, drawn, identity, target

SMALL = Mesh(width=3, height=2, chips=None)
FEWEST = Wishes(groups=False, extra=0.0)


def spike_hops(net: Network, chip: Target, placement: Placement) -> float:
    """Count the hops of single spikes, one a neuron and core that it reaches."""
    assert chip.mesh is not None
    sent = traffic(net, split(net, chip)).toarray()
    nodes = [(p.chip, p.row, p.column) for p in placement.cores.values()]
    chips = max(p.chip for p in placement.cores.values()) + 1
    pairs = np.ndindex(sent.shape)
    return sum(sent[a, b] * hops(chip.mesh, chips, nodes[a], nodes[b]) for a, b in pairs)


def in_order(placement: Placement, chip: Target) -> Placement:
    """Give the same blocks along the snake through the chips."""
    assert chip.mesh is not None
    path = snake(chip, chip.mesh, max(p.chip for p in placement.cores.values()) + 1)
    at = (Place(chip=c, row=y, column=x) for c, y, x in path)
    return Placement(cores=dict(zip(placement.cores, at, strict=False)), demand=placement.demand)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("mesh", [SMALL, Mesh(width=2, height=2, chips=None, router_cores=2)])
def test_no_core_is_given_twice_and_all_lie_on_the_mesh(seed: int, mesh: Mesh) -> None:
    net = drawn(seed)
    chip = target({"neurons": 24}, mesh=mesh, core=Core(count=5, limits={"neurons": 24}))
    given = map_network(net, chip, FEWEST).cores
    assert list(given) == list(blocks(split(net, chip)))
    assert len(set(given.values())) == len(given)
    chips = max(p.chip for p in given.values()) + 1
    assert {(p.chip, p.row, p.column) for p in given.values()} <= set(snake(chip, mesh, chips))


@pytest.mark.parametrize("seed", range(20))
def test_the_same_network_gets_the_same_places(seed: int) -> None:
    net, chip = drawn(seed), target({"neurons": 24})
    assert map_network(net, chip).cores == map_network(net, chip).cores


@pytest.mark.parametrize("seed", range(20))
def test_places_are_no_worse_than_the_order_of_the_network(seed: int) -> None:
    net, chip = drawn(seed), target({"neurons": 12})
    found = map_network(net, chip, FEWEST)
    assert spike_hops(net, chip, found) <= spike_hops(net, chip, in_order(found, chip))


@pytest.mark.parametrize("seed", range(10))
def test_the_cost_is_that_of_the_places(seed: int) -> None:
    net, chip = drawn(seed), target({"neurons": 12})
    found = mapped(net, chip, {p.name: 1.0 for p in net.populations}, FEWEST)
    assert found.cost is not None
    assert found.cost.hops == pytest.approx(spike_hops(net, chip, found.placement))


def test_small_blocks_share_a_core_where_they_may() -> None:
    net = chain((3, 1, 1), *[identity((3, 1, 1))] * 9)
    chip = target({"neurons": 12})
    alone = map_network(net, chip, FEWEST)
    shared = map_network(net, chip, Wishes(groups=False, extra=0.0, share=True))
    assert list(shared.cores) == list(alone.cores)
    assert len(set(alone.cores.values())) == 10
    used: dict[Place, int] = {}
    for block, place in shared.cores.items():
        used[place] = used.get(place, 0) + shared.demand[block]["neurons"]
    assert len(used) < 10
    assert max(used.values()) <= 12


def test_more_moves_are_never_worse() -> None:
    net, chip = chain((9, 9, 1), *[identity((9, 9, 1))] * 5), target({"neurons": 9})
    costs = []
    for moves in (0, 2**15, 10**6):
        wishes = Wishes(groups=False, extra=0.0, effort=Effort(moves=moves))
        found = mapped(net, chip, assumed(net, 1.0), wishes).cost
        assert found is not None
        costs.append(found.hops)
    assert costs == sorted(costs, reverse=True)


def test_a_chain_of_blocks_has_one_hop_each() -> None:
    net = chain((1, 1, 1), *[identity((1, 1, 1))] * 9)
    chip = target({"neurons": 2})
    given = list(map_network(net, chip).cores.values())
    assert chip.mesh is not None
    for a, b in pairwise(given):
        assert hops(chip.mesh, 1, (0, a.row, a.column), (0, b.row, b.column)) == 1


def test_without_a_mesh_one_core_holds_all() -> None:
    net, ideal = drawn(5), load_target("ideal")
    given = map_network(net, ideal).cores
    assert len(given) == len(net.populations)
    assert {(p.chip, p.row, p.column) for p in given.values()} == {(0, 0, 0)}
    assert mapped(net, ideal, assumed(net, 1.0)).cost is None


def test_too_many_blocks_for_all_chips_are_refused() -> None:
    net = chain((9, 1, 1), identity((9, 1, 1)))
    chip = target({"neurons": 4}, mesh=Mesh(width=2, height=2, chips=2))
    says = r"^the network: needs 9 cores, 2 chip of 4 have 8 \(make it smaller: p0 alone takes 5\)"
    with pytest.raises(CapacityError, match=says):
        map_network(net, chip, FEWEST)
