"""Learn backpropagation by writing it: the package behind the course's notebooks."""

__version__ = "0.1.0"
