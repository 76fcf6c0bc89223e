"""The strict reader of target files: `load_target` and `target_names`."""

import os
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from neurocomp.errors import TargetError
from neurocomp.hw.tables import Table, Whole, kind, numbers, reals
from neurocomp.hw.target import (
    CONNECTIONS,
    EVENTS,
    LAYER_RESOURCES,
    MODELS,
    POWER,
    RESOURCES,
    TIMES,
    Arithmetic,
    Core,
    Layers,
    Mesh,
    Packing,
    Relay,
    Target,
)

FORMAT = 1
Part = TypeVar("Part")  # what a table holds
TABLES = ("compartments", "thresholds", "synapses")
OPTIONAL_TABLES = (
    *("packing", "arithmetic", "graded", "connections"),
    *("biases", "initial_potentials", "layers"),
    *("cores", "mesh", "energy_pj", "time_ns", "power_mw"),
)

COMPARTMENTS = {model: Whole(least=1, most=1024, required=False) for model in MODELS}
SYNAPSES = {
    "bits": Whole(least=1, most=1024),
    "delay_bits": Whole(least=0, most=64, required=False),
    "axon_bits": Whole(least=0, most=4096, required=False),
    "max_delay_steps": Whole(least=1, most=2**20, required=False),
}
PACKING = {
    "word_bits": Whole(least=8, most=4096),
    "end_bits": Whole(least=0, most=4096),
    "axon_words": Whole(least=1, most=2**20),
    "entry_synapses": Whole(least=1, most=2**20),
    "prefix_bits": Whole(least=0, most=1024),
    "index_bits_least": Whole(least=1, most=24),
    "index_bits_most": Whole(least=1, most=24),
    "skip_bits_least": Whole(least=1, most=24),
    "skip_bits_most": Whole(least=1, most=24),
    "formats": Whole(least=3, most=1024),
    "strides": Whole(least=1, most=32),
    "bases": Whole(least=1, most=2**20),
    "atoms": Whole(least=1, most=2**20, required=False),
    "entries": Whole(least=1, most=1024, required=False),
    "crossing": Whole(least=0, most=1024, required=False),
}
GRADED = {
    "slots": Whole(least=0, most=1024),
    "axons": Whole(least=1, most=1024),
    "synapse_bits": Whole(least=0, most=1024),
}
ARITHMETIC = {  # float64 holds 53 bits: wider sums would not be exact
    "weight_bits": Whole(least=2, most=32),
    "weight_exponent": Whole(least=0, most=32),
    "weight_exponent_min": Whole(least=0, most=32, required=False),
    "weight_exponent_max": Whole(least=0, most=32, required=False),
    "threshold_bits": Whole(least=1, most=52),
    "threshold_exponent": Whole(least=0, most=52),
    "bias_bits": Whole(least=2, most=52),
    "bias_exponent_max": Whole(least=0, most=52),
    "state_bits": Whole(least=2, most=53),
}
CORES = {
    "count": Whole(least=1, most=2**20, required=False),
    **{
        resource: Whole(least=1, most=2**40, required=False)
        for resource in (*RESOURCES, *LAYER_RESOURCES)
    },
}
LAYERS = {
    "kernel": Whole(least=1, most=2**10),
    "padding": Whole(least=0, most=2**10),
    "channels": Whole(least=1, most=2**20),
    "input_size": Whole(least=1, most=2**20),
    "output_size": Whole(least=1, most=2**20),
}
FACTOR = Whole(least=1, most=2**10)
MESH = {
    "width": Whole(least=1, most=2**10),
    "height": Whole(least=1, most=2**10),
    "router_cores": Whole(least=1, most=2**10, required=False),
    "links": Whole(least=4, most=6, required=False),
    "chips": Whole(least=1, most=2**20, required=False),
}


