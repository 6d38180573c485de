"""The main job, end to end: a learner starts a copy, writes lesson 04's exercises in JupyterLab and is checked
at once; an instructor grades the saved file."""

import json
import re
import subprocess
import sys

import nbformat

from backprop_lessons.checks import catalogue
from grading.handed_in import RIGHT

EXERCISES = [e for e in catalogue.values() if e.lesson == "04"]
NAME = "04-backpropagation.ipynb"

PLANTED = RIGHT | {
    "dense_backward": "def dense_backward(dZ, X, W):\n    return dZ @ W.T, dZ.T @ X, dZ.sum(axis=0)\n",
    "network_backward": RIGHT["network_backward"].replace(
        "dA1, dW2, db2 = dense_backward(dlogits, A1, W2)",
        "dA1, dW2, db2 = dlogits @ W2.T, A1.T @ dlogits, dlogits.sum(axis=0)").replace(
        "dX, dW1, db1 = dense_backward(relu_backward(dA1, Z1), X, W1)",
        "dZ1 = relu_backward(dA1, Z1)\n    dW1, db1 = X.T @ dZ1, dZ1.sum(axis=0)"),
}


def backprop(*arguments):
    """The `backprop` command, as typed."""
    command = [sys.executable, "-m", "backprop_lessons.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def typed_into_the_exercises(open_notebook, folder, answers):
    """A fresh working copy in JupyterLab, its stubs replaced by typing, run and saved: (the book, the file)."""
    started = backprop("start", folder)
    assert started.returncode == 0, started.stderr
    file = folder / "exercises" / NAME
    book = open_notebook(file, run=False)
    sources = [cell.source for cell in nbformat.read(file, as_version=4).cells]
    for name, answer in answers.items():
        index = next(i for i, source in enumerate(sources) if re.search(rf"^def {name}\(", source, re.M))
        book.cell(index).locator(".cm-content").first.click()
        book.page.keyboard.press("Control+a")
        book.page.keyboard.insert_text(answer.strip() + "\n")
    book.run()
    book.page.keyboard.press("Escape")
    book.page.keyboard.press("Control+s")
    book.page.wait_for_function("() => !book.context.model.dirty")
    return book, file


def panel(book, name):
    """The text of the check's panel for this exercise."""
    exercise = catalogue[name]
    return book.page.locator(".bp-panel", has_text=f"{exercise.number} {name}").last.inner_text()


def grades(file, out):
    submissions = out / "submissions"
    submissions.mkdir(parents=True)
    (submissions / "ada.ipynb").write_bytes(file.read_bytes())
    done = backprop("grade", submissions, "--out", out / "grades")
    assert done.returncode == 0, done.stdout + done.stderr
    (row,) = json.loads((out / "grades" / "grades.json").read_text())["submissions"]
    return row, done.stdout


def test_right_answers_pass_in_the_notebook_and_get_full_marks(open_notebook, jupyterlab, sandbox_is_there, tmp_path):
    book, file = typed_into_the_exercises(open_notebook, jupyterlab[1] / "right", RIGHT)
    for exercise in EXERCISES:
        assert "All" in panel(book, exercise.name) and "cases pass" in panel(book, exercise.name)
    row, printed = grades(file, tmp_path)
    assert row["status"] == "graded"
    assert row["points"] == row["max_points"] == sum(e.points for e in EXERCISES)
    assert [e["passed"] for e in row["exercises"]] == [True] * len(EXERCISES)


def test_a_planted_mistake_is_named_in_both_places(open_notebook, jupyterlab, sandbox_is_there, tmp_path):
    book, file = typed_into_the_exercises(open_notebook, jupyterlab[1] / "planted", PLANTED)
    advice = next(m.advice for m in catalogue["dense_backward"].mistakes if m.slug == "transposed")
    assert "transposed" in panel(book, "dense_backward") and advice in panel(book, "dense_backward")
    row, printed = grades(file, tmp_path)
    (lost,) = [e for e in row["exercises"] if not e["passed"]]
    assert (lost["name"], lost["mistake"], lost["message"]) == ("dense_backward", "transposed", advice)
    assert row["points"] == row["max_points"] - catalogue["dense_backward"].points
