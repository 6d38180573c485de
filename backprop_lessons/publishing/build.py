"""`backprop build`: run lessons and solutions, store what they print, and write the exercises.

A second build changes nothing: what differs from run to run (times, versions, random widget ids)
is either not stored or, where it is what the reader came for, kept as it was.
"""

import os
import re
import subprocess
import tempfile
from pathlib import Path

from .. import ONE_THREAD
from .exercises import exercise_from_solution

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
CELL_TIMEOUT = 600  # seconds


class BuildError(Exception):
    """A notebook cannot be built; the message says which, where and why."""


def build(names=(), root=None, report=lambda path, changed: None):
    """Execute notebooks/ and solutions/, and write exercises/ from solutions/.

    names: lessons to build, such as "04" or "04-backpropagation"; none means all.
    root: the course's folder; the clone that this package is used from by default.
    report: called with each notebook's path and whether the file changed.
    Raises BuildError when a name is unknown or a cell fails. Other notebooks are not touched then.
    """
    root = Path(root) if root else clone()
    for path in chosen(names, root):
        report(path, write_if_changed(path, executed(path)))
        if path.parent.name == "solutions":
            exercise = root / "exercises" / path.name
            exercise.parent.mkdir(exist_ok=True)
            report(exercise, write_if_changed(exercise, exercise_from_solution(read(path))))


def clone():
    """The folder of the clone that holds this package and the course's notebooks."""
    root = Path(__file__).parents[2]
    if not (root / "solutions").is_dir():
        raise BuildError("`backprop build` works in a clone of the course, installed with `pip install -e .`. "
                         "This package was installed without its sources.")
    return root


def chosen(names, root):
    """The paths of the lessons and solutions that the names stand for, in order."""
    paths = sorted(p for folder in ("notebooks", "solutions") for p in (root / folder).glob("*.ipynb")
                   if not p.name.startswith("."))
    if not names:
        return paths
    wanted = [re.sub(r"\.ipynb$", "", Path(name).name) for name in names]
    for name in wanted:
        if not any(is_called(p, name) for p in paths):
            known = ", ".join(sorted({p.stem for p in paths}))
            raise BuildError(f"No lesson is called {name!r}. The lessons are: {known}.")
    return [p for p in paths if any(is_called(p, name) for name in wanted)]


def is_called(path, name):
    return name in (path.stem, path.stem.split("-")[0])


def executed(path):
    """The notebook, run from top to bottom in its own folder by this very Python, ready to store."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    stored, notebook = read(path), read(path)
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook, kernel_manager_class=this_python(), timeout=CELL_TIMEOUT, record_timing=False, coalesce_streams=True,
            resources={"metadata": {"path": str(path.parent)}})
        try:
            client.execute(stderr=subprocess.DEVNULL, env=os.environ | ONE_THREAD | {
                "BACKPROP_PROGRESS": str(Path(folder, "progress.jsonl"))})  # a build is not a learner's progress
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            raise BuildError(f"{path.parent.name}/{path.name}, {failing_cell(notebook)}: "
                             f"{one_line(error)}") from None
    tidy(notebook, lesson=path.stem.split("-")[0])
    keep_unchanged_outputs(notebook, stored)
    return notebook


def this_python():
    """The kind of kernel manager that starts the Python that runs this, whatever kernels the user has installed."""
    from ipykernel.kernelspec import RESOURCES, get_kernel_dict
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager

    class ThisPython(KernelSpecManager):
        def get_kernel_spec(self, kernel_name):
            return KernelSpec(resource_dir=RESOURCES, **get_kernel_dict())

    class ThisPythonManager(AsyncKernelManager):
        def _kernel_spec_manager_default(self):
            return ThisPython(parent=self)

    return ThisPythonManager


def tidy(notebook, lesson):
    """Leave in the notebook only what a reader needs and what is the same after each run."""
    notebook.metadata = {"backprop_lessons": {"lesson": lesson}, "kernelspec": dict(KERNEL),
                         "language_info": {"name": "python"}}
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", ()):
            # A live widget is nothing without its kernel; its text and the still before it stay.
            output.get("data", {}).pop(WIDGET_VIEW, None)
        if "outputs" in cell:
            cell.outputs = [o for o in cell.outputs if o.get("data", True)]


def keep_unchanged_outputs(notebook, stored):
    """Where a cell's outputs differ from the stored ones in times alone, keep the stored ones."""
    before = {cell.get("id"): cell for cell in stored.cells if cell.cell_type == "code"}
    for cell in notebook.cells:
        old = before.get(cell.get("id"))
        if old is not None and without_times(old.outputs) == without_times(cell.outputs):
            cell.outputs = old.outputs


def without_times(value):
    """Outputs with every time replaced by one word, all the way down."""
    if isinstance(value, str):
        for pattern, replacement in time_patterns():
            value = re.sub(pattern, replacement, value)
        return value
    if isinstance(value, dict):
        return {key: without_times(v) for key, v in value.items()}
    return [without_times(v) for v in value] if isinstance(value, list) else value


def time_patterns():
    """The (pattern, replacement) pairs for times in sanitize.cfg, which nbval reads too."""
    text = Path(__file__).with_name("sanitize.cfg").read_text(encoding="utf-8")
    times = text.split("[times]")[1].split("[pictures]")[0]
    return re.findall(r"^regex: (.*)$\n^replace: (.*)$", times, flags=re.MULTILINE)


def read(path):
    import nbformat

    try:
        return nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat raises many kinds
        raise BuildError(f"{path.parent.name}/{path.name} is not a readable notebook: {one_line(error)}") from None


def write_if_changed(path, notebook):
    """Write the notebook, unless the file already says the same. Returns whether it was written."""
    import nbformat

    text = nbformat.writes(notebook).rstrip("\n") + "\n"
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
    return True


def failing_cell(notebook):
    """Where execution stopped, in words."""
    for number, cell in enumerate(notebook.cells, 1):
        if any(o.output_type == "error" for o in cell.get("outputs", ())):
            return f"cell {number} ({cell.get('id')})"
    return "a cell"


def one_line(error):
    """The last line of an error's text, without the colours of a traceback."""
    lines = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip().splitlines()
    return lines[-1] if lines else type(error).__name__
