"""Wrong samples are errors of ours; wrong arrays at the kernel's boundary are Python errors."""

from typing import Any

import numpy as np
import pytest

from neurocomp.engine import Keep, simulate
from neurocomp.engine.native import levels
from neurocomp.errors import ModelError, UnsupportedError
from tests.engine.nets import convolution, samples

native = pytest.mark.skipif(not levels(), reason="the kernel is not compiled")


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({}, r"x: is an input without samples"),
        ({"x": np.zeros((2, 1, 7, 5))}, r"x: has shape \(1, 7, 6\), its samples \(1, 7, 5\)"),
        ({"x": np.full((2, 1, 7, 6), np.nan)}, r"x: has samples of float64 that are not all fin"),
        ({"x": np.full((2, 1, 7, 6), "a")}, r"x: has samples of <U1"),
        ({"x": np.zeros((0, 1, 7, 6))}, r"samples: are 0, at least 1 is needed"),
        ({"x": np.zeros((2, 1, 7, 6)), "y": np.zeros((3, 1))}, r"samples: are \[2, 3\] an input"),
    ],
)
def test_wrong_samples_are_named(given: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ModelError, match=wrong):
        simulate(convolution(0), given, 4)


def test_a_run_has_a_step() -> None:
    network = convolution(0)
    with pytest.raises(ModelError, match=r"length: is 0 steps, at least 1 is needed"):
        simulate(network, samples(network, 1), 0)


def test_only_populations_are_kept() -> None:
    network = convolution(0)
    with pytest.raises(ModelError, match=r"nobody: is to be kept and is not a population"):
        simulate(network, samples(network, 1), 4, keep=Keep(rasters=("nobody",)))


def test_an_unknown_build_is_named_with_the_known_ones() -> None:
    network = convolution(0)
    with pytest.raises(UnsupportedError, match=r"sse9: is no build .*generic"):
        simulate(network, samples(network, 1), 4, level="sse9")


def test_samples_need_not_be_contiguous_or_float() -> None:
    network = convolution(0)
    whole = np.random.default_rng(0).integers(0, 2, (4, 1, 6, 7)).astype(np.uint8)
    turned = whole.transpose(0, 1, 3, 2)[::2]
    assert not turned.flags.c_contiguous
    plain = simulate(network, {"x": np.ascontiguousarray(turned).astype(float)}, 6)
    assert np.array_equal(simulate(network, {"x": turned}, 6).readout, plain.readout)


def population(machine: Any, **changes: Any) -> int:
    """Add a population of 3 x 2 x 2 neurons, with `changes`."""
    given: dict[str, Any] = {
        "shape": (3, 2, 2),
        "model": 0,
        "start": 1,
        "lanes": 32,
        "wide": False,
        "kind": 1,
        "threshold": np.full((1, 32), 9),
        "v_init": np.zeros((4, 32), dtype=np.int64),
        "steady": np.ones((1, 32), dtype=np.int64),
        "seed": 0,
        "inner": (2, 2),
        "pool": None,
    }
    index: int = machine.add_population(**(given | changes))
    return index


def gather(machine: Any, **changes: Any) -> None:
    """Add a 1 x 1 convolution from population 0 to population 1, with `changes`."""
    given: dict[str, Any] = {
        "target": 1,
        "source": 0,
        "delay": 1,
        "shift": 0,
        "pool": (1, 1),
        "geometry": (1, 1, 1, 1, 0, 0, 1, 1),
        "weight": np.ones((3, 3, 1, 1), dtype=np.int16),
        "fan_out": np.ones((2, 2), dtype=np.int32),
        "word": 0,
        "channel": 0,
    }
    machine.add_gather(**(given | changes))


def channels(machine: Any, **changes: Any) -> None:
    """Add a 1 x 1 convolution of each channel from population 0 to population 1, with `changes`."""
    given: dict[str, Any] = {
        "target": 1,
        "source": 0,
        "delay": 1,
        "geometry": (1, 1, 1, 1, 0, 0, 1, 1),
        "weight": np.ones((1, 32), dtype=np.int64),
        "fan_out": np.ones((2, 2), dtype=np.int32),
    }
    machine.add_channels(**(given | changes))


def gate(machine: Any, **changes: Any) -> None:
    """Add a gate, and its 1 x 1 window over population 0, with `changes`."""
    given: dict[str, Any] = {
        "target": population(machine, model=4, lanes=64),
        "source": 0,
        "delay": 1,
        "geometry": (1, 1, 1, 1, 0, 0, 1, 1),
        "fan_out": np.ones((2, 2), dtype=np.int32),
        "shift": 0,
        "weights": np.zeros(0, dtype=np.int32),
    }
    machine.add_window(**(given | changes))


