"""The scalar engine: its gradients against exact ones, reuse, depth, and errors."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop_lessons import autodiff, layers
from backprop_lessons.autodiff import Value, topological_order

numbers = st.floats(-3, 3).filter(lambda x: abs(x) > 1e-3)

ONE = {  # operation on a Value, its derivative
    "neg": (lambda a: -a, lambda x: -1),
    "add": (lambda a: a + 3, lambda x: 1),
    "numpy exponent": (lambda a: a ** np.int64(3), lambda x: 3 * x**2),
    "radd": (lambda a: 3 + a, lambda x: 1),
    "sub": (lambda a: a - 3, lambda x: 1),
    "rsub": (lambda a: 3 - a, lambda x: -1),
    "mul": (lambda a: a * 3, lambda x: 3),
    "rmul": (lambda a: 3 * a, lambda x: 3),
    "div": (lambda a: a / 4, lambda x: 0.25),
    "rdiv": (lambda a: 4 / a, lambda x: -4 / x**2),
    "square": (lambda a: a**2, lambda x: 2 * x),
    "inverse": (lambda a: a**-1, lambda x: -1 / x**2),
    "zeroth": (lambda a: a**0, lambda x: 0),
    "exp": (lambda a: a.exp(), math.exp),
    "log": (lambda a: (a * a).log(), lambda x: 2 / x),
    "tanh": (lambda a: a.tanh(), lambda x: 1 - math.tanh(x) ** 2),
    "relu": (lambda a: a.relu(), lambda x: float(x > 0)),
    "sigmoid": (lambda a: a.sigmoid(), lambda x: math.exp(-x) / (1 + math.exp(-x)) ** 2),
    "numpy number on the left": (lambda a: np.float64(3) * a, lambda x: 3),
}


@pytest.mark.parametrize("name", ONE)
@settings(deadline=None)
@given(x=numbers)
def test_every_operation_has_the_derivative_it_should(name, x):
    operation, derivative = ONE[name]
    a = Value(x)
    result = operation(a)
    result.backward()
    assert isinstance(result, Value)
    assert a.grad == pytest.approx(derivative(x), rel=1e-9, abs=1e-12)


@settings(deadline=None)
@given(a=numbers, b=numbers)
def test_gradients_multiply_along_a_path_and_add_over_paths(a, b):
    x, y = Value(a), Value(b)
    loss = (x * y + x) * (x * y)  # exercise 3.4: L = (ab + a) ab
    loss.backward()
    assert x.grad == pytest.approx(2 * a * b**2 + 2 * a * b)
    assert y.grad == pytest.approx(2 * a**2 * b + a**2)


def test_a_value_used_twice_by_one_operation_gets_both_gradients():
    a = Value(3.0)
    (a + a).backward()
    assert a.grad == 2
    (a * a).backward()
    assert a.grad == 6


def test_backward_twice_gives_the_same_and_the_root_gets_one():
    a = Value(2.0)
    root = a * a + a
    root.backward()
    root.backward()
    assert (a.grad, root.grad) == (5, 1)


def test_each_value_keeps_its_parents_and_local_gradients():
    a, b = Value(2.0, label="a"), Value(5.0, label="b")
    product = a * b
    assert product.parents == (a, b) and product.local_gradients == (5, 2) and product.operation == "×"
    assert a.parents == () and a.operation == ""
    assert repr(a) == "Value(2, grad=0, label='a')"


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_topological_order_puts_each_node_once_and_after_its_parents(seed):
    rng = np.random.default_rng(seed)
    nodes = [Value(1.0) for _ in range(3)]
    for _ in range(30):
        i, j = rng.integers(len(nodes), size=2)
        nodes.append(nodes[i] * nodes[j])
    order = topological_order(nodes[-1])
    place = {id(node): i for i, node in enumerate(order)}
    assert len(place) == len(order) and order[-1] is nodes[-1]
    for node in order:
        assert all(place[id(parent)] < place[id(node)] for parent in node.parents)


def test_a_hundred_thousand_values_in_a_row_are_no_recursion():
    x = total = Value(1.0)
    for _ in range(100_000):
        total = total + x
    total.backward()
    assert x.grad == 100_001


def test_doubling_forty_times_is_linear_in_the_nodes_and_not_in_the_paths():
    a = total = Value(1.0)
    for _ in range(40):
        total = total + total
    total.backward()
    assert a.grad == 2**40


def test_a_neuron_agrees_with_the_array_code():
    w, x, b = [0.3, -0.8], [1.5, 0.2], 0.1
    W = [Value(v) for v in w]
    output = (W[0] * x[0] + W[1] * x[1] + b).sigmoid()
    output.backward()
    A = layers.sigmoid(np.array([x]) @ np.array(w) + b)
    assert output.data == pytest.approx(A[0], rel=1e-14)
    np.testing.assert_allclose([v.grad for v in W], (np.array([x]).T @ layers.sigmoid_backward(np.ones(1), A)), rtol=1e-13)


@pytest.mark.parametrize("x", [-1e4, 1e4])
def test_sigmoid_never_overflows(x):
    assert Value(x).sigmoid().data == float(x > 0)


def test_errors_say_what_to_do():
    with pytest.raises(TypeError, match=re.escape("write (exponent * x.log()).exp()")):
        Value(2.0) ** Value(3.0)
    with pytest.raises(ValueError, match="log of -1.0. Expected a number above 0"):
        Value(-1.0).log()


def test_the_engine_fits_in_a_hundred_lines():
    assert len(Path(autodiff.__file__).read_text(encoding="utf-8").splitlines()) <= 100
