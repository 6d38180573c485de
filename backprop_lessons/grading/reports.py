"""What the instructor gets: grades.json, grades.csv, the run's seed, and a table on the screen."""

import csv
import errno
import io
import json
import os
import tempfile
from pathlib import Path

from rich.table import Table
from rich.text import Text

from .sandbox import GradingError
from .text import plain

SEED = Path("instructor") / "seed.json"


def prepare(out) -> Path:
    """The folder for the results, made if need be. Raises GradingError when nothing can be written there."""
    out = Path(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise GradingError(f"The results cannot be written to {out}: {error.strerror}. Name another folder "
                           "by --out.") from error
    return out


def write(grades, out) -> list[Path]:
    """Write all files, or none of them. Raises GradingError; then no file was changed."""
    out = Path(out)
    files = {out / "grades.json": as_json(grades), out / "grades.csv": as_csv(grades),
             out / SEED: json.dumps({"seed": str(grades.seed)}) + "\n"}
    written = []
    try:
        (out / SEED).parent.mkdir(mode=0o700, exist_ok=True)
        for path, text in files.items():
            descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")  # of mode 600
            written.append((name, path))
            with open(descriptor, "w", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            if path != out / SEED:
                os.chmod(name, 0o644)
        for _, path in written:  # the one thing that lets a file be written beside another and not take its place
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, f"{path.name} is a folder")
        for name, path in written:
            os.replace(name, path)
    except OSError as error:
        for name, _ in written:
            Path(name).unlink(missing_ok=True)
        raise GradingError(f"The results could not be written to {out}: {error.strerror}.") from error
    return list(files)


def as_json(grades) -> str:
    """The grades in JSON, the form that programs read."""
    submissions = [{
        "student": row.student, "file": row.file, "status": row.status,
        "points": row.points, "max_points": row.max_points,
        "exercises": [{"number": e.number, "name": e.name, "points": e.points, "max_points": e.max_points,
                       "passed": e.passed, "mistake": e.mistake, "message": e.message} for e in row.exercises],
    } for row in grades.submissions]
    return json.dumps({"submissions": submissions}, indent=1) + "\n"


def as_csv(grades) -> str:
    """The grades as a table for a spreadsheet: a line a submission, a column an exercise."""
    columns = _columns(grades)
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(["student", "file", "status", "points", "max_points",
                     *(f"{number} {name}" for number, name in columns), "mistakes", "remark"])
    for row in grades.submissions:
        points = {(e.number, e.name): e.points for e in row.exercises}
        mistakes = "; ".join(f"{e.number} {e.mistake}" for e in row.exercises if e.mistake)
        writer.writerow([defused(row.student), defused(row.file), row.status, row.points, row.max_points,
                         *(points.get(column, "") for column in columns), defused(mistakes), defused(row.remark)])
    return file.getvalue()


def defused(text) -> str:
    """Text that no spreadsheet takes for a formula, in signs of full width neither."""
    shown = plain(text)
    acts = str(text).startswith(("\t", "\r")) or shown.lstrip().startswith(tuple("=+-@＝＋－＠"))
    return "'" + shown if acts else shown


def print_table(grades, console) -> None:
    """Print the grades to a Rich console: points by exercise where there is room, totals, remarks."""
    columns = _columns(grades)
    if console.width < 75 + 6 * len(columns):
        columns = []
    table = Table(title="Grades")
    table.add_column("Student", overflow="fold")
    table.add_column("Status")
    for number, _ in columns:
        table.add_column(number, justify="right")
    table.add_column("Points", justify="right")
    table.add_column("Mistakes and remarks", overflow="fold")
    for row in grades.submissions:
        points = {(e.number, e.name): f"{e.points:g}" for e in row.exercises}
        remarks = [f"{e.number} {e.mistake}" for e in row.exercises if e.mistake] + ([row.remark] if row.remark else [])
        # Text, not str: what a student wrote is shown, never read as markup.
        table.add_row(Text(plain(row.student, 60)), row.status, *(points.get(c, "") for c in columns),
                      f"{row.points:g}/{row.max_points:g}", Text("; ".join(plain(r, 200) for r in remarks)))
    console.print(table)


def _columns(grades) -> list[tuple[str, str]]:
    found = {(e.number, e.name) for row in grades.submissions for e in row.exercises}
    return sorted(found, key=lambda column: [int(n) for n in column[0].split(".")])
