"""Predict: the learner commits a guess before the result is shown, then sees both side by side."""

import math
import numbers
import re
import textwrap

from traitlets import Dict, List, Unicode

from .stage import Stage, png, script, shows_errors, style

_results = {}  # what was committed in this kernel: a cell that runs again still shows it
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class NotUnderstood(ValueError):
    """A guess that cannot be read; its text tells the learner what to write."""


class Predict(Stage):
    """A question that shows its result only after the learner has committed a guess.

    Give either choices=[…], two or more, or number=True; a number may have a unit and a tolerance, in that unit:
    how far off still counts as foreseen. `answer` is one of the choices or a number, or a function without
    arguments that returns it and runs when the learner commits. `explain`, shown with the result, is text, or a
    function that makes it from the answer. Text between `backquotes` is set as code.
    Before the guess is committed, neither is in the page, nor in the stored notebook. The guess is remembered as
    long as the kernel runs; `key` tells two questions with the same text apart.
    Raises TypeError or ValueError for arguments that do not fit together.
    """

    _esm, _css = script("predict.js"), style("predict.css")
    caption = "Run this cell to make your prediction."

    question = Unicode().tag(sync=True)
    choices = List(Unicode()).tag(sync=True)  # empty where the guess is a number
    unit = Unicode().tag(sync=True)
    result = Dict().tag(sync=True)  # empty until the learner commits
    problem = Unicode().tag(sync=True)  # what to change in a guess that could not be read

    def __init__(self, question, *, choices=None, number=False, unit="", tolerance=None, answer, explain="", key=None):
        choices = _checked_choices(question, choices, number, unit, tolerance)
        if not (isinstance(explain, str) or callable(explain)):
            raise TypeError(f"explain is {explain!r}. Expected text, or a function that makes it from the answer.")
        super().__init__(question=question, choices=choices, unit=unit)
        self._tolerance, self._answer, self._explain = tolerance, answer, explain
        if not callable(answer):
            self._checked_answer(answer, "answer")  # a slip shows when the cell runs, not when a learner commits
        self._key = (key, question, tuple(choices), unit)
        self.result = _results.get(self._key, {})
        self.on_msg(self._on_message)

    @shows_errors
    def commit(self, guess):
        """Take a guess (a number may come as text), find out what happens, and show both.

        If the guess cannot be read, the page says why, and nothing is committed; nor is it if `answer` raises.
        """
        self.problem = ""
        try:
            guess = self._read(guess)
        except NotUnderstood as reason:
            self.problem = str(reason)
            return
        answer = self._checked_answer(self._answer(), "answer()") if callable(self._answer) else \
            self._checked_answer(self._answer, "answer")
        explanation = self._explain(answer) if callable(self._explain) else self._explain
        if self.choices:
            right = guess == answer
            sentence = ("That is what you predicted." if right else
                        "It came out differently. Which step of your reasoning would you change?")
        else:
            right, sentence = compare_numbers(guess, answer, self.unit, self._tolerance)
            answer = number_texts(answer, guess, unit=self.unit)[0]
            guess = number_texts(guess, unit=self.unit, digits=7)[0]  # as the learner wrote it, if not too long
        self.result = {"guess": guess, "answer": answer, "right": right, "sentence": sentence,
                       "explanation": explanation}
        _results[self._key] = self.result

    def forget(self):
        """Take the guess back and hide the result, to predict again."""
        _results.pop(self._key, None)
        self.result, self.problem, self.error = {}, "", ""

    def _on_message(self, _, content, buffers):
        if content.get("kind") == "commit":
            try:
                self.commit(content["guess"])
            finally:
                self.send({"kind": "done"})  # the page waits for this, whatever came of it
        elif content.get("kind") == "again":
            self.forget()

    def _read(self, guess):
        if not self.choices:
            return read_number(guess, self.unit)
        if str(guess) not in self.choices:
            raise NotUnderstood("Choose one of the answers first.")
        return str(guess)

    def _checked_answer(self, answer, name):
        """The answer as one of the choices, or as a number."""
        if self.choices:
            if str(answer) not in self.choices:
                raise ValueError(f"{name} is {answer!r}. Expected one of the choices: {', '.join(map(repr, self.choices))}. "
                                 f"Give it word for word.")
            return str(answer)
        if getattr(answer, "shape", None) == ():
            answer = answer.item()  # a numpy scalar or an array without dimensions
        if not isinstance(answer, numbers.Real) or isinstance(answer, bool) or not math.isfinite(answer):
            raise ValueError(f"{name} is {answer!r}. Expected a finite number, because number=True. "
                             f"For answers in words, give choices=[…].")
        return answer

    @property
    def still_alt(self):
        kind = f"Choices: {'; '.join(self.choices)}." if self.choices else "The answer is a number" + (
            f", in {self.unit}." if self.unit else ".")
        return f"A prediction to make: {self.question} {kind}".replace("`", "")

    def still(self):
        from matplotlib.figure import Figure
        from matplotlib.patches import Circle, FancyBboxPatch

        question = textwrap.wrap(self.question.replace("`", ""), 60)
        choices = [textwrap.wrap(choice.replace("`", ""), 66) for choice in self.choices]
        line = 0.25  # inches
        height = line * (len(question) + sum(map(len, choices)) + 0.4 * len(choices) + (0 if choices else 1.7)) + 0.5
        figure = Figure(figsize=(6.5, height), layout="none")
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 6.5), ylim=(height, 0))  # inches from the top left
        axes.axis("off")
        axes.set_aspect("equal")
        top = 0.25 + line / 2

        def write(lines, x, y, **look):
            for i, text in enumerate(lines):
                axes.text(x, y + i * line, text, va="center_baseline", color="#1f1f1f", parse_math=False, **look)

        write(question, 0.25, top, size=11, weight="bold")
        top += line * (len(question) + 0.4)
        for choice in choices:
            axes.add_patch(Circle((0.36, top), 0.075, facecolor="white", edgecolor="#6b6b6b"))
            write(choice, 0.56, top, size=10.5)
            top += line * (len(choice) + 0.4)
        if not choices:
            box = FancyBboxPatch((1.28, top - 0.1), 0.9, 0.3, boxstyle="round,pad=0,rounding_size=0.05")
            box.set(facecolor="white", edgecolor="#6b6b6b")
            axes.add_patch(box)
            write(["Your guess"], 0.25, top + 0.05, size=10.5)
            write([self.unit], 2.3, top + 0.05, size=10.5)
        return png(figure)


