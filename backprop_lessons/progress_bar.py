"""A progress bar for notebooks and terminals."""

import html
import sys
import time


class ProgressBar:
    """`with ProgressBar(steps) as bar:` and then `bar.advance(text)` once a step.

    In a notebook the bar turns back, at the end, into the words that it began with. So the output stored in
    the notebook is the same after each run, and no time or figure of one machine stays in it.
    """

    def __init__(self, steps, show=True, seconds_between=0.1):
        self.steps, self.done, self.text = steps, 0, ""
        self.seconds_between, self.drawn_at, self.running = seconds_between, 0.0, False
        self.place = place_to_show() if show else None

    def __enter__(self):
        if self.place == "notebook":
            from IPython.display import display

            self.handle = display(self, display_id=True)
        self.running = True
        return self

    def advance(self, text=""):
        self.done, self.text = self.done + 1, text
        if self.place and time.monotonic() - self.drawn_at >= self.seconds_between:
            self.drawn_at = time.monotonic()
            if self.place == "notebook":
                self.handle.update(self)
            else:
                print(f"\r{self} {text}\x1b[K", end="", file=sys.stderr, flush=True)

    def __exit__(self, *error):
        self.running = False
        if self.place == "notebook":
            self.handle.update(self)
        elif self.place == "terminal":
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def __repr__(self):
        if not self.running:
            return f"{self.steps:,} training steps"
        filled = 24 * self.done // max(self.steps, 1)
        return f"{'█' * filled}{'░' * (24 - filled)} {self.done:,} of {self.steps:,} steps"

    def _repr_html_(self):
        if not self.running:
            return f"<span>{self}</span>"
        bar = f'<progress value="{self.done}" max="{self.steps}" aria-label="Training"></progress>'
        return f"{bar} <span>{self.done:,} of {self.steps:,} steps, {html.escape(self.text)}</span>"


def place_to_show():
    """Where a bar would be seen: "notebook", "terminal", or None."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if hasattr(shell, "kernel"):
        return "notebook"
    return "terminal" if sys.stderr.isatty() else None
