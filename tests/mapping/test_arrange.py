"""Places of many cores: valid, never worse with more moves, never below the bound."""

import numpy as np
import pytest
from scipy.sparse import coo_array, csr_array

from neurocomp.arrays import Array
from neurocomp.hw.target import Mesh
from neurocomp.mapping import kernels
from neurocomp.mapping.arrange import Effort, annealed, arrange, cost, rounds, symmetric
from neurocomp.mapping.chips import balanced, chips_needed, to_chips
from neurocomp.mapping.cost import link_loads
from neurocomp.mapping.floor import Floor, chip_floor, floor, hilbert

MESH = Mesh(width=4, height=3, chips=None)
MESHES = (
    MESH,
    Mesh(width=4, height=3, links=6, chips=None),
    Mesh(width=2, height=2, router_cores=3, chips=None),
    Mesh(width=1, height=1, router_cores=12, links=6, chips=None),
)


def flow_of(seed: int, cores: int) -> csr_array:
    rng = np.random.default_rng(seed)
    drawn = rng.integers(1, 9, (cores, cores)) * (rng.random((cores, cores)) < 0.1)
    np.fill_diagonal(drawn, 0)
    return csr_array(drawn.astype(float))


def planted(side: int, seed: int) -> csr_array:
    """Give a mesh's own links as flow, its cores in random order."""
    at = np.random.default_rng(seed).permutation(side * side).reshape(side, side)
    row = np.concatenate([at[:, :-1].ravel(), at[:-1].ravel()])
    column = np.concatenate([at[:, 1:].ravel(), at[1:].ravel()])
    size = (side * side, side * side)
    return csr_array(coo_array((np.ones(len(row)), (row, column)), shape=size))


def hops(flow: csr_array, seats: Array, on: Floor) -> float:
    return cost(flow, seats, on)


@pytest.mark.parametrize("seed", range(8))
def test_no_seat_is_given_twice_and_no_chip_is_too_full(seed: int) -> None:
    flow, chips = flow_of(seed, 30), chips_needed(30, 11)
    seats = arrange(flow, MESH, 11, chips, Effort(moves=40_000, seed=seed))
    on = floor(MESH, 11, chips)
    assert len(set(seats.tolist())) == 30 and seats.min() >= 0 and seats.max() < chips * 11
    assert np.bincount(on.chip[seats]).max() <= 11


@pytest.mark.parametrize("crossing", [0.0, 2.5])
@pytest.mark.parametrize("within", [True, False])
@pytest.mark.parametrize("mesh", MESHES)
def test_the_cost_that_moves_save_is_the_cost_recomputed(
    crossing: float, within: bool, mesh: Mesh
) -> None:
    both, on = symmetric(flow_of(3, 30)), floor(mesh, 12, 3)
    seats = np.random.default_rng(0).permutation(36)[:30]
    holds = np.full(36, -1)
    holds[seats] = np.arange(30)
    before, chips = cost(both, seats, on, crossing), on.chip[seats]
    state = np.array([5], dtype=np.uint64)
    graph = (both.indices.astype(np.int64), both.indptr.astype(np.int64), both.data)
    saved = kernels.anneal(
        *graph, seats, holds, on.x, on.y, on.chip, on.places, on.links, 1, within, crossing,
        20_000, 9.0, 0.1, state,
    )  # fmt: skip
    assert saved > 0 or (within and mesh.width == 1)  # one router a chip: no place is nearer
    assert (before - cost(both, seats, on, crossing)) / 2 == pytest.approx(saved, rel=1e-9)
    assert np.array_equal(holds[seats], np.arange(30))
    if within:
        assert np.array_equal(on.chip[seats], chips)


@pytest.mark.parametrize("seed", range(4))
def test_more_moves_are_never_worse_and_the_same_seed_gives_the_same(seed: int) -> None:
    flow, on = flow_of(seed, 30), floor(MESH, 12, 3)
    found = []
    for moves in (0, 32_768, 300_000):
        seats = arrange(flow, MESH, 12, 3, Effort(moves=moves, seed=seed, crossing=0.0))
        again = arrange(flow, MESH, 12, 3, Effort(moves=moves, seed=seed, crossing=0.0))
        assert np.array_equal(seats, again)
        found.append(hops(flow, seats, on))
    assert found[1] >= found[2]
    assert found[2] < found[0]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("size", [(16, 8), (8, 16), (9, 3), (5, 5)])
def test_chips_that_are_not_square_are_placed_by_their_sides(
    size: tuple[int, int], seed: int
) -> None:
    wide, high = size
    on, short = chip_floor(Mesh(width=wide, height=high, chips=None), 16), min(size)
    assert on.places[on.y, on.x, 0].tolist() == list(range(16))
    grid = symmetric(planted(4, seed))
    effort = Effort(moves=300_000, crossing=0.0, seed=seed)
    seats = annealed(grid, np.arange(16), on, effort, rounds(300_000, 16), within=False)
    assert cost(grid, seats, on) / 2 == 12 * (wide + high) / short


