"""How full the cores are, and which resource binds."""

from collections.abc import Mapping
from dataclasses import dataclass

from neurocomp.hw.target import RESOURCES, Target
from neurocomp.mapping.placement import Block, Place, Placement


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """One resource: what the fullest core uses of it, what all do, and the limit of one core."""

    used: int
    total: int
    limit: int | None  # of that core; None: not published, or no limit
    block: Block | None  # the largest one of the fullest core; None where nothing is placed

    @property
    def share(self) -> float:
        """Give the fullest core's share of its limit; 0 without a limit."""
        return self.used / self.limit if self.limit else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Utilisation:
    """Every resource, the one that binds, and the cores and chips that are used."""

    resources: Mapping[str, Usage]
    binding: str | None  # the resource with the highest share; None without limits
    cores: int
    chips: int


def utilisation(placement: Placement, target: Target) -> Utilisation:
    """Sum what the blocks of each core use."""
    places = set(placement.cores.values())
    names = next(iter(placement.demand.values()), dict.fromkeys(RESOURCES, 0))
    resources = {resource: _usage(placement, target, resource) for resource in names}
    limited = [name for name, usage in resources.items() if usage.limit is not None]
    return Utilisation(
        resources=resources,
        binding=max(limited, key=lambda name: resources[name].share, default=None),
        cores=len(places),
        chips=len({p.chip for p in places}),
    )


def _usage(placement: Placement, target: Target, resource: str) -> Usage:
    by_core: dict[Place, int] = {}
    for block, core in placement.cores.items():
        by_core[core] = by_core.get(core, 0) + placement.demand[block][resource]
    limits = {core: limit_of(target, core, resource) for core in by_core}

    def share(core: Place) -> float:
        return by_core[core] / (limits[core] or 1)

    fullest = max(by_core, key=share, default=None)
    on_it = [block for block, core in placement.cores.items() if core == fullest]
    return Usage(
        used=0 if fullest is None else by_core[fullest],
        total=sum(by_core.values()),
        limit=target.core.limits.get(resource) if fullest is None else limits[fullest],
        block=max(on_it, key=lambda block: placement.demand[block][resource], default=None),
    )


def limit_of(target: Target, core: Place, resource: str) -> int | None:
    """Give the limit of one core; kinds lie on a chip in their order, row by row."""
    wide = target.mesh.width * target.mesh.router_cores if target.mesh else 1
    return target.limits(core.row * wide + core.column).get(resource)
