"""A learner's progress: one line of JSON a check, appended to a file that no update touches.

Appending loses nothing when two notebooks check at once, and a line that cannot be read
costs that line alone.
"""

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_path

VARIABLE = "BACKPROP_PROGRESS"  # names another file


@dataclass(frozen=True)
class Standing:
    """How a learner stands in one exercise."""

    attempts: int = 0
    solved: bool = False
    mistake: str | None = None  # of the last attempt


def path() -> Path:
    """The file that holds the progress."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else user_data_path("backprop-lessons", appauthor=False) / "progress.jsonl"


def add(name, verdict) -> None:
    """Note a check of the exercise `name`. A stub that was not started is no attempt."""
    if verdict.mistake == "not-started":
        return
    line = json.dumps({"exercise": name, "passed": verdict.passed, "score": verdict.score,
                       "mistake": verdict.mistake, "time": round(time.time())})
    try:
        path().parent.mkdir(parents=True, exist_ok=True)
        with open(path(), "a", encoding="utf-8") as file:
            file.write(line + "\n")
    except OSError as error:
        # A full disk or a read-only home must not spoil the check itself.
        print(f"Your progress could not be saved in {path()}: {error.strerror}. The check itself is not affected.")


def read() -> dict[str, Standing]:
    """How the learner stands, by exercise name. Solved stays solved."""
    standings: dict[str, Standing] = {}
    try:
        lines = path().read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # no check was made yet
        return standings
    for line in lines:
        try:
            entry = json.loads(line)
            before = standings.get(entry["exercise"], Standing())
            standings[entry["exercise"]] = Standing(
                before.attempts + 1, before.solved or bool(entry["passed"]), entry.get("mistake"))
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return standings