def test_rounds_of_a_larger_budget_begin_with_those_of_a_smaller() -> None:
    assert rounds(32_767, 1000) == []
    assert rounds(300_000, 1000) == [32_768, 262_144]
    assert rounds(20_000_000, 1000) == [32_768, 262_144, 2_097_152, 16_777_216]
    assert rounds(20_000_000, 13) == [32_768, 262_144, 2_097_152]


@pytest.mark.parametrize("side", [4, 6])
def test_a_planted_mesh_is_found(side: int) -> None:
    flow, mesh = planted(side, 1), Mesh(width=side, height=side, chips=None)
    seats = arrange(flow, mesh, side * side, 1, Effort(moves=3_000_000))
    assert hops(flow, seats, floor(mesh, side * side, 1)) == flow.sum()


@pytest.mark.parametrize("seed", range(5))
def test_a_mirrored_mesh_costs_the_same(seed: int) -> None:
    flow, on = flow_of(seed, 24), floor(MESH, 12, 4)
    seats = np.random.default_rng(seed).permutation(48)[:24]
    seat_at = {(y, x): s for s, (y, x) in enumerate(zip(on.y, on.x, strict=True))}
    for turn in (lambda y, x: (5 - y, x), lambda y, x: (y, 7 - x), lambda y, x: (5 - y, 7 - x)):
        other = np.array([seat_at[turn(on.y[s], on.x[s])] for s in seats])
        assert hops(flow, other, on) == hops(flow, seats, on)
        loads = [link_loads(on, s[flow.nonzero()[0]], s[flow.nonzero()[1]], flow.data)
                 for s in (seats, other)]  # fmt: skip
        assert loads[0].max() == loads[1].max()


@pytest.mark.parametrize("mesh", MESHES)
def test_loads_of_links_are_those_of_single_routes(mesh: Mesh) -> None:
    flow, on = coo_array(flow_of(2, 24)), floor(mesh, 12, 4)
    seats = np.random.default_rng(1).permutation(48)[:24]
    expected: dict[tuple[str, int, int], float] = {}
    for a, b, much in zip(flow.row, flow.col, flow.data, strict=True):
        y, x = on.y[seats[a]], on.x[seats[a]]
        to_y, to_x = on.y[seats[b]], on.x[seats[b]]
        while (y, x) != (to_y, to_x):
            if mesh.links == 6 and (to_y - y) * (to_x - x) > 0:
                key = ("se", y, x) if to_x > x else ("nw", y, x)
                x += 1 if to_x > x else -1
                y += 1 if to_y > y else -1
            elif x != to_x:
                key = ("e", y, x) if to_x > x else ("w", y, x)
                x += 1 if to_x > x else -1
            else:
                key = ("s", y, x) if to_y > y else ("n", y, x)
                y += 1 if to_y > y else -1
            expected[key] = expected.get(key, 0) + much
    loads = link_loads(on, seats[flow.row], seats[flow.col], flow.data)
    assert loads.sum() == sum(expected.values())
    assert sorted(loads[loads > 0].tolist()) == sorted(expected.values())


def test_chips_are_never_too_full_even_where_none_is_spare() -> None:
    both = symmetric(flow_of(4, 36))
    assert np.bincount(to_chips(both, 3, 12, 0)).tolist() == [12, 12, 12]
    wrong = np.zeros(36, dtype=np.int64)
    assert np.bincount(balanced(both, wrong, 3, 12)).tolist() == [12, 12, 12]


def test_a_core_moves_to_the_chip_it_talks_to() -> None:
    flow = symmetric(csr_array(np.array([[0, 1, 0, 9], [0] * 4, [0, 1, 0, 0], [0] * 4])))
    assert balanced(flow, np.array([0, 0, 0, 1]), 2, 2).tolist() == [1, 0, 0, 1]


def test_some_cores_are_spare() -> None:
    assert [chips_needed(n, 100) for n in (1, 100, 101, 195, 970)] == [1, 1, 2, 3, 10]


@pytest.mark.parametrize(("chips", "mesh"), [(1, Mesh(width=8, height=8, chips=None)), (4, MESH)])
def test_a_hilbert_curve_visits_every_seat_by_short_steps(chips: int, mesh: Mesh) -> None:
    on = floor(mesh, mesh.width * mesh.height, chips)
    order = hilbert(on)
    assert sorted(order.tolist()) == list(range(len(on.x)))
    steps = np.abs(np.diff(on.x[order])) + np.abs(np.diff(on.y[order]))
    assert chips > 1 or (steps == 1).all()


def test_a_chip_that_all_talk_to_is_annealed_alone() -> None:
    both, on = symmetric(flow_of(9, 12)), floor(MESH, 12, 1)
    seats = annealed(both, np.arange(12), on, Effort(), [30_000], within=False)
    assert cost(both, seats, on) < cost(both, np.arange(12), on)
