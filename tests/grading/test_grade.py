"""A run from folder to files: points, fairness, reports, and what the instructor is told."""

import csv
import io
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from backprop_lessons.checks import catalogue
from backprop_lessons.grading import grade as grading
from backprop_lessons.grading import reports, sandbox, wire
from backprop_lessons.grading.grade import ExerciseGrade, Grades, SubmissionGrade, grade_folder
from backprop_lessons.grading.remote import write_back
from backprop_lessons.grading.sandbox import GradingError
from grading.handed_in import FULL_MARKS, POINTS, honest, notebook

EVIL = "=cmd|'/c calc'![red]\x1b[31m\u202e<script>\n"


def test_full_marks_and_named_mistakes(grade):
    rows = grade({
        "ada.ipynb": notebook(*honest()),
        "bob/04-backpropagation.ipynb": notebook(*honest(
            dense_backward="def dense_backward(dZ, X, W):\n    return dZ @ W.T, X.T @ dZ, dZ.mean(axis=0)",
            sigmoid_backward="", gradient_error="def gradient_error(a, n):\n    raise NotImplementedError",
            relu_backward="def relu_backward(dA, Z):\n    return dA * (Zed > 0)"), lesson=None)})
    ada, bob = rows["ada.ipynb"], rows["bob/04-backpropagation.ipynb"]
    assert (ada.student, ada.status, ada.points, ada.max_points) == ("ada", "graded", FULL_MARKS, FULL_MARKS)
    assert {e.name: e.points for e in ada.exercises.values()} == POINTS
    assert all(e.passed and e.mistake is None and e.message for e in ada.exercises.values())
    mistakes = {e.name: e.mistake for e in bob.exercises.values()}
    assert bob.student == "bob" and mistakes["cross_entropy_backward"] is None
    assert mistakes["sigmoid_backward"] == "missing" and mistakes["gradient_error"] == "not-started"
    assert mistakes["dense_backward"] == "extra-mean" and mistakes["relu_backward"] == "raised"
    message = bob.exercises["relu_backward"].message
    assert "NameError" in message and "Zed" in message and "line 2 of code cell 2: `return dA * (Zed > 0)`" in message


def test_an_answer_that_calls_an_unwritten_one_says_which(grade):
    stub = "def dense_backward(dZ, X, W):\n    raise NotImplementedError\n"
    exercises = grade({"ada.ipynb": notebook(*honest(dense_backward=stub))})["ada.ipynb"].exercises
    assert exercises["dense_backward"].mistake == "not-started"
    assert exercises["network_backward"].mistake == "raised"
    assert "It calls dense_backward, which is not written yet" in exercises["network_backward"].message


def test_the_published_solution_has_full_marks(grade, request):
    solution = request.config.rootpath / "solutions" / "04-backpropagation.ipynb"
    assert grade({"ada.ipynb": solution.read_bytes()})["ada.ipynb"].points == FULL_MARKS


def test_untouched_exercises_are_not_started(grade, request):
    exercises = request.config.rootpath / "exercises" / "04-backpropagation.ipynb"
    row = grade({"ada.ipynb": exercises.read_bytes()})["ada.ipynb"]
    assert {e.mistake for e in row.exercises.values()} == {"not-started"} and row.points == 0


def over_the_wire(function):
    """The function as a proxy has it: its answer and its arguments go through frames."""
    def call(*arguments):
        given = wire.decode(*wire.encode(arguments, trusted=True), trusted=True)
        answer, after = wire.decode(*wire.encode((function(*given), given)))
        write_back(list(arguments), list(after))
        return answer
    return call


@pytest.mark.parametrize("exercise, function", [
    pytest.param(e, f, id=f"{e.name}-{slug}") for e in catalogue.values()
    for slug, f in [("reference", e.reference), *((m.slug, m.function) for m in e.mistakes[::3])]])
