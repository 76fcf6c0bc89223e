"""Every target file: each number has its source, and what was not published is absent."""

import tomllib
from collections.abc import Iterator

import pytest

from neurocomp.hw.read import folder, load_target, target_names
from neurocomp.hw.target import EVENTS, LAYER_RESOURCES, MODELS, POWER, RESOURCES, TIMES
from neurocomp.hw.topology import cores

TARGETS = pytest.mark.parametrize("name", target_names())


def numbers(name: str) -> Iterator[tuple[str, object]]:
    """List every number and choice of a target file by its key."""
    items = tomllib.loads((folder() / f"{name}.toml").read_text(encoding="utf-8"))
    for key, value in items.items():
        tables = value if isinstance(value, list) else [value]
        for table in tables:
            if isinstance(table, dict):
                kind = f"{table['name']}." if len(tables) > 1 else ""
                yield from ((f"{key}.{kind}{k}", v) for k, v in table.items() if k != "source")


@TARGETS
def test_every_number_has_a_source_that_says_where(name: str) -> None:
    sources = load_target(name).sources
    found = dict(numbers(name))
    assert set(found) == set(sources)
    for key, text in sources.items():
        assert len(text) > 8 or text.startswith("as "), f"{key}: {text}"
        assert "?" not in text and "guess" not in text.lower() and "todo" not in text.lower()


@TARGETS
def test_a_source_that_refers_to_another_key_names_one(name: str) -> None:
    sources = load_target(name).sources
    for key, text in sources.items():
        if text.startswith("as "):
            other = text[3:].split(":")[0].split(",")[0].strip()
            table = key.rsplit(".", 1)[0]
            known = other in sources or f"{table}.{other}" in sources
            outside = other.startswith(("SpiNNaker", "an active", "a chip"))
            assert known or outside, f"{key}: {text}"


@TARGETS
def test_a_target_that_is_shipped_is_whole(name: str) -> None:
    chip = load_target(name)
    assert set(chip.compartments) <= set(MODELS)
    for core in chip.kinds:
        assert set(core.limits) <= set(LAYER_RESOURCES if chip.layers else RESOURCES)
    for given, known in (
        (chip.energy_pj, EVENTS), (chip.time_ns, TIMES), (chip.power_mw, POWER)
    ):  # fmt: skip
        assert set(given) <= set(known)
        assert all(value > 0 for value in given.values())  # 0 would say that it is free
    if chip.mesh is not None:
        assert 1 <= cores(chip, chip.mesh) <= chip.mesh.places
    if chip.mesh is None or chip.mesh.links == 4:
        assert "diagonal_hop" not in chip.energy_pj


def test_there_are_all_that_were_promised() -> None:
    promised = {
        *("ideal", "loihi1", "loihi1-sanafe", "loihi2", "spinnaker1", "spinnaker2"),
        *("truenorth", "speck2f", "xylo2", "akd1000"),
    }
    assert promised <= set(target_names())


def test_a_chip_of_several_kinds_has_each_in_its_place() -> None:
    chip = load_target("speck2f")
    assert [chip.limits(n)["kernel_words"] // 1024 for n in range(9)] == [
        *(16, 16, 16), *(32, 32), *(64, 64), *(16, 16)
    ]  # fmt: skip
    assert sum(chip.limits(n)["neuron_words"] for n in range(9)) == 320 * 1024
    assert sum(chip.limits(n)["kernel_words"] for n in range(9)) == 272 * 1024
    assert [core.count for core in load_target("akd1000").kinds] == [54, 18, 4, 2]


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("loihi1", "energy_pj.synapse", 23.6),
        ("loihi1", "energy_pj.row_hop", 4.0),
        ("loihi1", "time_ns.neuron", 5.3),
        ("loihi1-sanafe", "energy_pj.neuron", 51.2 + 21.6),
        ("loihi1-sanafe", "energy_pj.row_hop", 4.2),
        ("loihi1-sanafe", "energy_pj.packet", 111.0),
    ],
)
def test_the_two_profiles_of_loihi1_are_as_published(name: str, key: str, value: float) -> None:
    table, event = key.split(".")
    assert getattr(load_target(name), table)[event] == pytest.approx(value)


@pytest.mark.parametrize("name", ["loihi2", "speck2f", "akd1000", "xylo2"])
def test_energy_that_no_one_published_is_absent(name: str) -> None:
    chip = load_target(name)
    assert not chip.energy_pj and not chip.time_ns and not chip.power_mw


def test_what_a_membrane_does_past_its_bits_is_known_of_loihi_alone() -> None:
    known = {n: load_target(n).arithmetic for n in target_names()}
    ways = {n: widths.overflow for n, widths in known.items() if widths is not None}
    assert {n for n, way in ways.items() if way == "saturate"} == {
        *("loihi1", "loihi1-population", "loihi1-sanafe", "loihi2")
    }
    assert set(ways.values()) == {"saturate", None}
    assert all(w.proved_for == "run" for w in known.values() if w is not None)
