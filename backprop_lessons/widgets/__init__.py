"""The widgets of the lessons, each loaded when it is first used."""

import importlib

_MODULES = {"Predict": "predict", "GraphStepper": "graph_stepper", "DrawDigit": "draw_digit"}
__all__ = list(_MODULES)


def __getattr__(name):
    if name not in _MODULES:
        raise AttributeError(f"backprop_lessons.widgets has no {name!r}. It has: {', '.join(__all__)}.")
    return getattr(importlib.import_module(f".{_MODULES[name]}", __name__), name)


def __dir__():
    return sorted(__all__)