def test_the_wire_changes_no_verdict(exercise, function):
    with np.errstate(all="ignore"):
        here, there = (grading.judge(exercise, call, rng=np.random.default_rng(5))
                       for call in (function, over_the_wire(function)))
    assert (here.passed, here.score, here.mistake) == (there.passed, there.score, there.mistake)
    assert [(c.name, c.passed) for c in here.cases] == [(c.name, c.passed) for c in there.cases]


def test_changed_inputs_are_seen_here():
    given = [np.zeros(2), [np.zeros(2), 1], (np.ones(1),), np.array([True]), 3.0]
    write_back(given, [np.ones(2), [np.full(2, 5.0), 2, 3], (np.zeros(1),), np.array([1.0]), 4.0])
    assert given[0].tolist() == [1, 1] and given[1][0].tolist() == [5, 5] and len(given[1]) == 3
    assert given[2][0].tolist() == [0] and given[3].tolist() == [False] and given[4] == 3.0


def test_every_student_gets_the_same_inputs_and_the_seed_repeats_them(grade, tmp_path):
    """The answer tells what came in: it is wrong, and its message holds the smallest failing case."""
    spy = "def sigmoid_backward(dA, A):\n    raise ValueError(repr(float(dA.sum() + A.sum())))"
    files = {"a.ipynb": notebook(*honest(sigmoid_backward=spy)), "b.ipynb": notebook(*honest(sigmoid_backward=spy), "x = 1")}
    first = grade(files)
    told = first["a.ipynb"].exercises["sigmoid_backward"].message
    assert told == first["b.ipynb"].exercises["sigmoid_backward"].message
    seed = json.loads((tmp_path / "out/instructor/seed.json").read_text())["seed"]
    written = (tmp_path / "out/grades.json").read_bytes()
    assert grade(files)["a.ipynb"].exercises["sigmoid_backward"].message != told
    assert grade(files, seed=int(seed), workers=1)["a.ipynb"].exercises["sigmoid_backward"].message == told
    assert (tmp_path / "out/grades.json").read_bytes() == written


def test_rows_for_what_cannot_be_graded(grade):
    rows = grade({"a.ipynb": notebook(*honest()), "b.ipynb": b"", "c.ipynb": b"\x00", "d.ipynb": notebook("x", lesson="99"),
                  "e.ipynb": notebook("x", lesson=None), "f/readme.txt": b""})
    assert {name: row.status for name, row in rows.items()} == {
        "a.ipynb": "graded", "b.ipynb": "empty", "c.ipynb": "unreadable", "d.ipynb": "refused", "e.ipynb": "refused",
        "f/(no notebook)": "empty"}
    assert "lesson 99" in rows["d.ipynb"].remark and rows["b.ipynb"].points == 0


def test_what_nobody_thought_of_costs_its_row_alone(grade, monkeypatch):
    read, answers = grading.read_code, grading.Student

    def reading(data, file, *others):
        return read(data, file, *others) if file != "bob.ipynb" else 1 / 0

    def asking(cells, *others):
        return answers(cells, *others) if "x = 1" not in cells else 1 / 0
    monkeypatch.setattr(grading, "read_code", reading)
    monkeypatch.setattr(grading, "Student", asking)
    rows = grade({"ada.ipynb": notebook(*honest()), "bob.ipynb": "", "cid.ipynb": notebook("x = 1")})
    assert {name: row.status for name, row in rows.items()} == {
        "ada.ipynb": "graded", "bob.ipynb": "unreadable", "cid.ipynb": "refused"}
    assert "ZeroDivisionError" in rows["bob.ipynb"].remark and "ZeroDivisionError" in rows["cid.ipynb"].remark


def test_a_sandbox_that_cannot_be_started_is_tried_once_more(grade, monkeypatch):
    monkeypatch.setattr(grading.time, "sleep", lambda seconds: None)
    make, tries = grading.Sandbox, []

    def busy(trust, until):
        tries.append(trust)
        if len(tries) < until:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        return make(trust)
    monkeypatch.setattr(grading, "Sandbox", lambda trust: busy(trust, until=4))
    rows = grade({"ada.ipynb": notebook(*honest()), "bob.ipynb": notebook(*honest())}, workers=1)
    assert rows["ada.ipynb"].status == "refused" and "temporarily unavailable" in rows["ada.ipynb"].remark
    assert rows["bob.ipynb"].points == FULL_MARKS and len(tries) == 4


