"""Make pytorch.npz: inputs drawn by numpy, results and gradients by PyTorch in float64.

Run with PyTorch installed (the tests themselves do not need it):  python tests/reference/make_pytorch_values.py
"""

from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

rng = np.random.default_rng(20)
values = {"torch_version": np.array(torch.__version__)}


def leaf(array):
    return torch.tensor(array, requires_grad=True)


def keep(group, **arrays):
    for name, array in arrays.items():
        values[f"{group}/{name}"] = array.detach().numpy() if isinstance(array, torch.Tensor) else np.asarray(array)


# Dense: n, d_in and d_out all differ, the upstream gradient is random.
X, W, b = leaf(rng.normal(size=(5, 4))), leaf(rng.normal(size=(4, 3))), leaf(rng.normal(size=3))
dZ = torch.tensor(rng.normal(size=(5, 3)))
Z = X @ W + b
Z.backward(dZ)
keep("dense", X=X, W=W, b=b, dZ=dZ, Z=Z, dX=X.grad, dW=W.grad, db=b.grad)

# Activations, with large values and an exact zero among the inputs.
for name, function in {"relu": torch.relu, "sigmoid": torch.sigmoid, "tanh": torch.tanh}.items():
    Z = leaf(np.concatenate([rng.normal(size=20) * 3, [0.0, 800.0, -800.0, 1e4, -1e4]]).reshape(5, 5))
    dA = torch.tensor(rng.normal(size=(5, 5)))
    A = function(Z)
    A.backward(dA)
    keep(name, Z=Z, dA=dA, A=A, dZ=Z.grad)

# Losses. One row of the logits has huge entries, and several labels are equal.
logits = leaf(np.concatenate([rng.normal(size=(6, 4)) * 2, [[1e4, -1e4, 0.0, 3.0]]]))
labels = np.array([0, 3, 3, 1, 3, 2, 1])
loss = functional.cross_entropy(logits, torch.tensor(labels))
loss.backward()
keep("cross_entropy", logits=logits, labels=labels, softmax=torch.softmax(logits, 1), loss=loss, dlogits=logits.grad)

predictions, targets = leaf(rng.normal(size=(5, 2))), rng.normal(size=(5, 2))
loss = functional.mse_loss(predictions, torch.tensor(targets))
loss.backward()
keep("mean_squared_error", predictions=predictions, targets=targets, loss=loss, dpredictions=predictions.grad)

logits = leaf(np.concatenate([rng.normal(size=6) * 3, [1e4, -1e4]]))
targets = np.array([0.0, 1, 1, 0, 1, 0, 0, 1])
loss = functional.binary_cross_entropy_with_logits(logits, torch.tensor(targets))
loss.backward()
keep("binary_cross_entropy", logits=logits, targets=targets, loss=loss, dlogits=logits.grad)

# A whole network, its gradients, and five steps of each optimizer from the same start.
X, labels = rng.normal(size=(6, 5)), np.array([2, 0, 1, 1, 2, 2])
start = {"W1": rng.normal(size=(5, 7)), "b1": rng.normal(size=7), "W2": rng.normal(size=(7, 3)), "b2": rng.normal(size=3)}


def network_loss(p):
    hidden = torch.relu(torch.tensor(X) @ p["W1"] + p["b1"])
    return functional.cross_entropy(hidden @ p["W2"] + p["b2"], torch.tensor(labels))


parameters = {name: leaf(array) for name, array in start.items()}
loss = network_loss(parameters)
loss.backward()
keep("network", X=X, labels=labels, loss=loss, **start, **{f"d{name}": p.grad for name, p in parameters.items()})

optimizers = {
    "gradient_descent": lambda p: torch.optim.SGD(p, lr=0.3),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "adam": lambda p: torch.optim.Adam(p, lr=0.05),
}
for name, make in optimizers.items():
    parameters = {key: leaf(array) for key, array in start.items()}
    optimizer = make(parameters.values())
    losses = []
    for _ in range(5):
        loss = network_loss(parameters)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    keep(name, losses=losses, **parameters)

path = Path(__file__).with_name("pytorch.npz")
np.savez(path, **values)
print(f"{path.name}: {len(values)} arrays from torch {torch.__version__}")
