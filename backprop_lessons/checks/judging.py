"""The judge: tries an answer on fresh inputs, case by case."""

import contextlib
import copy
import dataclasses
import signal
import threading
import time
from dataclasses import dataclass

import numpy as np

from .compare import Difference, changed, difference, snapshot
from .diagnosis import changed_text, diagnose, evidence, not_started, raised_text, short
from .exercise import CaseResult, Exercise, Verdict

AGAIN = "the first case once more, with other numbers"
TOO_SLOW = ("It did not finish in time. Is there a loop that never ends, or a Python loop over entries where one "
            "numpy operation would do?")


@dataclass
class Trial:
    """One case, tried: what went in, what came out, and what is wrong with it (None: nothing)."""

    case: object
    arguments: tuple
    given: tuple = ()  # the arguments after the call: they should be as before
    answer: object = None
    raised: tuple | None = None  # (type, text) of what the call raised
    wrong: Difference | None = None
    share: float = 0.0  # of the case's points
    fatal: bool = False  # the call can answer no further case

    @property
    def inputs_changed(self) -> bool:
        """Whether the call wrote into its arguments."""
        return self.raised is None and changed(self.arguments, self.given)


class OutOfTime(BaseException):
    """Raised by the timer; not an Exception, so that `except Exception` does not swallow it."""


def judge(exercise, call, rng=None, time_limit=5.0) -> Verdict:
    """Try `call` on every case of an exercise and say how it did.

    exercise: an Exercise, or its name in the catalogue.
    call: anything that can be called with the exercise's arguments.
    rng: the numpy Generator that draws the inputs; a fresh one by default.
    time_limit: seconds for the whole exercise; kept by a timer where the platform has one
    (Unix, main thread) and by `call` itself if it has a true attribute `keeps_time`.
    Raises ValueError for an unknown exercise and TypeError for a `call` or `rng` that is none.
    """
    exercise = _find(exercise)
    if not callable(call):
        raise TypeError(f"judge needs a function for {exercise.name}; it was given {type(call).__name__}.")
    if rng is not None and not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng should be a numpy Generator, as np.random.default_rng(0) makes; "
                        f"it was given {type(rng).__name__}.")
    rng = np.random.default_rng() if rng is None else rng
    end = None if getattr(call, "keeps_time", False) else time.monotonic() + time_limit
    trials = []
    for case in _cases(exercise):
        trial = _try(exercise, case, call, rng, end)
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


def _cases(exercise):
    """The exercise's cases, and the first again: an answer that remembers earlier inputs is found out."""
    first = exercise.cases[0]
    return exercise.cases if first.assess else (*exercise.cases, dataclasses.replace(first, name=AGAIN, pays=False))


def _try(exercise, case, call, rng, end) -> Trial:
    """Try one case; `end` is when the time is up (None: the call itself sees to that)."""
    arguments = case.draw(rng)
    trial = Trial(case, arguments, given=copy.deepcopy(arguments))
    try:
        with _timer(end):
            # What the learner's function keeps and changes later must not reach into the answer.
            trial.answer = snapshot(exercise.run(call, trial.given))
    except (OutOfTime, TimeoutError):
        trial.wrong, trial.raised = Difference("too-slow", TOO_SLOW), ("TimeoutError", "")
    except (Exception, SystemExit) as error:  # whatever the learner's code raises is reported
        trial.raised = getattr(error, "remote_type", None) or type(error).__name__, short(error)
        trial.fatal = bool(getattr(error, "fatal", False))
        trial.wrong = (not_started(error, exercise, first=case is exercise.cases[0])
                       or Difference("raised", raised_text(error, exercise, arguments)))
    if trial.raised is None:
        _compare(exercise, trial)
    return trial


def _compare(exercise, trial):
    """Hold an answer against the reference, or let the case assess it."""
    case = trial.case
    if case.assess is not None:
        assessment = case.assess(trial.arguments, trial.answer)
        share = float(assessment.share)
        trial.share = min(max(share, 0.0), 1.0) if share == share else 0.0  # NaN is no merit
        if trial.share < 1:
            trial.wrong = Difference(assessment.mistake or "wrong-values", assessment.message)
    else:
        expected = exercise.run(exercise.reference, copy.deepcopy(trial.arguments))
        trial.wrong = difference(trial.answer, expected, exercise.results, case.tolerance, case.floor)
        trial.share = 0.0 if trial.wrong else 1.0
    if trial.inputs_changed and trial.wrong is None:
        trial.wrong = Difference("input-changed", changed_text(exercise, trial))
        trial.share = 0.0


def _verdict(exercise, trials) -> Verdict:
    failed = [t for t in trials if t.wrong]
    results = [CaseResult(t.case.name, t.wrong is None, t.wrong.message if t.wrong else "") for t in trials]
    results += [CaseResult(c.name, False, "Not tried any more.") for c in _cases(exercise)[len(trials):]]
    if not failed:
        return Verdict(exercise, True, 1.0, None, "All cases pass.", tuple(results))
    gates_open = all(t.case.pays for t in failed) and len(trials) == len(results)
    paying = [t for t in trials if t.case.pays]
    score = sum(t.share for t in paying) / len(paying) if gates_open else 0.0
    slug, message, trial = diagnose(exercise, trials)
    if [t.case.name for t in failed] == [AGAIN]:
        message = ("It is right at first and wrong when it is called again. It remembers something between calls: "
                   "a global variable, or an array that is filled and never emptied?")
    return Verdict(exercise, False, float(score), slug, message, tuple(results), evidence(exercise, trial))


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
