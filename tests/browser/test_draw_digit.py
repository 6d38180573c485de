"""DrawDigit in a real JupyterLab: drawn by mouse and by finger, picked by keyboard, paced, and read well."""

import re
import time
from math import cos, pi, sin

TRAINED = '''
import numpy as np
from backprop_lessons.data import load_digits
from backprop_lessons.network import Network
from backprop_lessons.optimizers import Momentum
from backprop_lessons.training import train
from backprop_lessons.widgets import DrawDigit
digits, rng = load_digits(), np.random.default_rng(0)
network = Network.mlp((784, 128, 10), rng, dtype=np.float32)
train(network, digits.train_images, digits.train_labels, optimizer=Momentum(0.1), epochs=4, batch_size=64, rng=rng, progress=False)
DrawDigit(network)
'''
STAND_IN = '''
import time
import numpy as np
from backprop_lessons.widgets import DrawDigit

class StandIn:
    """Reads the label of the data's first digits, and a 7 in all else; slow or broken on demand."""
    asked, seconds, broken = 0, 0, False

    def probabilities(self, X):
        if self.broken:
            raise RuntimeError("the network is out of order")
        time.sleep(self.seconds)
        self.asked += 1
        labels = [int(x[:10].argmax()) if x[:10].any() else 7 for x in X]
        return 0.004 + 0.96 * np.eye(10)[labels]

images = np.eye(10, 784)  # ten pictures that hold their label in the first row of pixels
images[:, 400:420] = 1
labels = np.arange(10)
labels[4] = 9
stand_in = StandIn()
widget = DrawDigit(stand_in, (images, labels))
widget
'''
SHEET, TEXT, BEST = ".bp-sheet", ".bp-draw-text", ".bp-best"
INK = "(sheet) => sheet.getContext('2d').getImageData(0, 0, 560, 560).data.filter((v, i) => i % 4 === 3 && v > 128).length"

PAPER = "(seen) => seen.getContext('2d').getImageData(0, 0, 28, 28).data.filter((v, i) => i % 4 === 3 && v === 0).length"


def arc(x, y, width, height, start, stop, points=12):
    """Points of an ellipse; 0 is right, and the angle grows clockwise, in degrees."""
    angles = [(start + (stop - start) * i / points) * pi / 180 for i in range(points + 1)]
    return [(x + width * cos(angle), y + height * sin(angle)) for angle in angles]


HANDWRITING = {  # strokes in a square of side 1, the way people write
    0: [arc(.5, .5, .24, .36, -90, 270)],
    1: [[(.56, .12), (.50, .5), (.45, .88)]],
    2: [arc(.5, .32, .22, .2, -160, 30) + [(.6, .55), (.28, .84), (.74, .84)]],
    3: [arc(.46, .32, .2, .18, -150, 80) + arc(.46, .68, .24, .19, -80, 150)],
    4: [[(.34, .14), (.28, .5), (.72, .5)], [(.68, .16), (.62, .88)]],
    5: [[(.7, .14), (.36, .14), (.33, .46)] + arc(.46, .64, .24, .22, -120, 140)],
    6: [[(.62, .12), (.42, .36), (.32, .62)] + arc(.5, .68, .19, .18, 180, -180)],
    7: [[(.28, .16), (.72, .16), (.56, .5), (.44, .88)]],
    8: [arc(.5, .31, .17, .18, 80, -270) + arc(.5, .68, .21, .19, -90, 270)],
    9: [arc(.5, .34, .19, .2, -20, -380) + [(.69, .32), (.66, .6), (.58, .88)]],
}


def draw(page, sheet, strokes):
    """Draw by mouse, as a hand does: down, along, up."""
    sheet.scroll_into_view_if_needed()
    box = sheet.bounding_box()
    for stroke in strokes:
        for number, (x, y) in enumerate(stroke):
            page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
            if number == 0:
                page.mouse.down()
        page.mouse.up()


def quiet_text(output):
    """The sentence under the bars, when all that was drawn has been read."""
    output.locator(".bp-draw[aria-busy='false']").wait_for()
    return output.locator(TEXT).inner_text()


def best(output):
    """The digit whose bar is marked as the longest."""
    return int(output.locator(BEST).inner_text().split()[0])


def test_digits_drawn_by_mouse_are_read_well(open_notebook):
    output = open_notebook([TRAINED]).output(0)
    sheet = output.locator(SHEET)
    output.locator(".backprop-still").wait_for(state="hidden")
    assert "The label says" in quiet_text(output)  # it opens with a digit that is read
    read = {}
    for digit, strokes in HANDWRITING.items():
        output.get_by_role("button", name="Clear").click()
        draw(output.page, sheet, strokes)
        text = quiet_text(output)
        assert "The network" in text and "label" not in text
        read[digit] = best(output)
    right = sum(digit == as_read for digit, as_read in read.items())
    print(f"{right} of 10 drawn digits read right: {read}")
    assert right >= 8, read


