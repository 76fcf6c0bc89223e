"""Lava artifacts give the oracle's rasters, spike by spike, and never hang."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neurocomp.arrays import Array, Shape
from neurocomp.artifact import Files, encode
from neurocomp.backends import backend
from neurocomp.backends.lava import emit
from neurocomp.backends.lava.connections import even
from neurocomp.backends.lava.graph import graph
from neurocomp.errors import MissingError, UnsupportedError
from neurocomp.simulation import find_python
from neurocomp.snn.network import Current, Input, Network, Population, Projection
from neurocomp.snn.neurons import Accumulator, IntegrateAndFire, MaxGate, Neuron, NoMembrane
from neurocomp.snn.oracle import record, simulate
from neurocomp.snn.synapses import Conv, Dense, Sparse, Synapse, Window
from tests.backends.corpus import CORPUS, STEPS, program, samples


@pytest.fixture(scope="module")
def python() -> str:
    try:
        return find_python(backend("lava"))
    except MissingError as missing:
        pytest.skip(str(missing))


# --- networks ---


class Numbers:
    """Draws what networks are made of: integers, or multiples of 2^-20."""

    def __init__(self, seed: int, integer: bool = True) -> None:
        self.random = np.random.default_rng(seed)
        self.integer = integer

    def draw(self, shape: Shape, low: float, high: float) -> Array:
        if self.integer:
            return self.random.integers(int(low), int(high), shape, endpoint=True)
        grid = 2.0**-20
        return np.rint(self.random.uniform(low, high, shape) / grid) * grid

    def weight(self, *shape: int) -> Array:
        return self.draw(shape, -127, 127)

    def neurons(self, name: str, shape: Shape, **more: object) -> Population:
        threshold = self.draw(shape, 60, 300)
        neuron: Neuron = IntegrateAndFire(
            v_threshold=threshold, reset=more.pop("reset", "subtract")
        )  # type: ignore[arg-type]
        return self.population(name, shape, neuron, **more)

    def population(self, name: str, shape: Shape, neuron: Neuron, **more: object) -> Population:
        gate = isinstance(neuron, MaxGate)
        zero = np.zeros(shape, dtype=np.int64 if self.integer else np.float64)
        rest: dict[str, object] = {
            "v_init": zero if gate else self.draw(shape, -20, 40),
            "bias": zero if gate else self.draw(shape, -10, 10),
        }
        return Population(name=name, shape=shape, neuron=neuron, **(rest | more))  # type: ignore[arg-type]


def network(
    currents: tuple[tuple[str, Synapse], ...],
    populations: tuple[Population, ...],
    projections: tuple[Projection, ...],
    integer: bool = True,
) -> Network:
    pre = currents[0][1].pre_shape
    quantum = 1.0 if integer else 2.0**-20
    made = [
        Current(
            source="x",
            target=target,
            synapse=synapse,
            scale=np.full((1, 1, 1), 0.5),
            quantum=quantum,
        )
        for target, synapse in currents
    ]
    image = Input(name="x", shape=pre, low=0.0, high=1.0, grid=2.0**-8)
    return Network(
        inputs=(image,),
        currents=tuple(made),
        populations=populations,
        projections=projections,
        readout=populations[-1].name,
    )


def one_projection(
    synapse: Synapse, *, seed: int = 0, integer: bool = True, bias: int = 10, **more: object
) -> Network:
    """Give a network of two populations and a readout, joined by `synapse` and a Dense."""
    n = Numbers(seed, integer)
    sent, got = synapse.pre_shape, synapse.post_shape
    size = int(np.prod(got))
    populations = (
        n.neurons("first", sent),
        n.neurons("second", got, start_step=2, bias=n.draw(got, 0, bias)),
        n.population("out", (3, 1, 1), Accumulator(), start_step=3),
    )
    projections = (
        Projection(source="first", target="second", synapse=synapse, **more),  # type: ignore[arg-type]
        Projection(
            source="second",
            target="out",
            synapse=Dense(weight=n.weight(3, size), pre_shape=got, post_shape=(3, 1, 1)),
        ),
    )
    return network((("first", seen(n, sent)),), populations, projections, integer)


def seen(n: Numbers, shape: Shape) -> Dense:
    """Give synapses from an image of 5 values, mostly positive."""
    weight = np.rint(n.random.uniform(-60, 400, (int(np.prod(shape)), 5)))
    return Dense(weight=weight, pre_shape=(5, 1, 1), post_shape=shape)


def dense() -> Network:
    n = Numbers(2)
    return one_projection(Dense(weight=n.weight(6, 8), pre_shape=(2, 2, 2), post_shape=(6, 1, 1)))


def dense_of_one_sign() -> Network:
    n = Numbers(3)
    return one_projection(
        Dense(weight=-abs(n.weight(6, 8)), pre_shape=(8, 1, 1), post_shape=(6, 1, 1)),
        bias=900,
    )


def sparse() -> Network:
    n = Numbers(4)
    post = np.sort(n.random.integers(0, 10, 25))
    pre = n.random.integers(0, 8, 25)
    weight = n.draw((25,), -30, 30)  # some synapses join the same two neurons
    return one_projection(
        Sparse(weight=weight, pre=pre, post=post, pre_shape=(2, 2, 2), post_shape=(5, 2, 1))
    )


def conv() -> Network:
    n = Numbers(5)
    return one_projection(Conv(weight=n.weight(3, 2, 3, 2), pre_shape=(2, 6, 5), pads=(1, 1, 1, 1)))


def conv_groups_stride_odd_pads() -> Network:
    n = Numbers(6)
    synapse = Conv(
        weight=n.weight(6, 2, 3, 3),
        pre_shape=(4, 7, 8),
        strides=(2, 3),
        pads=(0, 2, 1, 1),
        groups=2,
    )
    return one_projection(synapse)


def conv_dilation_odd_pads() -> Network:
    n = Numbers(7)
    synapse = Conv(
        weight=n.weight(2, 3, 2, 3), pre_shape=(3, 6, 9), pads=(1, 0, 2, 2), dilations=(2, 2)
    )
    return one_projection(synapse)


def depthwise_sequence() -> Network:
    n = Numbers(8)
    return one_projection(
        Conv(weight=n.weight(3, 1, 1, 3), pre_shape=(3, 1, 11), strides=(1, 2), groups=3)
    )


def wide_conv() -> Network:
    n = Numbers(9)  # 140 columns are more than Lava's Conv can hold
    return one_projection(Conv(weight=n.weight(1, 1, 1, 4), pre_shape=(1, 1, 140), strides=(1, 5)))


def many_channels() -> Network:
    n = Numbers(19)  # Lava's Conv divides channels by groups in 8 bits
    return one_projection(Conv(weight=n.weight(130, 1, 1, 1), pre_shape=(1, 1, 2)))


def many_channels_in() -> Network:
    n = Numbers(20)
    return one_projection(Conv(weight=n.weight(2, 130, 1, 1), pre_shape=(130, 1, 1)))


def weight_exponents() -> Network:
    n = Numbers(10)
    populations = (
        n.neurons("first", (4, 3, 3), v_init=np.zeros((4, 3, 3), np.int64)),
        n.population(
            "second",
            (2, 3, 3),
            IntegrateAndFire(v_threshold=n.draw((2, 3, 3), 6400, 25600)),
            start_step=2,
        ),
        n.population("out", (3, 1, 1), Accumulator(), start_step=3),
    )
    post = dict(source="first", target="second")
    projections = (
        Projection(
            **post,
            synapse=Conv(weight=n.weight(2, 4, 1, 1), pre_shape=(4, 3, 3)),
            weight_exponent=6,
        ),
        Projection(
            **post,
            synapse=Conv(weight=n.weight(2, 4, 3, 3), pre_shape=(4, 3, 3), pads=(1, 1, 1, 1)),
            weight_exponent=7,
        ),
        Projection(
            **post,
            synapse=Dense(weight=n.weight(18, 36), pre_shape=(4, 3, 3), post_shape=(2, 3, 3)),
            weight_exponent=8,
        ),
        Projection(
            source="second",
            target="out",
            synapse=Dense(weight=n.weight(3, 18), pre_shape=(2, 3, 3), post_shape=(3, 1, 1)),
            weight_exponent=6,
        ),
    )
    return network((("first", seen(n, (4, 3, 3))),), populations, projections)


def delays_and_a_loop() -> Network:
    n = Numbers(11)
    shape = (2, 2, 2)

    def wire(source: str, target: str, delay_steps: int, conv: bool = False) -> Projection:
        post = (3, 1, 1) if target == "out" else shape
        synapse: Synapse = Dense(
            weight=n.weight(int(np.prod(post)), 8), pre_shape=shape, post_shape=post
        )
        if conv:
            synapse = Conv(weight=n.weight(2, 2, 1, 1), pre_shape=shape)
        return Projection(source=source, target=target, synapse=synapse, delay_steps=delay_steps)

    populations = (
        n.neurons("a", shape),
        n.neurons("b", shape, start_step=2),
        n.neurons("c", shape, reset="zero"),
        n.population("out", (3, 1, 1), Accumulator(), start_step=2),
    )
    projections = (
        wire("a", "b", 1),
        wire("a", "c", 3),
        wire("a", "c", 2, conv=True),
        wire("a", "out", 3),
        wire("b", "b", 1),
        wire("c", "out", 2),
        wire("b", "out", 1),
    )
    return network((("a", seen(n, shape)), ("c", seen(n, shape))), populations, projections)


def max_gate() -> Network:
    n = Numbers(13)
    populations = (
        n.neurons("first", (2, 5, 5)),
        n.population("pool", (2, 3, 3), MaxGate(), start_step=2),
        n.neurons("second", (2, 2, 2), start_step=3),
        n.population("out", (3, 1, 1), Accumulator(), start_step=4),
    )
    projections = (
        Projection(
            source="first",
            target="pool",
            synapse=Window(pre_shape=(2, 5, 5), kernel=(2, 2), strides=(2, 2), pads=(0, 0, 1, 1)),
            delay_steps=2,
        ),
        Projection(
            source="pool",
            target="second",
            synapse=Conv(weight=n.weight(2, 2, 2, 2), pre_shape=(2, 3, 3)),
        ),
        Projection(
            source="second",
            target="out",
            synapse=Dense(weight=n.weight(3, 8), pre_shape=(2, 2, 2), post_shape=(3, 1, 1)),
        ),
    )
    return network((("first", seen(n, (2, 5, 5))),), populations, projections)


def parts() -> Network:
    n = Numbers(14)  # nothing joins the three populations; names as a user's model may have them
    populations = (
        n.neurons('"""\nimport os\n', (2, 1, 1)),
        n.population("sum/é", (2, 1, 1), Accumulator(), start_step=2),
        n.population("out", (3, 1, 1), Accumulator()),
    )
    return network(((populations[0].name, seen(n, (2, 1, 1))),), populations, ())


