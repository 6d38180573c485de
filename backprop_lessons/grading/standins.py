"""Stand-ins for the packages that are not in the sandbox: they swallow whatever is done with them.

Only the course's forward helpers do something: those that the lesson at hand does not ask for. It imports the
standard library and numpy alone, since it runs inside the sandbox.
"""

import dis
import importlib.abc
import importlib.machinery
import sys
import types

import numpy as np

MATHEMATICS = {"layers", "losses", "network", "optimizers", "training", "gradient_check", "autodiff"}


HELPERS = {"np": np}  # the course's forward helpers that the lesson at hand does not ask for, by name


class OwnSolution(Exception):
    """The package's own solution was called; the argument is its name."""


def stand_in(path):
    """What stands in for the thing of this dotted name: a helper of the course, or something without effect."""
    package, *modules, name = path.split(".")
    if package == "backprop_lessons" and len(modules) == 1 and modules[0] in MATHEMATICS and name in HELPERS:
        return HELPERS[name]
    return StandIn(path)


class StandIn:
    """An object that swallows whatever is done with it, under a dotted name."""

    def __init__(self, path):
        object.__setattr__(self, "_path_", path)

    def __getattr__(self, name):
        if name.startswith("__"):  # Python and numpy ask what it is: nothing special
            raise AttributeError(name)
        return stand_in(f"{self._path_}.{name}")

    def __setattr__(self, name, value):
        pass

    def __call__(self, *arguments, **named):
        package, *rest = self._path_.split(".")
        if package == "backprop_lessons" and rest and (rest[0] in MATHEMATICS or "reference" in rest):
            raise OwnSolution(rest[-1])
        if len(arguments) == 1 and not named and isinstance(arguments[0], (types.FunctionType, type)):
            return arguments[0]  # a decorator
        return StandIn(self._path_)

    def __getitem__(self, key):
        return self

    def __setitem__(self, key, value):
        pass

    def __iter__(self):
        """As many as `a, b = it` unpacks it into; none for a loop, which has to end."""
        frame = sys._getframe(1)
        operation, count = frame.f_code.co_code[frame.f_lasti:frame.f_lasti + 2]
        return iter([self] * count if dis.opname[operation] in ("UNPACK_SEQUENCE", "UNPACK_EX") else [])

    def __len__(self):
        return 0

    def __bool__(self):
        return True

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return False

    def __mro_entries__(self, bases):
        return (object,)


def no_input(prompt=""):
    """Takes the place of input()."""
    raise EOFError("input() gets no answer here: nobody sits at the keyboard when a notebook is graded")


class StandInModule(types.ModuleType):
    """A module of which every attribute is a stand-in."""

    __all__ = []
    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return stand_in(f"{self.__name__}.{name}")


class StandInFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds a stand-in for every module of these packages."""

    PACKAGES = {"IPython", "ipywidgets", "matplotlib", "mpl_toolkits", "anywidget", "backprop_lessons"}

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in self.PACKAGES:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        return StandInModule(spec.name)

    def exec_module(self, module):
        pass
