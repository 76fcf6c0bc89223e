"""SANA-FE artifacts: the oracle's spikes; packets, hops and energy as the mapper counts them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neurocomp.arrays import Array
from neurocomp.artifact import encode
from neurocomp.backends import backend
from neurocomp.backends.sanafe import emit
from neurocomp.build import Artifact
from neurocomp.errors import CapacityError, MissingError, UnsupportedError
from neurocomp.exchange import beside
from neurocomp.hw.read import load_target
from neurocomp.hw.target import Mesh, Target
from neurocomp.hw.topology import cores, snake
from neurocomp.mapping.arrange import Effort, arrange
from neurocomp.mapping.chain import map_network
from neurocomp.mapping.counts import Counts
from neurocomp.mapping.demand import Cutting, uses
from neurocomp.mapping.floor import cells
from neurocomp.mapping.grid import Grid, blocks, parts
from neurocomp.mapping.placed import grids_of
from neurocomp.mapping.placement import Place, Placement
from neurocomp.mapping.traffic import traffic
from neurocomp.program import Program
from neurocomp.simulation import Outcome, find_python, run
from neurocomp.snn.network import Current, Input, Network, Population, Projection
from neurocomp.snn.neurons import Accumulator, IntegrateAndFire, NoMembrane
from neurocomp.snn.oracle import record, simulate
from neurocomp.snn.synapses import Conv, Dense
from tests.backends.corpus import CORPUS, program, samples

CHIP = load_target("loihi1-sanafe")
STEPS = 64


@pytest.fixture(scope="module")
def python() -> str:
    try:
        return find_python(backend("sanafe"))
    except MissingError as missing:
        pytest.skip(str(missing))


def write(made: Program, folder: Path) -> Artifact:
    for path, content in emit(made).entries.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(encode(content))
    (given,) = made.network.inputs
    manifest = {"backends": ["sanafe"], "input_shape": list(given.shape)}
    return Artifact(folder=folder, manifest=manifest, program=made)


# --- the network of the exchange: conv8 3x3 -> conv16 3x3 stride 2 -> 10, on 19 cores ---


def three_layers() -> Network:
    rng = np.random.default_rng(3)

    def weight(*shape: int) -> Array:
        return rng.integers(-50, 90, shape)

    def layer(name: str, shape: tuple[int, int, int], threshold: int, start: int) -> Population:
        levels = np.broadcast_to(np.int64(threshold), shape)
        fire = IntegrateAndFire(v_threshold=levels, reset="zero")
        bias = rng.integers(-5, 5, shape)
        return Population(
            name=name, shape=shape, neuron=fire, v_init=levels // 2, bias=bias, start_step=start
        )

    first = Conv(weight=weight(8, 1, 3, 3).astype(float), pre_shape=(1, 28, 28), pads=(1, 1, 1, 1))
    second = Conv(
        weight=weight(16, 8, 3, 3), pre_shape=(8, 28, 28), strides=(2, 2), pads=(0, 0, 1, 1)
    )
    dense = Dense(weight=weight(10, 16 * 14 * 14), pre_shape=(16, 14, 14), post_shape=(10, 1, 1))
    zero = np.zeros((10, 1, 1), dtype=np.int64)
    out = Population(
        name="out", shape=(10, 1, 1), neuron=Accumulator(), v_init=zero, bias=zero, start_step=3
    )
    scale = np.ones((1, 1, 1))
    return Network(
        inputs=(Input(name="x", shape=(1, 28, 28), low=0.0, high=1.0, grid=2.0**-8),),
        currents=(Current(source="x", target="conv8", synapse=first, scale=scale),),
        populations=(
            layer("conv8", (8, 28, 28), 1500, 1), layer("conv16", (16, 14, 14), 1200, 2), out
        ),
        projections=(
            Projection(source="conv8", target="conv16", synapse=second),
            Projection(source="conv16", target="out", synapse=dense),
        ),
        readout="out",
    )  # fmt: skip


NET = three_layers()
GRIDS = {
    "conv8": Grid((parts(8, 2), parts(28, 6), parts(28, 1))),
    "conv16": Grid((parts(16, 2), parts(14, 3), parts(14, 1))),
    "out": Grid((parts(10, 1), parts(1, 1), parts(1, 1))),
}


def lying(seats: Array, chip: Target = CHIP) -> Program:
    """Give the network with its blocks on these seats of one chip, in their order."""
    mesh = chip.mesh
    assert mesh is not None
    wide = mesh.width * mesh.router_cores
    at = cells(mesh, cores(chip, mesh))[seats].tolist()
    places = [Place(chip=0, row=cell // wide, column=cell % wide) for cell in at]
    used = uses(Cutting(NET, chip, GRIDS, Counts()))
    for use in used:
        assert all(use[name] <= limit for name, limit in chip.core.limits.items())
    every = blocks(GRIDS)
    placement = Placement(
        cores=dict(zip(every, places, strict=True)), demand=dict(zip(every, used, strict=True))
    )
    return Program(
        network=NET, reference=NET, scale={}, target=chip, placement=placement, steps=STEPS
    )


def seats_by(how: str) -> Array:
    mesh = CHIP.mesh
    assert mesh is not None
    if how == "random":
        return np.random.default_rng(0).permutation(128)[:19]
    if how == "sequential":
        order = {place: n for n, place in enumerate(snake(CHIP, mesh, 1))}
        wide = mesh.width * mesh.router_cores
        return np.array([r * wide + c for _, r, c in order][:19])
    return arrange(traffic(NET, GRIDS), mesh, 128, 1, Effort(moves=300_000))


@pytest.mark.parametrize("how", ["random", "sequential", "annealed"])
def test_packets_and_hops_are_equal_and_energy_within_a_percent(
    how: str, tmp_path: Path, python: str
) -> None:
    made = lying(seats_by(how))
    assert len(set(made.placement.cores.values())) == 19
    given = np.random.default_rng(1).random((1, 1, 28, 28))
    outcome = run(write(made, tmp_path), "sanafe", given, python=python)
    found = {each.what: each for each in beside(made, outcome)}
    for what in ("packets", "hops", "synaptic events", "spikes", "updates of neurons"):
        assert found[what].ours == found[what].simulated > 0, what
    for what in ("energy of synapses", "energy of neurons", "energy of messages", "energy"):
        assert found[f"{what}, nJ"].difference < 0.01
    oracle = record(NET, {"x": given}, NET.run_length(STEPS))
    for name, spikes in oracle.spikes.items():
        assert np.array_equal(outcome.spikes[name], spikes) and spikes.any()
    assert np.array_equal(outcome.readout, oracle.readout)


def test_a_better_placement_has_fewer_hops() -> None:
    def hops(how: str) -> float:
        made = lying(seats_by(how))
        silent = Outcome(
            spikes={"conv8": np.ones((1, 1, 8, 28, 28)), "conv16": np.ones((1, 1, 16, 14, 14))},
            readout=np.zeros((1, 1, 10, 1, 1)),
            v={},
            costs={k: np.ones(1) for k in ("packets", "hops", "synapses", "spikes", "updates")}
            | {"energy_j": np.ones((1, 4)), "time_s": np.ones(1)},
        )
        return next(c.ours for c in beside(made, silent) if c.what == "hops")

    assert hops("annealed") < hops("sequential") < hops("random")


@pytest.mark.parametrize(
    ("old", "new", "differs"),
    [
        ("p0001.0 -> p0002.0: {weight: ", "p0001.0 -> p0002.0: {weight: 1", "readout"),
        ("{core: 0.0}", "{core: 31.0}", "hops"),
    ],
)
def test_a_planted_fault_is_seen(
    old: str, new: str, differs: str, tmp_path: Path, python: str
) -> None:
    made = lying(seats_by("sequential"))
    artifact = write(made, tmp_path)
    path = tmp_path / "sanafe" / "snn.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    given = np.random.default_rng(1).random((1, 1, 28, 28))
    outcome = run(artifact, "sanafe", given, python=python)
    found = {each.what: each for each in beside(made, outcome)}
    if differs == "hops":
        assert found["hops"].ours != found["hops"].simulated
    else:
        expected = record(NET, {"x": given}, NET.run_length(STEPS)).readout
        assert not np.array_equal(outcome.readout, expected)


# --- small networks, each with something that can go wrong ---


def on_chip(network: Network) -> Program:
    made = program(network)
    chip = replace(CHIP, max_delay_steps=None)
    return replace(made, target=chip, placement=map_network(network, chip))


def works(network: Network) -> bool:
    firing = all(not isinstance(p.neuron, NoMembrane) for p in network.populations)
    always = any(getattr(p.neuron, "reset", "") == "always" for p in network.populations)
    late = any(
        j.delay_steps > 1
        or network.population(j.target).start_step > network.population(j.source).start_step + 1
        for j in network.projections
    )
    if any(getattr(p.neuron, "membrane", None) is not None for p in network.populations):
        return False  # those of SANA-FE never leave their bits
    return network.integer and firing and not always and not late


WORKING: Mapping[str, Callable[[], Network]] = {n: m for n, m in CORPUS.items() if works(m())}


@pytest.mark.parametrize("name", WORKING)
def test_every_spike_and_membrane_is_the_oracles(name: str, tmp_path: Path, python: str) -> None:
    made = on_chip(WORKING[name]())
    net = made.network
    outcome = run(write(made, tmp_path), "sanafe", samples(net), python=python, membranes=True)
    steps = list(simulate(net, {"x": samples(net)}, net.run_length(made.steps)))
    for p in net.populations:
        v = np.stack([s.v[p.name] for s in steps], axis=1)
        assert np.array_equal(outcome.v[p.name], v), p.name
        if p.name != net.readout:
            fired = np.stack([s.spikes[p.name] for s in steps], axis=1)
            assert np.array_equal(outcome.spikes[p.name], fired), p.name
    for each in beside(made, outcome)[:5]:
        assert each.ours == each.simulated, each.what


def test_some_of_the_corpus_works() -> None:
    assert len(WORKING) >= 4


@pytest.mark.parametrize("name", [n for n in CORPUS if n not in WORKING])
def test_what_it_cannot_do_is_refused(name: str) -> None:
    with pytest.raises((UnsupportedError, CapacityError), match=r"SANA-FE"):
        emit(replace(program(CORPUS[name]()), target=CHIP))


def test_a_network_of_six_links_is_refused() -> None:
    mesh = Mesh(width=8, height=4, router_cores=4, links=6, chips=None)
    made = lying(seats_by("sequential"))
    with pytest.raises(UnsupportedError, match=r"routers of 6 links, SANA-FE's have 4"):
        emit(replace(made, target=replace(CHIP, mesh=mesh)))


def test_the_grids_of_a_placement_are_those_it_was_made_of() -> None:
    assert grids_of(lying(seats_by("random")).placement) == GRIDS