def float_gate_and_sparse() -> Network:
    n = Numbers(16, integer=False)
    populations = (
        n.neurons("first", (1, 4, 4), reset="zero"),
        n.population("pool", (1, 2, 2), MaxGate(), start_step=2),
        n.population("out", (3, 1, 1), Accumulator(), start_step=3),
    )
    post, pre = np.nonzero(np.ones((3, 4)))
    projections = (
        Projection(
            source="first",
            target="pool",
            synapse=Window(pre_shape=(1, 4, 4), kernel=(2, 2), strides=(2, 2)),
        ),
        Projection(
            source="pool",
            target="out",
            synapse=Sparse(
                weight=n.weight(12), pre=pre, post=post, pre_shape=(1, 2, 2), post_shape=(3, 1, 1)
            ),
            weight_exponent=2,
        ),
    )
    return network((("first", seen(n, (1, 4, 4))),), populations, projections, integer=False)


MADE_FOR_LAVA: tuple[Callable[[], Network], ...] = (
    dense_of_one_sign,
    sparse,
    conv,
    conv_groups_stride_odd_pads,
    conv_dilation_odd_pads,
    depthwise_sequence,
    wide_conv,
    many_channels,
    many_channels_in,
    weight_exponents,
    delays_and_a_loop,
    max_gate,
    float_gate_and_sparse,
    parts,
)
NETWORKS = CORPUS | {make.__name__: make for make in MADE_FOR_LAVA}


