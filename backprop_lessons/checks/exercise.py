"""What an exercise is: its signature, fresh inputs, reference, named mistakes and hints.

Everything that speaks of exercises (instant check, hints, grading, feedback, tests)
is derived from the objects defined here; nothing says it twice.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Case:
    """One set of fresh inputs on which an answer is tried.

    A case that pays shares in the exercise's points; every known mistake fails it.
    A case that only gates (`pays=False`) looks at one awkward corner, which some wrong
    answers get right by luck: it earns nothing, and who fails it earns nothing either.
    """

    name: str
    draw: Callable  # rng -> the tuple of arguments
    pays: bool = True
    tolerance: float = 1e-7  # relative to the largest entry of the expected result
    floor: float = 1e-12  # absolute, for results that are exactly zero
    # Where no single answer is right (a trained network, random numbers):
    # assess(arguments, answer) -> Assessment takes the place of the reference.
    assess: Callable | None = None


@dataclass(frozen=True)
class Assessment:
    """How good an answer is that has no single right value: a share in 0…1, and why."""

    share: float
    message: str
    mistake: str | None = None


@dataclass(frozen=True)
class Mistake:
    """A wrong implementation that learners write, its slug, and what to change."""

    slug: str
    function: Callable
    advice: str


@dataclass(frozen=True)
class Exercise:
    """One exercise of the catalogue.

    `driver(function, *arguments)` says how an answer is tried where calling it is not
    enough (an argument is itself a function, the answer is a class). In bulk grading its
    source runs beside the student's code, which can tamper with it: it uses `np` alone, holds no
    reference, and returns something that the judge evaluates (values, weights, predictions on inputs
    that the judge chose), never a measure of how good the answer is.
    """

    number: str  # "4.3"
    points: int
    minutes: int
    difficulty: int  # 1 (one line) … 3 (several steps)
    summary: str  # one sentence: what the function returns
    reference: Callable
    results: tuple[str, ...]
    cases: tuple[Case, ...]
    mistakes: tuple[Mistake, ...]
    hints: tuple[str, str, str]
    driver: Callable | None = None
    name: str = field(default="")

    def __post_init__(self):
        if not self.name:
            object.__setattr__(self, "name", self.reference.__name__)

    @property
    def lesson(self) -> str:
        """The lesson that the exercise belongs to, "04"."""
        return self.number.split(".")[0].zfill(2)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the arguments, in order."""
        return tuple(inspect.signature(self.reference).parameters)

    def run(self, function, arguments):
        """The answer of `function` on these arguments, by the driver if there is one."""
        if self.driver is None:
            return function(*arguments)
        return self.driver(function, *arguments)


@dataclass(frozen=True)
class CaseResult:
    """How one case went: its name, whether it passed, and a sentence if it did not."""

    name: str
    passed: bool
    message: str = ""


@dataclass(frozen=True)
class Evidence:
    """The smallest failing input, and the first result that is wrong there."""

    case: str
    inputs: tuple[tuple[str, object], ...]
    result: str  # the name of the wrong result, "dW"
    yours: object
    expected: object


@dataclass(frozen=True)
class Verdict:
    """What the judge says of an answer."""

    exercise: Exercise
    passed: bool
    score: float  # 0 … 1, the share of the exercise's points
    mistake: str | None  # a slug; None when passed
    message: str
    cases: tuple[CaseResult, ...] = ()
    evidence: Evidence | None = None

    @property
    def points(self) -> float:
        """The points earned."""
        return self.score * self.exercise.points
