"""Grade a pile of submissions: find them, ask each in the sandbox, judge by the catalogue, report."""

import dataclasses
import inspect
import math
import os
import secrets
import textwrap
import threading
import time
from collections import Counter, deque
from concurrent.futures import FIRST_COMPLETED, Executor, ThreadPoolExecutor, wait
from dataclasses import dataclass

import numpy as np

from ..checks import catalogue, judge
from . import reports
from .remote import NotAnswered, RemoteFunction, Student, total_seconds
from .sandbox import GradingError, Sandbox
from .submissions import Code, NotGradable, find_submissions, read_code
from .text import plain

STUDENT_TIMES = 3  # that what one submission may take: all files of one student together


@dataclass(frozen=True)
class ExerciseGrade:
    """How one exercise of a submission was judged."""

    number: str
    name: str
    points: float
    max_points: int
    passed: bool
    mistake: str | None
    message: str


@dataclass(frozen=True)
class SubmissionGrade:
    """One row: a submission, its status (`graded` `unreadable` `empty` `refused`), its exercises."""

    student: str
    file: str
    status: str
    points: float
    max_points: int
    exercises: tuple[ExerciseGrade, ...]
    remark: str = ""
    seconds: float = 0.0  # that the grader waited for the student's code in the sandbox
    cpu_seconds: float = 0.0  # that this code took


@dataclass(frozen=True)
class Grades:
    """A whole run: its rows in the order of the files, and the secret seed of its inputs."""

    submissions: tuple[SubmissionGrade, ...]
    seed: int
    seconds: float


@dataclass(frozen=True)
class Settings:
    """What a worker must know besides the submission."""

    seed: int
    time_limit: float
    trust: bool


def grade_folder(path, *, out, lesson=None, time_limit=10.0, workers=None, trust=False, seed=None,
                 on_progress=None, executor: Executor | None = None) -> Grades:
    """Grade all submissions in a folder or a zip and write the results to the folder `out`.

    lesson: "04", for notebooks that do not say theirs.
    time_limit: seconds for each cell and for each exercise apart; a submission as a whole has four times
    that, and once more for each exercise; all files of a student have three times what one of them has.
    workers: how many to grade at once; as many as there are processors by default.
    trust: True runs the submissions without a sandbox.
    seed: that of an earlier run, to repeat it; a fresh secret one by default.
    on_progress(done, total) is called after each submission.
    executor: where to grade; threads of this process by default.
    Raises GradingError for all that the instructor must see to; then no result is written.
    """
    begin = time.monotonic()
    settings = Settings(secrets.randbits(128) if seed is None else _seed(seed), _seconds(time_limit), trust)
    lesson = _known_lesson(lesson)
    if workers is not None and (not isinstance(workers, int) or workers < 1):
        raise GradingError(f"--workers must be a whole number of at least 1; it was {workers!r}.")
    workers = workers or os.cpu_count() or 1
    found = find_submissions(path, ignore=[out])
    out = reports.prepare(out)
    with _executor(executor, workers) as pool:
        rows = _grade_all(found, pool, workers, lesson, settings, on_progress or (lambda done, total: None))
    grades = Grades(tuple(rows), settings.seed, time.monotonic() - begin)
    reports.write(grades, out)
    return grades


def _grade_all(found, pool, workers, lesson, settings, on_progress):
    """The rows, in the order of `found`. Only a few submissions are in memory at a time."""
    rows, running, waiting = {}, {}, deque(enumerate(found))
    seconds = Counter()  # by student
    try:
        while waiting or running:
            while waiting and len(running) < 2 * workers:
                index, submission = waiting.popleft()
                try:
                    code = _read(submission, lesson)
                    _allow(seconds[submission.student], code, settings)
                    running[pool.submit(grade_submission, submission.student, submission.file, code, settings)] = index
                except NotGradable as why:
                    rows[index] = _ungraded(submission, why, lesson)
                    on_progress(len(rows), len(found))
            for future in wait(running, return_when=FIRST_COMPLETED).done if running else ():
                row = rows[running.pop(future)] = future.result()
                seconds[row.student] += row.seconds
                on_progress(len(rows), len(found))
    finally:
        for future in running:
            future.cancel()
    return [rows[index] for index in range(len(found))]


def _read(submission, lesson) -> Code:
    try:
        code = read_code(submission.read(), submission.file, lesson, lessons())
    except NotGradable:
        raise
    except Exception as error:  # what nobody thought of costs its row, not the batch
        raise NotGradable("unreadable", f"it cannot be read ({_named(error)})") from error
    if not exercises_of(code.lesson):
        raise NotGradable("refused", f"lesson {code.lesson} has no exercises; those with exercises: "
                          f"{', '.join(lessons())}")
    return code


def _allow(seconds, code, settings) -> None:
    """Raises NotGradable when a student's earlier files have used up the time for all of them."""
    most = STUDENT_TIMES * total_seconds(settings.time_limit, len(exercises_of(code.lesson)))
    if seconds > most:
        raise NotGradable("refused", f"the student's other files have used up the {most:g} seconds for all of them")


