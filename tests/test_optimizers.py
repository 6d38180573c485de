"""Optimizers: five steps against PyTorch's, functions against classes, and the trap of tiny numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import pytorch

from backprop_lessons.network import Network
from backprop_lessons.optimizers import (
    Adam, GradientDescent, Momentum, adam_step, clear_tiny, gradient_descent_step, momentum_step,
)
from backprop_lessons.training import training_step

NAMES = ("W1", "b1", "W2", "b2")


@pytest.mark.parametrize("group, optimizer", [
    ("gradient_descent", GradientDescent(0.3)), ("momentum", Momentum(0.1, momentum=0.9)), ("adam", Adam(0.05)),
])
def test_five_training_steps_agree_with_pytorch(group, optimizer):
    start, after = pytorch("network"), pytorch(group)
    network = Network.mlp((5, 7, 3), np.random.default_rng(0))
    network.parameters = np.concatenate([start[name].ravel() for name in NAMES])
    losses = [training_step(network, start["X"], start["labels"], optimizer) for _ in range(5)]
    np.testing.assert_allclose(losses, after["losses"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(network.parameters, np.concatenate([after[name].ravel() for name in NAMES]), rtol=0, atol=1e-12)


@settings(deadline=None)
@given(seed=st.integers(0, 2**32 - 1), steps=st.integers(1, 40))
def test_functions_and_classes_take_the_same_steps(seed, steps):
    rng = np.random.default_rng(seed)
    start = rng.normal(size=6)
    for optimizer in (GradientDescent(0.1), Momentum(0.1, 0.8), Adam(0.1, beta1=0.8, beta2=0.95, epsilon=1e-3)):
        in_place, parameter, velocity, m, v = start.copy(), start, np.zeros(6), np.zeros(6), np.zeros(6)
        for step in range(1, steps + 1):
            gradient = rng.normal(size=6)
            optimizer.step(in_place, gradient)
            if isinstance(optimizer, GradientDescent):
                (parameter,) = gradient_descent_step([parameter], [gradient], 0.1)
            elif isinstance(optimizer, Momentum):
                parameter, velocity = momentum_step(parameter, gradient, velocity, 0.1, 0.8)
            else:
                parameter, m, v = adam_step(parameter, gradient, m, v, step, 0.1, 0.8, 0.95, 1e-3)
        np.testing.assert_allclose(in_place, parameter, rtol=1e-9, atol=1e-12)


def test_functions_return_new_arrays_and_change_nothing():
    p, g, v = np.ones(3), np.full(3, 2.0), np.full(3, 5.0)
    results = gradient_descent_step([p], [g], 0.5) + list(momentum_step(p, g, v, 0.5, 0.9)) + list(adam_step(p, g, v, v, 1, 0.5))
    assert (p == 1).all() and (g == 2).all() and (v == 5).all()
    assert not any(np.shares_memory(result, given) for result in results for given in (p, g, v))


def test_gradient_descent_keeps_the_list_and_refuses_an_unequal_one():
    new = gradient_descent_step([np.ones(2), np.ones((2, 2))], [np.ones(2), np.zeros((2, 2))], 0.25)
    assert isinstance(new, list) and new[0].tolist() == [0.75, 0.75] and (new[1] == 1).all()
    with pytest.raises(ValueError):
        gradient_descent_step([np.ones(2)], [], 0.1)


def test_the_first_step_of_adam_has_the_length_of_the_learning_rate():
    parameter, _, _ = adam_step(np.zeros(3), np.array([1e-3, 1.0, -1e3]), np.zeros(3), np.zeros(3), step=1, learning_rate=0.1)
    np.testing.assert_allclose(parameter, [-0.1, -0.1, 0.1], rtol=1e-4)


def test_adam_puts_epsilon_outside_the_root_after_bias_correction():
    parameter, _, _ = adam_step(0.0, 2.0, 0.0, 0.0, step=1, learning_rate=1.0, epsilon=2.0)
    assert parameter == pytest.approx(-2 / (2 + 2))


@pytest.mark.parametrize("optimizer", [Momentum(0.1), Adam(0.001)])
def test_float32_never_stays_among_subnormal_numbers(optimizer):
    parameters, gradients = np.ones(50, np.float32), np.geomspace(1e-12, 1, 50, dtype=np.float32)
    memories = []
    for step in range(4000):
        optimizer.step(parameters, gradients if step == 0 else np.zeros(50, np.float32))
        memories += [np.abs(memory) for memory in (getattr(optimizer, name, None) for name in ("velocity", "m", "v"))
                     if memory is not None and step % 100 == 0]
    smallest_normal = np.finfo(np.float32).tiny
    for memory in memories[3:]:
        assert not ((memory > 0) & (memory < smallest_normal)).any()
    assert parameters.dtype == np.float32 and np.isfinite(parameters).all()


def test_clear_tiny_clears_nothing_that_could_matter():
    vector = np.array([1e-30, -1e-30, 1e-20, -1.0, 0.0])
    clear_tiny(vector)
    assert vector.tolist() == [0, 0, 1e-20, -1, 0]


def test_an_optimizer_refuses_a_second_network():
    for optimizer in (Momentum(0.1), Adam(0.1)):
        optimizer.step(np.ones(3), np.ones(3))
        with pytest.raises(ValueError, match="has stepped 3 parameters, and now got 4. Make a new optimizer"):
            optimizer.step(np.ones(4), np.ones(4))