def test_a_student_has_a_time_for_all_files_together(grade, monkeypatch):
    monkeypatch.setattr(grading, "STUDENT_TIMES", 0.002)
    slow = notebook("import time\ntime.sleep(0.03)", *honest())
    rows = grade({f"eve/{i}.ipynb": slow for i in range(4)} | {"zoe.ipynb": slow}, workers=1)
    assert [row.status for row in rows.values()] == ["graded", "graded", "refused", "refused", "graded"]
    assert "used up the 0.02 seconds for all" in rows["eve/3.ipynb"].remark


def test_trusted_submissions_run_without_a_sandbox(tmp_path, monkeypatch):
    if not hasattr(os, "fork"):
        pytest.skip("this system cannot fork")
    monkeypatch.setattr(sandbox, "sandbox_command", lambda: pytest.fail("a sandbox was made"))
    (tmp_path / "ada.ipynb").write_text(notebook(*honest()))
    assert grade_folder(tmp_path, out=tmp_path / "out", trust=True).submissions[0].points == FULL_MARKS


def test_without_isolation_nothing_is_graded_or_written(tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox.sys, "platform", "darwin")
    (tmp_path / "ada.ipynb").write_text(notebook(*honest()))
    with pytest.raises(GradingError, match="macOS"):
        grade_folder(tmp_path, out=tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*.json"))


def test_any_executor_and_any_number_of_workers(grade):
    files = {f"{i}.ipynb": notebook(*honest()) for i in range(4)}
    told = []
    with ThreadPoolExecutor(1) as pool:
        rows = grade(files, executor=pool, on_progress=lambda done, total: told.append((done, total)))
        assert pool.submit(int).result() == 0  # it is the caller's to end
    assert told == [(i, 4) for i in range(1, 5)]
    assert [row.points for row in rows.values()] == [FULL_MARKS] * 4
    assert [row.points for row in grade(files, workers=3).values()] == [FULL_MARKS] * 4


def test_a_lost_sandbox_is_replaced(grade, monkeypatch):
    spawn, spawned = sandbox.Sandbox.spawn, []

    def fragile(self, cpu_seconds):
        spawned.append(self)
        if len(spawned) == 3:
            self._process.kill()
            self._process.wait()
        return spawn(self, cpu_seconds)
    monkeypatch.setattr(sandbox.Sandbox, "spawn", fragile)
    rows = grade({f"{i}.ipynb": notebook(*honest()) for i in range(3)}, workers=1)
    assert [row.points for row in rows.values()] == [FULL_MARKS] * 3
    assert len(set(map(id, spawned))) >= 2


def tries(function, n):
    """A driver: it asks the student's function n times."""
    return np.array([function(i) for i in range(int(n))])


def test_a_driver_runs_beside_the_students_code(grade, monkeypatch):
    base = catalogue["sigmoid_backward"]
    case = replace(base.cases[0], name="some", draw=lambda rng: (rng.integers(3, 9),), pays=True)
    squares = replace(base, number="4.7", name="squares", reference=lambda i: i**2, results=("squares",), cases=(case,),
                      mistakes=(), driver=tries)
    monkeypatch.setattr(grading, "catalogue", {"squares": squares})
    rows = grade({"ada.ipynb": notebook("def squares(i):\n    return i * i"),
                  "bob.ipynb": notebook("def squares(i):\n    return i + i")})
    assert rows["ada.ipynb"].exercises["squares"].passed
    assert rows["bob.ipynb"].exercises["squares"].mistake == "wrong-values"


@pytest.mark.parametrize("options, match", [
    ({"time_limit": 0}, "--time-limit"), ({"time_limit": float("nan")}, "--time-limit"), ({"workers": 0}, "--workers"),
    ({"lesson": "77"}, "There is no lesson 77"), ({"lesson": "../"}, "There is no lesson"), ({"seed": "x"}, "seed")])
def test_wrong_options_are_said(tmp_path, options, match):
    (tmp_path / "ada.ipynb").write_text(notebook(*honest()))
    with pytest.raises(GradingError, match=match):
        grade_folder(tmp_path, out=tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_an_out_that_cannot_be_written_is_said_before_grading(tmp_path):
    (tmp_path / "ada.ipynb").write_text(notebook(*honest()))
    (tmp_path / "file").write_text("")
    with pytest.raises(GradingError, match="--out"):
        grade_folder(tmp_path, out=tmp_path / "file" / "out")


# --- reports ---------------------------------------------------------------------------------

def evil_grades():
    exercise = ExerciseGrade("4.1", "relu_backward", 0.5, 1, False, "raised", f"It raised {EVIL}.")
    return Grades((SubmissionGrade(EVIL, EVIL + ".ipynb", "graded", 0.5, 13, (exercise,), EVIL),
                   SubmissionGrade("＝1+1", "＋1.ipynb", "refused", 0.0, 13, ()),
                   SubmissionGrade("-1+1", "@x.ipynb", "refused", 0.0, 13, (), "\t=1")), 7, 0.1)


def test_json_has_the_stated_form():
    rows = json.loads(reports.as_json(evil_grades()))
    assert list(rows) == ["submissions"]
    assert list(rows["submissions"][0]) == ["student", "file", "status", "points", "max_points", "exercises"]
    assert list(rows["submissions"][0]["exercises"][0]) == ["number", "name", "points", "max_points", "passed", "mistake",
                                                            "message"]
    assert rows["submissions"][0]["student"] == EVIL
    assert reports.as_json(evil_grades()).isascii()


def test_csv_holds_no_formula_and_one_line_a_row():
    text = reports.as_csv(evil_grades())
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 3 and rows[0]["4.1 relu_backward"] == "0.5" and rows[0]["mistakes"] == "4.1 raised"
    for row in rows:
        for cell in row.values():
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", *"＝＋－＠")) and not set("\n\x1b\u202e") & set(cell)
    assert rows[0]["student"].startswith("'=cmd") and rows[2]["student"] == "'-1+1"


def test_the_table_shows_what_students_wrote_and_obeys_none_of_it():
    file = io.StringIO()
    reports.print_table(evil_grades(), Console(file=file, width=200, force_terminal=True, legacy_windows=False))
    text = file.getvalue()
    assert "[red]" in text and "\\x1b[31m" in text and "\\u202e" in text
    assert "\x1b[31m" not in text and "\u202e" not in text


@pytest.mark.parametrize("width, shown", [(80, False), (120, True)])
def test_a_narrow_screen_keeps_room_for_the_remarks(width, shown):
    file = io.StringIO()
    reports.print_table(evil_grades(), Console(file=file, width=width))
    assert ("4.1 raised" in file.getvalue()) and ("┃ 4.1 ┃" in file.getvalue()) == shown


def test_results_are_whole_or_not_there(tmp_path, monkeypatch):
    out = reports.prepare(tmp_path / "out")
    reports.write(evil_grades(), out)
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    assert len(before) == 3 and (out / "instructor" / "seed.json").stat().st_mode & 0o077 == 0

    (out / "grades.csv").unlink()
    (out / "grades.csv").mkdir()  # the second of three
    with pytest.raises(GradingError, match="grades.csv is a folder"):
        reports.write(replace(evil_grades(), seed=8, submissions=()), out)
    (out / "grades.csv").rmdir()
    (out / "grades.csv").write_bytes(before[out / "grades.csv"])
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before

    def full(descriptor):
        raise OSError(28, "No space left on device")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(GradingError, match="No space left"):
        reports.write(replace(evil_grades(), seed=8), out)
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before
