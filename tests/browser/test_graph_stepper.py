"""GraphStepper used in JupyterLab: by mouse, by keyboard, light, dark and narrow, and as a still."""

import re

import pytest
from playwright.sync_api import expect

CELL = """
from backprop_lessons.autodiff import Value
from backprop_lessons.widgets import GraphStepper

a, m = Value(2.0, label="a"), Value(3.0, label="m")
L = a * m + a
L.label = "L"
stepper = GraphStepper(L)
stepper
"""
THREAD = """
from backprop_lessons.autodiff import Value
from backprop_lessons.widgets import GraphStepper

x = [Value(0.05, label="x1"), Value(0.10, label="x2")]
w = [Value(data, label=f"w{i}") for i, data in enumerate([0.15, 0.20, 0.25, 0.30, 0.40, 0.45, 0.50, 0.55], 1)]
b1, b2 = Value(0.35, label="b1"), Value(0.60, label="b2")
h = [(w[i] * x[0] + w[i + 1] * x[1] + b1).sigmoid() for i in (0, 2)]
o = [(w[i] * h[0] + w[i + 1] * h[1] + b2).sigmoid() for i in (4, 6)]
E = ((o[0] - 0.01) ** 2 + (o[1] - 0.99) ** 2) / 2
GraphStepper(E)
"""
TELLING = "a gets 1 (incoming) × 3 (local) = 3, added to 1 so far: da = 4."


class Stepper:
    """The widget in an output area: its parts as a reader finds them, by role and name."""

    def __init__(self, book, cell=0):
        self.page, self.area = book.page, book.output(cell)
        self.picture = self.area.get_by_role("img", name=re.compile("step")).locator("visible=true")
        self.sentence = self.area.get_by_role("status")
        self.slider = self.area.get_by_role("slider", name="Position")
        self.view = self.area.get_by_role("group", name=re.compile("Computation graph. Arrow keys"))

    def button(self, name):
        return self.area.get_by_role("button", name=name, exact=True)

    def at(self, step, last=7):
        expect(self.area.get_by_text(f"{step} of {last}", exact=True)).to_be_visible()


@pytest.fixture(scope="module")
def book(open_notebook_once):
    return open_notebook_once([CELL, "stepper.step = 6", "print(stepper.step)"], run=False)


@pytest.fixture
def stepper(book):
    book.run()
    stepper = Stepper(book)
    stepper.at(6)
    return stepper


def test_it_opens_at_a_telling_step_and_the_still_gives_way(stepper):
    expect(stepper.sentence).to_have_text(TELLING)
    expect(stepper.area.locator(".backprop-still")).to_be_hidden()


def test_by_mouse(stepper):
    stepper.button("Reset").click()
    stepper.at(0)
    expect(stepper.button("Back")).to_be_disabled()
    stepper.button("Step").click()
    expect(stepper.sentence).to_have_text("a × m = 2 × 3 = 6.")
    stepper.button("Step").click()
    stepper.button("Back").click()
    stepper.at(1)
    stepper.slider.fill("7")
    expect(stepper.sentence).to_have_text("m gets 1 (incoming) × 2 (local) = 2, added to 0 so far.")
    expect(stepper.button("Step")).to_be_disabled()


def test_by_keyboard(stepper):
    stepper.view.focus()
    stepper.page.keyboard.press("Home")
    stepper.at(0)
    stepper.page.keyboard.press("ArrowRight")
    stepper.page.keyboard.press("ArrowRight")
    stepper.at(2)
    stepper.page.keyboard.press("ArrowLeft")
    stepper.at(1)
    stepper.page.keyboard.press("End")
    stepper.at(7)
    stepper.page.keyboard.press("Tab")  # all controls are reached: Step is disabled at the end, so Back is first
    expect(stepper.button("Back")).to_be_focused()
    stepper.page.keyboard.press("Enter")
    stepper.at(6)
    stepper.slider.focus()
    stepper.page.keyboard.press("ArrowLeft")
    stepper.at(5)


def test_arrow_keys_work_after_a_click_on_the_graph(stepper):
    stepper.picture.click()
    stepper.page.keyboard.press("ArrowLeft")
    stepper.at(5)


def test_space_plays_and_pauses(stepper):
    stepper.view.focus()
    stepper.page.keyboard.press("Home")
    stepper.page.keyboard.press("Space")
    stepper.button("Pause").wait_for()
    stepper.at(2)  # it went on by itself
    stepper.page.keyboard.press("Space")
    stepper.button("Play").wait_for()


def test_play_ends_at_the_last_step_and_starts_over(stepper):
    stepper.button("Play").click()
    stepper.at(7)
    stepper.button("Play").click()
    stepper.at(1)
    stepper.button("Pause").click()


