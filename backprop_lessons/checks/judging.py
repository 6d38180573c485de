"""The judge: tries an answer on fresh inputs and names the mistake that it finds."""

import contextlib
import copy
import linecache
import signal
import threading
import time
import traceback
from dataclasses import dataclass

import numpy as np

from .compare import Difference, difference, shape_text
from .exercise import CaseResult, Evidence, Exercise, Verdict


@dataclass
class Trial:
    """One case, tried: what went in, what came out, and what is wrong with it (None: nothing)."""

    case: object
    arguments: tuple
    answer: object = None
    expected: object = None
    wrong: Difference | None = None
    inputs_changed: bool = False
    share: float = 0.0  # of the case's points
    fatal: bool = False  # the call can answer no further case

    @property
    def answered(self) -> bool:
        """Whether the call came back with something to compare."""
        return self.wrong is None or self.wrong.slug not in ("raised", "too-slow", "not-started")


class OutOfTime(BaseException):
    """Raised by the timer; not an Exception, so that `except Exception` does not swallow it."""


def judge(exercise, call, rng=None, time_limit=5.0) -> Verdict:
    """Try `call` on every case of an exercise and say how it did.

    exercise: an Exercise, or its name in the catalogue.
    call: anything that can be called with the exercise's arguments.
    rng: the numpy Generator that draws the inputs; a fresh one by default.
    time_limit: seconds for the whole exercise; kept by a timer where the platform has one
    (Unix, main thread) and by `call` itself if it has a true attribute `keeps_time`.
    Raises ValueError for an unknown exercise and TypeError for a `call` that is none.
    """
    exercise = _find(exercise)
    if not callable(call):
        raise TypeError(f"judge needs a function for {exercise.name}; it was given {type(call).__name__}.")
    rng = np.random.default_rng() if rng is None else rng
    keeps_time = getattr(call, "keeps_time", False)
    end = time.monotonic() + time_limit
    trials = []
    for case in exercise.cases:
        trial = _try(exercise, case, call, rng, None if keeps_time else end)
        trials.append(trial)
        if trial.wrong and trial.wrong.slug == "not-started":
            return Verdict(exercise, False, 0.0, "not-started", trial.wrong.message)
        if trial.wrong and (trial.wrong.slug == "too-slow" or trial.fatal):
            break  # nothing more can be asked
    return _verdict(exercise, trials)


def _find(exercise) -> Exercise:
    if isinstance(exercise, Exercise):
        return exercise
    from . import catalogue
    if exercise not in catalogue:
        raise ValueError(f"There is no exercise named {exercise!r}. The exercises are: {', '.join(catalogue)}.")
    return catalogue[exercise]


def _try(exercise, case, call, rng, end) -> Trial:
    """Try one case; `end` is when the time is up (None: the call itself sees to that)."""
    arguments = case.draw(rng)
    trial = Trial(case, arguments)
    given = copy.deepcopy(arguments)
    try:
        with _timer(end):
            answer = exercise.run(call, given)
        # What the learner's function keeps and changes later must not reach into the answer.
        trial.answer = _snapshot(answer)
    except NotImplementedError:
        trial.wrong = Difference("not-started", "Not started yet: replace `raise NotImplementedError` "
                                 "with your own code.", "")
    except (OutOfTime, TimeoutError):
        trial.wrong = Difference("too-slow", "It did not finish in time. Is there a loop that never ends, or a "
                                 "Python loop over entries where one numpy operation would do?", "")
    except (Exception, SystemExit) as error:  # whatever the learner's code raises is reported
        trial.wrong = Difference("raised", _raised(error, exercise, arguments), "")
        trial.fatal = getattr(error, "fatal", False)
    if trial.wrong:
        return trial
    trial.inputs_changed = _changed(arguments, given)
    if case.assess is not None:
        _assess(trial, case)
    else:
        trial.expected = exercise.run(exercise.reference, copy.deepcopy(arguments))
        trial.wrong = difference(trial.answer, trial.expected, exercise.results, case.tolerance)
        trial.share = 0.0 if trial.wrong else 1.0
    if trial.inputs_changed and trial.wrong is None:
        trial.wrong = Difference("input-changed", _changed_text(exercise, arguments, given), "")
        trial.share = 0.0
    return trial


def _assess(trial, case):
    assessment = case.assess(trial.arguments, trial.answer)
    trial.share = assessment.share
    if assessment.share < 1:
        trial.wrong = Difference(assessment.mistake or "wrong-values", assessment.message, "")


def _verdict(exercise, trials) -> Verdict:
    failed = [t for t in trials if t.wrong]
    results = tuple(CaseResult(t.case.name, t.wrong is None, t.wrong.message if t.wrong else "") for t in trials)
    if not failed:
        return Verdict(exercise, True, 1.0, None, "All cases pass.", results)
    gates_open = all(t.case.pays for t in failed) and len(trials) == len(exercise.cases)
    paying = [t for t in trials if t.case.pays]
    score = sum(t.share for t in paying) / len(paying) if gates_open else 0.0
    slug, message, trial = _diagnose(exercise, trials, failed)
    return Verdict(exercise, False, float(score), slug, message, results, _evidence(exercise, trial))


