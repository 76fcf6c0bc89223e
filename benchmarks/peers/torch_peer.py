"""Time one spiking library of this interpreter on a chain; one line of JSON.

    python torch_peer.py LIBRARY chain.npz STEPS counts.npz

Neurons reset by subtraction (norse has a hard reset only), weights are float32, all images run side
by side, time is a loop in Python, as the libraries' own guides do. The counts that are checked are
of a second run in float64, of few images. Imports nothing of neurocomp.
"""

import json
import sys
import time
from collections.abc import Iterator

import numpy as np
import torch
from memory import peak_mb
from torch import nn

THREADS = 2
ROUNDS = 3


class Norse(nn.Module):
    """A norse cell that keeps its own state, as the others do."""

    def __init__(self, threshold: torch.Tensor) -> None:
        super().__init__()
        from norse.torch import IAFCell, IAFParameters

        self.cell = IAFCell(p=IAFParameters(v_th=threshold))
        self.state = None

    def forward(self, drive: torch.Tensor) -> torch.Tensor:
        spikes, self.state = self.cell(drive, self.state)
        return spikes


class Sinabs(nn.Module):
    """A layer that takes (images, steps, ...), given one step."""

    def __init__(self, threshold: torch.Tensor) -> None:
        super().__init__()
        import sinabs.layers
        from sinabs.activation import SingleSpike

        self.layer = sinabs.layers.IAF(spike_threshold=threshold, spike_fn=SingleSpike)

    def forward(self, drive: torch.Tensor) -> torch.Tensor:
        return self.layer(drive.unsqueeze(1)).squeeze(1)


class Bias(nn.Module):
    """A bias of each neuron's own."""

    def __init__(self, bias: np.ndarray) -> None:
        super().__init__()
        self.register_buffer("bias", torch.from_numpy(bias))

    def forward(self, drive: torch.Tensor) -> torch.Tensor:
        return drive + self.bias


def neuron(library: str, threshold: torch.Tensor) -> nn.Module:
    if library == "snntorch":
        import snntorch

        return snntorch.Leaky(
            beta=1.0, threshold=threshold, init_hidden=True, reset_mechanism="subtract"
        )
    if library == "spikingjelly":
        from spikingjelly.activation_based.neuron import IFNode

        return IFNode(v_threshold=float(threshold), v_reset=None)
    return Sinabs(threshold) if library == "sinabs" else Norse(threshold)


class Count(nn.Module):
    """A neuron whose spikes are counted."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner, self.total = inner, 0.0

    def forward(self, drive: torch.Tensor) -> torch.Tensor:
        spikes = self.inner(drive).to(drive.dtype)
        self.total = self.total + spikes
        return spikes


def modules(file: np.lib.npyio.NpzFile, library: str, kind: type, checked: bool) -> Iterator:
    """Give the chain; of a checked run the first layer's drive is given, and spikes counted."""
    for i, layer in enumerate(json.loads(str(file["layers"]))):
        weight = torch.from_numpy(file[f"w{i}"].astype(kind))
        outs, ins, *side = weight.shape
        if not (checked and i == 0):
            if layer["pool"] != [1, 1]:
                yield nn.AvgPool2d(layer["pool"], divisor_override=1)
            if layer["dense"]:
                yield nn.Flatten()
                made: nn.Module = nn.Linear(ins * side[0] * side[1], outs, bias=False)
                weight = weight.reshape(outs, -1)
            else:
                top, left, _, _ = layer["pads"]
                options = {"stride": layer["strides"], "groups": layer["groups"], "bias": False}
                channels = ins * layer["groups"]
                made = nn.Conv2d(channels, outs, tuple(side), padding=(top, left), **options)
            made.weight = nn.Parameter(weight, requires_grad=False)
            yield made
            bias = file[f"b{i}"].astype(kind)
            if bias.any():
                yield Bias(bias.reshape(-1) if layer["dense"] else bias)
        if layer["fires"]:
            threshold = file[f"thresholds{i}"]
            if np.ptp(threshold):
                raise SystemExit("a library takes one threshold a layer, the network has several")
            made = neuron(library, torch.tensor(kind(threshold.flat[0])))
            yield Count(made) if checked else made


def reset(model: nn.Module, library: str) -> None:
    """Bring every neuron to rest."""
    if library == "spikingjelly":
        from spikingjelly.activation_based import functional

        functional.reset_net(model)
        return
    for module in model.modules():
        if isinstance(module, Norse):
            module.state = None
        elif type(module).__name__ == "Leaky":
            module.reset_mem()
        elif isinstance(module, Sinabs):
            module.layer.reset_states()


def main() -> int:
    library, path, steps, counts = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    torch.set_num_threads(THREADS)
    file = np.load(path)
    images = torch.from_numpy(file["images"])
    model = nn.Sequential(*modules(file, library, np.float32, checked=False)).eval()
    least = float("inf")
    with torch.inference_mode():
        for _ in range(ROUNDS):
            reset(model, library)
            begin = time.process_time()
            for _ in range(steps):
                model(images)
            least = min(least, time.process_time() - begin)
        peak = peak_mb()
        model = nn.Sequential(*modules(file, library, np.float64, checked=True)).eval()
        reset(model, library)
        drive = torch.from_numpy(file["drive"].astype(np.float64))
        for _ in range(steps):
            model(drive)
    counted = [m.total.numpy() for m in model if isinstance(m, Count)]
    np.savez(counts, **{f"counts{i}": each for i, each in enumerate(counted)})
    each = least / (len(images) * steps) * 1e6
    print(json.dumps({"us": each, "mb": peak, "images": len(images), "steps": steps}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
