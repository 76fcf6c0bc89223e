"""What a step and a sample cost on a chip: as JSON values, and for people."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from neurocomp.cli.console import say
from neurocomp.cli.console import show as show_table
from neurocomp.cli.tables import table
from neurocomp.hw.target import Target
from neurocomp.mapping.advice import binding
from neurocomp.mapping.cost import Cost
from neurocomp.snn.network import Network

RATES = "measured on the calibration samples"
PRICED = {
    "neuron": "updates of neurons",
    "spike": "spikes",
    "synapse": "synaptic events",
    "packet": "packets",
    "column_hop": "hops along rows",
    "row_hop": "hops along columns",
    "diagonal_hop": "diagonal hops",
    "static": "chips and cores at rest",
}


def cost_json(found: Cost, rates: str, steps: int) -> dict[str, Any]:
    """Give what a step costs, and a sample of so many; `rates` says where spike rates are from."""
    energy = {k: v for k, v in found.energy_pj.items() if v is not None}
    step_ns = found.step_ns
    return {
        "rates": rates,
        "step": {**asdict(found), "mean_hops": found.mean_hops},
        "sample": {
            "steps": steps,
            "energy_nj": sum(energy.values()) * steps / 1000 if energy else None,
            "not_published": sorted(k for k, v in found.energy_pj.items() if v is None),
            "time_us": step_ns * steps / 1000 if step_ns is not None else None,
        },
    }


def layers_json(network: Network, target: Target) -> list[dict[str, Any]]:
    """Give for each layer the resource that asks for most cores, and how many, worst first."""
    return [
        {"layer": layer, "resource": resource, "least_cores": round(least, 2)}
        for layer, resource, least in binding(network, target)
    ]


def say_cost(found: Cost, steps: int) -> None:
    """Write what a step and a sample cost in two lines."""
    sample = cost_json(found, RATES, steps)["sample"]
    ns = found.step_ns
    time = "time not published" if ns is None else _scaled(ns * 1e-9, "s")
    say(
        f"a step: {found.packets:,.0f} packets between cores, {found.hops:,.0f} hops (at least "
        f"{found.least_hops:,.0f}), {time}; rates {RATES}"
    )
    _say_sample(sample)


def show_cost(found: Cost, summary: Mapping[str, Any]) -> None:
    """Show what `cost_json` gives."""
    numbers: list[tuple[str, object]] = [
        ("spikes", found.spikes),
        ("synaptic events", found.synapses),
        ("packets between cores", found.packets),
        ("hops", found.hops),
        ("hops, at least", found.least_hops),
        ("hops a packet", found.mean_hops),
        ("packets that leave their chip", f"{found.crossing:.1%}"),
        ("packets over a link, mean", found.link_mean),
        ("packets over a link, most", found.link_most),
    ]
    for what, energy in found.energy_pj.items():
        numbers.append((f"energy of {PRICED[what]}, pJ", _published(energy)))
    numbers.append(("time, ns", _published(found.step_ns)))
    show_table(table(f"a step; rates {summary['rates']}", ["what", "#value"], numbers))
    _say_sample(summary["sample"])


def _say_sample(sample: Mapping[str, Any]) -> None:
    """Say what a sample takes, and what that leaves out."""
    nj, us = sample["energy_nj"], sample["time_us"]
    energy = "energy not published" if nj is None else _scaled(nj * 1e-9, "J")
    time = "time not published" if us is None else _scaled(us * 1e-6, "s")
    missing = "" if nj is None else ", ".join(PRICED[e] for e in sample["not_published"])
    without = f" (energy without what was not published: {missing})" if missing else ""
    say(f"a sample of {sample['steps']} steps: {energy}, {time}{without}")


def _scaled(value: float, unit: str) -> str:
    """Write a quantity with a prefix, `92.7 mJ`."""
    for factor, prefix in ((1, ""), (1e-3, "m"), (1e-6, "u"), (1e-9, "n")):
        if value >= factor:
            return f"{value / factor:.3g} {prefix}{unit}"
    return f"{value * 1e12:.3g} p{unit}"


def _published(value: float | None) -> str:
    return "not published" if value is None else f"{value:.4g}"
