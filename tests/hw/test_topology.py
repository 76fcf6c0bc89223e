"""The graph of cores against the closed form of its distances."""

from dataclasses import replace
from itertools import pairwise

import networkx as nx
import pytest

from neurocomp.hw.read import load_target
from neurocomp.hw.target import Core, Mesh
from neurocomp.hw.topology import chip_position, cores, hops, position, router, snake, topology
from neurocomp.mapping.floor import floor

MESH = Mesh(width=3, height=2, chips=None)
MESHES = (
    MESH,
    Mesh(width=3, height=2, links=6, chips=None),
    Mesh(width=3, height=2, router_cores=4, chips=None),
    Mesh(width=1, height=1, router_cores=16, links=6, chips=None),
)


@pytest.mark.parametrize("mesh", MESHES)
@pytest.mark.parametrize("chips", [1, 2, 4, 5, 6])
def test_hops_are_the_shortest_paths_of_the_graph(chips: int, mesh: Mesh) -> None:
    graph = topology(mesh, chips)
    assert len(graph) * mesh.router_cores == chips * mesh.places
    wide = mesh.router_cores
    for (chip, row, column), lengths in nx.all_pairs_shortest_path_length(graph):
        for (other, down, along), length in lengths.items():
            core, end = (chip, row, column * wide), (other, down, along * wide + wide - 1)
            least = hops(mesh, chips, core, end)
            assert length == least if chips != 5 else length >= least
            assert router(mesh, end) == (other, down, along)


def test_chips_lie_close_to_a_square() -> None:
    assert [chip_position(c, 4) for c in range(4)] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert [chip_position(c, 3) for c in range(3)] == [(0, 0), (0, 1), (1, 0)]


def test_links_between_chips_are_marked() -> None:
    crossing = [bool(c) for *_, c in topology(MESH, 2).edges(data="crossing")]
    assert crossing.count(True) == 2
    assert crossing.count(False) == 2 * 7


def test_no_two_cores_share_a_position() -> None:
    graph = topology(MESH, 5)
    assert len({place for _, place in graph.nodes(data="position")}) == len(graph)
    assert all(position(MESH, 5, node) == place for node, place in graph.nodes(data="position"))


@pytest.mark.parametrize("mesh", MESHES)
@pytest.mark.parametrize("spare", [0, 1, 2])
def test_a_core_of_the_snake_lies_where_the_floor_has_it(mesh: Mesh, spare: int) -> None:
    count = mesh.places - min(spare, mesh.places - 1)
    on = floor(mesh, count, 3)
    routers = sorted(zip(on.y.tolist(), on.x.tolist(), strict=True))
    path = snake(replace(load_target("loihi1"), core=Core(count=count, limits={})), mesh, 3)
    assert sorted(position(mesh, 3, core) for core in path) == routers


@pytest.mark.parametrize("name", ["loihi1", "loihi2"])
def test_the_snake_goes_from_neighbour_to_neighbour(name: str) -> None:
    target = load_target(name)
    assert target.mesh is not None
    path = snake(target, target.mesh, 2)
    each = cores(target, target.mesh)
    assert each == target.core.count
    assert len(path) == len(set(path)) == 2 * each
    assert {router(target.mesh, core) for core in path} <= set(topology(target.mesh, 2))
    for chip in (path[:each], path[each:]):
        pairs = pairwise(chip)
        assert all(hops(target.mesh, 2, a, b) <= 1 for a, b in pairs)