def _diagnose(exercise, trials, failed):
    """The slug, the message and the trial to show."""
    for slug in ("too-slow", "raised"):  # nothing else can be said before these are mended
        for trial in failed:
            if trial.wrong.slug == slug:
                return slug, trial.wrong.message, trial
    mistake, witnesses = _known_mistake(exercise, trials, failed)
    if mistake is not None:
        return mistake.slug, mistake.advice, min(witnesses, key=_size)
    trial = min(failed, key=_size)
    changed = [t for t in failed if t.inputs_changed]
    if changed and trial.wrong.slug in ("wrong-values", "input-changed"):
        trial = min(changed, key=_size)
        return "input-changed", _changed_text(exercise), trial
    message = trial.wrong.message
    if trial.wrong.slug == "wrong-values" and trial.case.assess is None:
        message += " No known mistake gives these numbers; compare them entry by entry."
    return trial.wrong.slug, message, trial


def _known_mistake(exercise, trials, failed):
    """The known mistake that gives the same answers on the same inputs, and where it does.

    Among several, the one that explains most failing cases; then the one that agrees on
    most cases in all (the most specific); then the first in the catalogue.
    """
    best, best_key, best_witnesses = None, (0, 0), []
    for mistake in exercise.mistakes:
        agreeing = [t for t in trials if t.answered and _agrees(exercise, mistake, t)]
        witnesses = [t for t in agreeing if t.wrong and t.wrong.slug != "input-changed"]
        key = (len(witnesses), len(agreeing))
        if witnesses and key > best_key:
            best, best_key, best_witnesses = mistake, key, witnesses
    return best, best_witnesses


def _agrees(exercise, mistake, trial) -> bool:
    given = copy.deepcopy(trial.arguments)
    try:
        with np.errstate(all="ignore"):
            answer = exercise.run(mistake.function, given)
    except Exception:
        return False
    return difference(trial.answer, answer, exercise.results, trial.case.tolerance, finite=False) is None


def _evidence(exercise, trial):
    wrong = trial.wrong
    inputs = tuple(zip(exercise.parameters, trial.arguments))
    return Evidence(trial.case.name, inputs, wrong.result, wrong.yours, wrong.expected)


def _size(trial) -> int:
    """How many numbers an input holds: the smallest failing input is the one to show."""
    return sum(np.size(a) for a in trial.arguments if isinstance(a, (np.ndarray, list, tuple)))


def _snapshot(answer):
    if isinstance(answer, np.ndarray):
        return np.array(answer, copy=True)
    if isinstance(answer, (tuple, list)):
        return type(answer)(map(_snapshot, answer)) if type(answer) in (tuple, list) else [*map(_snapshot, answer)]
    return answer


def _changed(before, after) -> bool:
    if isinstance(before, np.ndarray):
        return not (isinstance(after, np.ndarray) and before.shape == after.shape
                    and np.array_equal(before, after, equal_nan=before.dtype.kind == "f"))
    if isinstance(before, (tuple, list)):
        return len(before) != len(after) or any(map(_changed, before, after))
    return False  # numbers cannot change; a Generator is meant to


def _changed_text(exercise, before=None, after=None) -> str:
    names = exercise.parameters
    if before is not None:
        names = [n for n, b, a in zip(names, before, after) if _changed(b, a)]
    which = ", ".join(names) if before is not None else "an argument"
    return (f"The function changes its input ({which}). Work on a new array: `a = a * 2` makes one, "
            "`a *= 2` and `a[mask] = 0` write into the caller's.")


def _raised(error, exercise, arguments) -> str:
    """What was raised and where, with the shapes that went in: half of all errors are about shapes."""
    kind = getattr(error, "remote_type", None) or type(error).__name__
    where = getattr(error, "remote_where", None) or _line(error)
    text = f"It raised {kind}: {error}" + ("" if str(error).endswith((".", "!", "?")) else ".")
    if where:
        text += f" It happened at {where}."
    shapes = [f"{n} {shape_text(a.shape)}" for n, a in zip(exercise.parameters, arguments)
              if isinstance(a, np.ndarray) and a.ndim]
    return text + (f" The arguments were {', '.join(shapes)}." if shapes else "")


def _line(error) -> str:
    """The last line of the learner's own code that an exception passed through."""
    own = [f for f in traceback.extract_tb(error.__traceback__) if _is_learners(f.filename)]
    if not own:
        return ""
    last = own[-1]
    code = (last.line or linecache.getline(last.filename, last.lineno)).strip()
    return f"line {last.lineno}: `{code}`" if code else f"line {last.lineno}"


def _is_learners(filename) -> bool:
    package = __file__.rsplit("checks", 1)[0]
    return not filename.startswith(package) and "site-packages" not in filename


@contextlib.contextmanager
def _timer(end):
    """Interrupt the block at the time `end` (of `time.monotonic`), where the platform can."""
    if end is None or not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    running = True

    def stop(signum, frame):
        if running:
            raise OutOfTime

    before = signal.signal(signal.SIGALRM, stop)
    # It rings again and again: a bare `except:` inside a loop swallows one ring, not all of them.
    signal.setitimer(signal.ITIMER_REAL, max(end - time.monotonic(), 1e-3), 0.2)
    try:
        yield
    finally:
        running = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
