"""The lessons of the course, and a map of them that knows which ones are there."""

from html import escape
from pathlib import Path
from typing import NamedTuple

from backprop_lessons.page import Panel


class Lesson(NamedTuple):
    number: str
    title: str
    question: str  # the one that the lesson answers


CORE = (
    Lesson("00", "Start here", "What will I be able to do?"),
    Lesson("01", "Forward propagation", "How does a network compute?"),
    Lesson("02", "Loss", "How wrong is it, in one number?"),
    Lesson("03", "The chain rule", "Which weight is to blame, and how much?"),
    Lesson("04", "Backpropagation", "How do we get all gradients in one sweep?"),
    Lesson("05", "Gradient descent", "How do gradients become learning?"),
    Lesson("06", "Reading handwritten digits", "Does it work on something real?"),
    Lesson("07", "Overfitting", "When is 100 % bad news?"),
    Lesson("08", "Regularisation", "What helps on new data, and when?"),
)
ADVANCED = (
    Lesson("09", "Going deep", "Why do deep networks refuse to learn, and what fixed it?"),
    Lesson("10", "Normalisation", "Why rescale in the middle?"),
    Lesson("11", "Build an autodiff engine", "How does PyTorch do it?"),
    Lesson("12", "Convolution", "How do the four steps work on images?"),
    Lesson("13", "Sequences", "How do the four steps work on text?"),
)


def course_map(folder="."):
    """All lessons and their questions; those that are there are links.

    folder: where the lessons are; a notebook runs in its own folder, so from a lesson it is ".".
    Returns a Panel.
    """
    lessons = Path(folder).resolve()
    here = [lesson for lesson in CORE + ADVANCED if notebook(lessons, lesson)]
    summary = f"{len(here)} of {len(CORE + ADVANCED)} lessons are here. ○ stands for a lesson in preparation."
    text, rows = [summary], []
    for part, members in (("The core", CORE), ("Further on", ADVANCED)):
        text.append(f"{part}:")
        rows.append(f'<tr><th scope="rowgroup" colspan="4">{part}</th></tr>')
        for lesson in members:
            page, exercise = notebook(lessons, lesson), notebook(lessons.parent / "exercises", lesson)
            text.append(f"  {'●' if page else '○'} {lesson.number} {lesson.title}: {lesson.question}")
            rows.append(in_preparation(lesson) if page is None else
                        f'<tr><td><span aria-hidden="true">●</span> {lesson.number}</td><td>{link(page, lesson.title)}</td>'
                        f"<td>{escape(lesson.question)}</td><td>{link(exercise, 'exercises') if exercise else ''}</td></tr>")
    head = "".join(f'<th scope="col">{name}</th>' for name in ("", "Lesson", "The question that it answers", ""))
    html = (f'<p class="bp-title">{summary}</p><table class="bp-map"><thead><tr>{head}</tr></thead>'
            f'<tbody>{"".join(rows)}</tbody></table>')
    return Panel("\n".join(text), html)


def in_preparation(lesson):
    """The row of a lesson that is not there yet."""
    return (f'<tr class="bp-todo"><td><span role="img" aria-label="in preparation:">○</span> {lesson.number}</td>'
            f'<td>{escape(lesson.title)}</td><td colspan="2">{escape(lesson.question)}</td></tr>')


def link(page, words):
    """A link from a lesson to a lesson or an exercise, which stand in sister folders."""
    return f'<a href="../{page.parent.name}/{page.name}">{escape(words)}</a>'


def notebook(folder, lesson):
    """The lesson's notebook in this folder, or None."""
    return min(folder.glob(f"{lesson.number}-*.ipynb"), default=None)
