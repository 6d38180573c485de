"""The catalogue's references agree with PyTorch: its stored values everywhere, itself where it is installed."""

import numpy as np
import pytest
from reference import pytorch

from backprop_lessons.checks import catalogue

GROUPS = {  # exercise -> the stored group, and the names of arguments and results there
    "relu_backward": ("relu", ("dA", "Z"), ("dZ",)),
    "sigmoid_backward": ("sigmoid", ("dA", "A"), ("dZ",)),
    "dense_backward": ("dense", ("dZ", "X", "W"), ("dX", "dW", "db")),
    "cross_entropy_backward": ("cross_entropy", ("logits", "labels"), ("dlogits",)),
    "network_backward": ("network", ("X", "labels", "W1", "b1", "W2", "b2"), ("dW1", "db1", "dW2", "db2")),
}


@pytest.mark.parametrize("name", GROUPS)
def test_the_reference_agrees_with_stored_values_of_pytorch(name):
    group, arguments, results = GROUPS[name]
    stored = pytorch(group)
    answer = catalogue[name].reference(*(stored[a] for a in arguments))
    for result, value in zip(results, answer if isinstance(answer, tuple) else (answer,)):
        np.testing.assert_allclose(value, stored[result], rtol=1e-12, atol=1e-12)


def test_the_network_agrees_with_pytorch_itself_on_the_inputs_of_a_check():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed; its stored values are compared above")
    exercise = catalogue["network_backward"]
    for case in exercise.cases:
        X, labels, *parameters = case.draw(np.random.default_rng(0))
        W1, b1, W2, b2 = tensors = [torch.tensor(p, requires_grad=True) for p in parameters]
        logits = torch.relu(torch.tensor(X) @ W1 + b1) @ W2 + b2
        torch.nn.functional.cross_entropy(logits, torch.tensor(labels)).backward()
        for value, tensor in zip(exercise.reference(X, labels, *parameters), tensors):
            np.testing.assert_allclose(value, tensor.grad.numpy(), rtol=1e-9, atol=1e-9)
