"""What holds for every notebook of the course. nbval compares their outputs; here is the rest."""

import json
import re
from pathlib import Path

import nbformat
import pytest

from backprop_lessons.checks import catalogue
from backprop_lessons.publishing.build import KERNEL, WIDGET_VIEW, executed
from backprop_lessons.publishing.exercises import exercise_from_solution

ROOT = Path(__file__).parent.parent
LONGEST_CELL = 25  # lines
PICTURE = re.compile(r"data:image/[\w+]+;base64,[A-Za-z0-9+/=\s]+")
PRIVATE = re.compile(r"/(?:home|root|tmp|Users|work|private)/|[A-Z]:\\|site-packages|0x[0-9a-f]{8,}|ipykernel_\d")


def notebooks(*folders):
    paths = [p for f in folders for p in sorted((ROOT / f).glob("*.ipynb")) if not p.name.startswith(".")]
    return pytest.mark.parametrize("path", paths, ids=lambda p: f"{p.parent.name}/{p.stem}")


every_notebook = notebooks("notebooks", "exercises", "solutions")
with_outputs = notebooks("notebooks", "solutions")


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def output_texts(notebook):
    """Every text that an output holds, without pictures, each with the id of its cell."""
    for cell in code_cells(notebook):
        for output in cell.outputs:
            for text in (output.get("text"), *output.get("data", {}).values()):
                if text is not None:
                    yield cell.id, PICTURE.sub("", text if isinstance(text, str) else json.dumps(text))


def prose(notebook):
    """Every text that a reader sees as Markdown or HTML."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            yield cell.source
        for output in cell.get("outputs", ()):
            yield from (text for mime, text in output.get("data", {}).items() if mime in ("text/html", "text/markdown"))


def test_the_course_begins_and_has_exercises():
    assert (ROOT / "notebooks/00-start-here.ipynb").is_file()
    assert {e.lesson for e in catalogue.values()} == {p.name[:2] for p in (ROOT / "solutions").glob("[0-9]*.ipynb")}


@every_notebook
def test_a_notebook_is_valid_and_says_its_lesson_and_no_more_than_it_must(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert notebook.metadata == {"backprop_lessons": {"lesson": path.name[:2]}, "kernelspec": KERNEL,
                                 "language_info": {"name": "python"}}
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    assert not [cell.id for cell in notebook.cells if "execution" in cell.metadata]


@every_notebook
def test_code_cells_are_short(path):
    assert not [cell.id for cell in code_cells(read(path)) if len(cell.source.splitlines()) > LONGEST_CELL]


@with_outputs
def test_a_notebook_is_stored_as_one_run_from_top_to_bottom(path):
    counts = [cell.execution_count for cell in code_cells(read(path))]
    assert counts == list(range(1, len(counts) + 1))


@with_outputs
def test_no_stored_output_is_an_error_a_warning_or_a_live_widget(path):
    for cell in code_cells(read(path)):
        for output in cell.outputs:
            wrong = output.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", ())
            assert not wrong and output.get("name") != "stderr" and WIDGET_VIEW not in output.get("data", {}), cell.id


@with_outputs
def test_no_stored_output_tells_of_one_machine(path):
    for cell, text in output_texts(read(path)):
        assert not (found := PRIVATE.search(text)), f"cell {cell}: {text[max(0, found.start() - 40):found.end() + 40]}"


@notebooks("exercises")
def test_exercises_are_stored_without_outputs(path):
    assert not [c.id for c in code_cells(read(path)) if c.outputs or c.execution_count is not None]


@every_notebook
def test_every_picture_has_a_description(path):
    notebook = read(path)
    for cell in code_cells(notebook):
        for output in cell.outputs:
            bare = [mime for mime in output.get("data", {}) if mime.startswith("image/")]
            assert not bare, f"cell {cell.id}: show(figure, alt=…) gives a picture its description"
    for text in prose(notebook):
        assert not re.search(r"!\[\s*\]\(", text), text[:200]
        for tag in re.findall(r"<img\b[^>]*>", PICTURE.sub("", text)):
            assert re.search(r"""\balt=(["'])\s*\S.*?\1""", tag, re.DOTALL) or 'aria-hidden="true"' in tag, tag[:200]
        for tag in re.findall(r"<svg\b[^>]*>", text):
            assert "aria-label" in tag or 'aria-hidden="true"' in tag or "<title" in text, tag[:200]


@every_notebook
def test_links_inside_the_course_lead_somewhere(path):
    for cell in read(path).cells:
        if cell.cell_type == "markdown":
            for link in re.findall(r"\]\(([^)\s]+)\)", cell.source):
                if not re.match(r"https?://|mailto:|#|attachment:", link):
                    assert (path.parent / link.split("#")[0]).exists(), f"cell {cell.id}: {link}"


def test_each_exercise_comes_from_a_solution():
    assert ({p.name for p in (ROOT / "exercises").glob("[0-9]*.ipynb")}
            == {p.name for p in (ROOT / "solutions").glob("[0-9]*.ipynb")})


@notebooks("solutions")
def test_an_exercise_equals_its_regenerated_self(path):
    stored = (ROOT / "exercises" / path.name).read_text(encoding="utf-8")
    assert stored.rstrip("\n") == nbformat.writes(exercise_from_solution(read(path))).rstrip("\n"), (
        f"run `backprop build {path.stem}`")


@notebooks("exercises")
def test_an_untouched_exercise_runs_through_and_every_check_says_not_started(path):
    checked = []
    for cell in code_cells(executed(path)):
        names = re.findall(r"^check\((\w+)\)", cell.source, flags=re.MULTILINE)
        answers = [o.data["text/plain"] for o in cell.outputs if "text/plain" in o.get("data", {})]
        for name, answer in zip(names, answers, strict=bool(names)):
            assert answer.startswith(f"○ {catalogue[name].number} {name} — not started"), answer
        checked += names
    assert checked == [e.name for e in catalogue.values() if e.lesson == path.name[:2]]
