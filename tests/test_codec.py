"""Programs as JSON and arrays: the way there and back, and what is refused."""

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import pytest

from neurocomp.arrays import Array
from neurocomp.artifact import encode
from neurocomp.codec import KINDS, from_plain, to_plain
from neurocomp.errors import ArtifactError
from neurocomp.mapping.chain import map_network
from neurocomp.program import Program
from neurocomp.snn.check import check
from neurocomp.snn.network import Network
from neurocomp.snn.synapses import Sparse
from neurocomp.snn.text import text
from tests.ann.corpus import CORPUS
from tests.programs import STEPS, chips, program


def on_disk(value: object) -> tuple[str, dict[str, bytes]]:
    arrays: dict[str, Array] = {}
    plain = to_plain(value, arrays)
    written = json.dumps(plain, indent=1)
    return written, {name: encode(array) for name, array in arrays.items()}


def back(value: object) -> Any:
    arrays: dict[str, Array] = {}
    written = json.dumps(to_plain(value, arrays))
    return from_plain(json.loads(written), arrays.__getitem__)


def same(a: Any, b: Any) -> bool:
    """Compare two values of our types, part by part."""
    if isinstance(a, np.ndarray):
        return (a.shape, a.dtype) == (b.shape, b.dtype) and np.array_equal(a, b)
    if is_dataclass(a):
        names = [f.name for f in fields(a) if f.init]
        return type(a) is type(b) and all(same(getattr(a, n), getattr(b, n)) for n in names)
    if isinstance(a, dict | tuple | list):
        pairs = [list(v.items()) if isinstance(v, dict) else list(v) for v in (a, b)]
        return len(a) == len(b) and all(same(p, q) for p, q in zip(*pairs, strict=True))
    return bool(a == b)


@pytest.mark.parametrize("name", CORPUS)
def test_a_program_comes_back_as_it_was(name: str) -> None:
    for chip in chips(name):
        made = program(name, chip)
        again = back(made)
        assert isinstance(again, Program)
        assert same(made.network, again.network)
        assert same(made.reference, again.reference)
        assert same(dict(made.scale), again.scale)
        assert dict(made.placement.cores) == again.placement.cores
        assert text(again.network) == text(made.network)
        assert (again.target.name, again.steps) == (made.target.name, made.steps)
        check(again.network, STEPS)


@pytest.mark.parametrize("name", ["lenet", "inception", "concat_of_rows"])
def test_the_second_time_gives_the_same_bytes(name: str) -> None:
    made = program(name, "ideal")
    assert on_disk(made) == on_disk(back(made)) == on_disk(program(name, "ideal"))


def test_arrays_come_back_readonly() -> None:
    network = back(program("two_dense")).network
    with pytest.raises(ValueError, match="read-only"):
        network.populations[0].bias[0] = 1


def test_an_array_that_repeats_itself_is_stored_once() -> None:
    arrays: dict[str, Array] = {}
    wide = np.broadcast_to(np.arange(3).reshape(3, 1, 1), (3, 100, 100))
    plain = to_plain(wide, arrays)
    assert arrays["0000"].size == 3
    assert np.array_equal(from_plain(plain, arrays.__getitem__), wide)


@pytest.mark.parametrize(
    "array", [np.zeros((0, 3)), np.float64(3.5), np.zeros(()), np.arange(24).reshape(2, 3, 4).T]
)
def test_odd_arrays_come_back(array: Array) -> None:
    assert np.array_equal(back((array,))[0], array)
    on_disk((array,))


HOSTILE = [
    "../../x",
    '"quoted"\n',
    "a/b\\c",
    "ünïcødé 名前 🧠",
    "",
    "kind",
    "pairs",
    "array",
    "\x00",
]


def renamed(network: Network, old: str, new: str) -> Network:
    """Give the population another name, everywhere."""

    def other(name: str) -> str:
        return new if name == old else name

    return replace(
        network,
        populations=tuple(replace(p, name=other(p.name)) for p in network.populations),
        currents=tuple(replace(c, target=other(c.target)) for c in network.currents),
        projections=tuple(
            replace(j, source=other(j.source), target=other(j.target)) for j in network.projections
        ),
        readout=other(network.readout),
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_data_and_never_paths(name: str) -> None:
    made = program("two_dense")
    network = renamed(made.network, "relu1", name)
    hostile = replace(
        made,
        network=network,
        scale={name: made.scale["relu1"]},
        placement=map_network(network, made.target),
    )
    arrays: dict[str, Array] = {}
    to_plain(hostile, arrays)
    assert all(number.isdigit() for number in arrays)
    again = back(hostile)
    assert again.network.populations[0].name == name
    assert again.scale.keys() == {name}
    assert {b.population for b in again.placement.cores} >= {name}


def plain_population() -> dict[str, Any]:
    plain: dict[str, Any] = to_plain(program("two_dense").network.populations[0], {})
    return plain


BROKEN: dict[str, tuple[Callable[[], object], str]] = {
    "kind": (lambda: {"kind": "Popen"}, "Popen: is not a part of a program"),
    "builtin": (lambda: {"kind": "eval"}, "eval: is not a part of a program"),
    "no kind": (lambda: {"name": "x"}, "None: is not a part of a program"),
    "kind that is no name": (lambda: {"kind": ["Box"]}, r"\['Box'\]: is not a part of a program"),
    "field": (
        lambda: {"kind": "Accumulator", "color": 1},
        "Accumulator: has no field 'color'",
    ),
    "derived field": (
        lambda: {"kind": "Network", "index": {"pairs": []}},
        "Network: has no field 'index'",
    ),
    "missing": (
        lambda: {"kind": "Box", "rows": [0, 1]},
        "Box: cannot be made of its fields: .*missing 2 required",
    ),
    "method": (lambda: {"kind": "Box", "__class__": 1}, "Box: has no field '__class__'"),
    "pairs": (lambda: {"pairs": [[1, 2, 3]]}, "mapping: is not written as pairs"),
    "key": (lambda: {"pairs": [[{"pairs": []}, 1]]}, "mapping: is not written as pairs"),
    "shape": (lambda: {"array": "0000"}, "array 0000: is not written as an array of a shape"),
    "other shape": (
        lambda: {"array": "0000", "shape": [7]},
        "array 0000: is not written as an array of a shape",
    ),
    "name of an array": (
        lambda: {"array": "../0000", "shape": [2]},
        r"array \.\./0000: is not written as an array of a shape",
    ),
    "a network of text": (
        lambda: {
            "kind": "Network",
            "inputs": [],
            "currents": [],
            "projections": [],
            "populations": ["a"],
            "readout": "a",
        },
        "Network: cannot be made of its fields",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_no_program_is_refused(case: str) -> None:
    make, words = BROKEN[case]
    arrays = {"0000": np.zeros(2)}
    with pytest.raises(ArtifactError, match=f"^{words}"):
        from_plain(make(), arrays.__getitem__)


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", lambda: 1, np.random.default_rng])
def test_what_cannot_be_written_is_named(value: object) -> None:
    with pytest.raises(ArtifactError, match=r"cannot be written$"):
        to_plain({"a": value}, {})


def test_the_kinds_are_our_own_plain_dataclasses() -> None:
    for name, kind in KINDS.items():
        assert kind.__module__.startswith("neurocomp.")
        assert is_dataclass(kind)
        assert kind.__name__ == name
    assert Sparse in KINDS.values()