# --- running ---


def write(files: Files, folder: Path) -> Path:
    """Write `files` and give their run.py."""
    for name, content in files.entries.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(content))
    return folder / "lava" / "run.py"


def command(python: str, script: Path, inputs: Array, *options: str) -> list[str]:
    np.savez(script.parent / "in.npz", inputs=inputs)
    return [
        python,
        str(script),
        str(script.parent / "in.npz"),
        str(script.parent / "out.npz"),
        *options,
    ]


def finish(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    plain = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.run(arguments, capture_output=True, text=True, timeout=120, env=plain)


def results(python: str, script: Path, inputs: Array, *options: str) -> Mapping[str, Array]:
    done = finish(command(python, script, inputs, *options))
    assert done.returncode == 0, done.stderr
    with np.load(script.parent / "out.npz") as kept:
        return {name: kept[name] for name in kept}


def expected(net: Network, inputs: Array) -> Mapping[str, Array]:
    """Give what run.py --membranes must write."""
    length = net.run_length(STEPS)
    recording = record(net, {net.inputs[0].name: inputs}, length)
    gates = {p.name for p in net.populations if isinstance(p.neuron, NoMembrane)}
    entries = {f"spikes/{name}": fired for name, fired in recording.spikes.items()}
    v = [step.v for step in simulate(net, {net.inputs[0].name: inputs}, length)]
    for name in net.index.keys() - gates:
        entries[f"v/{name}"] = np.stack([each[name] for each in v], axis=1)
    return entries | {"readout": recording.readout}


def left_behind(script: Path) -> list[str]:
    """List processes that still run something of the artifact."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if str(script.parent) in words:
            found.append(words)
    return found


@pytest.mark.parametrize("name", NETWORKS)
def test_every_spike_and_membrane_is_the_oracles(name: str, python: str, tmp_path: Path) -> None:
    net = NETWORKS[name]()
    inputs = samples(net)
    script = write(emit(program(net)), tmp_path)
    got = results(python, script, inputs, "--membranes")
    want = expected(net, inputs)
    assert got.keys() == want.keys()
    for key, values in want.items():
        np.testing.assert_array_equal(got[key], values, err_msg=key)
        assert got[key].dtype == values.dtype
    assert not list(script.parent.rglob("__pycache__"))


@pytest.mark.parametrize("make", MADE_FOR_LAVA, ids=lambda make: make.__name__)
def test_the_networks_of_this_file_spike(make: Callable[[], Network]) -> None:
    net = make()
    spikes = record(net, {"x": samples(net)}, net.run_length(STEPS)).spikes
    for population in net.populations:
        if not isinstance(population.neuron, Accumulator):
            assert 0 < spikes[population.name].mean() < 1, population.name


def test_lavas_own_conv_agrees(python: str, tmp_path: Path) -> None:
    net = conv_groups_stride_odd_pads()
    script = write(emit(program(net)), tmp_path)
    plant(script.parent / "quick_conv.py", "[:, ::-1, ::-1]", "[:, :, ::-1]")  # is not used
    got = results(python, script, samples(net), "--stock-models")
    np.testing.assert_array_equal(got["readout"], expected(net, samples(net))["readout"])
    assert not any(name.startswith("v/") for name in got)


def test_a_planted_weight_is_seen(python: str, tmp_path: Path) -> None:
    net = dense()
    script = write(emit(program(net)), tmp_path)
    weights = script.parent / "arrays" / "s0_weight.npy"
    planted = np.load(weights)
    planted[:, 0] += 40
    np.save(weights, planted)
    got = results(python, script, samples(net))["spikes/second"]
    assert (got != expected(net, samples(net))["spikes/second"]).any()


def test_a_wrong_quick_conv_is_stopped_by_lavas(python: str, tmp_path: Path) -> None:
    script = write(emit(program(conv())), tmp_path)
    plant(script.parent / "quick_conv.py", "[:, ::-1, ::-1]", "[:, :, ::-1]")
    done = finish(command(python, script, samples(conv())))
    assert done.returncode == 1
    assert "sums differ from Lava's Conv" in done.stderr


def plant(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def test_an_exception_in_a_model_ends_everything_with_its_traceback(
    python: str, tmp_path: Path
) -> None:
    script = write(emit(program(dense())), tmp_path)
    plant(
        script.parent / "snn_program" / "processes.py",
        'def scaled(self, arriving):\n        """Shift',
        'def scaled(self, arriving):\n        raise RuntimeError(\'planted\')\n        """Shift',
    )
    begin = time.monotonic()
    done = finish(command(python, script, samples(dense())))
    assert time.monotonic() - begin < 30
    assert done.returncode == 1
    assert "Traceback" in done.stderr and "RuntimeError: planted" in done.stderr
    assert not (script.parent / "out.npz").exists()
    assert left_behind(script) == []


