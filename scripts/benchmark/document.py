"""The single-layer perceptron as its document trains it, as a whole program: the loop, the curves, ten predictions.

python scripts/benchmark/document.py DATA OUT
"""

import gzip
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn
from torch.nn.functional import one_hot
from torch.utils.data import DataLoader, TensorDataset

RAW, OUT = Path(sys.argv[1]) / "MNIST" / "raw", Path(sys.argv[2])


def read(name: str, header: int) -> np.ndarray:
    """Return the bytes of a file of MNIST after its header."""
    path = RAW / name
    content = path.read_bytes() if path.exists() else gzip.decompress(path.with_name(f"{name}.gz").read_bytes())
    return np.frombuffer(content[header:], dtype=np.uint8)


def examples(part: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Return pixels in 0 to 1, and targets as vectors."""
    images, labels = (
        read(f"{part}-images-idx3-ubyte", 16).reshape(-1, 784) / 255.0,
        read(f"{part}-labels-idx1-ubyte", 8),
    )
    return torch.tensor(images).float(), one_hot(torch.tensor(labels).to(torch.int64), num_classes=10).float()


if __name__ == "__main__":
    parts = {part: examples(part) for part in ("train", "t10k")}
    loaders = {part: DataLoader(TensorDataset(*xy), batch_size=64, shuffle=True) for part, xy in parts.items()}
    network = nn.Sequential(nn.Linear(784, 10), nn.Sigmoid())
    criterion, optimizer = nn.MSELoss(), torch.optim.SGD(network.parameters(), lr=0.5)
    losses: dict[str, list[float]] = {part: [] for part in parts}
    accuracies: dict[str, list[float]] = {part: [] for part in parts}
    for epoch in range(10):
        for part, loader in loaders.items():
            network.train(part == "train")
            total_loss, correct, total = 0.0, 0, 0
            with torch.set_grad_enabled(part == "train"):
                for x, y in loader:
                    p = network(x)
                    loss = criterion(p, y)
                    if part == "train":
                        optimizer.zero_grad()
                        loss.backward()
                        optimizer.step()
                    total_loss += loss.item() * x.size(0)
                    correct += int((p.argmax(dim=1) == y.argmax(dim=1)).sum().item())
                    total += x.size(0)
            losses[part].append(total_loss / total)
            accuracies[part].append(correct / total)
        print(f"epoch {epoch + 1}: loss={losses['train'][-1]:.4f}, acc={accuracies['train'][-1]:.3f}", flush=True)

    figure, axes = plt.subplots(1, 2, figsize=(10, 5))
    for part in parts:
        axes[0].plot(losses[part], label=part)
        axes[1].plot(accuracies[part], label=part)
    for axis in axes:
        axis.legend()
    figure.savefig(OUT / "curves.png")
    figure, axes = plt.subplots(2, 5, figsize=(10, 6))
    x, y = parts["t10k"]
    for axis, index in zip(axes.flat, range(10), strict=True):
        axis.imshow(x[index].reshape(28, 28), cmap="Greys")
        axis.set_title(f"True Label: {int(y[index].argmax())}\n Predicted Label: {int(network(x[index]).argmax())}")
        axis.axis("off")
    figure.savefig(OUT / "predictions.png")
