"""Time the spiking libraries of this interpreter on one workload; one line of JSON each.

    python torch_peers.py W1 workload.npz STEPS

Average pooling is linear and neurons reset by subtraction (norse has a hard reset only), weights
are float32, all images run side by side, time is a loop in Python as the libraries' own guides do.
Imports nothing of neurocomp.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from spec import Layer
from torch import nn

THREADS = 2
ROUNDS = 3


def snntorch_neuron(threshold: float) -> nn.Module:
    import snntorch

    return snntorch.Leaky(
        beta=1.0, threshold=threshold, init_hidden=True, reset_mechanism="subtract"
    )


def spikingjelly_neuron(threshold: float) -> nn.Module:
    from spikingjelly.activation_based import neuron

    return neuron.IFNode(v_threshold=threshold, v_reset=None)


def sinabs_neuron(threshold: float) -> nn.Module:
    import sinabs.layers

    return sinabs.layers.IAF(spike_threshold=torch.tensor(threshold))


class NorseNeuron(nn.Module):
    """A norse cell that keeps its own state, as the others do."""

    def __init__(self, threshold: float) -> None:
        super().__init__()
        from norse.torch import IAFCell, IAFParameters

        self.cell = IAFCell(p=IAFParameters(v_th=torch.tensor(threshold)))
        self.state = None

    def forward(self, drive: torch.Tensor) -> torch.Tensor:
        spikes, self.state = self.cell(drive, self.state)
        return spikes


class OneStep(nn.Module):
    """A module that takes (images, steps, ...), given one step."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, drive: torch.Tensor) -> torch.Tensor:
        return self.module(drive.unsqueeze(1)).squeeze(1)


NEURONS: dict[str, Callable[[float], nn.Module]] = {
    "snntorch": snntorch_neuron,
    "spikingjelly": spikingjelly_neuron,
    "sinabs": lambda threshold: OneStep(sinabs_neuron(threshold)),
    "norse": NorseNeuron,
}


def modules(
    layers: list[Layer], kernels: list[np.ndarray], thresholds: np.ndarray, name: str
) -> Iterator[nn.Module]:
    for i, (layer, kernel) in enumerate(zip(layers, kernels, strict=True)):
        if layer.pooled:
            yield nn.AvgPool2d(2, divisor_override=1)
        weight = torch.from_numpy(kernel.astype(np.float32))
        outs, ins, side, _ = weight.shape
        if layer.kernel:
            made: nn.Module = nn.Conv2d(ins, outs, side, padding=layer.pad, bias=False)
        else:
            yield nn.Flatten()
            weight = weight.reshape(outs, -1)
            made = nn.Linear(weight.shape[1], outs, bias=False)
        made.weight = nn.Parameter(weight, requires_grad=False)
        yield made
        if i < len(thresholds):
            yield NEURONS[name](float(thresholds[i]))


def reset(model: nn.Module, name: str) -> None:
    """Bring every neuron to rest."""
    if name == "spikingjelly":
        from spikingjelly.activation_based import functional

        functional.reset_net(model)
        return
    for module in model.modules():
        if isinstance(module, NorseNeuron):
            module.state = None
        elif type(module).__name__ == "Leaky":
            module.reset_mem()
        elif hasattr(module, "reset_states"):
            module.reset_states()


def measure(name: str, layers: list[Layer], file: np.lib.npyio.NpzFile, steps: int) -> float:
    """Give the least CPU seconds, of all threads, of one run."""
    kernels = [file[f"w{i}"] for i in range(len(layers))]
    images = torch.from_numpy(file["images"])
    model = nn.Sequential(*modules(layers, kernels, file["thresholds"], name)).eval()
    least = float("inf")
    with torch.inference_mode():
        for _ in range(ROUNDS):
            reset(model, name)
            begin = time.process_time()
            for _ in range(steps):
                model(images)
            least = min(least, time.process_time() - begin)
    return least


def main() -> int:
    workload, path, steps = sys.argv[1], sys.argv[2], int(sys.argv[3])
    torch.set_num_threads(THREADS)
    file = np.load(path)
    layers = [Layer(**one) for one in json.loads(str(file["layers"]))]
    for name in NEURONS:
        try:
            seconds = measure(name, layers, file, steps)
        except ImportError as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
            continue
        each = seconds / (len(file["images"]) * steps) * 1e6
        print(
            json.dumps({"workload": workload, "engine": f"{name}, step by step", "us": each}),
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
