"""The strict reader of target files: `load_target` and `target_names`."""

import os
import tomllib
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from neurocomp.errors import TargetError
from neurocomp.hw.tables import Table, Whole, kind, numbers, reals
from neurocomp.hw.target import (
    CONNECTIONS,
    EVENTS,
    MODELS,
    RESOURCES,
    Arithmetic,
    Core,
    Mesh,
    Packing,
    Relay,
    Target,
)

FORMAT = 1
TABLES = ("compartments", "thresholds", "synapses")
OPTIONAL_TABLES = (
    *("packing", "arithmetic", "graded", "connections"),
    *("cores", "mesh", "energy_pj", "time_ns"),
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
    **{resource: Whole(least=1, most=2**40, required=False) for resource in RESOURCES},
}
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
    compartments, model_sources = numbers(top.table("compartments"), COMPARTMENTS)
    if not compartments:
        models = ", ".join(MODELS)
        raise TargetError(top.at("compartments"), "has no neuron model", f"add one of {models}")
    synapses, synapse_sources = numbers(top.table("synapses"), SYNAPSES, ("stored",))
    thresholds = top.table("thresholds")
    _, threshold_sources = numbers(thresholds, {}, ("per",))
    arithmetic, arithmetic_sources = _arithmetic(top)
    packing, packing_sources = _packing(top)
    graded, graded_sources = _graded(top)
    core, core_sources = _core(top)
    mesh, mesh_sources = _mesh(top)
    _agree(top, core, mesh)
    connections, connection_sources = _connections(top)
    energy_pj, energy_sources = _events(top, "energy_pj")
    time_ns, time_sources = _events(top, "time_ns")
    sources = {
        "compartments": model_sources,
        "thresholds": threshold_sources,
        "synapses": synapse_sources,
        "packing": packing_sources,
        "arithmetic": arithmetic_sources,
        "graded": graded_sources,
        "cores": core_sources,
        "mesh": mesh_sources,
        "connections": connection_sources,
        "energy_pj": energy_sources,
        "time_ns": time_sources,
    }
    return Target(
        name=path.stem,
        title=top.text("title"),
        compartments=MappingProxyType(compartments),
        threshold_per=_threshold_per(thresholds),
        max_delay_steps=synapses.get("max_delay_steps"),
        synapse_bits=synapses["bits"],
        stored=_stored(top.table("synapses")),
        delay_bits=synapses.get("delay_bits", 0),
        axon_bits=synapses.get("axon_bits", 0),
        packing=packing,
        arithmetic=arithmetic,
        graded=graded,
        core=core,
        mesh=mesh,
        connections=MappingProxyType(connections),
        energy_pj=MappingProxyType(energy_pj),
        time_ns=MappingProxyType(time_ns),
        sources=MappingProxyType(
            {f"{table}.{key}": s for table, keys in sources.items() for key, s in keys.items()}
        ),
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


def _events(top: Table, key: str) -> tuple[dict[str, float], dict[str, str]]:
    return reals(top.table(key), EVENTS) if key in top.items else ({}, {})


def _arithmetic(top: Table) -> tuple[Arithmetic | None, dict[str, str]]:
    if "arithmetic" not in top.items:
        return None, {}
    table = top.table("arithmetic")
    found, sources = numbers(table, ARITHMETIC)
    made = Arithmetic(**found)
    low, high = made.weight_exponents
    if not low <= made.weight_exponent <= high:
        raise TargetError(
            table.at("weight_exponent"),
            f"is {made.weight_exponent}, the least is {low} and the most {high}",
            "correct one of the three",
        )
    return made, sources


def _core(top: Table) -> tuple[Core, dict[str, str]]:
    kinds = top.items.get("cores", [])
    if not isinstance(kinds, list) or not all(isinstance(k, dict) for k in kinds):
        raise TargetError(
            top.at("cores"), f"is {kind(kinds)}, a list of tables is needed", "write [[cores]]"
        )
    if len(kinds) > 1:
        raise TargetError(
            top.at("cores"),
            f"has {len(kinds)} kinds of core, 1 can be mapped",
            "keep one [[cores]]",
        )
    if not kinds:
        return Core(count=None, limits=MappingProxyType({})), {}
    found, sources = numbers(Table(where=top.at("cores"), items=kinds[0]), CORES)
    count = found.pop("count", None)
    return Core(count=count, limits=MappingProxyType(found)), sources


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


def _agree(top: Table, core: Core, mesh: Mesh | None) -> None:
    """Refuse limits of cores that lie nowhere, and more cores than a mesh has places."""
    if mesh is None and (core.limits or core.count is not None):
        raise TargetError(top.at("mesh"), "is missing: cores with limits lie on one", "add [mesh]")
    if mesh is not None and (core.count or 0) > mesh.places:
        wrong = f"is {core.count}, the mesh has {mesh.places} places"
        raise TargetError(top.at("cores.count"), wrong, "correct one")
