"""The strict reader: what it takes, and what it says of a file that is wrong."""

from pathlib import Path

import pytest

from neurocomp.errors import TargetError
from neurocomp.hw import read as reader
from neurocomp.hw.read import folder, load_target, target_names
from neurocomp.hw.target import LAYER_RESOURCES, MODELS, RESOURCES, Arithmetic, Layers, Mesh, Target

RIGHT = """
format = 1
title = "a chip"

[compartments]
subtract = 2
source = "page 1"

[thresholds]
per = "neuron"
source = "page 2"

[synapses]
bits = 9
source = "page 3"

[arithmetic]
weight_bits = 8
weight_exponent = 0
threshold_bits = 17
threshold_exponent = 6
bias_bits = 13
bias_exponent_max = 7
state_bits = 24
source = "page 4"

[[cores]]
count = 6
neurons = 100
in_axons = 7
[cores.source]
count = "page 5"
neurons = "page 6"
in_axons = "page 7"

[mesh]
width = 4
height = 2
source = "page 8"
"""


def read(tmp_path: Path, text: str, name: str = "mine.toml") -> Target:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return load_target(tmp_path / name)


def test_a_file_of_ones_own_is_read(tmp_path: Path) -> None:
    chip = read(tmp_path, RIGHT)
    assert (chip.name, chip.title, chip.threshold_per) == ("mine", "a chip", "neuron")
    assert dict(chip.compartments) == {"subtract": 2}
    assert (chip.synapse_bits, chip.delay_bits, chip.axon_bits) == (9, 0, 0)
    assert chip.max_delay_steps is None
    assert chip.arithmetic == Arithmetic(
        weight_bits=8,
        weight_exponent=0,
        threshold_bits=17,
        threshold_exponent=6,
        bias_bits=13,
        bias_exponent_max=7,
        state_bits=24,
    )
    assert (chip.core.count, dict(chip.core.limits)) == (6, {"neurons": 100, "in_axons": 7})
    assert chip.mesh == Mesh(width=4, height=2, chips=None)
    assert load_target(str(tmp_path / "mine.toml")) == chip


def test_each_number_keeps_its_source(tmp_path: Path) -> None:
    sources = read(tmp_path, RIGHT).sources
    assert sources["compartments.subtract"] == "page 1"
    assert sources["synapses.bits"] == "page 3"
    assert sources["arithmetic.state_bits"] == "page 4"
    assert sources["cores.neurons"] == "page 6"
    assert sources["mesh.height"] == "page 8"
    assert len(sources) == 1 + 1 + 1 + 7 + 3 + 2


@pytest.mark.parametrize("name", target_names())
def test_the_targets_that_come_along_are_read(name: str) -> None:
    chip = load_target(name)
    assert chip.name == name
    assert set(chip.compartments) <= set(MODELS)
    assert set(chip.core.limits) <= {*RESOURCES, *LAYER_RESOURCES}
    assert all(text.strip() for text in chip.sources.values())


def test_the_targets_are_found_by_their_folder() -> None:
    assert {"ideal", "loihi1", "loihi2"} <= set(target_names())
    assert set(target_names()) == {path.stem for path in folder().glob("*.toml")}


def test_an_installed_package_carries_its_targets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "neurocomp"
    monkeypatch.setattr(reader, "__file__", str(package / "hw" / "read.py"))
    assert folder() == tmp_path / "targets"
    (package / "targets").mkdir(parents=True)
    assert folder() == package / "targets"


def test_the_numbers_of_loihi1_are_those_of_its_paper() -> None:
    chip = load_target("loihi1")
    assert dict(chip.compartments) == {"subtract": 2, "zero": 1, "accumulator": 1}
    assert chip.threshold_per == "population"
    assert chip.max_delay_steps == 8
    assert (chip.core.count, chip.mesh and chip.mesh.chips) == (128, 16384)
    assert dict(chip.core.limits) == {
        "neurons": 1024,
        "synapse_bits": 128 * 1024 * 8,
        "in_axons": 4096,
        "out_axons": 4096,
    }
    assert chip.arithmetic is not None
    assert (chip.arithmetic.weight_bits, chip.arithmetic.weight_exponent) == (8, 6)
    assert (chip.arithmetic.threshold_bits, chip.arithmetic.threshold_exponent) == (17, 6)
    assert (chip.arithmetic.bias_bits, chip.arithmetic.bias_exponent_max) == (13, 7)
    assert chip.arithmetic.state_bits == 24


def test_what_loihi2_does_not_publish_is_absent() -> None:
    chip = load_target("loihi2")
    assert dict(chip.core.limits) == {"neurons": 8192, "synapse_bits": 192 * 1024 * 8}
    assert chip.max_delay_steps is None
    assert chip.threshold_per == "neuron"
    assert "max_gate" not in chip.compartments