def test_a_digit_is_picked_and_read_with_the_keyboard_alone_on_dark(open_notebook):
    output = open_notebook([STAND_IN], dark=True, width=480).output(0)
    keyboard = output.page.keyboard
    seen, sheet = output.locator(".bp-seen"), output.locator(SHEET)
    assert re.search("label says a 0", quiet_text(output))
    output.get_by_role("button", name="Clear").focus()
    for _ in range(2):
        keyboard.press("Tab")  # over "Previous" to "Next"
    keyboard.press("Enter")
    keyboard.press("Enter")
    assert quiet_text(output).startswith("The network reads a 2 (96 %)") and best(output) == 2
    assert output.locator(TEXT).get_attribute("aria-live") == "polite"
    for picture in (seen, sheet):
        assert picture.get_attribute("role") == "img" and "reads a 2" in picture.get_attribute("aria-label")
    keyboard.press("Tab")
    keyboard.press("Space")  # on "Next misread one"
    assert quiet_text(output).endswith("The label says a 9: misread.")
    assert output.get_by_role("listitem").nth(9).inner_text().split() == ["9", "0.4", "%", "label"]
    assert sheet.evaluate("(sheet) => getComputedStyle(sheet).filter") == "invert(1)"


def test_strokes_replace_the_opening_digit_change_a_picked_one_and_come_from_a_finger_too(open_notebook):
    output = open_notebook([STAND_IN], width=480).output(0)
    sheet, page = output.locator(SHEET), output.page
    assert "reads a 0" in quiet_text(output)
    opening = sheet.evaluate(INK)
    draw(page, sheet, [[(.5, .5), (.5, .51)]])
    assert "reads a 7" in quiet_text(output)
    assert 500 < sheet.evaluate(INK) < opening
    output.get_by_role("button", name="Next").first.click()
    assert "reads a 1" in quiet_text(output)
    picked = sheet.evaluate(INK)
    draw(page, sheet, [[(.5, .1), (.5, .11)]])
    assert "reads a 7" in quiet_text(output)
    assert sheet.evaluate(INK) > picked + 500
    output.get_by_role("button", name="Clear").click()
    assert quiet_text(output) == "The sheet is empty." and sheet.evaluate(INK) == 0

    sheet.scroll_into_view_if_needed()
    box = sheet.bounding_box()
    finger = page.context.new_cdp_session(page)
    finger.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    for kind, y in [("touchStart", .2), ("touchMove", .4), ("touchMove", .6), ("touchMove", .8), ("touchEnd", None)]:
        points = [] if y is None else [{"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] * y}]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert "reads a 7" in quiet_text(output)
    assert sheet.bounding_box() == box  # the page did not scroll under the finger
    assert sheet.evaluate(INK) > 10_000


def run_cell(book, source):
    """Run this source in the second cell, and return what it prints."""
    book.page.evaluate("""(source) => {
      book.content.activeCellIndex = 1;
      book.content.activeCell.model.sharedModel.setSource(source);
      return jupyterapp.commands.execute('notebook:run-cell');
    }""", source)
    return book.output(1).inner_text()


def test_a_slow_network_is_never_asked_twice_at_a_time_and_a_broken_one_is_told(open_notebook):
    book = open_notebook([STAND_IN, ""])
    output, sheet = book.output(0), book.output(0).locator(SHEET)
    quiet_text(output)
    run_cell(book, "stand_in.seconds, stand_in.asked = 0.3, 0")
    start = time.monotonic()
    draw(book.page, sheet, [[(.1 + .8 * i / 80, .5 + .3 * (-1) ** i) for i in range(81)]])
    assert "reads a 7" in quiet_text(output)
    seconds = time.monotonic() - start
    asked, paper = map(int, run_cell(book, 'print(stand_in.asked, widget.reading["picture"].count(0))').split())
    assert 2 <= asked <= seconds / 0.3 + 1 and asked < 60  # of 81 points
    assert output.locator(".bp-seen").evaluate(PAPER) == paper  # the page shows the picture that was read last

    run_cell(book, "stand_in.seconds, stand_in.broken = 0, True")
    draw(book.page, sheet, [[(.5, .2), (.5, .8)]])
    error = output.get_by_role("alert").get_by_text("RuntimeError: the network is out of order")
    error.wait_for()
    run_cell(book, "stand_in.broken = False")
    draw(book.page, sheet, [[(.2, .2), (.8, .2)]])
    error.wait_for(state="hidden")


def test_without_a_kernel_the_still_and_the_caption_are_seen(open_notebook):
    book = open_notebook([STAND_IN])
    book.output(0).locator(SHEET).wait_for()
    saved = book.save()
    for output in saved.cells[0].outputs:
        output.data.pop("application/vnd.jupyter.widget-view+json", None)
    saved.metadata.pop("widgets", None)
    later = open_notebook(saved, run=False).output(0)
    assert later.get_by_role("img", name="The longest bar is that of a 0.").is_visible()
    assert later.get_by_text("Run this cell to draw a digit").is_visible()
