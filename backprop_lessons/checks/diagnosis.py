"""From failed trials to words: which mistake it is, where it shows, what was raised."""

import copy
import linecache
import re
import sysconfig
import traceback
from pathlib import Path

import numpy as np

from .compare import Difference, changed, difference, shape_text
from .exercise import Evidence

LONGEST = 300  # characters of a learner's own error message that are shown
OURS = str(Path(__file__).parent.parent)
LIBRARIES = tuple({sysconfig.get_path(n) for n in ("stdlib", "platstdlib", "purelib", "platlib")})


def diagnose(exercise, trials):
    """The slug, the message, and the trial to show."""
    failed = [t for t in trials if t.wrong]
    too_slow = next((t for t in failed if t.wrong.slug == "too-slow"), None)
    if too_slow:
        return "too-slow", too_slow.wrong.message, too_slow
    mistake, witnesses = known_mistake(exercise, trials)
    if mistake is not None:
        return mistake.slug, mistake.advice, to_show(witnesses)
    raised = [t for t in failed if t.raised]
    if raised:
        return "raised", raised[0].wrong.message, raised[0]
    changed = [t for t in failed if t.inputs_changed]
    trial = to_show(changed or failed)
    if changed and trial.wrong.slug in ("wrong-values", "input-changed"):
        return "input-changed", changed_text(exercise, trial), trial
    message = trial.wrong.message
    if trial.wrong.slug == "wrong-values" and trial.case.assess is None:
        message += " Compare the entries with the expected ones."
    return trial.wrong.slug, message, trial


def known_mistake(exercise, trials):
    """The known mistake that gives the same answers on the same inputs, and the failed trials where it does.

    It must agree in every case that pays: a narrow case alone (a batch of one, all zeros) can look like
    a mistake that was not made. Among several, the one that agrees in most cases (the most specific);
    then the first in the catalogue.
    """
    best, best_count, best_witnesses = None, 0, []
    for mistake in exercise.mistakes:
        agreeing = []
        for trial in trials:
            if agrees(exercise, mistake, trial):
                agreeing.append(trial)
            elif trial.case.pays:
                break  # it is not this one
        else:
            witnesses = [t for t in agreeing if t.wrong and t.wrong.slug != "input-changed"]
            if witnesses and len(agreeing) > best_count:
                best, best_count, best_witnesses = mistake, len(agreeing), witnesses
    return best, best_witnesses


def agrees(exercise, mistake, trial) -> bool:
    """Whether the mistake gives this trial's answer, or raises the very same error."""
    given = copy.deepcopy(trial.arguments)
    try:
        with np.errstate(all="ignore"):
            answer = exercise.run(mistake.function, given)
    except Exception as error:
        return trial.raised == (type(error).__name__, short(error))
    if trial.raised:
        return False
    return difference(trial.answer, answer, exercise.results, trial.case.tolerance, trial.case.floor,
                      finite=False) is None


def to_show(trials):
    """The trial that tells most: one of the cases that pay, the smallest."""
    def size(trial):
        return sum(np.size(a) for a in trial.arguments if isinstance(a, (np.ndarray, list, tuple)))
    return min(trials, key=lambda t: (not t.case.pays, size(t)))


def evidence(exercise, trial) -> Evidence:
    """What a trial shows: its inputs, and the first result that is wrong."""
    wrong = trial.wrong
    inputs = tuple(zip(exercise.parameters, trial.arguments))
    return Evidence(trial.case.name, inputs, wrong.result, wrong.yours, wrong.expected)


def changed_text(exercise, trial) -> str:
    """Which inputs the function wrote into, and how not to."""
    names = [n for n, before, after in zip(exercise.parameters, trial.arguments, trial.given) if changed(before, after)]
    return (f"The function changes its input ({', '.join(names)}). Work on a new array: `a = a * 2` makes one, "
            "`a *= 2` and `a[mask] = 0` write into the caller's.")


def not_started(error, exercise, first) -> Difference | None:
    """A NotImplementedError: this exercise's own stub, or another one that it calls; None for other errors."""
    if not isinstance(error, NotImplementedError):
        return None
    called = getattr(error, "remote_function", None) or _raised_in(error)
    from . import catalogue
    if called in catalogue and called != exercise.name:
        return Difference("raised", f"It calls {called}, which is not written yet (or whose cell has not been run). "
                          f"Write that first; check({called}) says when it is right.")
    return Difference("not-started", "Not started yet: replace `raise NotImplementedError` with your own code."
                      ) if first else None


def raised_text(error, exercise, arguments) -> str:
    """What was raised and where, with the shapes that went in: half of all errors are about shapes."""
    kind, text = getattr(error, "remote_type", None) or type(error).__name__, short(error)
    where = getattr(error, "remote_where", None) or _line(error)
    if "core dimension" in text:  # numpy's own words for it are hard to read
        text = "the inner sizes of a matrix product do not match" + _sizes(text)
    said = f"It raised {kind}" + (f": {text}" if text else ", without a message")
    said += "" if said.endswith((".", "!", "?")) else "."
    if where:
        said += f" It happened at {where}."
    if kind == "TypeError" and "argument" in text and exercise.name in text:
        return said + f" The exercise calls {exercise.name}({', '.join(exercise.parameters)})."
    shapes = [f"{n} {shape_text(a.shape)}" for n, a in zip(exercise.parameters, arguments)
              if isinstance(a, np.ndarray) and a.ndim]
    return said + (f" The arguments were {', '.join(shapes)}." if shapes else "")


def _sizes(text) -> str:
    found = re.search(r"size (\d+) is different from (\d+)", text)
    return f" ({found[2]} and {found[1]})" if found else ""


def short(error) -> str:
    """The first line of an error's message, without control characters, at a length that can be read."""
    try:
        text = str(error)
    except Exception:
        return "(its message cannot be shown)"
    line = next(iter(text.strip().splitlines()), "")
    line = "".join(c if c.isprintable() else " " for c in line).replace("`", "'")
    return line if len(line) <= LONGEST else line[:LONGEST] + " …"


def _line(error) -> str:
    """The last line of the learner's own code that an exception passed through."""
    own = [f for f in traceback.extract_tb(error.__traceback__) if _is_learners(f.filename)]
    if not own:
        return ""
    last = own[-1]
    code = (last.line or linecache.getline(last.filename, last.lineno)).strip().replace("`", "'")
    return f"line {last.lineno}: `{code}`" if code else f"line {last.lineno}"


def _raised_in(error) -> str:
    """The name of the function that raised."""
    frames = traceback.extract_tb(error.__traceback__)
    return frames[-1].name if frames else ""


def _is_learners(filename) -> bool:
    return not filename.startswith((OURS, *LIBRARIES)) and "-packages" not in filename
