"""Whole layouts: limits of every core, costs and their bounds, sharing, advice, exports."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import coo_array

from benchmarks.mapping.shapes import NETWORKS, lenet
from neurocomp.engine.rates import measured
from neurocomp.errors import CapacityError, UnsupportedError
from neurocomp.hw.narrow import narrow
from neurocomp.hw.read import load_target
from neurocomp.hw.target import Core, Mesh, Target
from neurocomp.mapping.advice import advise, binding
from neurocomp.mapping.arrange import Effort, arrange
from neurocomp.mapping.cost import cost, least_hops, synaptic_events
from neurocomp.mapping.export import chip_graph, core_graph
from neurocomp.mapping.floor import floor
from neurocomp.mapping.lay import Wishes, lay
from neurocomp.mapping.layout import Layout
from neurocomp.snn.boxes import whole
from neurocomp.snn.channels import edges_read
from neurocomp.snn.network import Network
from neurocomp.snn.rates import assumed
from neurocomp.snn.synapses import Conv, Dense
from tests.mapping.nets import chain, drawn, identity, labels, target
from tests.mapping.test_arrange import hops, planted
from tests.mapping.test_known_networks import KERNELS

FAST = Effort(moves=0)
PLAIN = replace(KERNELS, graded=None)


def laid(name: str, **wishes: object) -> Layout:
    net = NETWORKS[name]()
    chosen = Wishes(**{"effort": FAST, **wishes})  # type: ignore[arg-type]  # one dict for all fields
    return lay(net, KERNELS, assumed(net, 0.1), chosen)


@pytest.mark.parametrize("share", [False, True])
@pytest.mark.parametrize(
    "name", ["lenet", *(pytest.param(n, marks=pytest.mark.slow) for n in NETWORKS if n != "lenet")]
)
def test_no_core_of_a_known_network_exceeds_a_limit(name: str, share: bool) -> None:
    found = laid(name, share=share)
    for resource, limit in KERNELS.core.limits.items():
        assert 0 < found.demand[resource].max() <= limit
    assert len(set(found.seats.tolist())) == found.flow.shape[0] == found.core.max() + 1
    assert cost(found).least_hops <= cost(found).hops


def test_a_lenet_shares_nine_cores() -> None:
    assert laid("lenet", extra=0.0).flow.shape[0] == 13
    assert laid("lenet", extra=0.0, share=True).flow.shape[0] == 9


@pytest.mark.slow
def test_more_cores_may_be_traded_for_fewer_hops() -> None:
    few, many = laid("mobilenet128", extra=0.0), laid("mobilenet128", extra=0.3)
    assert few.flow.shape[0] < many.flow.shape[0] <= 1.3 * few.flow.shape[0]
    assert cost(many).least_hops < cost(few).least_hops


@pytest.mark.parametrize("seed", range(20))
def test_a_cost_is_the_sum_over_pairs(seed: int) -> None:
    net = drawn(seed)
    chip = target({"neurons": 14}, mesh=Mesh(width=3, height=2, chips=None))
    chip = replace(chip, energy_pj={"packet": 2.0, "row_hop": 3.0}, time_ns={})
    found = lay(net, chip, dict.fromkeys((p.name for p in net.populations), 0.5), Wishes())
    on, flow, counted = found.floor, coo_array(found.flow), cost(found)
    packets = hops = rows = leaving = 0.0
    for a, b, much in zip(flow.row, flow.col, flow.data, strict=True):
        if a != b:
            p, q = found.seats[a], found.seats[b]
            packets += much
            rows += much * abs(on.y[p] - on.y[q])
            hops += much * (abs(on.y[p] - on.y[q]) + abs(on.x[p] - on.x[q]))
            leaving += much * (on.chip[p] != on.chip[q])
    assert counted.packets == pytest.approx(packets)
    assert counted.hops == pytest.approx(hops)
    assert counted.crossing * packets == pytest.approx(leaving)
    assert counted.least_hops <= counted.hops + 1e-9
    assert counted.energy_pj["packet"] == pytest.approx(2 * packets)
    assert counted.energy_pj["row_hop"] == pytest.approx(3 * rows)
    assert counted.energy_pj["synapse"] is None and counted.step_ns is None
    every = sum(
        0.5 * j.synapse.fan_in(box)
        for j in net.projections
        for box in found.grids[j.target].boxes()
    )
    assert counted.synapses == pytest.approx(every)


def test_the_time_of_a_step_is_the_slower_of_core_and_link_and_the_barrier() -> None:
    net = chain((4, 1, 1), identity((4, 1, 1)))
    chip = target({"neurons": 8})
    times = {"neuron": 10.0, "synapse": 1.0, "column_hop": 2.0, "row_hop": 3.0, "step": 5.0}
    found = lay(net, replace(chip, time_ns=times), {"p0": 1.0, "p1": 1.0})
    assert cost(found).time_ns == {"core": 84.0, "link": 12.0, "step": 5.0, "tick": None}
    assert cost(found).step_ns == 89.0
    assert cost(found).energy_pj["static"] is None


def test_a_tick_is_the_least_time_of_a_step_and_power_is_paid_for_all_of_it() -> None:
    net = chain((4, 1, 1), identity((4, 1, 1)))
    chip = replace(target({"neurons": 8}), power_mw={"chip": 3.0, "core": 0.5})
    times = {"neuron": 10.0, "synapse": 1.0, "column_hop": 2.0, "row_hop": 3.0, "tick": 100.0}
    for given, step_ns in ((times, 100.0), ({**times, "tick": 50.0}, 84.0), ({"tick": 7.0}, 7.0)):
        found = cost(lay(net, replace(chip, time_ns=given), {"p0": 1.0, "p1": 1.0}))
        assert found.step_ns == step_ns
        assert found.energy_pj["static"] == (3.0 + 2 * 0.5) * step_ns
    unknown = cost(lay(net, chip, {"p0": 1.0, "p1": 1.0}))
    assert unknown.step_ns is None and unknown.energy_pj["static"] is None


def wide() -> Network:
    """A convolution of which a neuron reads 5,760 others, and a layer that reads 5,120."""
    zero = np.broadcast_to(np.int64(0), (320, 640, 3, 3))
    conv = Conv(weight=zero, pre_shape=(640, 4, 4), pads=(1, 1, 1, 1))
    zero = np.broadcast_to(np.int64(0), (10, 320 * 16))
    return chain(
        (640, 4, 4), conv, Dense(weight=zero, pre_shape=(320, 4, 4), post_shape=(10, 1, 1))
    )


def test_what_does_not_fit_is_advised_worst_first() -> None:
    found = advise(wide(), PLAIN)
    worst = [(e.population, e.resource, e.needed, e.limit) for e in found.excesses]
    assert worst == [("p1", "in_axons", 5_760, 4_096), ("p2", "in_axons", 5_120, 4_096)]
    assert [e.factor for e in found.excesses] == [5_760 / 4_096, 1.25]
    assert found.changes[0].startswith(
        "pass partial sums from core to core, by pairs of on and off"
    )
    assert found.changes[1] == (
        "prune: let p1 read 71% of its inputs (455 of the 640 channels of p0), "
        "p2 read 80% of its inputs (256 of the 320 channels of p1)"
    )
    assert found.changes[2].startswith("a target whose cores are 1.5 times as large")


def test_changes_that_are_advised_make_it_fit() -> None:
    rates = assumed(wide(), 0.1)
    limits = {name: limit * 3 // 2 for name, limit in PLAIN.core.limits.items()}
    larger = replace(PLAIN, core=Core(count=128, limits=limits))
    found = lay(wide(), larger, rates, Wishes(extra=0.0, effort=FAST))
    assert advise(wide(), PLAIN).changes[2].endswith(f": {found.flow.shape[0]} cores")
    other = lay(wide(), load_target("loihi2"), rates, Wishes(extra=0.0, effort=FAST))
    told = f"the target loihi2: {other.flow.shape[0]} cores"
    assert told in advise(wide(), PLAIN).changes
    with pytest.raises(CapacityError, match="a neuron needs 5760 in_axons"):
        lay(wide(), PLAIN, rates, Wishes(effort=FAST))
    grouped = lay(wide(), PLAIN, rates, Wishes(groups=True, effort=FAST))
    assert min(grouped.grids[name].groups for name in ("p1", "p2")) == 2
    assert lay(wide(), KERNELS, rates, Wishes(effort=FAST)).grids["p1"].groups >= 2


def crowded(count: int) -> Target:
    """Give one Loihi 1 of few cores with little memory."""
    loihi1 = load_target("loihi1")
    assert loihi1.mesh is not None
    limits = {**loihi1.core.limits, "synapse_bits": 100_000}
    core = Core(count=count, limits=limits)
    return replace(loihi1, name="small", core=core, mesh=replace(loihi1.mesh, chips=1))


def test_weights_of_fewer_bits_are_advised_where_synapses_fill_the_cores() -> None:
    net = lenet()
    rates, exact = assumed(net, 0.1), Wishes(extra=0.0, effort=FAST)
    whole_weights = lay(net, crowded(128), rates, replace(exact, share=True)).flow.shape[0]
    chip = crowded(whole_weights - 4)
    with pytest.raises(CapacityError, match=rf"needs {whole_weights} cores, 1 small of"):
        lay(net, chip, rates, exact)
    (told,) = (c for c in advise(net, chip).changes if c.startswith("weights of"))
    bits = int(told.split()[2])
    assert told.startswith(f"weights of {bits} bits (--weight-bits {bits}): ")
    found = lay(net, narrow(chip, bits), rates, exact)
    assert told.endswith(f": {found.flow.shape[0]} cores")
    with pytest.raises(CapacityError, match=r"1 small of"):
        lay(net, narrow(chip, bits + 1), rates, exact)


def test_blocks_share_cores_where_there_are_few() -> None:
    net, nine = lenet(), Mesh(width=3, height=3, chips=1)
    few = replace(KERNELS, core=replace(KERNELS.core, count=9), mesh=nine)
    assert lay(net, few, assumed(net, 0.1), Wishes(effort=FAST)).flow.shape[0] == 9
    eight = replace(few, core=replace(few.core, count=8))
    with pytest.raises(CapacityError, match="needs 9 cores, 1 kernels of 8 have 8"):
        lay(net, eight, assumed(net, 0.1), Wishes(effort=FAST))
    changes = advise(net, eight).changes
    assert "a target whose cores are 1.25 times as large: 7 cores" in changes
    assert "2 chips, no more than 1 of which can be joined" in changes


@pytest.mark.parametrize("side", [4, 6])
def test_the_bound_is_reached_where_every_partner_is_a_neighbour(side: int) -> None:
    flow, mesh = planted(side, 1), Mesh(width=side, height=side, chips=None)
    seats = arrange(flow, mesh, side * side, 1, Effort(moves=3_000_000))
    found = replace(laid("lenet"), flow=flow, seats=seats, floor=floor(mesh, side * side, 1))
    assert least_hops(found) == flow.sum() == hops(flow, seats, found.floor)


def test_the_layer_that_asks_for_most_cores_is_named_first() -> None:
    layer, resource, least = binding(lenet(), KERNELS)[0]
    assert (layer, resource) == ("p0", "neurons")
    assert least == pytest.approx(4704 / 1024)


def test_exports_hold_what_the_layout_does() -> None:
    found = laid("lenet", share=True)
    graph, chips = core_graph(found), chip_graph(found)
    assert graph.number_of_nodes() == 9
    flow = sum(d["flow"] * d["hops"] for _, _, d in graph.edges(data=True))
    assert flow == pytest.approx(cost(found).hops)
    assert sum(d["neurons"] for _, d in graph.nodes(data=True)) == 8_094
    assert {b for _, d in graph.nodes(data=True) for b in d["blocks"]} == set(found.grids)
    assert [d["cores"] for _, d in chips.nodes(data=True)] == [9]


def test_a_target_without_a_mesh_is_refused() -> None:
    with pytest.raises(UnsupportedError, match=r"^ideal: has no mesh"):
        lay(lenet(), load_target("ideal"), assumed(lenet(), 0.1))


def test_a_readout_never_spikes() -> None:
    rates = assumed(lenet(), 0.1)
    assert rates.pop("p6") == 0.0 and set(rates.values()) == {0.1}


def test_measured_rates_are_spikes_over_neurons_steps_and_samples() -> None:
    net = chain((2, 1, 1), identity((2, 1, 1)))
    first = replace(net.populations[0], bias=np.array([1, 0]).reshape(2, 1, 1))
    net = replace(net, populations=(first, net.populations[1]))
    rates = measured(net, {"none": np.zeros((1, 1))}, 10)
    assert {name: each.ravel().tolist() for name, each in rates.items()} == {
        "p0": [1.0, 0.0],
        "p1": [0.9, 0.0],
    }


@pytest.mark.parametrize("seed", range(30))
def test_traffic_of_single_neurons_is_counted_by_their_synapses(seed: int) -> None:
    net, rng = drawn(seed), np.random.default_rng(seed)
    rates = {p.name: rng.random(p.shape) for p in net.populations}
    chip = target({"neurons": 14}, mesh=Mesh(width=3, height=2, chips=None))
    found = lay(net, chip, rates, Wishes())
    at, flow = labels(net, found.grids), np.zeros(found.flow.shape)
    events = np.zeros(len(flow))
    for j in net.projections:
        edges, rate = edges_read(j.synapse, whole(j.synapse.post_shape)), rates[j.source].ravel()
        posts = at[j.target][edges.post]
        np.add.at(events, posts, rate[edges.pre])
        for pre, block in np.unique(np.stack([edges.pre, posts]), axis=1).T:
            flow[at[j.source][pre], block] += rate[pre]
    np.testing.assert_allclose(found.flow.toarray(), flow, atol=1e-12)
    counted, each = synaptic_events(found)
    np.testing.assert_allclose(each, events, atol=1e-12)
    assert counted == pytest.approx(events.sum())
    assert cost(found).spikes == pytest.approx(sum(r.sum() for r in rates.values()))