def read_number(text, unit=""):
    """The number that a learner means: a decimal point or comma, 1e-3, 1/3, with or without the unit.

    Raises NotUnderstood, with what to write instead.
    """
    if isinstance(text, numbers.Real):
        text = repr(float(text))
    shown = f"“{text.strip()[:40]}”"
    plain = re.sub(r"[\s_'’]|^\s*[~≈]", "", text.replace("−", "-").replace("%", " % ").strip())
    plain = plain.removesuffix(re.sub(r"\s", "", unit)) if unit else plain
    if not plain:
        raise NotUnderstood("Write a number first.")
    if re.fullmatch(r"[+-]?[1-9]\d{0,2}(,\d{3})", plain):
        whole = plain.replace(",", "")
        raise NotUnderstood(f"{shown} can mean {whole} or {plain.replace(',', '.')}. Write one of these.")
    parts = [_decimal(part) for part in plain.split("/")]
    value = math.nan
    if len(parts) == 1:
        value = parts[0]
    elif len(parts) == 2 and parts[1]:
        value = parts[0] / parts[1]
    if not math.isfinite(value):
        remedy = f"Write only the number; it is meant in {unit}." if unit else "Write a number, such as 2.5 or 1e-3."
        raise NotUnderstood(f"{shown} is not a number that can be read here. {remedy}")
    return value