def test_python_and_page_agree_on_the_step(book, stepper):
    stepper.button("Reset").click()
    stepper.at(0)
    book.page.evaluate("""async () => {
        book.content.activeCellIndex = 2; book.content.deselectAll();
        await jupyterapp.commands.execute('notebook:run-cell'); }""")
    expect(book.output(2)).to_have_text("0")


def test_the_picture_says_what_it_shows(stepper):
    expect(stepper.picture).to_have_attribute("aria-label", f"Computation graph of L, step 6 of 7. Backward: {TELLING}")
    stepper.button("Step").click()
    expect(stepper.picture).to_have_attribute("aria-label", re.compile("step 7 of 7. Backward: m gets"))


def test_numbers_appear_when_they_are_known(stepper):
    """The gradient of a is 1 after its first share, and says that more is to come; then it is 4."""
    stepper.slider.fill("5")
    expect(stepper.picture.get_by_text("1 + …")).to_be_visible()
    stepper.slider.fill("6")
    expect(stepper.picture.get_by_text("1 + …")).to_be_hidden()
    expect(stepper.picture.get_by_text("4", exact=True)).to_be_visible()
    stepper.slider.fill("0")
    expect(stepper.picture.get_by_text("6", exact=True)).to_be_hidden()


def test_all_numbers_stand_in_a_table(stepper):
    stepper.area.get_by_text("All numbers as a table").click()
    row = stepper.area.get_by_role("row", name="a 2 4")
    expect(row).to_be_visible()
    stepper.button("Reset").click()
    expect(stepper.area.get_by_role("row", name="L not yet not yet")).to_be_visible()


def test_without_a_kernel_the_still_is_seen(book, stepper, open_notebook):
    saved = book.save()
    for output in saved.cells[0].outputs:
        output.data.pop("application/vnd.jupyter.widget-view+json", None)
    saved.metadata.pop("widgets", None)
    later = open_notebook(saved, run=False)
    still = later.output(0).get_by_role("img", name=re.compile("Computation graph of L with 4 nodes, at step 6 of 7"))
    expect(still).to_be_visible()
    expect(later.output(0)).to_contain_text("Run this cell to walk through the graph")


CONTRAST = """node => {
  const level = (colour) => {
    const probe = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    probe.fillStyle = colour; probe.fillRect(0, 0, 1, 1);
    const linear = (c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = [...probe.getImageData(0, 0, 1, 1).data].map((c) => linear(c / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const style = getComputedStyle(node);
  const surface = getComputedStyle(node.closest('.bp-stage-body')).backgroundColor;
  const [a, b] = [level(node.closest('svg') ? style.fill : style.color), level(surface)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05); }"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_thread_is_legible_and_fits(open_notebook, dark):
    book = open_notebook([THREAD], dark=dark, width=480)
    stepper = Stepper(book)
    expect(stepper.sentence).to_contain_text("so far")
    assert book.page.evaluate("document.body.dataset.jpThemeLight") == str(not dark).lower()
    for words in (".bp-values text", ".bp-gradients text", ".bp-inside", ".bp-graph-sentence", ".bp-graph-legend"):
        assert stepper.area.locator(words).first.evaluate(CONTRAST) > 4.5, words
    ring = stepper.area.locator(".bp-ring").locator("visible=true")
    expect(ring).to_be_in_viewport(ratio=1)  # the node of this step is scrolled to
    body = stepper.area.locator(".bp-stage-body")
    assert body.evaluate("e => e.scrollWidth <= e.clientWidth")  # only the graph scrolls, not the page
    stepper.button("Whole graph").click()
    expect(stepper.button("Whole graph")).to_have_attribute("aria-pressed", "true")
    assert stepper.view.evaluate("e => e.scrollWidth <= e.clientWidth")


OVERLAPS = """svg => {
  const boxes = [...svg.querySelectorAll('text')].filter((t) => t.checkVisibility() && t.getBoundingClientRect().width)
    .map((t) => [t.textContent, t.getBoundingClientRect()]), wrong = [];
  boxes.forEach(([text, a], i) => boxes.slice(0, i).forEach(([other, b]) => {
    const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (wide > 1 && high > 4) wrong.push(`${other} and ${text}`); }));
  return wrong; }"""


def test_no_label_lies_on_another_at_any_step_of_the_thread(open_notebook):
    stepper = Stepper(open_notebook([THREAD], width=1600))
    last = int(stepper.slider.get_attribute("max"))
    for step in range(0, last + 1, 6):
        stepper.slider.fill(str(step))
        stepper.at(step, last)
        assert stepper.picture.evaluate(OVERLAPS) == []