def _named(error) -> str:
    return plain(f"{type(error).__name__}: {error}", 200)


def _ungraded(submission, why, lesson) -> SubmissionGrade:
    most = sum(e.points for e in exercises_of(lesson or (lessons()[0] if len(lessons()) == 1 else None)))
    return SubmissionGrade(submission.student, submission.file, why.status, 0.0, most, (), plain(why))


def lessons() -> list[str]:
    """The lessons that have exercises, in order."""
    return sorted({exercise.lesson for exercise in catalogue.values()})


def exercises_of(lesson) -> list:
    """The exercises of a lesson, in the order of the course."""
    return [exercise for exercise in catalogue.values() if exercise.lesson == lesson]


# --- one submission, on whatever machine ----------------------------------------------------

_mine = threading.local()  # the sandbox of this thread: it ends with the thread that started it


def grade_submission(student, file, code, settings) -> SubmissionGrade:
    """Grade one submission in the sandbox of this thread. Raises GradingError where there can be none."""
    try:
        return _grade(student, file, code, settings)
    except GradingError:
        raise
    except Exception as error:  # what nobody thought of costs its row, not the batch
        most = sum(e.points for e in exercises_of(code.lesson))
        remark = f"it could not be graded ({_named(error)}); grade it again"
        return SubmissionGrade(student, file, "refused", 0.0, most, (), remark)


def _grade(student, file, code, settings):
    exercises = exercises_of(code.lesson)
    answers = Student(code.cells, lambda: _sandbox(settings.trust), settings.time_limit,
                      tuple(exercise.name for exercise in exercises))
    grades = tuple(_grade_exercise(exercise, answers, settings.seed) for exercise in exercises)
    return SubmissionGrade(student, file, "graded", _round(sum(g.points for g in grades)),
                           sum(e.points for e in exercises), grades, plain("; ".join(answers.notes[:5])),
                           answers.seconds, answers.cpu_seconds)


def _sandbox(trust) -> Sandbox:
    sandbox = getattr(_mine, "sandbox", None)
    if sandbox is None or sandbox.lost or sandbox.trust != trust:
        try:
            sandbox = Sandbox(trust)
        except OSError:  # too many processes or files at this moment
            time.sleep(1)
            sandbox = Sandbox(trust)
        _mine.sandbox = sandbox
    return sandbox


def _grade_exercise(exercise, student, seed) -> ExerciseGrade:
    def grade(points, passed, mistake, message):
        return ExerciseGrade(exercise.number, exercise.name, _round(points), exercise.points, passed, mistake, message)

    try:
        student.left()
        function = student.load(exercise.name, _driver(exercise))
    except NotAnswered as why:
        return grade(0.0, False, why.slug, str(why))
    try:
        # The same inputs for every student of a run, whatever else was asked before.
        rng = np.random.default_rng([seed, *map(int, exercise.number.split("."))])
        with np.errstate(all="ignore"):
            verdict = judge(_driven_there(exercise), function, rng=rng, time_limit=student.time_limit)
    except Exception as error:  # an answer that even the judge cannot take: it costs its exercise, not the batch
        return grade(0.0, False, "wrong-type", f"The answer could not be judged ({type(error).__name__}).")
    finally:
        function.close()
    if function.refused:
        return grade(0.0, False, function.refused.slug, str(function.refused))
    return grade(verdict.points, verdict.passed, verdict.mistake, plain(verdict.message, 1000))


def _driver(exercise) -> dict | None:
    if exercise.driver is None:
        return None
    return {"name": exercise.driver.__name__, "source": textwrap.dedent(inspect.getsource(exercise.driver))}


def _driven_there(exercise):
    """The exercise for the judge: its driver runs in the sandbox already when the student is asked."""
    if exercise.driver is None:
        return exercise

    def driver(function, *arguments):
        return function(*arguments) if isinstance(function, RemoteFunction) else exercise.driver(function, *arguments)

    return dataclasses.replace(exercise, driver=driver)


# --- what was given on the command line -----------------------------------------------------

def _executor(executor, workers):
    if executor is not None:
        return _Borrowed(executor)
    return ThreadPoolExecutor(workers, thread_name_prefix="grading")


class _Borrowed:
    """An executor of the caller's, which the caller ends."""

    def __init__(self, executor):
        self.executor = executor

    def __enter__(self):
        return self.executor

    def __exit__(self, *error):
        return False


def _known_lesson(lesson) -> str | None:
    if lesson is None:
        return None
    name = str(lesson).zfill(2)
    if name not in lessons():
        raise GradingError(f"There is no lesson {plain(lesson)} with exercises; there are: {', '.join(lessons())}.")
    return name


def _seconds(time_limit) -> float:
    if not (isinstance(time_limit, (int, float)) and math.isfinite(time_limit) and time_limit > 0):
        raise GradingError(f"--time-limit must be a number of seconds above 0; it was {time_limit!r}.")
    return float(time_limit)


def _seed(seed) -> int:
    if not str(seed).isdigit():
        raise GradingError(f"The seed must be a whole number of at least 0; it was {plain(seed, 60)}.")
    return int(seed)


def _round(points) -> float:
    return round(points, 4)
