"""`backprop start`: a working copy in which nothing of the learner's is ever overwritten."""

import json
import os

import pytest

from backprop_lessons.publishing import start as module
from backprop_lessons.publishing.start import StartError, start


@pytest.fixture
def course(tmp_path):
    course = tmp_path / "course"
    for name in ("notebooks/00-start-here.ipynb", "notebooks/images/net.svg", "exercises/04-b.ipynb",
                 "solutions/04-b.ipynb", "notebooks/.ipynb_checkpoints/00.ipynb", "notebooks/.look-1-00.ipynb"):
        path = course / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(notebook(name) if path.suffix == ".ipynb" else f"the course's {name}")
    return course


def notebook(name):
    cells = [{"cell_type": "markdown", "source": name},
             {"cell_type": "code", "source": "1 + 1", "execution_count": 3, "outputs": [{"output_type": "stream"}]}]
    return json.dumps({"cells": cells}, indent=1) + "\n"


def names(paths):
    return [path.as_posix() for path in paths]


def test_a_copy_has_the_course_and_no_leftovers(course, tmp_path):
    copied = start(tmp_path / "deep" / "mine", course)
    assert names(copied.added) == ["notebooks/00-start-here.ipynb", "notebooks/images/net.svg",
                                   "exercises/04-b.ipynb", "solutions/04-b.ipynb"]
    assert (tmp_path / "deep/mine/exercises/04-b.ipynb").read_text() == notebook("exercises/04-b.ipynb")
    assert not list((tmp_path / "deep").rglob(".*"))


def test_a_second_start_keeps_work_and_adds_new_lessons(course, tmp_path):
    mine = tmp_path / "mine"
    start(mine, course)
    (mine / "exercises/04-b.ipynb").write_text("my work")
    (course / "notebooks/05-new.ipynb").write_text(notebook("new"))
    copied = start(mine, course)
    assert names(copied.added) == ["notebooks/05-new.ipynb"]
    assert names(copied.kept) == ["exercises/04-b.ipynb"]
    assert len(copied.same) == 3
    assert (mine / "exercises/04-b.ipynb").read_text() == "my work"


@pytest.mark.skipif(os.name == "nt", reason="making links needs a right on Windows")
def test_links_in_the_copy_are_kept_and_not_followed(course, tmp_path):
    mine = tmp_path / "mine"
    (mine / "exercises").mkdir(parents=True)
    (mine / "exercises/04-b.ipynb").symlink_to(tmp_path / "nowhere")
    assert names(start(mine, course).kept) == ["exercises/04-b.ipynb"]
    assert not (tmp_path / "nowhere").exists()


def test_lessons_come_without_the_results_that_a_learner_is_to_predict(course, tmp_path):
    start(tmp_path / "mine", course)
    lesson, solution = (json.loads((tmp_path / "mine" / name).read_text())["cells"][1]
                        for name in ("notebooks/00-start-here.ipynb", "solutions/04-b.ipynb"))
    assert (lesson["outputs"], lesson["execution_count"], lesson["source"]) == ([], None, "1 + 1")
    assert solution["outputs"]


def test_a_copy_that_breaks_off_leaves_no_half_a_file(course, tmp_path, monkeypatch):
    class FullDisk:
        def __init__(self, *arguments):
            self.file = open(*arguments)

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self.file.close()

        def write(self, content):
            self.file.write(content[:4])
            raise OSError(28, "No space left on device", "mine")
    monkeypatch.setattr(module, "open", FullDisk, raising=False)
    with pytest.raises(StartError, match="No space left on device"):
        start(tmp_path / "mine", course)
    assert not [p for p in (tmp_path / "mine").rglob("*") if p.is_file()]


@pytest.mark.parametrize("place", [".", "exercises", "notebooks/mine"])
def test_the_course_itself_is_no_working_copy(course, place):
    before = {p: p.read_bytes() for p in course.rglob("*") if p.is_file()}
    with pytest.raises(StartError, match="belongs to the course itself"):
        start(course / place, course)
    assert before == {p: p.read_bytes() for p in course.rglob("*") if p.is_file()}


def test_no_working_copy_is_made_inside_another(course, tmp_path):
    start(tmp_path / "mine", course)
    with pytest.raises(StartError, match="inside another working copy"):
        start(tmp_path / "mine" / "my-course", course)
    (course / "pyproject.toml").touch()
    assert start(course / "my-course", course).added  # in a clone, as the README says


def test_a_file_is_no_folder(course, tmp_path):
    (tmp_path / "mine").write_text("")
    with pytest.raises(StartError, match="is a file"):
        start(tmp_path / "mine", course)


def test_the_course_of_this_clone_is_found():
    assert (module.course_folder() / module.FIRST).is_file()


def test_lab_opens_the_first_lesson_of_the_copy(tmp_path, monkeypatch):
    labapp = pytest.importorskip("jupyterlab.labapp")
    seen = []
    monkeypatch.setattr(labapp.LabApp, "launch_instance", seen.extend)
    module.open_lab(tmp_path)
    assert f"--ServerApp.root_dir={tmp_path.resolve()}" in seen
    assert "--LabApp.default_url=/lab/tree/notebooks/00-start-here.ipynb" in seen