def test_the_variants_of_loihi1_differ_in_what_their_names_say() -> None:
    chip, energy, population = map(load_target, ("loihi1", "loihi1-sanafe", "loihi1-population"))
    for other in (energy, population):
        assert other.core == chip.core and other.arithmetic == chip.arithmetic
        assert other.compartments == chip.compartments
    assert energy.packing == chip.packing and population.energy_pj == chip.energy_pj
    assert chip.packing is not None and population.packing is not None
    assert (chip.atoms, chip.axon_entries, chip.packing.bases) == (1, 1, 16)
    assert (population.atoms, population.axon_entries, population.packing.bases) == (512, 2, 256)


def test_ideal_has_no_limits() -> None:
    chip = load_target("ideal")
    assert chip.arithmetic is None and chip.mesh is None
    assert chip.core.count is None and not chip.core.limits
    assert set(chip.compartments) == set(MODELS)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "in_axons = 7",
            "in_axon = 7",
            r"mine.toml: cores.in_axon: is not a known key \(did you mean in_axons\?",
        ),
        (
            'title = "a chip"',
            'titel = "x"',
            r"mine.toml: titel: is not a known key \(did you mean title\?",
        ),
        ("subtract = 2", "subtracts = 2", r"compartments.subtracts: is not a known key"),
        ("format = 1", "", r"mine.toml: format: is missing \(add format = ...\)"),
        ("format = 1", "format = 2", r"format: is the number 2, this program reads 1"),
        ("format = 1", "format = true", r"format: is the truth value true, this program reads 1"),
        ('title = "a chip"', "", r"mine.toml: title: is missing"),
        ('title = "a chip"', "title = 3", r"title: is the number 3, a text is needed"),
        ('title = "a chip"', 'title = " "', r"title: is empty"),
        ("width = 4\n", "", r"mine.toml: mesh.width: is missing \(add width = ...\)"),
        ("bits = 9", "bits = 9.5", r"synapses.bits: is the number 9.5, a whole number is needed"),
        ("bits = 9", "bits = true", r"synapses.bits: is the truth value true, a whole number"),
        ("bits = 9", 'bits = "9"', r"synapses.bits: is the text '9', a whole number is needed"),
        ("bits = 9", "bits = [9]", r"synapses.bits: is a list of 1, a whole number is needed"),
        ("bits = 9", "bits = 1979-05-27", r"synapses.bits: is a date, a whole number is needed"),
        ("bits = 9", "bits = 0", r"synapses.bits: is 0, the least is 1"),
        ("state_bits = 24", "state_bits = 64", r"arithmetic.state_bits: is 64, the most is 53"),
        ('source = "page 3"', "", r"mine.toml: synapses: has numbers without a source"),
        ('source = "page 2"', "", r"mine.toml: thresholds: has numbers without a source"),
        ('source = "page 3"', 'source = ""', r"synapses.source: is empty"),
        ('source = "page 3"', "source = 3", r"synapses.source: is the number 3, a table is needed"),
        ('in_axons = "page 7"', "", r"cores.source.in_axons: is missing"),
        ('in_axons = "page 7"', 'out_axons = "x"', r"cores.source.out_axons: is not a known key"),
        ('per = "neuron"', 'per = "core"', r"thresholds.per: is 'core' \(use one of neuron, popul"),
        ("[mesh]", "[grid]", r"mine.toml: grid: is not a known key"),
        ("[[cores]]", "[cores]", r"mine.toml: cores: is a table of 4, a list of tables is needed"),
        ("[mesh]", "[[mesh]]", r"mine.toml: mesh: is a list of 1, a table is needed"),
        ("count = 6", "count = 9", r"mine.toml: cores.count: is 9, the mesh has 8 places"),
        ("subtract = 2\n", "", r"mine.toml: compartments: has no neuron model \(add one of subtr"),
        ("[mesh]", '[[cores]]\nsource = "x"\n[mesh]', r"cores.name: is missing \(add name = "),
    ],
)
def test_a_wrong_file_is_told_by_key_and_value(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    assert RIGHT.count(old) == 1
    with pytest.raises(TargetError, match=says):
        read(tmp_path, RIGHT.replace(old, new))


LAYERED = (
    RIGHT.replace("neurons = 100\nin_axons = 7", "kernel_words = 100\nneuron_words = 7")
    .replace('neurons = "page 6"\nin_axons = "page 7"', 'kernel_words = "p"\nneuron_words = "q"')
    .replace("count = 6", 'count = 6\nname = "small"')
    .replace('count = "page 5"', 'count = "page 5"\nname = "page 5"')
    + """
[[cores]]
name = "large"
count = 2
kernel_words = 200
source = "page 9"

[layers]
kernel = 3
strides = [1, 2]
padding = 1
pools = [1, 2]
channels = 64
input_size = 32
output_size = 16
source = "page 10"

[biases]
per = "none"
source = "page 11"

[initial_potentials]
per = "population"
source = "page 12"

[power_mw]
core = 0.5
source = "page 13"
"""
)


def test_kinds_of_cores_and_layers_are_read(tmp_path: Path) -> None:
    chip = read(tmp_path, LAYERED)
    assert [(c.name, c.count, dict(c.limits)) for c in chip.kinds] == [
        ("small", 6, {"kernel_words": 100, "neuron_words": 7}),
        ("large", 2, {"kernel_words": 200}),
    ]
    assert [chip.limits(n).get("neuron_words") for n in (0, 5, 6, 7)] == [7, 7, None, None]
    assert chip.layers == Layers(
        kernel=3, strides=(1, 2), padding=1, pools=(1, 2), channels=64, input_size=32,
        output_size=16,
    )  # fmt: skip
    assert (chip.bias_per, chip.v_init_per, chip.power_mw) == ("none", "population", {"core": 0.5})
    assert chip.sources["cores.large.kernel_words"] == "page 9"
    assert chip.sources["cores.small.neuron_words"] == "q"
    assert read(tmp_path, RIGHT).bias_per is None


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("strides = [1, 2]", "strides = 1", r"layers.strides: is the number 1, a list of whole"),
        ("strides = [1, 2]", "strides = []", r"layers.strides: is a list of 0, a list of whole"),
        ("strides = [1, 2]", 'strides = [1, "2"]', r"layers.strides.1: is the text '2', a whole"),
        ("strides = [1, 2]", "strides = [0]", r"layers.strides.0: is 0, the least is 1"),
        ("kernel = 3\n", "", r"layers.kernel: is missing"),
        ('name = "large"', 'name = "small"', r"cores.name: is 'small' twice \(give each a name"),
        ('name = "large"\n', "", r"cores.name: is missing"),
        ("count = 2\n", "", r"cores.count: is missing"),
        ("count = 2", "count = 3", r"cores.count: is 9, the mesh has 8 places"),
        ("kernel_words = 200", "neurons = 200", r"cores.neurons: is no limit beside \[layers\]"),
        ('per = "none"', 'per = "some"', r"biases.per: is 'some' \(use one of neuron, population"),
        ("core = 0.5", "cores = 0.5", r"power_mw.cores: is not a known key \(did you mean core"),
        ("core = 0.5", "core = -1", r"power_mw.core: is the number -1, a number from 0 is needed"),
    ],
)
def test_a_wrong_kind_or_layer_is_told(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert LAYERED.count(old) == 1
    with pytest.raises(TargetError, match=says):
        read(tmp_path, LAYERED.replace(old, new))


def test_limits_of_layers_need_layers(tmp_path: Path) -> None:
    text = RIGHT.replace("in_axons", "kernel_words")
    with pytest.raises(TargetError, match=r"cores.kernel_words: is no limit without \[layers\]"):
        read(tmp_path, text)


@pytest.mark.parametrize(("links", "says"), [(5, "is 5 .use 4 or 6"), (3, "is 3, the least is 4")])
def test_a_router_has_four_links_or_six(tmp_path: Path, links: int, says: str) -> None:
    with pytest.raises(TargetError, match=rf"mesh.links: {says}"):
        read(tmp_path, RIGHT.replace("width = 4", f"width = 4\nlinks = {links}"))
    chip = read(tmp_path, RIGHT.replace("width = 4", "width = 2\nlinks = 6\nrouter_cores = 2"))
    assert chip.mesh == Mesh(width=2, height=2, router_cores=2, links=6, chips=None)


def test_cores_without_a_mesh_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"mine.toml: mesh: is missing: cores with limits lie"):
        read(tmp_path, RIGHT[: RIGHT.index("[mesh]")])


