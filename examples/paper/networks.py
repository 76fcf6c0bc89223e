"""Train the networks of this example and write each as ONNX, with what was measured as JSON.

    pip install torch==2.13.0 onnx onnxruntime onnxscript
    python examples/paper/networks.py

Only this script needs torch; `examples/mnist/train.py` holds what it shares with that example.
"""

import argparse
import hashlib
import json
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).parents[1] / "mnist"))
from data import Images, Labels, mnist
from fetch import fashion_mnist, training_digits
from train import distort

SEED = 2017
BATCH = 128
OPSET = 18
FASHION = "-fashion"  # ends the name of a network that is trained on Fashion-MNIST
HELD_OUT = "-held-out"  # ends the name of a network that does not see the last training digits
BINARY = ("heaviside", "sign", "binary")
EPOCHS = {
    "lenet": 10,
    f"lenet{HELD_OUT}": 10,
    **dict.fromkeys(BINARY, 4),
    "branches": 1,
    "sequence": 1,
}
EPOCHS |= {f"{name}{FASHION}": 6 for name in BINARY}
RATE = {name: 0.1 if name.startswith("lenet") else 0.005 for name in EPOCHS}


class Step(torch.autograd.Function):
    """1 where x >= 0, else 0; its gradient is that of a clipped identity."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return (x >= 0).to(x.dtype)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient * (x.abs() <= 1)


class Signs(torch.autograd.Function):
    """The sign of x, 1 at 0; its gradient is that of a clipped identity."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.where(x >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient * (x.abs() <= 1)


class Heaviside(nn.Module):
    """A neuron of BinaryNet: 0 or 1."""

    def forward(self, x: Tensor) -> Tensor:
        return Step.apply(x)


class Sign(nn.Module):
    """A neuron of BinaryNet: -1 or 1."""

    def forward(self, x: Tensor) -> Tensor:
        return Signs.apply(x)


class BinaryConv(nn.Conv2d):
    """A convolution whose weights are their signs; the gradient passes straight through."""

    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, Signs.apply(self.weight), self.bias)


class BinaryLinear(nn.Linear):
    """A dense layer whose weights are their signs."""

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, Signs.apply(self.weight), self.bias)


def lenet() -> nn.Sequential:
    """Give the paper's LeNet: 2,346,734 operations."""
    net = nn.Sequential()
    net.conv1, net.relu1, net.pool1 = nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2)
    net.conv2, net.relu2, net.pool2 = nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)
    net.conv3, net.relu3 = nn.Conv2d(16, 120, 5, padding=2), nn.ReLU()
    net.flatten = nn.Flatten()
    net.dense1, net.relu4 = nn.Linear(1920, 84), nn.ReLU()
    net.dense2 = nn.Linear(84, 10)
    return net


def binary_net(neuron: type[nn.Module]) -> nn.Sequential:
    """Give a small net of binary weights, batch normalisation and `neuron`; strides, no pools."""
    net = nn.Sequential()
    net.conv1, net.norm1, net.act1 = BinaryConv(1, 16, 5, 2), nn.BatchNorm2d(16), neuron()
    net.conv2, net.norm2, net.act2 = BinaryConv(16, 32, 3, 2), nn.BatchNorm2d(32), neuron()
    net.flatten = nn.Flatten()
    net.dense1, net.norm3, net.act3 = BinaryLinear(800, 256), nn.BatchNorm1d(256), neuron()
    net.dense2, net.norm4 = BinaryLinear(256, 10), nn.BatchNorm1d(10)
    return net


class Branches(nn.ModuleList):
    """The channels of all branches, side by side."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self], dim=1)


def branches() -> nn.Sequential:
    """Give the toolbox's test network: batch normalisation, average pooling, two branches."""
    net, wide, narrow = nn.Sequential(), nn.Sequential(), nn.Sequential()
    wide.conv, wide.relu = nn.Conv2d(16, 32, 3, padding=1), nn.ReLU()
    narrow.conv, narrow.relu = nn.Conv2d(16, 8, 1), nn.ReLU()
    net.conv1, net.norm1, net.relu1 = nn.Conv2d(1, 16, 5, 2), nn.BatchNorm2d(16), nn.ReLU()
    net.pool1, net.concat = nn.AvgPool2d(2), Branches([wide, narrow])
    net.conv2, net.norm2, net.relu2 = nn.Conv2d(40, 10, 3), nn.BatchNorm2d(10), nn.ReLU()
    net.flatten, net.dense = nn.Flatten(), nn.Linear(160, 10)
    return net


