"""The `backprop` command, as it is typed."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def backprop(*arguments, cwd=ROOT, columns="100"):
    """Run the command in a process of its own; its output comes back as text."""
    return subprocess.run([sys.executable, "-m", "backprop_lessons.cli", *map(str, arguments)], cwd=cwd,
                          capture_output=True, text=True, encoding="utf-8", stdin=subprocess.DEVNULL,
                          env=os.environ | {"COLUMNS": columns, "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"})


def test_help_names_each_command_and_is_quick():
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        answer = backprop("--help")
        seconds.append(time.perf_counter() - began)
    assert answer.returncode == 0
    for command in ("start", "progress", "grade", "build"):
        assert command in answer.stdout
    assert min(seconds) < 1.5  # 0.2 s alone; what it must not do is load numpy, matplotlib or Jupyter


def test_help_loads_nothing_heavy():
    code = ("import sys, backprop_lessons.cli; "
            "print([m for m in ('numpy', 'matplotlib', 'IPython', 'nbformat', 'jupyterlab') if m in sys.modules])")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


@pytest.mark.parametrize("command", ["start", "progress", "grade", "build"])
def test_each_command_explains_itself(command):
    assert backprop(command, "--help").returncode == 0


def test_start_says_what_it_did_and_what_to_type_next(tmp_path):
    first = backprop("start", "mine", cwd=tmp_path)
    assert first.returncode == 0
    assert "added: notebooks/00-start-here.ipynb" in first.stdout
    assert "Next: backprop start mine --lab" in first.stdout
    exercise = tmp_path / "mine/exercises/04-backpropagation.ipynb"
    exercise.write_text("my work")
    second = backprop("start", "mine", cwd=tmp_path)
    assert "kept as you have it: exercises/04-backpropagation.ipynb" in second.stdout
    assert "up to date: notebooks/00-start-here.ipynb" in second.stdout and "added" not in second.stdout
    assert exercise.read_text() == "my work"


@pytest.mark.parametrize("arguments, words", [
    (("start", ROOT), "belongs to the course itself"),
    (("start", ROOT / "README.md"), "is a file"),
    (("build", "99"), "No lesson is called '99'"),
    (("grade", "no-such-folder"), "no-such-folder"),
])
def test_an_error_is_one_sentence_and_a_status(arguments, words):
    answer = backprop(*arguments)
    assert answer.returncode != 0
    assert words in answer.stderr and "Traceback" not in answer.stderr


def test_progress_without_a_notebook(tmp_path, monkeypatch):
    record = tmp_path / "progress.jsonl"
    monkeypatch.setenv("BACKPROP_PROGRESS", str(record))
    record.write_text(json.dumps({"exercise": "relu_backward", "passed": True}) + "\n")
    assert "✓  4.1 relu_backward" in backprop("progress").stdout


def test_a_student_s_name_is_no_markup(tmp_path):
    answer = backprop("start", "[red]mine[/red] [/]", cwd=tmp_path)
    assert answer.returncode == 0 and "[red]mine[/red] [/]" in answer.stdout
