"""A target as SANA-FE's architecture: its routers, cores, and prices of events.

The format is that of SANA-FE's arch/README.md. A price that was not published is 0 there, and a
comment says so.
"""

from collections.abc import Mapping

from neurocomp.errors import UnsupportedError
from neurocomp.hw.target import Mesh, Target
from neurocomp.hw.topology import chip_position, position
from neurocomp.mapping.demand import model
from neurocomp.mapping.placement import Place
from neurocomp.program import Program

MANY = 2**20  # neurons of a core without a limit
SOMAS = {"subtract": "soft", "zero": "hard", "accumulator": "none"}  # model -> its reset there


def mesh_of(target: Target) -> Mesh:
    """Give the target's mesh. Raises UnsupportedError where SANA-FE has no such network."""
    if target.mesh is None:
        raise UnsupportedError(
            target.name, "has no cores that SANA-FE could simulate", "use a chip"
        )
    if target.mesh.links != 4:
        wrong = f"has routers of {target.mesh.links} links, SANA-FE's have 4"
        raise UnsupportedError(target.name, wrong, "use another target")
    return target.mesh


def chips_of(program: Program) -> int:
    """Count the chips that the placement uses."""
    return max((place.chip for place in program.placement.cores.values()), default=0) + 1


def size(mesh: Mesh, chips: int) -> tuple[int, int]:
    """Give the columns and rows of routers of all chips, which are one mesh."""
    last = [chip_position(chip, chips) for chip in range(chips)]
    rows, columns = (1 + max(each) for each in zip(*last, strict=True))
    return columns * mesh.width, rows * mesh.height


def address(mesh: Mesh, chips: int, place: Place) -> str:
    """Give a core as SANA-FE counts it, `tile.core`: tiles go down the first column first."""
    y, x = position(mesh, chips, (place.chip, place.row, place.column))
    return f"{x * size(mesh, chips)[1] + y}.{place.column % mesh.router_cores}"


def architecture(program: Program) -> str:
    """Write arch.yaml for the chips that `program` uses."""
    target, mesh = program.target, mesh_of(program.target)
    columns, rows = size(mesh, chips_of(program))
    pj, ns = target.energy_pj, target.time_ns
    hop = (
        _pair("_north_hop", pj, ns, "row_hop")
        + _pair("_south_hop", pj, ns, "row_hop")
        + _pair("_east_hop", pj, ns, "column_hop")
        + _pair("_west_hop", pj, ns, "column_hop")
    )
    used = {model(p.neuron) for p in program.network.populations}
    lines = [
        f"# {target.title}, for SANA-FE 2.2.9. Energies in J and times in s, from the target file.",
        "architecture:",
        f"  name: {target.name}",
        "  attributes:",
        "    topology: mesh",
        f"    width: {columns}",
        f"    height: {rows}",
        "    link_buffer_size: 16  # packets; as in SANA-FE's own arch/loihi.yaml",
        "    sync_model: fixed",
        f"    latency_sync: {_number(ns, 'step', 1e-9)}",
        "  tile:",
        f"    - name: tile[0..{columns * rows - 1}]",
        "      attributes:",
        *(f"        {line}" for line in hop),
        "      core:",
        f"        - name: core[0..{mesh.router_cores - 1}]",
        "          attributes:",
        "            buffer_position: soma",
        "            buffer_inside_unit: false",
        f"            max_neurons_supported: {target.core.limits.get('neurons', MANY)}",
        *_unit("axon_in", "in", ["energy_message_in: 0.0", "latency_message_in: 0.0"]),
        *_unit(
            "synapse",
            "synapse",
            ["model: current_based", *_pair("_process_spike", pj, ns, "synapse")],
        ),
        *_unit(
            "dendrite",
            "dendrite",
            ["model: accumulator", "energy_update: 0.0", "latency_update: 0.0"],
        ),
        *_somas(target, used),
        *_unit("axon_out", "out", _pair("_message_out", pj, ns, "packet")),
    ]
    return "\n".join(lines) + "\n"


def _somas(target: Target, used: set[str]) -> list[str]:
    """Give one soma unit for each neuron model: a neuron of two slots takes two updates."""
    lines: list[str] = []
    for name in sorted(used & SOMAS.keys()):
        slots = target.compartments[name]
        attributes = [
            "model: leaky_integrate_fire",
            *_pair("_access_neuron", {}, {}, ""),
            *_pair("_update_neuron", target.energy_pj, target.time_ns, "neuron", slots),
            *_pair("_spike_out", target.energy_pj, target.time_ns, "spike"),
        ]
        lines += _unit("soma", name, attributes)[1 if lines else 0 :]
    return lines


def _unit(kind: str, name: str, attributes: list[str]) -> list[str]:
    return [
        f"          {kind}:",
        f"            - name: {name}",
        "              attributes:",
        *(f"                {line}" for line in attributes),
    ]


def _pair(
    what: str, pj: Mapping[str, float], ns: Mapping[str, float], event: str, times: int = 1
) -> list[str]:
    """Give the energy and the latency of one event, `times` over."""
    return [
        f"energy{what}: {_number(pj, event, times * 1e-12)}",
        f"latency{what}: {_number(ns, event, times * 1e-9)}",
    ]


def _number(values: Mapping[str, float], event: str, unit: float) -> str:
    if not event:
        return "0.0"
    return f"{values[event] * unit:.6g}" if event in values else "0.0  # not published"
