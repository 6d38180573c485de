"""A panel that a cell leaves on the page, in the course's look, with the same in plain text."""

from pathlib import Path


class Panel:
    """What a function returns when its answer is to be read: HTML on a page, text anywhere else.

    kind: "pass", "fail", "todo", "hint" or "progress", which sets the colour of the panel's edge; see course.css.
    """

    def __init__(self, text, html, kind="todo"):
        self.text, self.html, self.kind = text, html, kind

    def __repr__(self):
        return self.text

    def _repr_html_(self):
        style = Path(__file__).with_name("course.css").read_text(encoding="utf-8")
        return f'<style>{style}</style><div class="backprop bp-panel bp-panel-{self.kind}" role="group">{self.html}</div>'
