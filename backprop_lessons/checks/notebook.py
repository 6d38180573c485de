"""What a learner calls: `check(function)`, `hint(function)`, `progress()`."""

import numpy as np

from . import catalogue, panel, record
from .compare import describe
from .judging import judge

_hints_shown: dict[str, int] = {}


def check(function, *, rng=None, time_limit=5.0) -> None:
    """Try your function on fresh inputs and show what is right, or what to change.

    function: your function, under the name that the exercise gives it.
    rng: a numpy Generator, for a demonstration that draws the same inputs each time; it is not counted as a try.
    time_limit: seconds for all cases together.
    """
    exercise = _exercise(function)
    if exercise is None:
        return
    if isinstance(function, str) or not callable(function):
        panel.say(f"Write check({exercise.name}), without quotes: the check needs the function itself.")
        return
    with np.errstate(all="ignore"):  # what overflows shows in the verdict, not as a warning above it
        verdict = judge(exercise, function, rng=rng, time_limit=time_limit)
    if rng is None:
        record.add(exercise.name, verdict)
    panel.show_verdict(verdict)


def hint(function) -> None:
    """Show the next of the exercise's three hints; each call reveals one more."""
    exercise = _exercise(function)
    if exercise is None:
        return
    shown = min(_hints_shown.get(exercise.name, 0) + 1, len(exercise.hints))
    _hints_shown[exercise.name] = shown
    panel.show_hints(exercise, shown)


def progress() -> None:
    """Show which exercises you have solved; this is remembered between sessions."""
    panel.show_progress(catalogue.values(), record.read())


def _exercise(function):
    """The exercise of this function (or name), or None after a sentence that says what to do."""
    name = function if isinstance(function, str) else getattr(function, "__name__", None)
    if isinstance(name, str) and name in catalogue:
        return catalogue[name]
    if isinstance(name, str):
        panel.say(f"No exercise is called {name!r}. Keep the name that the exercise gives the function (a decorator "
                  f"needs functools.wraps); the exercises are: {', '.join(catalogue)}.")
    else:
        first = next(iter(catalogue.values()))
        panel.say(f"This needs a function with the exercise's name, as `def {first.name}({', '.join(first.parameters)}):` "
                  f"makes one; it was given {describe(function)}.")
    return None