def folder() -> Path:
    """Give the folder of targets: in the package once installed, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "targets"
    return inside if inside.is_dir() else package.parent / "targets"


def target_names() -> tuple[str, ...]:
    """List the targets that come with the package."""
    return tuple(sorted(path.stem for path in folder().glob("*.toml")))


def load_target(name_or_path: str | Path) -> Target:
    """Read the target called so, or the file at a path that ends in .toml. Raises TargetError."""
    text = os.fspath(name_or_path)
    if "\0" in text:
        raise TargetError(
            repr(text), "holds a zero byte", "give a name or the path of a .toml file"
        )
    if isinstance(name_or_path, Path) or text.endswith(".toml") or os.sep in text:
        return read_target(Path(text))
    if text not in target_names():
        close = get_close_matches(text, target_names(), 1)
        hint = f"did you mean {close[0]}? " if close else ""
        known = ", ".join(target_names())
        raise TargetError(
            repr(text), "is not a target", f"{hint}use one of {known}, or the path of a .toml file"
        )
    return read_target(folder() / f"{text}.toml")


def read_target(path: Path) -> Target:
    """Read one target file; its name is the file's. Raises TargetError."""
    top = Table(where=path.name, items=_parse(path))
    _refuse_format(top)
    top.refuse_unknown(("format", "title", *TABLES, *OPTIONAL_TABLES))
    top.refuse_missing(("title", *TABLES))
    sources: dict[str, str] = {}

    def noted(table: str, read: tuple[Part, dict[str, str]]) -> Part:
        """Keep the sources of a table, and give what it holds."""
        part, each = read
        sources.update({f"{table}.{key}": text for key, text in each.items()})
        return part

    compartments = noted("compartments", numbers(top.table("compartments"), COMPARTMENTS))
    if not compartments:
        models = ", ".join(MODELS)
        raise TargetError(top.at("compartments"), "has no neuron model", f"add one of {models}")
    synapses = noted("synapses", numbers(top.table("synapses"), SYNAPSES, ("stored",)))
    noted("thresholds", numbers(top.table("thresholds"), {}, ("per",)))
    kinds, mesh = noted("cores", _cores(top)), noted("mesh", _mesh(top))
    layers = noted("layers", _layers(top))
    _agree(top, kinds, mesh)
    _agree_with_layers(top, kinds, layers)
    return Target(
        name=path.stem,
        title=top.text("title"),
        compartments=MappingProxyType(compartments),
        threshold_per=_threshold_per(top.table("thresholds")),
        bias_per=noted("biases", _per(top, "biases")),
        v_init_per=noted("initial_potentials", _per(top, "initial_potentials")),
        max_delay_steps=synapses.get("max_delay_steps"),
        synapse_bits=synapses["bits"],
        stored=_stored(top.table("synapses")),
        delay_bits=synapses.get("delay_bits", 0),
        axon_bits=synapses.get("axon_bits", 0),
        packing=noted("packing", _packing(top)),
        arithmetic=noted("arithmetic", _arithmetic(top)),
        graded=noted("graded", _graded(top)),
        core=kinds[0],
        other_cores=kinds[1:],
        layers=layers,
        mesh=mesh,
        connections=MappingProxyType(noted("connections", _connections(top))),
        energy_pj=MappingProxyType(noted("energy_pj", _reals(top, "energy_pj", EVENTS))),
        time_ns=MappingProxyType(noted("time_ns", _reals(top, "time_ns", TIMES))),
        power_mw=MappingProxyType(noted("power_mw", _reals(top, "power_mw", POWER))),
        sources=MappingProxyType(sources),
    )


