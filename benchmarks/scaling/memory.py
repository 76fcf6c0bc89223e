"""Stream samples through the engine and print the peak memory of the process, in MB.

    python -m benchmarks.scaling.memory W3 8

The samples are one sample seen many times, so that they take no memory of their own.
"""

import sys
from pathlib import Path

import numpy as np

from neurocomp.engine import Keep
from neurocomp.engine.simulate import stream

sys.path.append(str(Path(__file__).parents[1] / "peers"))
import workloads
from memory import peak_mb

STEPS = 2  # in which every layer is active
THRESHOLD = 4000.0  # in units of the weights; how much fires takes no memory


def main() -> int:
    """Run the workload on so many samples."""
    workload, count = workloads.WORKLOADS[sys.argv[1]], int(sys.argv[2])
    kernels = list(workloads.weights(workload, False))
    thresholds = [THRESHOLD] * (len(kernels) - 1)
    network = workloads.network(workload, kernels, False, thresholds)
    del kernels
    one = workloads.samples(workload)[:1]
    images = np.broadcast_to(one, (count, *one.shape[1:]))
    length = network.population(network.readout).start_step + STEPS - 1
    seen = 0
    for part in stream(network, {"x": images}, length, keep=Keep(operations=False)):
        seen += len(part.readout)
    print(f"{seen} {peak_mb():.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