def test_an_error_in_the_graph_ends_everything_with_its_traceback(
    python: str, tmp_path: Path
) -> None:
    script = write(emit(program(dense())), tmp_path)
    (script.parent / "arrays" / "s0_weight.npy").unlink()
    done = finish(command(python, script, samples(dense())))
    assert done.returncode == 1
    assert "s0_weight.npy" in done.stderr
    assert left_behind(script) == []


def long_run(python: str, tmp_path: Path, *options: str) -> tuple[Path, list[str]]:
    """Give an artifact whose run takes minutes, and the command that runs it."""
    net = dense()
    script = write(emit(replace(program(net), steps=1000)), tmp_path)
    return script, command(python, script, samples(net, 300), *options)


def test_the_time_limit_ends_everything(python: str, tmp_path: Path) -> None:
    script, arguments = long_run(python, tmp_path, "--time-limit", "4")
    done = finish(arguments)
    assert done.returncode == 1
    assert "lava: did not end within 4 s (--time-limit gives it more)" in done.stderr
    assert left_behind(script) == []


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_ends_everything(sent: signal.Signals, python: str, tmp_path: Path) -> None:
    script, arguments = long_run(python, tmp_path)
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as run:
        assert run.stderr is not None
        assert run.stderr.readline() == "sample 1 of 300\n"
        assert len(left_behind(script)) > 4
        shared = list(Path("/dev/shm").glob(f"lava{run.pid}_*"))
        assert shared
        run.send_signal(sent)
        run.wait(30)
        if sent == signal.SIGKILL:  # nobody is left to clean up, yet all processes end
            time.sleep(3)
        assert left_behind(script) == []
    if sent == signal.SIGKILL:
        for each in shared:
            each.unlink(missing_ok=True)
    else:
        assert run.returncode == 128 + sent
        assert not list(Path("/dev/shm").glob(f"lava{run.pid}_*"))
    assert not (script.parent / "out.npz").exists()