def single(machine: Any, **changes: Any) -> None:
    """Add one synapse from population 0 to population 1, with `changes`."""
    given: dict[str, Any] = {
        "target": 1,
        "source": 0,
        "delay": 1,
        "shift": 0,
        "start": np.r_[0, np.full(12, 1)].astype(np.int64),
        "post": np.array([127], dtype=np.int32),
        "weight": np.array([5], dtype=np.int32),
    }
    machine.add_scatter(**(given | changes))


def current(machine: Any, **changes: Any) -> None:
    """Add a current through a 1 x 1 convolution to population 0, with `changes`."""
    given: dict[str, Any] = {
        "target": 0,
        "shape": (1, 2, 2),
        "geometry": (1, 1, 1, 1, 0, 0, 1, 1),
        "weight": np.ones((1, 32)),
        "factor": np.ones((1, 32)),
        "multiple": 1,
    }
    machine.add_current(**(given | changes))


def run(machine: Any, **changes: Any) -> None:
    """Run two samples for three steps, with `changes`."""
    nothing = [None, None]
    given: dict[str, Any] = {
        "groups": [[0], [1]],
        "samples": 2,
        "steps": 3,
        "tile": 3,
        "threads": 1,
        "level": levels()[0],
        "currents": nothing,
        "inputs": [[], []],
        "counts": nothing,
        "operations": nothing,
        "bits": nothing,
        "membranes": nothing,
        "peak": nothing,
    }
    machine.run(**(given | changes))


def machine() -> Any:
    from neurocomp.engine.kernel import Machine

    made = Machine()
    population(made)
    population(made)
    return made


COUNTS = np.zeros((2, 3, 2, 2), dtype=np.int32)
TWO = {  # synapses, without their weights
    "start": np.r_[0, np.full(12, 2)].astype(np.int64),
    "post": np.array([1, 2], dtype=np.int32),
}


