"""Fixtures for the grader's tests: a sandbox, and a folder of submissions graded."""

from types import SimpleNamespace

import pytest

from backprop_lessons.grading.grade import grade_folder
from grading.handed_in import TIME_LIMIT


@pytest.fixture
def grade(tmp_path, sandbox_is_there):
    """Grades {file name: text or bytes} and gives the rows by file name, each with its exercises by name."""
    def run(files, **options):
        folder = tmp_path / "submitted"
        for name, content in files.items():
            place = folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content if isinstance(content, bytes) else content.encode())
        grades = grade_folder(folder, out=tmp_path / "out", **{"time_limit": TIME_LIMIT, **options})
        return {row.file: SimpleNamespace(**vars(row) | {"exercises": {e.name: e for e in row.exercises}})
                for row in grades.submissions}
    return run