def _decimal(text):
    """2.5, 2,5, 1.234,5 and 1,234.5 as float; NaN for anything else."""
    number = r"[+-]?(\d+|[1-9]\d{0,2}(GROUP\d{3})+)?(POINT\d*)?(e[+-]?\d+)?"
    for group, point in ((",", "."), (".", ",")):
        pattern = number.replace("GROUP", re.escape(group)).replace("POINT", re.escape(point))
        if re.fullmatch(pattern, text, re.IGNORECASE | re.ASCII) and re.search(r"\d", text.lower().split("e")[0]):
            return float(text.replace(group, "").replace(point, "."))
    return math.nan


def compare_numbers(guess, answer, unit="", tolerance=None):
    """Whether the guess foresaw the answer, and a sentence on how far apart they are."""
    if guess == answer:
        return True, "That is exactly what you predicted."
    if tolerance is not None and abs(guess - answer) <= tolerance * (1 + 1e-9):
        return True, f"Well foreseen: the two are at most {number_texts(tolerance, unit=unit)[0]} apart."
    if guess * answer > 0 and max(guess / answer, answer / guess) >= 2:
        times = number_texts(float(f"{max(guess / answer, answer / guess):.2g}"))[0]
        if abs(guess) < abs(answer):
            return False, f"It came to about {times} times your prediction."
        return False, f"Your prediction is about {times} times what happened."
    side = "above" if guess > answer else "below"
    return False, f"Your prediction is {number_texts(float(f'{abs(guess - answer):.2g}'), unit=unit)[0]} {side} what happened."


def number_texts(*values, unit="", digits=4):
    """Numbers as a reader likes them, in so many digits, or as many as it takes to tell different ones apart."""
    for digits in (digits, 7, 12):
        texts = [_number_text(value, digits) for value in values]
        if len(set(texts)) == len(set(values)):
            break
    return [f"{text}\N{NO-BREAK SPACE}{unit}" if unit else text for text in texts]


def _number_text(value, digits):
    rounded = float(f"{value:.{digits}g}")
    if value == int(value) and abs(value) < 1e15:
        text = f"{int(value):,}"
    elif 1e-4 <= abs(rounded) < 1e15:
        text = f"{value:,.{max(0, digits - 1 - math.floor(math.log10(abs(rounded))))}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    else:
        mantissa, exponent = f"{rounded:.{digits - 1}e}".split("e")
        text = f"{mantissa.rstrip('0').rstrip('.')} × 10{str(int(exponent)).translate(_SUPERSCRIPTS)}"
    return text.replace("-", "−")


def _checked_choices(question, choices, number, unit, tolerance):
    """The choices as text, or an empty list where a number is asked for."""
    if not isinstance(question, str) or not question.strip():
        raise TypeError(f"question is {question!r}. Expected text. Write the question that the learner is to answer.")
    if (choices is None) == (not number):
        given = "neither choices nor number" if choices is None else "both choices and number"
        raise TypeError(f"Predict got {given}. Expected one of them. Give choices=[…] for answers in words, "
                        f"or number=True for a number.")
    if number:
        if not isinstance(unit, str):
            raise TypeError(f"unit is {unit!r}. Expected text, such as unit='ms'.")
        if tolerance is not None and not (isinstance(tolerance, numbers.Real) and 0 <= tolerance < math.inf):
            raise ValueError(f"tolerance is {tolerance!r}. Expected a number of 0 or more, in the unit of the answer.")
        return []
    if unit or tolerance is not None:
        raise TypeError("Predict got choices together with a unit or a tolerance, which belong to number=True. "
                        "Leave them out, or write the unit into the choices.")
    texts = [] if isinstance(choices, str) else [str(choice) for choice in choices]
    if len(texts) < 2 or len(set(texts)) < len(texts) or not all(text.strip() for text in texts):
        raise ValueError(f"choices is {choices!r}. Expected two or more different answers, such as ['it grows', 'it shrinks'].")
    return texts
