"""Exercises from solutions, and `backprop build`: right, and the same each time."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from backprop_lessons.publishing.build import (BuildError, build, chosen, keep_unchanged_outputs, tidy,
                                               without_times)
from backprop_lessons.publishing.exercises import STUB, MarkerError, exercise_from_solution, stub

SOLUTION = """def double(x):
    if x:
        ### BEGIN SOLUTION
        y = 2 * x

        return y
        ### END SOLUTION
    return 0"""


def notebook(*cells):
    return new_notebook(cells=list(cells))


def code(source, **more):
    return new_code_cell(source, **more)


# Exercises

def test_a_stub_stands_where_the_solution_stood():
    assert stub(SOLUTION) == f"def double(x):\n    if x:\n        {STUB}\n    return 0"


def test_a_stub_says_that_it_is_not_written_yet():
    namespace = {}
    exec(stub(SOLUTION), namespace)
    assert namespace["double"](0) == 0
    with pytest.raises(NotImplementedError):
        namespace["double"](1)


def test_one_cell_may_hold_several_parts():
    assert stub(SOLUTION + "\n\n" + SOLUTION).count(STUB) == 2


@pytest.mark.parametrize("source, words", [
    ("def f():\n    ### BEGIN SOLUTION\n    return 1", "never closed"),
    ("def f():\n    return 1\n    ### END SOLUTION", "no partner"),
    ("def f():\n    ### BEGIN SOLUTION\n    ### BEGIN SOLUTION\n    ### END SOLUTION", "no partner"),
    ("### BEGIN SOLUTION\nx = 1\n### END SOLUTION", "outside a function"),
])
def test_markers_that_say_nothing_clear_are_refused(source, words):
    with pytest.raises(MarkerError, match=words):
        exercise_from_solution(notebook(code(source)))


def test_cells_for_the_solution_alone_vanish_and_the_rest_keeps_id_and_metadata():
    solution = notebook(
        new_markdown_cell("Write [it](../solutions/04-backpropagation.ipynb)."),
        new_markdown_cell("Why it works", metadata={"tags": ["solution"]}),
        code(SOLUTION, metadata={"tags": ["kept"]}, execution_count=1, outputs=[new_output("stream", text="4")]),
        code("x = 1", metadata={"tags": ["other", "solution"]}))
    exercise = exercise_from_solution(solution)
    assert [cell.id for cell in exercise.cells] == [solution.cells[0].id, solution.cells[2].id]
    assert exercise.cells[0].source == solution.cells[0].source
    assert exercise.cells[1].metadata == {"tags": ["kept"]}
    assert (exercise.cells[1].outputs, exercise.cells[1].execution_count) == ([], None)
    assert exercise.metadata == solution.metadata
    assert SOLUTION in solution.cells[2].source and solution.cells[2].outputs  # not changed itself


# Building

def write(root, folder, name, *cells):
    path = root / folder / f"{name}.ipynb"
    path.parent.mkdir(exist_ok=True)
    nbformat.write(notebook(*cells), path)
    return path


def test_a_build_stores_outputs_and_writes_exercises_and_a_second_one_changes_nothing(tmp_path):
    lesson = write(tmp_path, "notebooks", "04-small",
                   code("import time, os\nprint(f'{time.perf_counter():.6f} s')"),
                   code("import ipywidgets\nipywidgets.IntSlider(description='n')"),
                   code("print(os.path.basename(os.getcwd()), os.environ['BACKPROP_PROGRESS'].split('.')[-1])"))
    write(tmp_path, "solutions", "04-small", code(SOLUTION), code("double(2)"))
    seen = []
    build(root=tmp_path, report=lambda path, changed: seen.append((path.parent.name, changed)))
    assert seen == [("notebooks", True), ("solutions", True), ("exercises", True)]

    built = nbformat.read(lesson, as_version=4)
    assert [cell.execution_count for cell in built.cells] == [1, 2, 3]
    assert built.cells[2].outputs[0].text == "notebooks jsonl\n"
    assert set(built.cells[1].outputs[0].data) == {"text/plain"}
    assert built.metadata == {"backprop_lessons": {"lesson": "04"}, "language_info": {"name": "python"},
                              "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python",
                                             "name": "python3"}}
    exercise = nbformat.read(tmp_path / "exercises/04-small.ipynb", as_version=4)
    assert STUB in exercise.cells[0].source and not exercise.cells[1].outputs

    before = {path: path.read_bytes() for path in tmp_path.rglob("*.ipynb")}
    seen.clear()
    build(root=tmp_path, report=lambda path, changed: seen.append((path.parent.name, changed)))
    assert seen == [("notebooks", False), ("solutions", False), ("exercises", False)]
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*.ipynb")}


def test_a_failing_cell_is_named_and_its_notebook_left_alone(tmp_path):
    path = write(tmp_path, "notebooks", "04-broken", new_markdown_cell("Words"), code("1 / 0", id="divides"))
    before = path.read_bytes()
    with pytest.raises(BuildError, match=r"notebooks/04-broken.ipynb, cell 2 \(divides\): ZeroDivisionError"):
        build(root=tmp_path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["04", "04-small", "04-small.ipynb", "notebooks/04-small.ipynb"])
def test_lessons_are_chosen_by_number_or_name(tmp_path, name):
    for lesson in ("00-start", "04-small"):
        write(tmp_path, "notebooks", lesson)
    write(tmp_path, "solutions", "04-small")
    assert [f"{p.parent.name}/{p.stem}" for p in chosen([name], tmp_path)] == ["notebooks/04-small",
                                                                              "solutions/04-small"]


def test_an_unknown_lesson_is_answered_with_those_there_are(tmp_path):
    write(tmp_path, "notebooks", "04-small")
    with pytest.raises(BuildError, match="No lesson is called '4'. The lessons are: 04-small."):
        chosen(["4"], tmp_path)


def test_what_changes_from_run_to_run_is_not_stored():
    book = notebook(code("w", metadata={"execution": {"iopub.execute_input": "now"}, "tags": ["kept"]}, outputs=[
        new_output("display_data", {"application/vnd.jupyter.widget-view+json": {"model_id": "random"}}),
        new_output("display_data", {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "a slider"})]))
    book.metadata.update(widgets={"state": 1}, language_info={"name": "python", "version": "3.11.7"})
    tidy(book, "04")
    assert [o.data for o in book.cells[0].outputs] == [{"text/plain": "a slider"}]
    assert book.cells[0].metadata == {"tags": ["kept"]}
    assert "widgets" not in book.metadata and book.metadata.language_info == {"name": "python"}


@pytest.mark.parametrize("old, new, kept", [
    ("took 1.25 ms", "took 31.5 ms", True),
    ("took 1.25 ms", "took 1.30 s", True),
    ("loss 1.25", "loss 1.30", False),
    ("3 steps", "4 steps", False),
])
def test_a_stored_output_is_kept_when_nothing_but_times_changed(old, new, kept):
    stored, fresh = (notebook(code("f()", id="one", outputs=[new_output("stream", text=t)])) for t in (old, new))
    keep_unchanged_outputs(fresh, stored)
    assert (fresh.cells[0].outputs[0].text == old) == kept


def test_a_changed_picture_is_stored():
    stored, fresh = (notebook(code("f()", id="one", outputs=[
        new_output("display_data", {"text/html": f"<img src='data:image/png;base64,{p}'>"})]))
                     for p in ("AAAA", "BBBB"))
    keep_unchanged_outputs(fresh, stored)
    assert "BBBB" in fresh.cells[0].outputs[0].data["text/html"]


@pytest.mark.parametrize("text, sanitised", [
    ("in 0.35 s, 97.2 %", "in TIME, 97.2 %"), ("1,200 µs", " TIME"), ("  9.1 ms\n 10.2 ms", " TIME\n TIME"),
    ("1e-3 s a step", " TIME a step"), ("784-128-10 [3, 2] 0.5", "784-128-10 [3, 2] 0.5"), ("w5 s", "w5 s"),
    ("10 samples, 3 minima", "10 samples, 3 minima"),
])
def test_times_and_nothing_else_are_sanitised(text, sanitised):
    assert without_times(text) == sanitised
