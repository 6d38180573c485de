"""What a learner sees: the check, the hints and the progress, as text and as a panel."""

import json

import numpy as np
import pytest

from backprop_lessons.checks import catalogue, check, hint, notebook, panel, progress, record
from backprop_lessons.layers import dense_backward, relu_backward


@pytest.fixture(autouse=True)
def own_progress(tmp_path, monkeypatch):
    monkeypatch.setenv("BACKPROP_PROGRESS", str(tmp_path / "learner" / "progress.jsonl"))
    monkeypatch.setattr(notebook, "_hints_shown", {})
    return tmp_path / "learner" / "progress.jsonl"


def test_a_passed_check(capsys):
    check(relu_backward)
    assert capsys.readouterr().out == "✓ 4.1 relu_backward — 1 point. All 6 cases pass.\n"


def test_a_failed_check_names_the_mistake_and_shows_both_arrays(capsys):
    def dense_backward(dZ, X, W):
        return dZ @ W.T, dZ.T @ X, dZ.sum(axis=0)
    check(dense_backward)
    out = capsys.readouterr().out
    assert out.startswith("✗ 4.3 dense_backward — 0 of 7 cases pass\n  transposed: dW comes out as [d_out, d_in]")
    assert "your dW" in out and "expected" in out and "[4, 3]" in out and "[3, 4]" in out
    assert out.endswith("Stuck? hint(dense_backward)\n")


def test_a_stub_is_not_started_and_leaves_no_trace(capsys, own_progress):
    def relu_backward(dA, Z):
        raise NotImplementedError("Write this function.")
    check(relu_backward)
    assert capsys.readouterr().out.startswith("○ 4.1 relu_backward — not started.")
    assert not own_progress.exists()


@pytest.mark.parametrize("wrong, words", [
    (lambda dA, Z: dA, "No exercise is called '<lambda>'"),
    ("relu_backward", "Write check(relu_backward), without quotes"),
    (3, "This needs a function with the exercise's name, as `def relu_backward(dA, Z):`"),
])
def test_a_check_of_something_else_says_what_to_do(capsys, wrong, words):
    check(wrong)
    assert words in capsys.readouterr().out


def test_hints_come_one_at_a_time(capsys):
    first, second, third = catalogue["dense_backward"].hints
    seen = []
    for _ in range(4):
        hint("dense_backward")
        seen.append(capsys.readouterr().out)
    assert first in seen[0] and second not in seen[0]
    assert second in seen[1] and third not in seen[1]
    assert third in seen[2] and seen[2] == seen[3]
    hint(dense_backward)
    assert capsys.readouterr().out == seen[2]


def test_progress_remembers_and_solved_stays_solved(capsys, own_progress):
    check(relu_backward)
    good = relu_backward

    def broken(dA, Z):
        return dA
    broken.__name__ = "relu_backward"
    check(broken)
    own_progress.write_text(own_progress.read_text() + "{ half a line\n[1]\n")
    capsys.readouterr()
    progress()
    out = capsys.readouterr().out
    assert out.startswith("1 of 6 exercises solved, 1 of 13 points")
    assert "✓  4.1 relu_backward" in out
    assert record.read()["relu_backward"] == record.Standing(2, True, "nonlinearity-forgotten")
    assert good is relu_backward


def test_progress_that_cannot_be_written_does_not_spoil_the_check(capsys, monkeypatch, tmp_path):
    (tmp_path / "a file").write_text("")
    monkeypatch.setenv("BACKPROP_PROGRESS", str(tmp_path / "a file" / "progress.jsonl"))
    check(relu_backward)
    out = capsys.readouterr().out
    assert "could not be saved" in out and "✓ 4.1" in out


def test_a_demonstration_with_its_own_rng_is_not_counted(capsys, own_progress):
    check(relu_backward, rng=np.random.default_rng(0))
    assert "✓" in capsys.readouterr().out and not own_progress.exists()


def test_the_record_is_one_line_of_json_a_check(own_progress):
    check(relu_backward)
    (line,) = own_progress.read_text().splitlines()
    assert json.loads(line)["exercise"] == "relu_backward"


def test_the_panel_escapes_what_a_learner_can_put_in_it(monkeypatch):
    shown = []
    monkeypatch.setattr(panel, "_show", lambda text, html, kind: shown.append(html))

    def relu_backward(dA, Z):
        raise ValueError("<img src=x onerror=alert(1)>")
    check(relu_backward)
    assert "<img" not in shown[0] and "&lt;img" in shown[0]


def test_wrong_entries_are_marked_by_more_than_colour(monkeypatch):
    shown = []
    monkeypatch.setattr(panel, "_show", lambda text, html, kind: shown.append(html))

    def relu_backward(dA, Z):
        return dA * (Z >= 0)
    check(relu_backward)
    assert "<mark>" in shown[0] and "<caption>expected" in shown[0]


def test_digits_grow_until_the_wrong_entry_can_be_told():
    yours, expected = np.array([1.00001]), np.array([1.0])
    assert panel._digits(yours, expected, np.array([False])) == 7
