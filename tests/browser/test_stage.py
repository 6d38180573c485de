"""The stage in a real JupyterLab: one of still and widget is seen, keys stay inside, errors reach the page."""

import pytest

CELL = '''
from matplotlib.figure import Figure
from traitlets import Int, observe
from backprop_lessons.widgets.stage import HERE, Stage, png, script, shows_errors, style

class Counter(Stage):
    _esm = (HERE / "stage.js").read_text() + """
      function render({ model, el }) {
        const more = button("More", () => { model.set("number", model.get("number") + 1); model.save_changes(); });
        const said = liveText();
        el.append(more, said);
        onChange(model, ["number"], () => { said.textContent = `number ${model.get("number")}`; });
      }
      export default { render: onStage(render) };"""
    _css = style()
    caption = "Run this cell to count."
    still_alt = "A counter at 0."
    number = Int(0).tag(sync=True)

    def still(self):
        return png(Figure(figsize=(3, 1)))

    @observe("number")
    @shows_errors
    def _count(self, change):
        if change.new == 2:
            raise ValueError("two is too many")
'''


@pytest.fixture
def book(open_once):
    open_once.run()  # a fresh counter for each test
    return open_once


@pytest.fixture(scope="module")
def open_once(open_notebook_once):
    return open_notebook_once([CELL, "Counter()"], run=False)


def test_the_still_gives_way_to_the_live_widget(book):
    book.output(1).get_by_role("button", name="More").wait_for()
    book.output(1).locator(".backprop-still").wait_for(state="hidden")


def test_without_a_kernel_the_still_and_the_caption_are_seen(book, open_notebook):
    book.output(1).get_by_role("button", name="More").wait_for()
    saved = book.save()
    for output in saved.cells[1].outputs:
        output.data.pop("application/vnd.jupyter.widget-view+json", None)
    saved.metadata.pop("widgets", None)
    later = open_notebook(saved, run=False)
    assert later.output(1).get_by_role("img", name="A counter at 0.").is_visible()
    assert later.output(1).get_by_text("Run this cell to count.").is_visible()


def test_keys_in_a_widget_do_not_reach_jupyterlab(book):
    more = book.output(1).get_by_role("button", name="More")
    more.focus()
    before = book.page.locator(".jp-Notebook .jp-Cell").count()
    book.page.keyboard.type("bdd")  # in JupyterLab: cell below, delete cell
    assert book.page.locator(".jp-Notebook .jp-Cell").count() == before
    book.page.keyboard.press("Enter")
    book.output(1).get_by_text("number 1").wait_for()


def test_an_exception_in_python_reaches_the_page_and_goes_away(book):
    more = book.output(1).get_by_role("button", name="More")
    more.click()
    more.click()
    book.output(1).get_by_role("alert").get_by_text("ValueError: two is too many").wait_for()
    more.click()
    book.output(1).get_by_role("alert").wait_for(state="hidden")
