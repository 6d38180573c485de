"""How a verdict, a hint and the progress look: a panel in a notebook, plain text elsewhere."""

import math
import sys
from html import escape

import numpy as np

from ..page import Panel
from .compare import as_numbers, close, shape_text

MOST_ROWS, MOST_COLUMNS = 6, 8
SYMBOLS = {"pass": "✓", "fail": "✗", "todo": "○"}


def say(text) -> None:
    """One sentence to the learner."""
    _show(text, f'<p class="bp-message">{escape(text)}</p>', "todo")


def show_verdict(verdict) -> None:
    """The panel under an exercise."""
    exercise = verdict.exercise
    title = f"{exercise.number} {exercise.name}"
    if verdict.passed:
        status = f"{_points(exercise.points)} {'point' if exercise.points == 1 else 'points'}"
        body = f"All {len(verdict.cases)} cases pass."
        text = f"✓ {title} — {status}. {body}"
        _show(text, _header("pass", title, status) + f'<p class="bp-message">{body}</p>', "pass")
        return
    if verdict.mistake == "not-started":
        follow = f"Write the function, then run this cell again. Stuck? `hint({exercise.name})`"
        _show(f"○ {title} — not started. {follow.replace('`', '')}",
              _header("todo", title, "not started") + f'<p class="bp-message">{_code(follow)}</p>', "todo")
        return
    passing = sum(case.passed for case in verdict.cases)
    status = f"{passing} of {len(verdict.cases)} cases pass"
    if verdict.score:
        status += f", {_points(verdict.points)} of {_points(exercise.points)} points"
    follow = f"hint({exercise.name})"
    text = [f"✗ {title} — {status}", f"  {verdict.mistake}: {verdict.message}",
            *_evidence_text(verdict.evidence), f"  Stuck? {follow}"]
    html = (_header("fail", title, status)
            + f'<p class="bp-message"><span class="bp-tag">{escape(verdict.mistake)}</span> '
              f"{_code(verdict.message)}</p>"
            + _evidence_html(verdict.evidence) + _cases_html(verdict.cases)
            + f'<p class="bp-next">Stuck? <code>{escape(follow)}</code> gives a hint.</p>')
    _show("\n".join(text), html, "fail")


def show_hints(exercise, shown) -> None:
    """The first `shown` hints of an exercise."""
    title = f"{exercise.number} {exercise.name}"
    left = len(exercise.hints) - shown
    rest = f"Call it again for the next of {left} more." if left > 1 else (
        "Call it again for the last one." if left else "That was the last one. The solution is in solutions/.")
    hints = exercise.hints[:shown]
    text = "\n".join([f"Hints for {title}", *(f"  {i}. {h}" for i, h in enumerate(hints, 1)), f"  {rest}"])
    html = (f'<p class="bp-title">Hints for {escape(title)}</p><ol class="bp-hints">'
            + "".join(f"<li>{_code(h)}</li>" for h in hints)
            + f'</ol><p class="bp-next">{escape(rest)}</p>')
    _show(text, html, "hint")


def show_progress(exercises, standings) -> None:
    """A table of all exercises, how the learner stands in each, and the points so far."""
    exercises = list(exercises)
    rows, earned = [], 0
    for exercise in exercises:
        standing = standings.get(exercise.name)
        if standing is None:
            state, words = "todo", "not tried yet"
        elif standing.solved:
            state, words = "pass", "solved"
            earned += exercise.points
        else:
            tries = f"{standing.attempts} {'try' if standing.attempts == 1 else 'tries'}"
            state, words = "fail", f"{tries}; last: {standing.mistake}"
        rows.append((state, exercise, words))
    total = sum(e.points for e in exercises)
    summary = f"{sum(r[0] == 'pass' for r in rows)} of {len(rows)} exercises solved, {earned} of {total} points"
    width = max(len(e.name) for e in exercises)
    text = "\n".join([summary, *(f"  {SYMBOLS[s]} {e.number:>4} {e.name:<{width}}  {w}" for s, e, w in rows)])
    html = (f'<p class="bp-title">{summary}</p>'
            f'<progress max="{total}" value="{earned}" aria-label="points earned">{earned} of {total}</progress>'
            '<table class="bp-progress"><thead><tr><th scope="col">Exercise</th><th scope="col">Function</th>'
            '<th scope="col">Points</th><th scope="col">You</th></tr></thead><tbody>'
            + "".join(f'<tr><td>{e.number}</td><td><code>{e.name}</code></td><td>{e.points}</td>'
                      f'<td><span class="bp-{s}">{SYMBOLS[s]} {escape(w)}</span></td></tr>' for s, e, w in rows)
            + "</tbody></table>")
    _show(text, html, "progress")


