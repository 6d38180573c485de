"""How long one training step takes, beside its peers; and how well and fast the digits are learnt.

python tests/benchmarks/training.py          one thread, float32, 784-128-10, batches of 64
A peer that is not installed is skipped by name: `pip install torch scikit-learn` for the whole table.
"""

import os

for threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):  # before numpy is imported
    os.environ[threads] = "1"

import platform
import statistics
import time
import warnings

import numpy as np

from backprop_lessons.network import Network
from backprop_lessons.optimizers import Momentum
from backprop_lessons.training import random_shifts, train, training_step, warm_up_and_decay

SIZES, BATCH, LEARNING_RATE = (784, 128, 10), 64, 0.1
ROUNDS, STEPS = 30, 40  # each round times every contestant in turn, so that all meet the same weather; the median counts


def bare_products(X, labels):
    """The five matrix products of a step and nothing else: what no step can do without."""
    rng = np.random.default_rng(1)
    W1, W2, Z, dlogits = (rng.normal(size=s).astype(np.float32) for s in [(784, 128), (128, 10), (BATCH, 128), (BATCH, 10)])

    def step():
        X @ W1, Z @ W2, Z.T @ dlogits, dlogits @ W2.T, X.T @ Z

    return step


def ours(X, labels):
    network, optimizer = Network.mlp(SIZES, np.random.default_rng(0), dtype=np.float32), Momentum(LEARNING_RATE)
    return lambda: training_step(network, X, labels, optimizer)


def torch_eager(**options):
    def contestant(X, labels):
        import torch

        torch.set_num_threads(1)
        d_in, d_hidden, d_out = SIZES
        model = torch.nn.Sequential(torch.nn.Linear(d_in, d_hidden), torch.nn.ReLU(), torch.nn.Linear(d_hidden, d_out))
        optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=0.9, **options)
        criterion, X, labels = torch.nn.CrossEntropyLoss(), torch.from_numpy(X), torch.from_numpy(labels)

        def step():
            loss = criterion(model(X), labels)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            return loss.item()

        return step

    return contestant


def sklearn_partial_fit(X, labels):
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(SIZES[1:-1], solver="sgd", learning_rate_init=LEARNING_RATE, momentum=0.9, alpha=0, batch_size=BATCH)
    classes = np.arange(SIZES[-1])
    return lambda: model.partial_fit(X, labels, classes=classes)


CONTESTANTS = {
    "bare matrix products (numpy)": bare_products,
    "backprop_lessons, Momentum": ours,
    "torch eager, SGD(momentum)": torch_eager(),
    "torch eager, SGD(foreach=True)": torch_eager(foreach=True),
    "torch eager, SGD(fused=True)": torch_eager(fused=True),
    "sklearn MLPClassifier.partial_fit": sklearn_partial_fit,
}


def time_steps():
    rng = np.random.default_rng(0)
    X, labels = rng.random((BATCH, SIZES[0]), dtype=np.float32), rng.integers(0, SIZES[-1], BATCH)
    steps, times = {}, {}
    for name, make in CONTESTANTS.items():
        try:
            step = make(X, labels)
        except ImportError as missing:
            print(f"skipped: {name} ({missing.name} is not installed)")
            continue
        step()  # once, untimed: the first step of a peer builds what the others reuse
        steps[name], times[name] = step, []
    for _ in range(ROUNDS):
        for name, step in steps.items():
            start = time.process_time()
            for _ in range(STEPS):
                step()
            times[name].append((time.process_time() - start) / STEPS)
    medians = {name: statistics.median(of) for name, of in times.items()}
    base, own = medians["bare matrix products (numpy)"], medians["backprop_lessons, Momentum"]
    print(f"\n{'one training step':34} {'CPU µs':>9} {'÷ bare':>8} {'÷ ours':>8} {'beyond bare, µs':>16}")
    for name, seconds in medians.items():
        print(f"{name:34} {seconds * 1e6:9.0f} {seconds / base:8.2f} {seconds / own:8.2f} {(seconds - base) * 1e6:16.0f}")


def train_digits(seeds=(0, 1, 2)):
    from backprop_lessons.data import load_digits

    digits = load_digits()
    print("\n784-256-10, 16 epochs, momentum 0.9, rate 0.15 warmed up and decayed, one-pixel shifts")
    for seed in seeds:
        rng, start = np.random.default_rng(seed), time.process_time()
        network = Network.mlp((784, 256, 10), rng, dtype=np.float32)
        train(network, digits.train_images, digits.train_labels, optimizer=Momentum(0.15), epochs=16, batch_size=64,
              rng=rng, augment=random_shifts, schedule=warm_up_and_decay, progress=False)
        seconds = time.process_time() - start
        right = np.mean(network.predict(digits.test_images) == digits.test_labels)
        print(f"seed {seed}: {right:.2%} of {len(digits.test_labels):,} test digits, {seconds:.2f} CPU seconds")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(f"Python {platform.python_version()}, numpy {np.__version__}, {platform.machine()}, one thread, float32")
    time_steps()
    train_digits()
