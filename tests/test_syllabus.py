"""The map of the course follows the notebooks that are there."""

import json
from pathlib import Path

import pytest

from backprop_lessons.syllabus import ADVANCED, CORE, course_map

ROOT = Path(__file__).parents[1]
LESSONS = CORE + ADVANCED


@pytest.fixture
def course(tmp_path):
    """A working copy with lessons 00 and 02, and exercises for 02."""
    for name in ("notebooks/00-start-here", "notebooks/02-loss", "exercises/02-loss"):
        path = tmp_path / f"{name}.ipynb"
        path.parent.mkdir(exist_ok=True)
        path.touch()
    return tmp_path


def test_there_are_fourteen_lessons_in_order():
    assert [lesson.number for lesson in LESSONS] == [f"{n:02}" for n in range(14)]


def test_lessons_that_are_here_are_links_and_the_others_are_not(course):
    panel = course_map(course / "notebooks")
    assert repr(panel).startswith("2 of 14 lessons are here.")
    assert "  ● 02 Loss: How wrong is it, in one number?" in repr(panel).splitlines()
    assert "  ○ 03 The chain rule: Which weight is to blame, and how much?" in repr(panel).splitlines()
    html = panel._repr_html_()
    assert '<a href="../notebooks/02-loss.ipynb">Loss</a>' in html
    assert '<a href="../exercises/02-loss.ipynb">exercises</a>' in html
    assert html.count("<a ") == 3 and html.count('aria-label="in preparation:"') == 12


def test_the_map_grows_with_the_course(course):
    (course / "notebooks" / "03-the-chain-rule.ipynb").touch()
    assert repr(course_map(course / "notebooks")).startswith("3 of 14 lessons are here.")


def test_without_a_folder_the_map_looks_where_the_notebook_runs(course, monkeypatch):
    monkeypatch.chdir(course / "notebooks")
    assert repr(course_map()) == repr(course_map(course / "notebooks"))


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")), ids=lambda path: path.stem)
def test_each_notebook_has_the_title_that_the_map_gives_it(path):
    number = path.name[:2]
    lesson = next(lesson for lesson in LESSONS if lesson.number == number)
    title = "".join(json.loads(path.read_text("utf-8"))["cells"][0]["source"]).splitlines()[0]
    assert title == f"# {int(number)} · {lesson.title}"