@pytest.mark.parametrize("length", range(0, len(RIGHT), 37))
def test_a_truncated_file_is_an_error_of_ours(tmp_path: Path, length: int) -> None:
    with pytest.raises(TargetError, match=r"mine\.toml"):
        read(tmp_path, RIGHT[:length])


def test_broken_toml_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"mine.toml: is not TOML: .*line 2.* \(correct the"):
        read(tmp_path, "format = 1\ntitle = \n")


def test_deep_nesting_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"mine.toml: is not TOML"):
        read(tmp_path, "a = " + "[" * 100_000)


def test_bytes_that_are_not_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes(b"format = 1\n\xff\xfe")
    with pytest.raises(TargetError, match=r"mine.toml: is not UTF-8: byte 11 is 0xff"):
        load_target(tmp_path / "mine.toml")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"none.toml: cannot be read: no such file"):
        load_target(tmp_path / "none.toml")
    with pytest.raises(TargetError, match=r"cannot be read: is a directory"):
        load_target(tmp_path)


@pytest.mark.parametrize("name", ["loihi", "loihi3"])
def test_a_near_miss_is_suggested(name: str) -> None:
    says = rf"^'{name}': is not a target \(did you mean loihi[12]\? use one of akd1000, ideal, loi"
    with pytest.raises(TargetError, match=says):
        load_target(name)


@pytest.mark.parametrize("name", ["", "../secret", "nothing\0like.toml", "."])
def test_odd_names_are_errors_of_ours(name: str) -> None:
    with pytest.raises(TargetError):
        load_target(name)
