import json

import numpy as np
import pytest

from backprop_lessons.widgets import Predict
from backprop_lessons.widgets.predict import NotUnderstood, compare_numbers, number_texts, read_number

SECRET = "the-answer-9731"


def choice(**changes):
    return Predict(**{"question": f"Which one? {np.random.default_rng().random()}", "choices": ["this", SECRET, "that"],
                      "answer": SECRET} | changes)


def number(**changes):
    return Predict(**{"question": f"How many? {np.random.default_rng().random()}", "number": True, "answer": 97.31} | changes)


def everything_in_the_page(widget):
    state = {name: value for name, value in widget.get_state().items() if name not in ("_esm", "_css", "layout")}
    return json.dumps(state, default=str) + widget.still_html() + widget.caption + repr(widget)


def test_the_answer_is_not_in_the_page_before_the_commitment():
    called = []
    widget = number(answer=lambda: called.append(1) or 97.31, explain="because of 97.31")
    assert "97.31" not in everything_in_the_page(widget)
    assert "97.31" not in everything_in_the_page(number(explain="because of 97.31"))
    assert not called
    widget.commit("12")
    assert "97.31" in everything_in_the_page(widget) and called == [1]


def test_the_still_is_the_same_whatever_was_committed():
    widget = choice()
    before = widget.still(), widget.still_alt
    widget.commit("this")
    assert (widget.still(), widget.still_alt) == before
    assert before[0].startswith(b"\x89PNG")
    assert all(text in before[1] for text in ("Which one?", "this", "that"))


def test_a_commitment_shows_both():
    widget = choice(explain=lambda answer: f"{answer} it is")
    widget.commit("this")
    assert (widget.result["guess"], widget.result["answer"], widget.result["right"]) == ("this", SECRET, False)
    assert widget.result["explanation"] == f"{SECRET} it is"
    widget.forget()
    widget.commit(SECRET)
    assert widget.result["right"]


def test_the_commitment_is_remembered_in_the_kernel_until_it_is_taken_back():
    widget = choice(question="Remembered?")
    widget.commit("this")
    assert choice(question="Remembered?").result == widget.result
    assert choice(question="Remembered?", key="another").result == {}
    assert choice(question="Remembered?", choices=["this", SECRET]).result == {}
    widget.forget()
    assert widget.result == {} and choice(question="Remembered?").result == {}


def test_a_guess_that_cannot_be_read_commits_nothing():
    widget = number(answer=lambda: pytest.fail("the answer was computed"))
    widget.commit("many")
    assert "many" in widget.problem and widget.result == {}
    widget = choice(answer=lambda: pytest.fail("the answer was computed"))
    widget.commit("")
    assert widget.problem and widget.result == {}


def test_an_answer_that_raises_is_told_and_commits_nothing():
    widget = number(answer=lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        widget.commit("1")
    assert "ZeroDivisionError" in widget.error and widget.result == {}
    with pytest.raises(ValueError, match=r"answer\(\) is 'neither'.*one of the choices"):
        choice(answer=lambda: "neither").commit("this")


@pytest.mark.parametrize("answer", [38, 38.0, np.int64(38), np.float32(38), np.array(38.0)])
def test_numpy_answers_are_numbers(answer):
    widget = number(answer=lambda: answer, unit="errors")
    widget.commit("40")
    assert widget.result["answer"] == "38\N{NO-BREAK SPACE}errors"


@pytest.mark.parametrize("text, value", [
    ("2.5", 2.5), ("2,5", 2.5), (" −3 ", -3), ("1e-3", 0.001), (".5", 0.5), ("5.", 5), ("0,250", 0.25), ("1/4", 0.25),
    ("1,000,000", 1e6), ("1.000.000", 1e6), ("1,234.5", 1234.5), ("1.234,5", 1234.5), ("1 000", 1000), ("~7", 7),
    ("12 ms", 12), ("12ms", 12), (3, 3), (np.float64(0.1), 0.1)])
def test_numbers_are_read_as_people_write_them(text, value):
    assert read_number(text, "ms") == value


@pytest.mark.parametrize("text", ["", "  ", "many", "1,5,2", "1,00,000", "nan", "inf", "1/0", "1/2/3", "e5", "3 s", "1..2"])
def test_what_is_no_number_is_not_understood(text):
    with pytest.raises(NotUnderstood, match="Write"):
        read_number(text, "ms")


def test_an_ambiguous_comma_is_asked_about():
    with pytest.raises(NotUnderstood, match="1000 or 1.000"):
        read_number("1,000")
    assert read_number("1000") == 1000 and read_number("1.000") == 1


def test_a_unit_in_percent_may_be_typed():
    assert read_number("12 %", "%") == read_number("12%", "%") == 12


@pytest.mark.parametrize("guess, answer, tolerance, right, words", [
    (3, 3, None, True, "exactly"), (3, 3.2, 0.2, True, "Well foreseen"), (3, 3.3, 0.2, False, "0.3\N{NO-BREAK SPACE}ms below"),
    (1.5, 1, None, False, "0.5\N{NO-BREAK SPACE}ms above"), (10, 1000, 5, False, "about 100 times your prediction"),
    (1000, 10, 5, False, "Your prediction is about 100 times"), (-1, 1, None, False, "2\N{NO-BREAK SPACE}ms below"),
    (0, 5, None, False, "5\N{NO-BREAK SPACE}ms below")])
def test_numbers_are_compared_in_words(guess, answer, tolerance, right, words):
    said_right, sentence = compare_numbers(guess, answer, "ms", tolerance)
    assert said_right == right and words in sentence


def test_numbers_are_shown_in_few_digits_but_different_ones_differ():
    assert number_texts(2.302585) == ["2.303"]
    assert number_texts(101770) == ["101,770"]
    assert number_texts(12345.678) == ["12,346"]
    assert number_texts(-0.5) == ["−0.5"]
    assert number_texts(3.5e-6) == ["3.5 × 10⁻⁶"]
    assert number_texts(0.12341, 0.12342) == ["0.12341", "0.12342"]


@pytest.mark.parametrize("arguments, words", [
    ({}, "neither choices nor number"), ({"choices": ["a", "b"], "number": True}, "both choices and number"),
    ({"choices": "ab"}, "two or more"), ({"choices": ["a"]}, "two or more"), ({"choices": ["a", "a"]}, "different"),
    ({"choices": ["a", "b"], "unit": "ms"}, "number=True"), ({"number": True, "tolerance": -1}, "0 or more"),
    ({"number": True, "unit": 3}, "unit"), ({"number": True, "answer": "many"}, "finite number"),
    ({"number": True, "answer": True}, "finite number"), ({"number": True, "answer": np.nan}, "finite number"),
    ({"choices": ["a", "b"], "answer": 0}, "word for word"), ({"number": True, "explain": 3}, "explain"),
    ({"question": "", "number": True}, "question")])
def test_arguments_that_do_not_fit_are_told(arguments, words):
    with pytest.raises((TypeError, ValueError), match=words):
        Predict(**{"question": "Well?", "answer": 1} | arguments)