@native
@pytest.mark.parametrize(
    ("what", "changes"),
    [
        (population, {"shape": (3, 2)}),
        (population, {"shape": (0, 2, 2)}),
        (population, {"shape": (2**31, 2**31, 2**31)}),
        (population, {"model": 7}),
        (population, {"kind": 4}),
        (population, {"start": 0}),
        (population, {"lanes": 16}),
        (population, {"lanes": 48}),
        (population, {"threshold": np.full((2, 32), 9)}),
        (population, {"threshold": np.full((1, 32), 2**40)}),
        (population, {"threshold": np.full((1, 32), 9.0)}),
        (population, {"v_init": np.zeros((4, 31), dtype=np.int64)}),
        (population, {"v_init": np.zeros((4, 64), dtype=np.int64)[:, ::2]}),
        (population, {"steady": np.ones(32, dtype=np.int64)}),
        (gather, {"target": 2}),
        (gather, {"source": -1}),
        (gather, {"delay": 0}),
        (gather, {"shift": 31}),
        (gather, {"pool": (0, 1)}),
        (gather, {"geometry": (1, 1, 0, 1, 0, 0, 1, 1)}),
        (gather, {"geometry": (1, 1, 1, 1, -1, 0, 1, 1)}),
        (gather, {"geometry": (1, 2, 1, 1, 0, 0, 1, 1)}),
        (gather, {"weight": np.ones((3, 3, 1, 1), dtype=np.int8)}),
        (gather, {"weight": np.ones((3, 3, 1, 1), dtype=np.float32)}),
        (gather, {"weight": np.ones((3, 6, 1, 1), dtype=np.int16)[:, ::2]}),
        (gather, {"weight": np.full((3, 3, 1, 1), 9000, dtype=np.int16)}),
        (gather, {"weight": np.ones((3, 2, 1, 1), dtype=np.int16)}),
        (gather, {"weight": np.ones((4, 3, 1, 1), dtype=np.int16)}),
        (gather, {"fan_out": np.ones((2, 3), dtype=np.int32)}),
        (gather, {"word": 1}),
        (gather, {"word": -1}),
        (gather, {"channel": 1}),
        (population, {"inner": (2, 3)}),
        (population, {"model": 6}),
        (population, {"pool": (1, 1, 1, 1, 0, 0, 1, 1)}),
        (population, {"model": 6, "pool": (2, 1, 1, 1, 0, 0, 1, 1)}),
        (population, {"model": 6, "pool": (0, 1, 1, 1, 0, 0, 1, 1)}),
        (population, {"wide": True}),
        (channels, {"target": 2}),
        (channels, {"weight": np.ones((2, 32), dtype=np.int64)}),
        (channels, {"weight": np.ones((1, 32), dtype=np.int32)}),
        (channels, {"weight": np.full((1, 32), 2**40)}),
        (channels, {"fan_out": np.ones((1, 2), dtype=np.int32)}),
        (gate, {"target": 1}),
        (gate, {"source": 3}),
        (gate, {"shift": 15}),
        (gate, {"weights": np.ones(33, dtype=np.int32)}),
        (gate, {"weights": np.full(2, 2**30 + 2**29, dtype=np.int32)}),
        (gate, {"weights": np.ones(2)}),
        (single, {"target": 2}),
        (single, {"source": 2}),
        (single, {"delay": 0}),
        (single, {"shift": 31}),
        (single, {"start": np.zeros(12, dtype=np.int64)}),
        (single, {"start": np.zeros(13, dtype=np.int64)}),
        (single, {"start": np.zeros(13, dtype=np.int32)}),
        (single, {"start": np.r_[0, 2, np.full(11, 1)].astype(np.int64)}),
        (single, {"post": np.array([128], dtype=np.int32)}),
        (single, {"post": np.array([-1], dtype=np.int32)}),
        (single, {"post": np.array([1])}),
        (single, {"weight": np.array([5, 5], dtype=np.int32)}),
        (single, TWO | {"weight": np.array([5, 6, 7, 8], dtype=np.int32)[::2]}),
        (single, {"weight": np.array([5.0])}),
        (current, {"target": -1}),
        (current, {"shape": (0, 2, 2)}),
        (current, {"shape": (2, 2, 2)}),
        (current, {"geometry": (2, 1, 1, 1, 0, 0, 1, 1)}),
        (current, {"geometry": (1, 1, 1, 1, 0, -1, 1, 1)}),
        (current, {"weight": np.ones((1, 32), dtype=np.float32)}),
        (current, {"weight": np.ones((1, 64))[:, ::2]}),
        (current, {"factor": np.ones((2, 32))}),
        (current, {"factor": np.ones((1, 32), dtype=np.int64)}),
        (run, {"groups": [[0]]}),
        (run, {"groups": [[1], [0]]}),
        (run, {"groups": [[0, 0], [1]]}),
        (run, {"groups": [[0], [2]]}),
        (run, {"samples": 0}),
        (run, {"steps": 0}),
        (run, {"tile": 0}),
        (run, {"threads": 0}),
        (run, {"level": "sse9"}),
        (run, {"counts": [COUNTS]}),
        (run, {"counts": [None, COUNTS.astype(np.int64)]}),
        (run, {"counts": [None, COUNTS[:1]]}),
        (run, {"counts": [None, np.zeros((2, 3, 2, 4), dtype=np.int32)[..., ::2]]}),
        (run, {"currents": [np.zeros((2, 3, 2, 1), dtype=np.int64), None]}),
        (run, {"currents": [np.full((2, 3, 2, 2), 2**40), None]}),
        (run, {"inputs": [[np.zeros((2, 1, 2, 2))], []]}),
        (run, {"operations": [None, np.zeros((2, 3), dtype=np.int32)]}),
        (run, {"operations": [None, np.zeros((2, 4), dtype=np.int64)]}),
        (run, {"bits": [None, np.zeros((2, 2, 3, 2, 1), dtype=np.int64)]}),
        (run, {"bits": [None, np.zeros((2, 2, 3, 2, 2), dtype=np.uint64)]}),
        (run, {"membranes": [None, np.zeros((2, 3, 3, 2, 2))]}),
        (run, {"membranes": [None, np.zeros((2, 2, 3, 2, 2), dtype=np.int64)]}),
        (run, {"peak": [None, np.zeros(3, dtype=np.int64)]}),
        (run, {"peak": [None, np.zeros(4, dtype=np.int64)[::2]]}),
    ],
)
def test_the_kernel_refuses(what: Any, changes: dict[str, Any]) -> None:
    made = machine()
    if what is run:
        gather(made)
    with pytest.raises((TypeError, ValueError)):
        what(made, **changes)


@native
@pytest.mark.parametrize(
    ("samples", "wrong"),
    [
        (np.zeros((2, 1, 2, 3)), "has shape"),
        (np.zeros((1, 1, 2, 2)), "has shape"),
        (np.zeros((2, 1, 2, 2), dtype=np.float32), "incompatible"),
        (np.zeros((2, 1, 2, 4))[..., ::2], "incompatible"),
    ],
)
def test_the_kernel_refuses_samples_of_an_input(samples: Any, wrong: str) -> None:
    made = machine()
    current(made)
    run(made, inputs=[[np.zeros((2, 1, 2, 2))], []])
    with pytest.raises((TypeError, ValueError), match=wrong):
        run(made, inputs=[[samples], []])


@native
@pytest.mark.parametrize("add", [gather, channels, single, gate, current, population])
def test_what_the_kernel_was_refused_above_is_taken_without_the_mistake(add: Any) -> None:
    made = machine()
    add(made)


@native
def test_read_only_results_are_refused() -> None:
    made = machine()
    gather(made)
    fixed = COUNTS.copy()
    fixed.flags.writeable = False
    with pytest.raises((TypeError, ValueError)):
        run(made, counts=[None, fixed])
