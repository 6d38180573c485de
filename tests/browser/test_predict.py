"""Predict in a real JupyterLab: a guess by mouse and by keyboard, and no answer anywhere before it."""

import base64

CHOICE = '''
from backprop_lessons.widgets import Predict
Predict("Which one comes out?", choices=["this", "that", "neither"], answer=lambda: "that",
        explain="Because `9000` and " + str(700 + 31) + " make it.")
'''
NUMBER = '''
from backprop_lessons.widgets import Predict
Predict("How many?", number=True, unit="errors", tolerance=2, answer=lambda: 9000 + 731,
        explain="They were counted: " + str(9000 + 731) + ".")
'''  # the answer's digits, 9731, do not stand in the text of the notebook
TWO_CARDS = ".bp-both p"
HAS_FOCUS = "(element) => document.activeElement === element"


def run_cell(book, index):
    book.page.evaluate("(index) => { book.content.activeCellIndex = index; "
                       "return jupyterapp.commands.execute('notebook:run-cell'); }", index)


def test_a_choice_by_mouse_and_again_by_keyboard(open_notebook):
    book = open_notebook([CHOICE])
    output, keyboard = book.output(0), book.page.keyboard
    group = output.get_by_role("group", name="Which one comes out?")
    output.get_by_role("button", name="Commit my guess").click()
    output.get_by_role("alert").get_by_text("Choose one of the answers first.").wait_for()
    output.locator(".backprop-still").wait_for(state="hidden")
    group.get_by_role("radio", name="this").check()
    assert not output.get_by_text("What happened").is_visible()
    output.get_by_role("button", name="Commit my guess").click()
    output.get_by_text("What happened").wait_for()
    assert output.locator(TWO_CARDS).all_inner_texts() == ["You predicted\nthis", "What happened\nthat"]
    assert output.get_by_text("Because 9000 and 731 make it.").is_visible()
    assert output.locator(".bp-result").evaluate(HAS_FOCUS)
    assert not group.get_by_role("radio").first.is_visible()

    keyboard.press("Tab")
    keyboard.press("Space")  # on "Predict again"
    group.get_by_role("radio", name="this").wait_for()
    assert not output.get_by_text("What happened").is_visible()
    assert group.get_by_role("radio", name="this").evaluate(HAS_FOCUS)
    keyboard.press("ArrowDown")
    keyboard.press("Enter")
    output.get_by_text("That is what you predicted.").wait_for()


def test_a_number_by_keyboard_on_dark_in_a_narrow_window(open_notebook):
    book = open_notebook([NUMBER], dark=True, width=480)
    output, keyboard = book.output(0), book.page.keyboard
    box = output.get_by_role("textbox", name="Your guess")
    box.focus()
    keyboard.type("many")
    keyboard.press("Enter")
    output.get_by_role("alert").get_by_text("“many” is not a number").wait_for()
    assert box.get_attribute("aria-invalid") == "true"
    assert not output.get_by_text("What happened").is_visible()
    box.fill("9732,5")
    keyboard.press("Enter")
    output.get_by_text("Well foreseen").wait_for()
    cards = ["You predicted\n9,732.5\u00a0errors", "What happened\n9,731\u00a0errors ✓"]
    assert output.locator(TWO_CARDS).all_inner_texts() == cards

    run_cell(book, 0)  # the guess is remembered as long as the kernel runs
    output.get_by_text("You predicted").wait_for()
    assert output.locator(TWO_CARDS).all_inner_texts() == cards


def test_the_answer_is_nowhere_before_the_commitment(open_notebook):
    # An answer of ten digits does not turn up by chance among ids and times.
    book = open_notebook([NUMBER.replace("9000 + 731", "9876 * 10**6 + 543210")], run=False)
    received = []
    network = book.page.context.new_cdp_session(book.page)
    network.send("Network.enable")

    def keep(event):
        frame = event["response"]
        received.append(base64.b64decode(frame["payloadData"]) if frame["opcode"] == 2 else frame["payloadData"].encode())

    network.on("Network.webSocketFrameReceived", keep)
    book.run()
    box = book.output(0).get_by_role("textbox", name="Your guess")
    box.wait_for()
    saved = book.save()
    before = b"".join(received) + str(saved).encode() + book.page.content().encode()
    assert b"How many?" in b"".join(received)
    assert b"9876543210" not in before and b"9,876,543,210" not in before
    box.fill("5")
    box.press("Enter")
    book.output(0).get_by_text("What happened").wait_for()
    assert b"9,876,543,210" in b"".join(received)

    for output in saved.cells[0].outputs:  # as lessons are published
        output.data.pop("application/vnd.jupyter.widget-view+json", None)
    saved.metadata.pop("widgets", None)
    later = open_notebook(saved, run=False)
    still = later.output(0).get_by_role("img", name="How many? The answer is a number, in errors.")
    assert still.is_visible() and later.output(0).get_by_text("Run this cell to make your prediction.").is_visible()


def test_an_answer_that_raises_can_be_tried_again(open_notebook):
    cells = ["from backprop_lessons.widgets import Predict\nready = []",
             'Predict("How many?", number=True, answer=lambda: ready[0])', "ready.append(7)"]
    book = open_notebook(cells, run=False)
    run_cell(book, 0)
    run_cell(book, 1)
    output = book.output(1)
    commit = output.get_by_role("button", name="Commit my guess")
    output.get_by_role("textbox").fill("7")
    commit.click()
    error = output.get_by_role("alert").get_by_text("IndexError")
    error.wait_for()
    run_cell(book, 2)
    commit.click()
    output.get_by_text("That is exactly what you predicted.").wait_for()
    error.wait_for(state="hidden")