def sequence() -> nn.Sequential:
    """Give the toolbox's 1-D test network: rows are channels; stride, dilation, one-sided pads."""
    net = nn.Sequential()
    net.rows = nn.Flatten(1, 2)
    net.conv1, net.norm1, net.relu1 = nn.Conv1d(28, 32, 3, stride=2), nn.BatchNorm1d(32), nn.ReLU()
    net.conv2, net.norm2, net.relu2 = (
        nn.Conv1d(32, 32, 3, dilation=2),
        nn.BatchNorm1d(32),
        nn.ReLU(),
    )
    net.causal, net.conv3 = nn.ConstantPad1d((2, 0), 0.0), nn.Conv1d(32, 32, 3)
    net.norm3, net.relu3 = nn.BatchNorm1d(32), nn.ReLU()
    net.flatten, net.dense = nn.Flatten(), nn.Linear(288, 10)
    return net


def make(name: str) -> nn.Sequential:
    """Give the untrained network called `name`."""
    name = name.removesuffix(HELD_OUT)
    whole = {"lenet": lenet, "branches": branches, "sequence": sequence}
    if name in whole:
        return whole[name]()
    neuron = {"heaviside": Heaviside, "sign": Sign, "binary": nn.ReLU}
    return binary_net(neuron[name.removesuffix(FASHION)])


def images(name: str, split: str) -> tuple[Images, Labels]:
    """Give the data that the network called `name` is for."""
    if name.endswith(HELD_OUT) and split == "train":
        return training_digits("seen")
    return fashion_mnist(split) if name.endswith(FASHION) else mnist(split)


def fit(name: str, all_images: Tensor, labels: Tensor) -> nn.Sequential:
    """Train it: momentum for LeNet, Adam where weights are binary."""
    net, batches, rate = make(name), len(all_images) // BATCH, RATE[name]
    if name.startswith("lenet"):
        optimizer: torch.optim.Optimizer = torch.optim.SGD(
            net.parameters(), rate, momentum=0.9, weight_decay=5e-4, nesterov=True
        )
    else:
        optimizer = torch.optim.Adam(net.parameters(), rate)
    total = EPOCHS[name] * batches
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=total)
    for epoch in range(EPOCHS[name]):
        for batch in torch.split(torch.randperm(len(all_images)), BATCH)[:batches]:
            shown = distort(all_images[batch]) if name.startswith("lenet") else all_images[batch]
            smoothing = 0.05 if name.startswith("lenet") else 0.0
            loss = functional.cross_entropy(net(shown), labels[batch], label_smoothing=smoothing)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            if name.removesuffix(FASHION) in BINARY:
                for layer in (net.conv1, net.conv2, net.dense1, net.dense2):
                    layer.weight.data.clamp_(-1, 1)
        print(f"{name}: epoch {epoch + 1} of {EPOCHS[name]}: loss {loss.item():.4f}", flush=True)
    return net.eval()


def export(net: nn.Sequential, path: Path) -> None:
    """Write one ONNX file of float32 weights with a free batch; nodes named after the modules."""
    model = onnx.helper.make_model(
        onnx.helper.make_graph([], "graph", [], []),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=9,
    )
    value = "image"
    for name, module in net.named_children():
        value = write(model.graph, name, module, value)
    shapes = ("image", ["batch", 1, 28, 28]), (value, ["batch", 10])
    made = [onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, s) for n, s in shapes]
    model.graph.input.append(made[0])
    model.graph.output.append(made[1])
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString(deterministic=True))