def test_without_lava_one_line_says_so(tmp_path: Path) -> None:
    script = write(emit(program(dense())), tmp_path)
    done = finish(command(sys.executable, script, samples(dense())))
    assert done.returncode == 2
    assert re.fullmatch(r"lava: is not installed for .* \(neurocomp setup lava\)\n", done.stderr)


# --- the text ---


def test_the_graph_is_written_as_before(golden: Callable[[str, str], None]) -> None:
    golden("lava/graph_delays.txt", graph(delays_and_a_loop()).text)
    golden("lava/graph_max_gate.txt", graph(max_gate()).text)


def test_the_same_program_gives_the_same_digest() -> None:
    assert emit(program(conv())).digest() == emit(program(conv())).digest()
    assert emit(program(conv())).digest() != emit(program(dense())).digest()
    assert all(path.startswith("lava/") for path in emit(program(conv())).entries)


def test_what_is_emitted_compiles() -> None:
    for make in NETWORKS.values():
        for path, content in emit(program(make())).entries.items():
            if isinstance(content, str):
                compile(content, path, "exec")


@pytest.mark.parametrize(
    "synapse",
    [
        Dense(weight=np.array([[128]]), pre_shape=(1, 1, 1), post_shape=(1, 1, 1)),
        Conv(weight=np.array([[[[-128]]]]), pre_shape=(1, 1, 1)),
        Sparse(
            weight=np.array([64, 64]),
            pre=np.zeros(2, int),
            post=np.zeros(2, int),
            pre_shape=(1, 1, 1),
            post_shape=(1, 1, 1),
        ),
    ],
    ids=["dense", "conv", "sparse"],
)
def test_a_weight_beyond_8_bits_is_refused(synapse: Synapse) -> None:
    with pytest.raises(
        UnsupportedError, match=r"second: gets a weight of 128 from first, Lava holds 127"
    ):
        graph(one_projection(synapse))


@pytest.mark.parametrize(
    "pads", [(0, 0, 0, 0), (1, 1, 1, 1), (0, 1, 2, 0), (3, 0, 0, 2), (1, 2, 0, 1)]
)
@pytest.mark.parametrize("dilations", [(1, 1), (2, 1), (2, 3)])
@pytest.mark.parametrize("strides", [(1, 1), (2, 3)])
def test_zeros_in_the_kernel_make_its_padding_even(
    pads: tuple[int, int, int, int], dilations: tuple[int, int], strides: tuple[int, int]
) -> None:
    n = Numbers(20)
    odd = Conv(
        weight=n.weight(2, 2, 2, 3),
        pre_shape=(2, 8, 9),
        strides=strides,
        pads=pads,
        dilations=dilations,
    )
    kernel, (rows, columns), dilation, _ = even(odd)
    same = Conv(
        weight=kernel,
        pre_shape=(2, 8, 9),
        strides=strides,
        pads=(rows, columns, rows, columns),
        dilations=dilation,
    )
    spikes = n.random.integers(0, 2, (4, 2, 8, 9))
    np.testing.assert_array_equal(same.apply(spikes), odd.apply(spikes))


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (wide_conv, "Conv keeps its geometry in 8 bits"),
        (many_channels, "Conv keeps its geometry in 8 bits"),
        (weight_exponents, "Conv has no weight exponent"),
        (conv_groups_stride_odd_pads, "zeros in the kernel make its padding even"),
    ],
)
def test_the_reader_is_told_why(make: Callable[[], Network], why: str) -> None:
    assert why in graph(make()).text
