"""What all widgets of the course share: how one is shown, styled, kept readable without a kernel, and told of errors.

A widget is one idea in two or three files beside this one: `blink.py`, `blink.js` and, if needed, `blink.css`.

    # blink.py
    class Blink(Stage):
        _esm, _css = script("blink.js"), style("blink.css")  # style() alone where there is no blink.css
        caption = "Run this cell to switch the lamp."  # what a reader without a kernel reads
        lit = Bool(False).tag(sync=True)
        answer = Unicode("").tag(sync=True)

        @property
        def still_alt(self):
            return "A lamp, switched off."

        def still(self):
            figure = Figure(figsize=(6, 2))  # inches, of 96 pixels each
            ...
            return png(figure)

        @observe("lit")
        @shows_errors  # under observe: what it raises is shown in the page
        def _switched(self, change):
            self.answer = f"{compute(self.lit):.4f}"

    // blink.js: stage.js stands in front of it, so that onStage and its helpers are known
    function render({ model, el }) {
      const lamp = button("Switch the lamp", () => { model.set("lit", !model.get("lit")); model.save_changes(); });
      const said = liveText();
      el.append(lamp, said);
      onChange(model, ["answer"], () => { said.textContent = model.get("answer"); });  // now, and at each change
    }
    export default { render: onStage(render) };

Python computes, JavaScript draws. Shown in a notebook, a widget leaves two outputs: its still picture, and itself.
The script hides the still when it really runs; until then, and without a kernel, the still and the caption are there.
"""

import base64
import functools
import io
from html import escape
from pathlib import Path

import anywidget
from IPython.display import display
from PIL import Image  # comes with matplotlib
from traitlets import Unicode

HERE = Path(__file__).parent
PIXELS_AN_INCH, SHARPNESS = 96, 2  # stills have two pixels for each of CSS


def script(name: str) -> str:
    """The JavaScript of a widget: the shared stage.js, then its own file."""
    return _read(HERE / "stage.js") + "\n" + _read(HERE / name)


def style(*names: str) -> str:
    """The CSS of a widget: the course's, the stage's, then its own files."""
    files = [HERE.parent / "course.css", HERE / "stage.css", *(HERE / name for name in names)]
    return "\n".join(_read(file) for file in files)


def png(figure) -> bytes:
    """A matplotlib figure as the bytes of a sharp PNG picture: 256 colours, small enough to be stored in a notebook."""
    full, small = io.BytesIO(), io.BytesIO()
    figure.savefig(full, format="png", dpi=PIXELS_AN_INCH * SHARPNESS, facecolor="white", metadata={"Software": None})
    Image.open(full).convert("RGB").quantize(256).save(small, format="png", optimize=True)
    return small.getvalue()


def shows_errors(method):
    """A method of a widget whose exception is shown in the page, too; when it succeeds, the page is cleared of it."""

    @functools.wraps(method)
    def guarded(self, *arguments, **keywords):
        try:
            result = method(self, *arguments, **keywords)
        except Exception as problem:
            self.error = f"{type(problem).__name__}: {problem}"
            raise
        self.error = ""
        return result

    return guarded


class Stage(anywidget.AnyWidget):
    """The base of every widget: it offers `caption`, `still_alt` and `still()`; see the module's text for an example."""

    error = Unicode("", help="an error in words, shown in the page; empty when all is well").tag(sync=True)
    caption = "Run this cell to use this widget."

    @property
    def still_alt(self) -> str:
        """What the still picture shows, in words."""
        raise NotImplementedError(f"{type(self).__name__} needs a still_alt: one or two sentences on its still picture.")

    def still(self) -> bytes:
        """The widget in its opening state as a PNG picture (see `png`), on white."""
        raise NotImplementedError(f"{type(self).__name__} needs a still(): the bytes of a PNG picture, by png(figure).")

    def still_html(self) -> str:
        """The still picture as HTML that needs no kernel and no network, with its text; on white, for dark pages."""
        picture = self.still()
        width = int.from_bytes(picture[16:20], "big") // SHARPNESS  # a PNG's width stands in its bytes 16 to 19
        data = base64.b64encode(picture).decode("ascii")
        return (f'<img class="backprop-still" alt="{escape(self.still_alt)}" width="{width}" '
                f'style="max-width: 100%; height: auto; background: white; border-radius: 8px" '
                f'src="data:image/png;base64,{data}">')

    def _ipython_display_(self, **_):
        display({"text/html": self.still_html(), "text/plain": f"Picture: {self.still_alt}"}, raw=True)
        bundle, metadata = self._repr_mimebundle_()
        display(bundle, metadata=metadata, raw=True)

    def _repr_mimebundle_(self, **keywords):
        bundle, metadata = super()._repr_mimebundle_(**keywords)
        return bundle | {"text/plain": self.caption}, metadata

    def __repr__(self) -> str:  # no address: a notebook that is run again prints the same
        return f"{type(self).__name__}()"


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