def write(graph: onnx.GraphProto, name: str, module: nn.Module, value: str) -> str:
    """Append the nodes of one module and give its value's name."""

    def constant(what: str, array: np.ndarray) -> str:
        graph.initializer.append(onnx.numpy_helper.from_array(array, f"{name}.{what}"))
        return f"{name}.{what}"

    def node(kind: str, inputs: list[str], output: str = name, **attributes: object) -> str:
        made = onnx.helper.make_node(kind, inputs, [output], name=output, **attributes)
        graph.node.append(made)
        return output

    if isinstance(module, Branches):
        ends = []
        for branch, layers in enumerate(module):
            end = value
            for inner, layer in layers.named_children():
                end = write(graph, f"{name}{branch + 1}.{inner}", layer, end)
            ends.append(end)
        return node("Concat", ends, axis=1)
    if isinstance(module, nn.ConstantPad1d):
        pads = constant("pads", np.array([0, 0, module.padding[0], 0, 0, module.padding[1]]))
        return node("Pad", [value, pads])
    if isinstance(module, nn.Flatten) and module.end_dim == 2:
        return node("Reshape", [value, constant("shape", np.array([-1, 28, 28]))])
    if isinstance(module, nn.AvgPool2d):
        return node("AveragePool", [value], kernel_shape=[2, 2], strides=[2, 2])
    if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Linear):
        weight = module.weight.detach().numpy()
        if isinstance(module, BinaryConv | BinaryLinear):
            weight = np.where(weight >= 0, 1, -1).astype(np.float32)
        inputs = [value, constant("weight", weight), constant("bias", module.bias.detach().numpy())]
        if isinstance(module, nn.Linear):
            return node("Gemm", inputs, transB=1)
        pads = [int(p) for p in module.padding] * 2
        steps = {"strides": list(module.stride), "dilations": list(module.dilation)}
        return node("Conv", inputs, pads=pads, **steps)
    if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        parts = {"scale": module.weight, "shift": module.bias}
        parts |= {"mean": module.running_mean, "var": module.running_var}
        inputs = [value, *(constant(k, v.detach().numpy()) for k, v in parts.items())]
        return node("BatchNormalization", inputs, epsilon=module.eps)
    if isinstance(module, Heaviside | Sign):
        zero = constant("zero", np.zeros((), np.float32))
        above = node("GreaterOrEqual", [value, zero], f"{name}.above")
        if isinstance(module, Heaviside):
            return node("Cast", [above], to=onnx.TensorProto.FLOAT)
        ends = (constant("high", np.float32(1)), constant("low", np.float32(-1)))
        return node("Where", [above, *ends])
    if isinstance(module, nn.MaxPool2d):
        return node("MaxPool", [value], kernel_shape=[2, 2], strides=[2, 2])
    return node({nn.ReLU: "Relu", nn.Flatten: "Flatten"}[type(module)], [value])


def accuracy(path: Path, tests: Images, labels: Labels) -> float:
    """Give the share of the test images that onnxruntime classifies right."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (logits,) = session.run(None, {"image": tests})
    return float((np.asarray(logits).argmax(1) == labels).mean())


def main() -> None:
    """Train, export, measure, and write the facts down."""
    parser = argparse.ArgumentParser(description="Train the networks of this example.")
    parser.add_argument("names", nargs="*", default=list(EPOCHS), choices=list(EPOCHS))
    names = parser.parse_args().names
    for name in names:
        shown, labels = images(name, "train")
        torch.manual_seed(SEED)
        torch.use_deterministic_algorithms(True)
        started = time.perf_counter()
        net = fit(name, torch.from_numpy(shown), torch.from_numpy(labels))
        seconds = time.perf_counter() - started
        path = Path(__file__).parent / f"{name}.onnx"
        export(net, path)
        data = "Fashion-MNIST" if name.endswith(FASHION) else "MNIST"
        facts = {
            "data": f"{data}, {len(labels):,} images to train, 10,000 to test",
            "parameters": sum(weight.numel() for weight in net.parameters()),
            "seed": SEED,
            "epochs": EPOCHS[name],
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
            "train_s": round(seconds, 1),
            "test_accuracy": accuracy(path, *images(name, "test")),
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        path.with_suffix(".json").write_text(json.dumps(facts, indent=2) + "\n")
        print(json.dumps(facts, indent=2), flush=True)


if __name__ == "__main__":
    main()
