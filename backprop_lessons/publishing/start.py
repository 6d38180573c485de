"""`backprop start`: a working copy of the course, in which nothing of the learner's is ever overwritten."""

import json
import os
from pathlib import Path
from typing import NamedTuple

FOLDERS = ("notebooks", "exercises", "solutions")
FIRST = "notebooks/00-start-here.ipynb"


class StartError(Exception):
    """No working copy can be made there; the message says why and what to do."""


class Copied(NamedTuple):
    """What `start` did, as paths inside the working copy."""

    added: list[Path]
    same: list[Path]  # were there already, as the course has them
    kept: list[Path]  # were there already and differ: the learner's work, or an older version


def course_folder():
    """Where the course's notebooks are: inside an installed package, or beside it in a clone."""
    package = Path(__file__).parents[1]
    for folder in (package / "course", package.parent):
        if (folder / "notebooks").is_dir():
            return folder
    raise StartError("The course's notebooks are missing from this installation. "
                     "Install it again from a clone, with `pip install -e .`.")


def start(folder, source=None):
    """Copy the course's lessons, exercises and solutions into `folder`; keep every file that is there.

    The lessons come without their outputs, which the learner makes by running them.

    folder: the working copy, made if missing; a second call adds what is new in the course.
    source: the folder to copy from; the course by default.
    Returns a `Copied`. Raises StartError when the folder cannot be used.
    """
    folder, source = Path(folder), Path(source or course_folder())
    if folder.exists() and not folder.is_dir():
        raise StartError(f"{folder} is a file. Give the name of a folder, or of one to be made.")
    target = folder.resolve()
    if any(target == inside or inside in target.parents
           for inside in (source / name for name in FOLDERS)) or target == source.resolve():
        raise StartError(f"{folder} belongs to the course itself. Choose another folder, for example my-course.")
    for outer in target.parents:
        if (outer / FIRST).exists() and not (outer / "pyproject.toml").exists():  # the latter: a clone, not a copy
            raise StartError(f"{folder} would lie inside another working copy. "
                             f"To bring that one up to date, give its folder: {outer}")
    copied = Copied([], [], [])
    try:
        for path in course_files(source):
            name = path.relative_to(source)
            content = learners_version(path)
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            if write_new(target / name, content):
                copied.added.append(name)
            elif is_same(target / name, content):
                copied.same.append(name)
            else:
                copied.kept.append(name)
    except OSError as error:
        raise StartError(f"{folder} cannot be filled: {error.strerror}: {error.filename}. "
                         f"Choose a folder that you may write to.") from None
    return copied


def course_files(source):
    """The files of the course, without what editors leave behind (.ipynb_checkpoints and the like)."""
    for name in FOLDERS:
        for path in sorted((source / name).rglob("*")):
            hidden = any(part.startswith(".") for part in path.relative_to(source).parts)
            if path.is_file() and not hidden:
                yield path


def learners_version(path):
    """What a learner gets of a file: it as it is, but lessons without their outputs.

    A result that stands on the page already would answer the prediction above it.
    """
    content = path.read_bytes()
    if path.parent.name != "notebooks" or path.suffix != ".ipynb":
        return content
    notebook = json.loads(content)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell.update(outputs=[], execution_count=None)
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()


def write_new(target, content):
    """Write a file in a place where none is. Returns False, and changes nothing, if one is there."""
    try:
        file = open(target, "xb")  # x: fails where a file is, so there is no moment to overwrite one
    except FileExistsError:
        return False
    try:
        with file:
            file.write(content)
    except BaseException:
        target.unlink()  # half a file would be kept for ever
        raise
    return True


def is_same(target, content):
    """Whether the file holds just this."""
    try:
        return target.read_bytes() == content
    except OSError:  # a folder, or a link to nothing
        return False


def open_lab(folder):
    """Open JupyterLab on the first lesson of the working copy; returns when it is closed."""
    from jupyterlab.labapp import LabApp

    arguments = [f"--ServerApp.root_dir={Path(folder).resolve()}", f"--LabApp.default_url=/lab/tree/{FIRST}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--allow-root")  # as in a container; the server listens on this machine only
    LabApp.launch_instance(arguments)
