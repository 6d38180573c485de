"""Automatic differentiation of scalars: every result remembers what it was made from, and by which derivatives.

After A. Karpathy's micrograd (2020); local derivatives are kept, so that a graph can show them; nothing is recursive.
"""

import math


def topological_order(root):
    """All nodes that `root` was made from, and itself: each once, each after all of its `.parents`."""
    order, seen, stack = [], {id(root)}, [(root, iter(root.parents))]
    while stack:
        node, parents = stack[-1]
        for parent in parents:
            if id(parent) not in seen:
                seen.add(id(parent))
                stack.append((parent, iter(parent.parents)))
                break
        else:  # no parent is left to visit
            order.append(node)
            stack.pop()
    return order


class Value:
    """A number that knows its parents and the derivative of itself with respect to each of them."""

    __array_ufunc__ = None  # numpy_number * value is left to value

    def __init__(self, data, parents=(), operation="", label="", local_gradients=()):
        self.data, self.grad = float(data), 0.0
        self.parents, self.local_gradients = tuple(parents), tuple(local_gradients)
        self.operation, self.label = operation, label

    def backward(self):
        """Set `.grad` in every value this one was made from. All start at 0: a second call gives the same."""
        order = topological_order(self)
        for value in order:
            value.grad = 0.0
        self.grad = 1.0
        for value in reversed(order):
            for parent, local_gradient in zip(value.parents, value.local_gradients):
                parent.grad += value.grad * local_gradient  # multiply along a path, add over paths

    def __add__(self, other):
        other = _value(other)
        return Value(self.data + other.data, (self, other), "+", local_gradients=(1.0, 1.0))

    def __sub__(self, other):
        other = _value(other)
        return Value(self.data - other.data, (self, other), "−", local_gradients=(1.0, -1.0))

    def __mul__(self, other):
        other = _value(other)
        return Value(self.data * other.data, (self, other), "×", local_gradients=(other.data, self.data))

    def __truediv__(self, other):
        other = _value(other)
        local_gradients = (1 / other.data, -self.data / other.data**2)
        return Value(self.data / other.data, (self, other), "÷", local_gradients=local_gradients)

    def __pow__(self, exponent):
        if isinstance(exponent, Value):
            raise TypeError(f"the exponent is {exponent!r}. Expected a number, or write (exponent * x.log()).exp().")
        slope = exponent * self.data ** (exponent - 1) if exponent else 0.0
        return Value(self.data**exponent, (self,), f"^{exponent}", local_gradients=(slope,))

    def __neg__(self):
        return Value(-self.data, (self,), "neg", local_gradients=(-1.0,))

    __radd__, __rmul__ = __add__, __mul__
    def __rsub__(self, number): return _value(number) - self
    def __rtruediv__(self, number): return _value(number) / self

    def exp(self):
        result = math.exp(self.data)
        return Value(result, (self,), "exp", local_gradients=(result,))

    def log(self):
        if self.data <= 0:
            raise ValueError(f"log of {self.data}. Expected a number above 0.")
        return Value(math.log(self.data), (self,), "log", local_gradients=(1 / self.data,))

    def tanh(self):
        result = math.tanh(self.data)
        return Value(result, (self,), "tanh", local_gradients=(1 - result**2,))

    def relu(self):
        return Value(max(self.data, 0.0), (self,), "relu", local_gradients=(float(self.data > 0),))

    def sigmoid(self):
        result = (1 + math.tanh(self.data / 2)) / 2  # equals 1 / (1 + e^−z) and never overflows
        return Value(result, (self,), "sigmoid", local_gradients=(result * (1 - result),))

    def __repr__(self):
        return f"Value({self.data:.6g}, grad={self.grad:.6g}" + (f", label={self.label!r})" if self.label else ")")


def _value(other):
    return other if isinstance(other, Value) else Value(other)
