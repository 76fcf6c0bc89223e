"""Counts of synapses and sources over all blocks of a grid at once."""

from dataclasses import dataclass, field

from neurocomp.mapping.irregular import Irregular, irregular
from neurocomp.mapping.regular import Regular, regular
from neurocomp.snn.synapses import Synapse


@dataclass(frozen=True, eq=False, slots=True)
class Counts:
    """The counts of each synapse; what was asked once is remembered."""

    known: dict[Synapse, Regular | Irregular] = field(default_factory=dict)

    def of(self, synapse: Synapse) -> Regular | Irregular:
        """Give the counts of `synapse`: in closed form where it is regular."""
        if synapse not in self.known:
            self.known[synapse] = regular(synapse) or irregular(synapse)
        return self.known[synapse]
