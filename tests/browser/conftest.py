"""A real Chromium inside a private JupyterLab, for tests that use a notebook as a learner does.

    def test_a_button(open_notebook):
        book = open_notebook(["from backprop_lessons.widgets import Blink", "Blink()"], dark=True, width=480)
        book.output(1).get_by_role("button", name="Switch the lamp").click()

JupyterLab starts once. Its settings, its data and the learner's progress are kept away from those of this computer.
"""

import contextlib
import functools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

import nbformat
import pytest

SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},
    "docmanager-extension/plugin": {"autosave": False},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "apputils-extension/themes": {"adaptive-theme": True},  # the browser's colour scheme decides: light or dark
}
CHROMIUM_NAMES = ["chromium", "chromium-browser", "google-chrome", "chrome", "msedge"]
CHROMIUM_OPTIONS = ["--disable-gpu", "--disable-background-networking", "--no-first-run", "--disable-sync",
                    "--disable-component-update"]
IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0

READY = """() => {
  const shell = window.jupyterapp?.shell;
  const panel = [...(shell?.widgets('main') ?? [])].find((w) => w.context && w.sessionContext);
  if (!panel?.context.isReady || panel.sessionContext.session?.kernel?.status !== 'idle') return false;
  shell.collapseLeft(); shell.collapseRight();
  for (const side of ['left', 'right']) if (shell.isSideTabBarVisible(side)) shell.toggleSideTabBarVisibility(side);
  window.book = panel;
  return true;
}"""
RUN_ALL = """async () => {
  jupyterapp.shell.activateById(book.id);
  await jupyterapp.commands.execute('notebook:run-all-cells');
}"""
CELL_ERRORS = """() => book.content.widgets.flatMap((cell, index) =>
  [...Array(cell.model.outputs?.length ?? 0).keys()].map((k) => cell.model.outputs.get(k).toJSON())
    .filter((output) => output.output_type === 'error')
    .map((output) => `cell ${index}: ${output.ename}: ${output.evalue}`))"""


class Notebook:
    """A notebook open in JupyterLab; `.page` is Playwright's page, `.file` the notebook's file."""

    def __init__(self, page, file):
        self.page, self.file = page, file
        self.uncaught = []
        page.on("pageerror", lambda error: self.uncaught.append(str(error)))

    def run(self):
        """Run all cells and wait until they have run."""
        self.page.evaluate(RUN_ALL)

    def cell(self, index):
        """The cell with this index, counted from 0, as a Playwright locator."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index)

    def output(self, index):
        """The output area of that cell, as a Playwright locator."""
        return self.cell(index).locator(".jp-Cell-outputArea")

    def save(self):
        """Save it as the learner does and return what the file now holds."""
        self.page.evaluate("() => book.context.save()")
        return nbformat.read(self.file, as_version=4)

    def errors(self):
        """Errors in cells and uncaught exceptions in the page."""
        return self.page.evaluate(CELL_ERRORS) + self.uncaught


@pytest.fixture(scope="package")
def chromium():
    """Playwright's browser, on the Chromium that the system has. Package scope: its event loop ends with these tests."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("playwright is not installed (pip install playwright)")
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if path is None:
        _missing("no Chromium on this computer (apt-get install chromium, or set CHROMIUM to its path)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path,
                                             args=[*CHROMIUM_OPTIONS, *["--no-sandbox"] * IS_ROOT])
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def contexts(chromium):
    """contexts("light" or "dark"): a browser profile that keeps JupyterLab's files from one test to the next."""

    @functools.cache
    def context(scheme):
        profile = chromium.new_context(color_scheme=scheme, reduced_motion="reduce")
        profile.set_default_timeout(20_000)
        return profile

    return context


@pytest.fixture(scope="package")
def jupyterlab(tmp_path_factory):
    """A JupyterLab of our own: (its address, its folder)."""
    home, folder = tmp_path_factory.mktemp("jupyter"), tmp_path_factory.mktemp("notebooks")
    for name, values in SETTINGS.items():
        file = home / "lab" / "user-settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", *["--allow-root"] * IS_ROOT,
               "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0",
               "--IdentityProvider.token=", f"--ServerApp.root_dir={folder}", "--LabApp.expose_app_in_browser=True"]
    private = {"JUPYTER_CONFIG_DIR": home, "JUPYTER_DATA_DIR": home / "data", "JUPYTER_RUNTIME_DIR": home / "runtime",
               "IPYTHONDIR": home / "ipython", "BACKPROP_PROGRESS": home / "progress.jsonl",
               "JUPYTERLAB_SETTINGS_DIR": home / "lab" / "user-settings",
               "JUPYTERLAB_WORKSPACES_DIR": home / "lab" / "workspaces", "JUPYTER_PREFER_ENV_PATH": "1",
               "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    with open(home / "log", "wb") as log:
        server = subprocess.Popen(command, env=os.environ | {k: str(v) for k, v in private.items()}, cwd=folder,
                                  stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        deadline = time.monotonic() + 60
        while socket.socket().connect_ex(("127.0.0.1", port)):
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail("JupyterLab did not start:\n" + (home / "log").read_text()[-2000:])
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}", folder
    finally:
        server.terminate()  # JupyterLab then shuts its kernels down
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(10)
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)


@pytest.fixture
def open_notebook(contexts, jupyterlab, request):
    """open_notebook(what, dark=False, width=1280, height=900, run=True) -> Notebook; at the end it must be free of errors.

    `what` is a list of code cells, a notebook node, or the path of a notebook. Of a notebook outside JupyterLab's
    own folder a copy is opened; one inside it is opened itself.
    A test that expects uncaught errors in the page clears `book.uncaught`.
    """
    yield from _opening(contexts, *jupyterlab, request.node.name)


@pytest.fixture(scope="module")
def open_notebook_once(contexts, jupyterlab, request):
    """The same for a fixture of a module, whose tests share one open notebook and leave it as they found it."""
    yield from _opening(contexts, *jupyterlab, request.node.name)


def _opening(contexts, address, folder, name):
    opened = []

    def open_it(what, *, dark=False, width=1280, height=900, run=True):
        if isinstance(what, Path) and what.is_relative_to(folder):
            file = what  # a learner's own copy: it is opened itself
        else:
            file = folder / f"{re.sub('[^A-Za-z0-9]+', '-', name)}-{len(list(folder.iterdir()))}.ipynb"
            nbformat.write(_notebook(what), file)
        book = Notebook(contexts("dark" if dark else "light").new_page(), file)
        opened.append(book)
        book.page.set_viewport_size({"width": width, "height": height})
        book.page.goto(f"{address}/doc/tree/{urllib.parse.quote(file.relative_to(folder).as_posix())}")
        book.page.wait_for_function(READY, timeout=60_000)
        if run:
            book.run()
        return book

    yield open_it
    errors = [error for book in opened for error in book.errors()]
    for book in opened:
        book.page.evaluate("() => book.sessionContext.shutdown()")
        book.page.close()
    assert not errors, "\n".join(errors)


def _notebook(what):
    """A notebook node from a path, a list of code cells, or a node."""
    if isinstance(what, (str, Path)):
        return nbformat.read(what, as_version=4)
    if isinstance(what, list):
        return nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in what],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}})
    return what


def _missing(what):
    """Skip by name on a learner's computer; fail where BACKPROP_REQUIRE says that the browser must be there."""
    if "browser" in os.environ.get("BACKPROP_REQUIRE", "").split(","):
        pytest.fail(f"BACKPROP_REQUIRE asks for the browser tests, but {what}", pytrace=False)
    pytest.skip(what)
