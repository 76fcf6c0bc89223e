"""The graph of cores against the closed form of its distances."""

from itertools import pairwise

import networkx as nx
import pytest

from neurocomp.hw.read import load_target
from neurocomp.hw.target import Mesh
from neurocomp.hw.topology import chip_position, cores, hops, position, snake, topology

MESH = Mesh(width=3, height=2, chips=None)


@pytest.mark.parametrize("chips", [1, 2, 4, 5, 6])
def test_hops_are_the_shortest_paths_of_the_graph(chips: int) -> None:
    graph = topology(MESH, chips)
    assert len(graph) == chips * 6
    for start, lengths in nx.all_pairs_shortest_path_length(graph):
        for end, length in lengths.items():
            least = hops(MESH, chips, start, end)
            assert length == least if chips != 5 else length >= least


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


@pytest.mark.parametrize("name", ["loihi1", "loihi2"])
def test_the_snake_goes_from_neighbour_to_neighbour(name: str) -> None:
    target = load_target(name)
    assert target.mesh is not None
    path = snake(target, target.mesh, 2)
    each = cores(target, target.mesh)
    assert each == target.core.count
    assert len(path) == len(set(path)) == 2 * each
    assert set(path) <= set(topology(target.mesh, 2))
    for chip in (path[:each], path[each:]):
        pairs = pairwise(chip)
        assert all(hops(target.mesh, 2, a, b) == 1 for a, b in pairs)
