"""The catalogue of exercises, the judge, and the instant check for notebooks.

In a notebook: `check(function)`, `hint(function)`, `progress()`.
In a program: `catalogue` (name -> Exercise, in the order of the course) and
`judge(exercise, call, rng=None, time_limit=5.0) -> Verdict`.
"""

from types import MappingProxyType

from . import lesson04
from .exercise import Assessment, Case, CaseResult, Evidence, Exercise, Mistake, Verdict
from .judging import judge

LESSONS = (lesson04,)

catalogue = MappingProxyType({e.name: e for lesson in LESSONS for e in lesson.EXERCISES})

from .notebook import check, hint, progress  # noqa: E402  (they look exercises up in the catalogue)

__all__ = ["Assessment", "Case", "CaseResult", "Evidence", "Exercise", "Mistake", "Verdict",
           "catalogue", "check", "hint", "judge", "progress"]
