"""Run one network in the engine and print the peak memory of the process, in MB.

python peak.py W1 int8 thresholds.json
"""

import json
import sys
from pathlib import Path

import workloads
from memory import peak_mb

from neurocomp.engine import Keep, simulate


def main() -> int:
    workload, float_grid = workloads.WORKLOADS[sys.argv[1]], sys.argv[2] != "int8"
    thresholds = json.loads(Path(sys.argv[3]).read_text())
    kernels = list(workloads.weights(workload, float_grid))
    network = workloads.network(workload, kernels, float_grid, thresholds)
    length = workload.steps + len(network.populations)
    simulate(network, {"x": workloads.samples(workload)}, length, keep=Keep(operations=False))
    print(peak_mb())
    return 0


if __name__ == "__main__":
    sys.exit(main())
