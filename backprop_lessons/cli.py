"""The `backprop` command: start a working copy, grade submissions, build the notebooks."""

import shutil
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Optional

import typer
from rich.console import Console
from rich.markup import escape

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
                  context_settings={"help_option_names": ["-h", "--help"]})
output = Console(highlight=False, soft_wrap=True)
errors = Console(highlight=False, soft_wrap=True, stderr=True)


def show_version(wanted: bool):
    if wanted:
        from . import __version__

        print(f"backprop-lessons {__version__}")
        raise typer.Exit()


@app.callback()
def backprop(version: Annotated[bool, typer.Option("--version", callback=show_version, is_eager=True,
                                                   help="Print the course's version.")] = False):
    """A course on backpropagation: learn it, teach it, grade it."""


@app.command()
def start(
    folder: Annotated[Path, typer.Argument(metavar="DIR", show_default="my-course",
                                           help="The working copy, made if missing.")] = Path("my-course"),
    lab: Annotated[bool, typer.Option("--lab", help="Then open JupyterLab on lesson 00.")] = False,
):
    """Get your own copy of the lessons and exercises; files that are already there are never overwritten."""
    from .publishing.start import FIRST, StartError, open_lab
    from .publishing.start import start as copy_course

    with one_sentence(StartError):
        copied = copy_course(folder)
    output.print(f"[bold]{escape(str(folder))}[/] has the course's lessons, exercises and solutions.")
    for words, names in (("added", copied.added), ("up to date", copied.same), ("kept as you have it", copied.kept)):
        for name in names:
            output.print(f"  {words}: {escape(name.as_posix())}")
    if copied.kept:
        output.print("For the course's version of a file that was kept, give yours another name and run this again.")
    if lab:
        output.print("Opening JupyterLab. Close it with Ctrl+C here.")
        open_lab(folder)
    else:
        output.print(f"Next: [bold]{escape(typed())} start {escape(quoted(folder))} --lab[/] "
                     f"opens JupyterLab on {FIRST}.")


@app.command()
def progress():
    """Show which exercises you have solved."""
    from .checks import progress as show_progress

    show_progress()


@app.command()
def grade(
    submissions: Annotated[Path, typer.Argument(metavar="SUBMISSIONS", help="A folder or a zip file of notebooks.")],
    lesson: Annotated[Optional[str], typer.Option(
        metavar="NN", help="The lesson of notebooks that do not say theirs.")] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the grades go.")] = Path("grades"),
    time_limit: Annotated[float, typer.Option(
        metavar="S", help="Seconds for each cell, and for each exercise.")] = 10.0,
    workers: Annotated[Optional[int], typer.Option(
        metavar="N", show_default="one a processor", help="Submissions graded at once.")] = None,
    trust_submissions: Annotated[bool, typer.Option(
        "--trust-submissions", help="Run them without a sandbox: only for code that you trust.")] = False,
):
    """Grade a pile of submitted notebooks, each in a sandbox."""
    from rich.progress import Progress

    from .grading.grade import grade_folder
    from .grading.reports import print_table
    from .grading.sandbox import GradingError

    with one_sentence(GradingError), Progress(console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task("Grading", total=None)
        grades = grade_folder(submissions, out=out, lesson=lesson, time_limit=time_limit, workers=workers,
                              trust=trust_submissions,
                              on_progress=lambda done, total: bar.update(task, completed=done, total=total))
    print_table(grades, Console())
    count = len(grades.submissions)
    output.print(f"{count} {'submission' if count == 1 else 'submissions'} in {grades.seconds:.1f} s. "
                 f"The grades are in {escape(str(out / 'grades.json'))} and beside it.")


@app.command()
def build(names: Annotated[Optional[list[str]], typer.Argument(
        metavar="[NAMES]...", show_default="all", help="Lessons, such as 04 or 04-backpropagation.")] = None):
    """Run lessons and solutions, store their outputs, and write the exercises (for authors, in a clone)."""
    from .publishing.build import BuildError, clone
    from .publishing.build import build as build_course
    from .publishing.exercises import MarkerError

    def report(path, changed):
        output.print(f"{'[green]written  [/]' if changed else 'unchanged'} {path.parent.name}/{path.name}")

    with one_sentence(BuildError, MarkerError):
        build_course(names or (), clone(), report)


@contextmanager
def one_sentence(*expected):
    """Turn an expected error into one sentence on stderr and exit status 1, without a traceback."""
    try:
        yield
    except expected as error:
        errors.print(f"[bold red]error:[/] {escape(str(error) or type(error).__name__)}")
        raise typer.Exit(1) from None


def typed():
    """This command as its reader can type it again: by its path, when it is not on the PATH."""
    command = Path(sys.argv[0])
    found = shutil.which("backprop")
    if found and Path(found).resolve() == command.resolve():
        return "backprop"
    return quoted(sys.argv[0]) if command.stem == "backprop" else "backprop"


def quoted(path):
    text = str(path)
    return f'"{text}"' if " " in text else text


if __name__ == "__main__":
    app()
