"""What the widgets share: two outputs, a repeatable text, errors that reach the page."""

import json
import struct
import subprocess
import sys

import pytest
from matplotlib.figure import Figure
from traitlets import Int, observe

import backprop_lessons.widgets
from backprop_lessons.widgets import stage
from backprop_lessons.widgets.stage import Stage, png, script, shows_errors


class Halver(Stage):
    _esm = "export default { render() {} }"
    caption = "Run this cell to halve a number."
    still_alt = 'A number "cut" in <half>.'
    number = Int(4).tag(sync=True)

    def still(self):
        return png(Figure(figsize=(3, 1)))

    @observe("number")
    @shows_errors
    def _check(self, change):
        if change.new % 2:
            raise ValueError(f"{change.new} is odd. Expected an even number.")


class Bare(Stage):
    _esm = "export default { render() {} }"


@pytest.fixture
def outputs(monkeypatch):
    """outputs(widget): the mimebundles that a widget leaves in a notebook."""
    shown = []
    monkeypatch.setattr(stage, "display", lambda bundle, **_: shown.append(bundle))

    def collect(widget):
        shown.clear()
        widget._ipython_display_()
        return list(shown)

    return collect


def test_a_widget_leaves_its_still_and_itself(outputs):
    still, live = outputs(Halver())
    assert still["text/plain"] == 'Picture: A number "cut" in <half>.'
    assert 'alt="A number &quot;cut&quot; in &lt;half&gt;."' in still["text/html"]
    assert 'class="backprop-still"' in still["text/html"] and 'width="288"' in still["text/html"]
    assert live["text/plain"] == "Run this cell to halve a number."
    assert "application/vnd.jupyter.widget-view+json" in live


def test_the_stored_text_is_the_same_at_every_run(outputs):
    first, second = outputs(Halver()), outputs(Halver())
    assert first[0] == second[0] and first[1]["text/plain"] == second[1]["text/plain"]
    assert repr(Halver()) == "Halver()"


def test_a_still_is_a_png_of_two_pixels_for_one():
    assert struct.unpack(">2I", png(Figure(figsize=(3, 1)))[16:24]) == (3 * 96 * 2, 96 * 2)


def test_an_error_is_shown_in_the_page_and_raised_and_goes_away():
    halver = Halver()
    with pytest.raises(ValueError):
        halver.number = 3
    assert halver.error == "ValueError: 3 is odd. Expected an even number."
    halver.number = 6
    assert halver.error == ""


def test_a_widget_without_a_still_is_told_what_to_write():
    with pytest.raises(NotImplementedError, match=r"Bare needs a still\(\)"):
        Bare().still()
    with pytest.raises(NotImplementedError, match="Bare needs a still_alt"):
        Bare().still_alt


def test_shared_javascript_stands_in_front_and_shared_css_too(tmp_path, monkeypatch):
    (tmp_path / "stage.js").write_text("function onStage() {}")
    (tmp_path / "own.js").write_text("export default {}")
    monkeypatch.setattr(stage, "HERE", tmp_path)
    assert script("own.js") == "function onStage() {}\nexport default {}"


def test_an_unknown_widget_is_refused_with_the_names_there_are():
    with pytest.raises(AttributeError, match="Predict, GraphStepper, DrawDigit"):
        backprop_lessons.widgets.Slider


def test_importing_the_package_loads_no_widget():
    code = "import sys, json, backprop_lessons.widgets; print(json.dumps(sorted(sys.modules)))"
    modules = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    assert "anywidget" not in modules and "matplotlib" not in modules
