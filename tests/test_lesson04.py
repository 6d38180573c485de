"""Lesson 04 and its solution: they teach what the package computes, and print what was published."""

import ast
import doctest
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest

from backprop_lessons import gradient_check, layers, losses
from backprop_lessons.checks import catalogue
from backprop_lessons.losses import cross_entropy

ROOT = Path(__file__).parent.parent
LESSON = nbformat.read(ROOT / "notebooks" / "04-backpropagation.ipynb", as_version=4)
SOLUTION = nbformat.read(ROOT / "solutions" / "04-backpropagation.ipynb", as_version=4)
EXERCISES = [exercise for exercise in catalogue.values() if exercise.lesson == "04"]


def functions(notebook):
    """The functions that a notebook's cells define, with its imports, without running anything else."""
    namespace = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            kept = [node for node in ast.parse(cell.source).body
                    if isinstance(node, (ast.Import, ast.ImportFrom, ast.FunctionDef))]
            exec(compile(ast.Module(kept, []), cell.id, "exec"), namespace)
    return namespace


def printed(notebook, cell_id):
    """What a cell of the stored notebook has printed."""
    cell = next(cell for cell in notebook.cells if cell.get("id") == cell_id)
    return "".join(output.get("text", "") for output in cell.outputs)


def text_cells(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


TAUGHT = functions(LESSON)
RNG = np.random.default_rng(4)
A, Z, W, Z_OUT = (RNG.normal(size=shape) for shape in ((5, 3), (5, 3), (3, 4), (5, 4)))
LABELS = np.array([3, 0, 0, 2, 1])
PARAMETERS = [RNG.normal(size=shape) for shape in ((3, 6), (6,), (6, 4), (4,))]


@pytest.mark.parametrize("name, package, arguments", [
    ("relu_backward", layers.relu_backward, (A, Z * (np.abs(Z) > 0.5))),
    ("sigmoid_backward", layers.sigmoid_backward, (A, layers.sigmoid(Z))),
    ("dense_backward", layers.dense_backward, (Z_OUT, A, W)),
    ("cross_entropy_backward", losses.cross_entropy_backward, (1000 * Z_OUT, LABELS)),
    ("gradient_error", gradient_check.gradient_error, (A, Z)),
    ("gradient_error", gradient_check.gradient_error, (0 * A, 0 * Z)),
    ("network_backward", catalogue["network_backward"].reference, (A, LABELS, *PARAMETERS)),
])
def test_the_lesson_teaches_what_the_package_computes(name, package, arguments):
    taught, expected = TAUGHT[name](*arguments), package(*arguments)
    if not isinstance(expected, tuple):
        taught, expected = (taught,), (expected,)
    for ours, theirs in zip(taught, expected, strict=True):
        assert np.shape(ours) == np.shape(theirs)
        np.testing.assert_allclose(ours, theirs, rtol=1e-14, atol=1e-300)


def test_every_exercise_of_the_lesson_is_taught_in_it():
    assert {exercise.name for exercise in EXERCISES} <= set(TAUGHT)


def test_each_patient_is_ill_as_the_lesson_says():
    right = TAUGHT["network_backward"](A, LABELS, *PARAMETERS[:2], *square_end())
    ill = {1: [False, False, False, True], 2: [True, True, False, False], 3: [True] * 4, 4: [True, True, False, False]}
    for number, expected in ill.items():
        wrong = TAUGHT[f"patient_{number}"](A, LABELS, *PARAMETERS[:2], *square_end())
        assert [g.shape for g in wrong] == [g.shape for g in right]
        assert [not np.allclose(a, b) for a, b in zip(wrong, right)] == expected, number


def square_end():
    """W2 [h, h] and b2 [h]: patient 4's fault shows in no shape."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(6, 6)), rng.normal(size=6)


def test_the_thread_prints_what_was_published():
    assert "0.75136507 and 0.772928465, error 0.298371109" in printed(LESSON, "thread-forward")
    assert "dE/dw5 =  0.082167041" in printed(LESSON, "thread-gradients")
    comparisons = printed(LESSON, "thread-compare") + printed(LESSON, "thread-new-weights")
    pairs = re.findall(r"published (\S+)\s+ours (\S+)", comparisons)
    assert len(pairs) == 13 and all(theirs == ours for theirs, ours in pairs)
    published = ("0.149780716 0.19956143 0.24975114 0.29950229 0.35891648 0.408666186 0.511301270 0.561370121 "
                 "0.082167041").split()
    assert set(published) <= {theirs for theirs, _ in pairs}


def test_the_check_finds_the_lessons_own_network_right_and_its_patients_wrong():
    assert "WRONG" not in printed(LESSON, "check-report") + printed(LESSON, "check-package")
    for number in (1, 2, 3, 4):
        assert "WRONG" in printed(LESSON, f"patient-{number}-report")


def test_the_costs_are_counted_exactly():
    text = printed(LESSON, "cost-multiplications").replace(",", "")
    forward = 64 * (784 * 128 + 128 * 10)
    for number in (forward, forward + 64 * 128 * 10, 2 * forward, 101770 * forward):
        assert f" {number} " in text


def test_the_numbers_of_the_network_are_those_of_its_seed():
    rng = np.random.default_rng(158)
    X, labels = rng.normal(size=(5, 3)).round(1), rng.integers(4, size=5)
    W1, b1, W2, b2 = (rng.normal(size=shape).round(1) for shape in ((3, 4), 4, (4, 4), 4))
    logits = TAUGHT["network_forward"](X, W1, b1, W2, b2)
    assert f"{cross_entropy(logits, labels):.4f}" in printed(LESSON, "recap-forward")


def test_no_answer_is_in_sight_before_the_prediction():
    for cell in LESSON.cells:
        if cell.cell_type == "code" and "\nPredict(" in cell.source:
            assert cell.metadata.get("jupyter", {}).get("source_hidden"), cell.id
            call = ast.parse(cell.source).body[0].value
            assert not cell.source.splitlines()[0].startswith("Predict"), "a folded cell shows its first line"
            explain = next(k.value.value for k in call.keywords if k.arg == "explain")
            assert explain not in str(cell.outputs), cell.id


@pytest.mark.parametrize("exercise", EXERCISES, ids=[exercise.name for exercise in EXERCISES])
def test_minutes_points_and_difficulty_are_those_of_the_catalogue(exercise):
    dots = "●" * exercise.difficulty + "○" * (3 - exercise.difficulty)
    heading = next(text for text in text_cells(SOLUTION) if text.startswith(f"## {exercise.number} "))
    points = f"{exercise.points} point" + "s" * (exercise.points > 1)
    assert heading.startswith(f"## {exercise.number} {exercise.name}\n\n{exercise.minutes} minutes · {dots} · {points}\n")
    invitation = next(text for text in text_cells(LESSON) if f"Exercise {exercise.number}," in text)
    assert f"04-backpropagation.ipynb#{exercise.number}-{exercise.name})** · {exercise.minutes} minutes · {dots}" in invitation


def test_the_times_add_up():
    total = sum(exercise.minutes for exercise in EXERCISES)
    assert f"{total} for its six exercises" in text_cells(LESSON)[0]
    assert f"About {total} minutes" in text_cells(SOLUTION)[0]


def test_the_examples_in_the_solutions_docstrings_are_right():
    solved = functions(SOLUTION)
    finder, runner = doctest.DocTestFinder(), doctest.DocTestRunner()
    tried = 0
    for exercise in EXERCISES:
        for example in finder.find(solved[exercise.name], exercise.name, module=False, globs=solved):
            result = runner.run(example)
            assert result.failed == 0
            tried += result.attempted
    assert tried >= len(EXERCISES)


@pytest.mark.parametrize("notebook", [LESSON, SOLUTION], ids=["lesson", "solution"])
def test_links_between_the_notebooks_lead_to_a_heading(notebook):
    for text in text_cells(notebook):
        for folder, anchor in re.findall(r"\(\.\./(\w+)/04-backpropagation\.ipynb(?:#([^)]+))?\)", text):
            target = {"exercises": SOLUTION, "notebooks": LESSON}[folder]
            headings = [line.lstrip("# ").replace(" ", "-") for t in text_cells(target)
                        for line in t.splitlines() if line.startswith("#")]
            assert not anchor or anchor in headings, anchor


@pytest.mark.parametrize("notebook", [LESSON, SOLUTION], ids=["lesson", "solution"])
def test_code_cells_are_short(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.source.count("\n") < 25, cell.id


@pytest.mark.parametrize("notebook", [LESSON, SOLUTION], ids=["lesson", "solution"])
def test_no_warning_and_no_error_is_stored(notebook):
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            assert output.output_type != "error" and output.get("name") != "stderr", cell.id
