"""Train the LeNet of this example and write `lenet.onnx` and, with what was measured, `lenet.json`.

    pip install torch==2.13.0 onnx onnxruntime onnxscript
    python examples/mnist/train.py

made the two in this folder, in about four minutes on two cores. Only this script needs torch.
"""

import argparse
import hashlib
import json
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from data import mnist
from torch import Tensor, nn
from torch.nn import functional

SEED = 2024
EPOCHS = 30
BATCH = 128
RATE = 0.1
# Both keep weights and activations small, so less is lost to 8-bit weights and to rates.
WEIGHT_DECAY = 5e-4
LABEL_SMOOTHING = 0.05
# The largest distortion of a digit: 10 degrees, 10 % and, as half an image is 1, 2 of 28 pixels.
TURN_RAD, ZOOM, SHIFT = 0.17, 0.1, 0.14
OPSET = 18


class LeNet(nn.Sequential):
    """LeNet-5 with average pooling and ReLU, 44,426 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.relu1, self.pool1 = nn.Conv2d(1, 6, 5), nn.ReLU(), nn.AvgPool2d(2)
        self.conv2, self.relu2, self.pool2 = nn.Conv2d(6, 16, 5), nn.ReLU(), nn.AvgPool2d(2)
        self.flatten = nn.Flatten()
        self.dense1, self.relu3 = nn.Linear(256, 120), nn.ReLU()
        self.dense2, self.relu4 = nn.Linear(120, 84), nn.ReLU()
        self.dense3 = nn.Linear(84, 10)


def distort(images: Tensor) -> Tensor:
    """Turn, scale and shift each digit a little, at random."""
    n = len(images)
    turn, zoom = (torch.rand(2, n) * 2 - 1) * torch.tensor([[TURN_RAD], [ZOOM]])
    shift = (torch.rand(n, 2, 1) * 2 - 1) * SHIFT
    cos, sin = turn.cos() * (1 + zoom), turn.sin() * (1 + zoom)
    matrix = torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)
    affine = torch.cat([matrix, shift], 2)
    grid = functional.affine_grid(affine, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)


def train(images: Tensor, labels: Tensor, epochs: int) -> LeNet:
    """Fit a network with momentum and a cosine schedule."""
    net, batches = LeNet(), len(images) // BATCH
    net.to(memory_format=torch.channels_last)  # half the time of torch's own layout
    images = images.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(
        net.parameters(), RATE, momentum=0.9, weight_decay=WEIGHT_DECAY, nesterov=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, RATE, total_steps=epochs * batches, pct_start=0.1
    )
    for epoch in range(epochs):
        loss = torch.zeros(())
        for batch in torch.split(torch.randperm(len(images)), BATCH)[:batches]:
            logits = net(distort(images[batch]))
            loss = functional.cross_entropy(logits, labels[batch], label_smoothing=LABEL_SMOOTHING)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        print(f"epoch {epoch + 1} of {epochs}: loss {loss.item():.4f}", flush=True)
    net.to(memory_format=torch.contiguous_format)
    return net.eval()


def export(net: LeNet, path: Path) -> None:
    """Write one ONNX file with a symbolic batch and its nodes named after the modules."""
    program = torch.onnx.export(
        net,
        (torch.zeros(2, 1, 28, 28),),
        dynamo=True,
        opset_version=OPSET,
        input_names=["image"],
        output_names=["logits"],
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        verbose=False,
    )
    assert program is not None  # as it would be for a path to write to
    model = program.model_proto
    tidy(model.graph, [name for name, _ in net.named_children()])
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString(deterministic=True))


def tidy(graph: onnx.GraphProto, names: list[str]) -> None:
    """Name each node and its value after its module, and drop the exporter's stack traces."""
    renamed = {node.output[0]: name for node, name in zip(graph.node[:-1], names[:-1], strict=True)}
    for node, name in zip(graph.node, names, strict=True):
        node.name = name
        node.input[:] = [renamed.get(value, value) for value in node.input]
        node.output[:] = [renamed.get(value, value) for value in node.output]
    for part in [graph, *graph.node, *graph.initializer, *graph.input, *graph.output]:
        del part.metadata_props[:]
    del graph.value_info[:]


def accuracy(path: Path) -> float:
    """Give the share of the 10,000 test digits that onnxruntime classifies right."""
    images, labels = mnist("test")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (logits,) = session.run(["logits"], {"image": images})
    return float((np.asarray(logits).argmax(1) == labels).mean())


def main() -> None:
    """Train, export, measure, and write the facts down."""
    parser = argparse.ArgumentParser(description="Train the LeNet of this example.")
    parser.add_argument("--folder", type=Path, default=Path(__file__).parent)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    arguments = parser.parse_args()
    path = arguments.folder / "lenet.onnx"
    torch.manual_seed(SEED)
    torch.use_deterministic_algorithms(True)
    images, labels = mnist("train")
    started = time.perf_counter()
    net = train(torch.from_numpy(images), torch.from_numpy(labels), arguments.epochs)
    seconds = time.perf_counter() - started
    export(net, path)
    facts = {
        "data": "MNIST, 60,000 digits to train, 10,000 to test",
        "parameters": sum(weight.numel() for weight in net.parameters()),
        "seed": SEED,
        "epochs": arguments.epochs,
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "train_s": round(seconds, 1),
        "test_accuracy": accuracy(path),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    path.with_suffix(".json").write_text(json.dumps(facts, indent=2) + "\n")
    print(json.dumps(facts, indent=2))


if __name__ == "__main__":
    main()