def _parse(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise TargetError(str(path), f"cannot be read: {reason}", "give a .toml file") from error
    except UnicodeDecodeError as error:
        where = f"byte {error.start} is 0x{error.object[error.start]:02x}"
        raise TargetError(str(path), f"is not UTF-8: {where}", "save it as UTF-8") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        reason = str(error).rstrip(".")
        raise TargetError(str(path), f"is not TOML: {reason}", "correct the file") from error


def _refuse_format(top: Table) -> None:
    top.refuse_missing(("format",))
    version = top.items["format"]
    if isinstance(version, bool) or version != FORMAT:
        raise TargetError(
            top.at("format"), f"is {kind(version)}, this program reads {FORMAT}", "convert the file"
        )


def _threshold_per(table: Table) -> Literal["neuron", "population"]:
    per = table.choice("per", ("neuron", "population"))
    return "neuron" if per == "neuron" else "population"


def _stored(table: Table) -> Literal["each", "kernel"]:
    if "stored" not in table.items:
        return "each"
    return "kernel" if table.choice("stored", ("each", "kernel")) == "kernel" else "each"


def _packing(top: Table) -> tuple[Packing | None, dict[str, str]]:
    if "packing" not in top.items:
        return None, {}
    found, sources = numbers(top.table("packing"), PACKING)
    return Packing(**found), sources


def _graded(top: Table) -> tuple[Relay | None, dict[str, str]]:
    if "graded" not in top.items:
        return None, {}
    found, sources = numbers(top.table("graded"), GRADED)
    return Relay(**found, exact=True), sources


def _connections(top: Table) -> tuple[dict[str, int], dict[str, str]]:
    schema = {key: Whole(least=1, most=2**40, required=False) for key in CONNECTIONS}
    return numbers(top.table("connections"), schema) if "connections" in top.items else ({}, {})


def _reals(
    top: Table, key: str, known: Mapping[str, str]
) -> tuple[dict[str, float], dict[str, str]]:
    return reals(top.table(key), known) if key in top.items else ({}, {})


def _per(
    top: Table, key: str
) -> tuple[Literal["neuron", "population", "none"] | None, dict[str, str]]:
    if key not in top.items:
        return None, {}
    table = top.table(key)
    _, sources = numbers(table, {}, ("per",))
    found: dict[str, Literal["neuron", "population", "none"]] = {
        "neuron": "neuron",
        "population": "population",
        "none": "none",
    }
    return found[table.choice("per", tuple(found))], sources


def _layers(top: Table) -> tuple[Layers | None, dict[str, str]]:
    if "layers" not in top.items:
        return None, {}
    table = top.table("layers")
    found, sources = numbers(table, LAYERS, ("strides", "pools"))
    strides, pools = table.wholes("strides", FACTOR), table.wholes("pools", FACTOR)
    return Layers(**found, strides=strides, pools=pools), sources


def _arithmetic(top: Table) -> tuple[Arithmetic | None, dict[str, str]]:
    if "arithmetic" not in top.items:
        return None, {}
    table = top.table("arithmetic")
    found, sources = numbers(table, ARITHMETIC, ("overflow",))
    given = "overflow" in table.items
    overflow = table.choice("overflow", ("saturate", "wrap")) if given else None
    widths: dict[str, Any] = {**found, "overflow": overflow}
    made = Arithmetic(**widths)
    low, high = made.weight_exponents
    if not low <= made.weight_exponent <= high:
        raise TargetError(
            table.at("weight_exponent"),
            f"is {made.weight_exponent}, the least is {low} and the most {high}",
            "correct one of the three",
        )
    return made, sources


def _cores(top: Table) -> tuple[tuple[Core, ...], dict[str, str]]:
    """Read every kind of core; each has a name where there are several."""
    kinds = top.items.get("cores", [])
    if not isinstance(kinds, list) or not all(isinstance(k, dict) for k in kinds):
        raise TargetError(
            top.at("cores"), f"is {kind(kinds)}, a list of tables is needed", "write [[cores]]"
        )
    if not kinds:
        return (Core(count=None, limits=MappingProxyType({})),), {}
    several, made, sources = len(kinds) > 1, dict[str, Core](), dict[str, str]()
    for items in kinds:
        table = Table(where=top.at("cores"), items=items)
        found, each = numbers(table, CORES, ("name",))
        if several:
            table.refuse_missing(("name", "count"))
        name = table.text("name") if "name" in items else ""
        if name in made:
            raise TargetError(table.at("name"), f"is {name!r} twice", "give each a name of its own")
        count = found.pop("count", None)
        made[name] = Core(count=count, limits=MappingProxyType(found), name=name)
        sources.update({f"{name}.{k}" if several else k: text for k, text in each.items()})
    return tuple(made.values()), sources


def _mesh(top: Table) -> tuple[Mesh | None, dict[str, str]]:
    if "mesh" not in top.items:
        return None, {}
    found, sources = numbers(top.table("mesh"), MESH)
    if found.get("links") == 5:
        raise TargetError(top.at("mesh.links"), "is 5", "use 4 or 6")
    mesh = Mesh(
        width=found["width"],
        height=found["height"],
        router_cores=found.get("router_cores", 1),
        links=6 if found.get("links") == 6 else 4,
        chips=found.get("chips"),
    )
    return mesh, sources


def _agree(top: Table, kinds: tuple[Core, ...], mesh: Mesh | None) -> None:
    """Refuse limits of cores that lie nowhere, and more cores than a mesh has places."""
    count = sum(core.count or 0 for core in kinds)
    if mesh is None and (count or any(core.limits for core in kinds)):
        raise TargetError(top.at("mesh"), "is missing: cores with limits lie on one", "add [mesh]")
    if mesh is not None and count > mesh.places:
        wrong = f"is {count}, the mesh has {mesh.places} places"
        raise TargetError(top.at("cores.count"), wrong, "correct one")


def _agree_with_layers(top: Table, kinds: tuple[Core, ...], layers: Layers | None) -> None:
    """Refuse limits that the mapper would not check: of layers without [layers], or the others."""
    checked, unchecked = tuple[str, ...](RESOURCES), tuple[str, ...](LAYER_RESOURCES)
    if layers is not None:
        checked, unchecked = unchecked, checked
    for name in (name for core in kinds for name in core.limits if name in unchecked):
        wrong = f"is no limit {'without' if layers is None else 'beside'} [layers]"
        raise TargetError(top.at(f"cores.{name}"), wrong, f"use {', '.join(checked)}")