def _show(text, html, kind) -> None:
    shown = Panel(text, html, kind)
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None:
        sys.modules["IPython"].display.display(shown)
    else:
        print(shown)


def _header(state, title, status) -> str:
    return (f'<p class="bp-title"><span class="bp-{state}" aria-hidden="true">{SYMBOLS[state]}</span> '
            f'{escape(title)} <span class="bp-status">{escape(status)}</span></p>')


def _cases_html(cases) -> str:
    items = "".join(
        f'<li class="bp-{"pass" if c.passed else "fail"}">{SYMBOLS["pass" if c.passed else "fail"]} '
        f'{escape(c.name)}</li>' for c in cases)
    return f'<details><summary>All cases</summary><ul class="bp-cases">{items}</ul></details>'


def _evidence_html(evidence) -> str:
    if evidence is None:
        return ""
    parts = [f'<p class="bp-where">The smallest case that fails: {escape(evidence.case)}</p>']
    if evidence.result:
        yours, expected = as_numbers(evidence.yours), as_numbers(evidence.expected)
        if yours is not None and expected is not None:
            right = _right(yours, expected)
            digits = _digits(yours, expected, right)
            parts.append('<div class="bp-pair">'
                         + _table(f"your {evidence.result}", yours, digits, right)
                         + _table("expected", expected, digits) + "</div>")
    tables = "".join(_table(name, np.asarray(value)) for name, value in evidence.inputs
                     if as_numbers(value) is not None)
    if tables:
        parts.append(f'<details><summary>The input</summary><div class="bp-pair">{tables}</div></details>')
    return "".join(parts)


def _evidence_text(evidence) -> list[str]:
    if evidence is None:
        return []
    lines = [f"  The smallest case that fails: {evidence.case}"]
    yours, expected = as_numbers(evidence.yours), as_numbers(evidence.expected)
    if evidence.result and yours is not None and expected is not None:
        digits = _digits(yours, expected, _right(yours, expected))
        width = max(len(evidence.result) + 5, 8)
        for label, array in ((f"your {evidence.result}", yours), ("expected", expected)):
            rows = _grid(array, digits)
            head = f"  {label:<{width}} {shape_text(array.shape)}"
            lines += [head, *("    " + "  ".join(f"{cell:>10}" for cell in row) for row in rows)]
    return lines


def _right(yours, expected):
    return close(yours, expected) if yours.shape == expected.shape else None


def _digits(yours, expected, right) -> int:
    """Four significant digits, or as many as it takes to tell the wrong entries from the expected ones."""
    if right is None or right.all():
        return 4
    a, b = yours[~right].ravel(), expected[~right].ravel()
    return next((d for d in (4, 7, 10) if all(_number(x, d) != _number(y, d) for x, y in zip(a, b))), 16)


def _number(value, digits=4) -> str:
    value = float(value) + 0.0  # no negative zero
    if math.isnan(value) or math.isinf(value):
        return "NaN" if math.isnan(value) else ("∞" if value > 0 else "−∞")
    return f"{value:.{digits}g}".replace("-", "−")


def _grid(array, digits=4) -> list[list[str]]:
    """At most MOST_ROWS × MOST_COLUMNS entries as text, cut off with dots."""
    if array.size == 0:
        return [["empty"]]
    flat = np.atleast_2d(array) if array.ndim < 3 else array.reshape(-1, array.shape[-1])
    rows = [[_number(v, digits) for v in row[:MOST_COLUMNS]] + ["…"] * (len(row) > MOST_COLUMNS)
            for row in flat[:MOST_ROWS]]
    return rows + ([["…"]] if len(flat) > MOST_ROWS else [])


def _table(name, array, digits=4, right=None) -> str:
    """An array as a small table; wrong entries are marked by more than colour."""
    marks = None if right is None else (np.atleast_2d(right) if right.ndim < 3
                                        else right.reshape(-1, right.shape[-1]))
    rows = []
    for i, row in enumerate(_grid(array, digits)):
        cells = []
        for j, cell in enumerate(row):
            wrong = marks is not None and cell != "…" and not marks[i, j]
            cells.append(f'<td class="bp-wrong"><mark>{cell}</mark></td>' if wrong else f"<td>{cell}</td>")
        rows.append("<tr>" + "".join(cells) + "</tr>")
    caption = f"{escape(name)} <span class=\"bp-shape\">{shape_text(array.shape)}</span>"
    return f'<table class="bp-array"><caption>{caption}</caption><tbody>{"".join(rows)}</tbody></table>'


def _code(text) -> str:
    """Escaped text in which `backquoted` parts are code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{p}</code>" if i % 2 else p for i, p in enumerate(parts))


def _points(points) -> str:
    return f"{points:g}"
