"""A network: layers in a row, whose parameters and gradients are views of two flat vectors.

One vector for all parameters means that an optimizer updates a network of any depth in a few numpy calls,
and that a gradient check can walk over all of them by one index.
"""

import copy

import numpy as np

from backprop_lessons.layers import Dense, ReLU
from backprop_lessons.losses import softmax
from backprop_lessons.validate import as_numbers, check_finite, check_matrix, check_same_shape, check_sizes


class Network:
    """Layers that run one after another, e.g. Network([Dense(2, 8, rng), Tanh(), Dense(8, 2, rng)])."""

    def __init__(self, layers):
        self.layers = list(layers)
        self._parameters = _gather(self.layers, "parameters")  # [p]
        self._gradients = _gather(self.layers, "gradients")  # [p]
        self._output_shape = None  # of the last forward

    @classmethod
    def mlp(cls, sizes, rng, hidden=ReLU, dtype=np.float64):
        """Dense layers of the given sizes, e.g. (784, 128, 10), with a `hidden` activation between them.

        The weights follow He's rule, the biases are zero. The same rng gives the same network in any dtype.
        """
        check_sizes(sizes)
        layers = []
        for d_in, d_out in zip(sizes[:-1], sizes[1:]):
            layers += [Dense(d_in, d_out, rng, dtype), hidden()]
        return cls(layers[:-1])  # no activation after the last layer: its outputs are the logits

    def forward(self, X, training=False):
        """Logits [n, k] for X [n, d]. Only with training=True does Dropout drop anything.

        Raises ValueError or TypeError for an X that the first layer cannot take.
        """
        X = as_numbers("X", X, self.dtype)
        first = next((layer for layer in self.layers if layer.parameters), None)
        if isinstance(first, Dense):
            check_matrix("X", X, columns=len(first.W))
        for layer in self.layers:
            X = layer.forward(X, training)
        self._output_shape = X.shape
        return X

    def backward(self, dlogits, input_gradient=False):
        """Fill `gradients` from dlogits [n, k], for the X of the last forward.

        Returns dX [n, d] if input_gradient is True, else None, which saves a third of the work.
        """
        if self._output_shape is None:
            raise RuntimeError("backward was called before forward. Call forward(X) first: backward needs what it kept.")
        if np.shape(dlogits) != self._output_shape:
            raise ValueError(f"dlogits has shape {np.shape(dlogits)}. Expected {self._output_shape}, the shape of the last "
                             f"forward's logits. Compute dlogits from those logits.")
        gradient = as_numbers("dlogits", dlogits, self.dtype)
        for layer in reversed(self.layers):
            gradient = layer.backward(gradient, input_gradient or layer is not self.layers[0])
        return gradient

    def predict(self, X):
        """The most probable label of each row: X [n, d] -> [n] integers."""
        check_finite("X", X)
        return np.argmax(self.forward(X), axis=1)

    def probabilities(self, X):
        """The probability of each class: X [n, d] -> [n, k], each row adds up to 1."""
        check_finite("X", X)
        return softmax(self.forward(X))

    @property
    def parameters(self):
        """Every W and b, in one vector [p]. Assignment fills it, and with it the layers."""
        return self._parameters

    @parameters.setter
    def parameters(self, values):
        check_same_shape("the new parameters", values, "the network's own", self._parameters)
        self._parameters[...] = values

    @property
    def gradients(self):
        """Every dW and db of the last backward, in one vector [p], in the order of `parameters`."""
        return self._gradients

    @property
    def dtype(self):
        return self._parameters.dtype

    def astype(self, dtype):
        """A copy of this network that computes in another dtype, e.g. np.float64 to check gradients."""
        layers = copy.deepcopy(self.layers)
        for layer in layers:
            for arrays in (layer.parameters, layer.gradients):
                arrays.update({name: array.astype(dtype) for name, array in arrays.items()})
        return Network(layers)

    def __setstate__(self, state):  # after copy.deepcopy or pickle, the copied layers need their own vectors
        self.__init__(state["layers"])

    def __repr__(self):
        names = [
            f"Dense {layer.W.shape[0]} → {layer.W.shape[1]}" if isinstance(layer, Dense) else type(layer).__name__
            for layer in self.layers
        ]
        return f"Network({', '.join(names)}; {self.parameters.size:,} parameters, {self.dtype})"


def _gather(layers, dictionary):
    """Move the arrays of all layers into one new vector, and leave views of it in their place."""
    places = [(getattr(layer, dictionary), name) for layer in layers for name in getattr(layer, dictionary)]
    if any(isinstance(arrays[name].base, np.ndarray) for arrays, name in places):
        raise ValueError("a layer already belongs to a network. Make a new layer, or give copy.deepcopy(layer).")
    if len({arrays[name].dtype for arrays, name in places}) > 1:
        raise TypeError("the layers have different dtypes. Give every layer the same dtype.")
    vector = np.concatenate([arrays[name].ravel() for arrays, name in places]) if places else np.zeros(0)
    start = 0
    for arrays, name in places:
        end = start + arrays[name].size
        arrays[name] = vector[start:end].reshape(arrays[name].shape)
        start = end
    return vector
