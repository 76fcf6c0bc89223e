"""What verifying core by core found: blocks that were run, values that were compared and differ."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neurocomp.comparison import Difference
from neurocomp.mapping.placement import Block

ENGINE = "engine"


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreDifference:
    """The first place where a block differs."""

    core: str
    block: Block
    at: Difference  # neurons are counted in the whole population

    def __str__(self) -> str:
        """Write the core, the place and both values."""
        return f"{self.core}, block {self.block}: {self.at}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerCheck:
    """The blocks of one population."""

    name: str
    neurons: int
    blocks: int  # all
    run: Mapping[str, int]  # backend -> blocks that were run
    values: Mapping[str, int]  # backend -> spikes and membranes that were compared
    mismatches: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreReport:
    """Compiled right? Core by core."""

    samples: int
    steps: int
    seed: int
    layers: tuple[LayerCheck, ...]
    first: Mapping[str, CoreDifference]  # backend, or the engine -> where it differs first
    not_run: Mapping[str, str]  # backend -> why its simulator is missing

    @property
    def backends(self) -> tuple[str, ...]:
        """Name the backends that ran."""
        return tuple(n for n in self.layers[0].run if n != ENGINE)

    @property
    def exact(self) -> bool:
        """Say whether all that was run, at least one backend, gave every spike and membrane."""
        return bool(self.backends) and not self.first

    def run(self, name: str) -> int:
        """Count the blocks that a backend ran."""
        return sum(layer.run[name] for layer in self.layers)

    def mismatches(self, name: str) -> int:
        """Count the values that differ in a backend."""
        return sum(layer.mismatches[name] for layer in self.layers)

    @property
    def blocks(self) -> int:
        """Count all blocks."""
        return sum(layer.blocks for layer in self.layers)


def to_json(report: CoreReport) -> dict[str, Any]:
    """Give the report as JSON values: what `neurocomp verify --by-core --json` prints."""
    return {
        "exact": report.exact,
        "by_core": True,
        "samples": report.samples,
        "steps": report.steps,
        "seed": report.seed,
        "blocks": report.blocks,
        "not_run": dict(report.not_run),
        "backends": {
            name: {
                "blocks": report.run(name),
                "mismatches": report.mismatches(name),
                "first_difference": str(report.first[name]) if name in report.first else None,
            }
            for name in (ENGINE, *report.backends)
        },
        "populations": [
            {
                "name": layer.name,
                "neurons": layer.neurons,
                "blocks": layer.blocks,
                "run": dict(layer.run),
                "values": dict(layer.values),
                "mismatches": dict(layer.mismatches),
            }
            for layer in report.layers
        ],
    }
