"""Find the submissions in a folder or a zip, and read a notebook, without trusting either.

Links are not followed, a member of an archive that points elsewhere is refused by its name, and
nothing larger than the limits is read. What cannot be graded still gets its row.
"""

import itertools
import json
import os
import re
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from .sandbox import GradingError
from .text import plain

MAX_NOTEBOOK = 16 * 2**20  # bytes of one notebook file
MAX_CODE = 2 * 2**20  # characters of code in one notebook
MAX_STRUCTURE = 1_000_000  # brackets, braces and commas in it: each value takes far more memory than text
MAX_CELLS = 2_000
MAX_FILES = 20  # of one student
MAX_MEMBERS = 100_000  # of an archive
MAX_DEPTH = 20  # of folders in folders
IGNORED = {"__MACOSX", "Thumbs.db", "desktop.ini"}
# No notebook, but perhaps meant as an answer: it gets a row that says so.
MEANT = re.compile(r"\.ipynb\W|\.(py|zip|7z|rar|tar|gz|tgz|html?|pdf|docx?)$", re.IGNORECASE)
NO_NOTEBOOK = "(no notebook)"  # takes the place of a file's name in a folder without any


@dataclass(frozen=True)
class Submission:
    """A file that a student handed in. `read()` gives its bytes or raises NotGradable."""

    student: str
    file: str  # relative to what was given
    read: Callable[[], bytes]


@dataclass(frozen=True)
class Code:
    """What is graded of a notebook: its lesson ("04") and the sources of its code cells."""

    lesson: str
    cells: tuple[str, ...]


class NotGradable(Exception):
    """A submission that gets a row but no judgement: status `unreadable`, `empty` or `refused`, and why."""

    def __init__(self, status, why):
        super().__init__(why)
        self.status = status


def find_submissions(path, ignore=()) -> list[Submission]:
    """The submissions in a folder, in a zip, or the one notebook given, in the order of their names.

    Loose notebooks belong to the student that the file is named after; a notebook in a folder to the
    student that the outermost folder is named after. `ignore`: folders not to be looked at.
    Raises GradingError when nothing is there.
    """
    path = Path(path)
    try:
        if path.is_dir():
            entries = list(_in_folder(path.resolve(), {str(Path(i).resolve()) for i in ignore}))
        elif path.is_file() and _is_notebook(path.name):
            entries = [(PurePosixPath(path.name), _file_reader(path))]
        elif path.is_file() and zipfile.is_zipfile(path):
            entries = list(_in_zip(path))
        elif path.exists():
            raise GradingError(f"{path} is neither a folder, nor a zip, nor a notebook. Give the folder or the zip "
                               "that holds the submitted notebooks.")
        else:
            raise GradingError(f"There is no {path} (looked in {Path.cwd()}). Give the folder or the zip that holds "
                               "the submitted notebooks.")
    except OSError as error:
        raise GradingError(f"{path} cannot be read: {error.strerror or error}.") from error
    if not any(_is_notebook(relative.name) for relative, _ in entries):
        raise GradingError(f"No notebook (.ipynb) was found in {path}. Expected are loose notebooks, or a folder "
                           "for each student, or a zip of these.")
    return _bounded_rows(_rows(_without_common_folder(entries)))


def _rows(entries) -> list[Submission]:
    """A row for each file that is one, and for each student's folder that holds none."""
    rows = [Submission(_student(relative), str(relative), read) for relative, read in entries if read]
    empty = {relative.parts[0] for relative, read in entries if not read} - {row.file.split("/")[0] for row in rows}
    rows += [Submission(name, f"{name}/{NO_NOTEBOOK}", _refuse("the folder holds no notebook", "empty"))
             for name in empty]
    return sorted(rows, key=lambda row: PurePosixPath(row.file).parts)


def _bounded_rows(rows) -> list[Submission]:
    """Of each student the first files; one row tells of the rest."""
    kept = []
    for student, own in itertools.groupby(rows, key=lambda row: row.student):
        own = list(own)
        kept += own[:MAX_FILES]
        if len(own) > MAX_FILES:
            rest = len(own) - MAX_FILES
            kept.append(Submission(student, f"{student}/({rest} more)", _refuse(
                f"at most {MAX_FILES} files of one student are graded; {rest} more are left out")))
    return kept


def _student(relative) -> str:
    parts = [part for part in relative.parts if part not in ("/", "..")]
    return parts[0] if len(parts) > 1 else relative.stem


def _without_common_folder(entries):
    """Leave off one folder that wraps all students' folders, as an archive of a folder has it."""
    inner = [r for r, read in entries if ".." not in r.parts and (read or len(r.parts) > 2)]
    if len({r.parts[0] for r in inner}) == 1 and all(len(r.parts) > 2 for r in inner) and len(
            {r.parts[1] for r in inner}) > 1:
        return [(r if ".." in r.parts else PurePosixPath(*r.parts[1:]), read)
                for r, read in entries if read or len(r.parts) > 2]
    return entries


def _is_notebook(name) -> bool:
    return name.lower().endswith(".ipynb")


def _is_ignored(name) -> bool:
    return name.startswith(".") or name in IGNORED


def _refuse(why, status="refused") -> Callable:
    def read():
        raise NotGradable(status, why)
    return read


# Both walks below yield pairs: where a file is, and how to read it. A pair without a way to read only
# tells that a folder is there.

def _taken(relative, read):
    """A file, if it is a notebook or may be meant as one; else its folder."""
    if _is_notebook(relative.name):
        yield relative, read
    elif MEANT.search(relative.name):
        yield relative, _refuse("it is not a notebook (.ipynb), and only notebooks are graded")
    elif len(relative.parts) > 1:
        yield relative.parent / NO_NOTEBOOK, None


# --- folders -------------------------------------------------------------------------------

def _in_folder(folder, ignored, relative=PurePosixPath()) -> Iterator[tuple[PurePosixPath, Callable | None]]:
    """What is in a folder, at any depth that a sane person uses. Raises OSError for the outermost alone."""
    if len(relative.parts) > MAX_DEPTH:
        yield relative, _refuse(f"its folders are nested more than {MAX_DEPTH} deep")
        return
    try:
        with os.scandir(folder) as listed:
            places = sorted(listed, key=lambda place: place.name)
    except OSError as error:
        if not relative.parts:
            raise
        yield relative, _unreadable("folder", error)
        return
    if relative.parts:
        yield relative / NO_NOTEBOOK, None
    for place in places:
        if not _is_ignored(place.name) and place.path not in ignored:
            yield from _place(place, relative / place.name, ignored)


def _place(place, relative, ignored):
    """One entry of a folder: what it is, is asked of the entry itself, never of what a link leads to."""
    try:
        if place.is_symlink():
            yield relative, _refuse("it is a link, and links are not followed")
        elif place.is_dir(follow_symlinks=False):
            yield from _in_folder(place.path, ignored, relative)
        else:
            yield from _taken(relative, _file_reader(place.path))
    except OSError as error:
        yield relative, _unreadable("file", error)


def _unreadable(what, error) -> Callable:
    return _refuse(f"the {what} cannot be read: {error.strerror}", "unreadable")


def _file_reader(place) -> Callable:
    def read():
        try:
            # Neither a link nor a pipe that somebody puts there meanwhile: a pipe would never end.
            flags = (getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))
            descriptor = os.open(place, os.O_RDONLY | sum(flags))
            with open(descriptor, "rb") as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise NotGradable("refused", "it is not an ordinary file")
                return _bounded(file)
        except OSError as error:
            raise NotGradable("unreadable", f"the file cannot be read: {error.strerror}") from error
    return read


def _bounded(file) -> bytes:
    data = file.read(MAX_NOTEBOOK + 1)
    if len(data) > MAX_NOTEBOOK:
        raise NotGradable("refused", f"it is larger than {MAX_NOTEBOOK // 2**20} MiB; clear its outputs and hand it "
                          "in again")
    return data


# --- archives ------------------------------------------------------------------------------

def _in_zip(path):
    try:
        archive = zipfile.ZipFile(path)
        members = archive.infolist()
    except Exception as error:  # zipfile lets through whatever a damaged header leads it to
        raise GradingError(f"{path} cannot be read as a zip: {plain(error)}. Download it again.") from error
    if len(members) > MAX_MEMBERS:
        raise GradingError(f"{path} has {len(members):,} members; at most {MAX_MEMBERS:,} are graded at once.")
    seen = set()
    for member in members:
        name = member.filename
        parts = tuple(p for p in re.split(r"[/\\]", name) if p not in ("", ".", ".."))
        why = _why_refused(member) or ("its name appears twice in the archive" if parts in seen else None)
        if not parts or any(map(_is_ignored, parts)) and not why:
            continue
        if why:
            # A name of its own, inside what was given, for a member that points outside of it.
            yield PurePosixPath(name.replace("\\", "/").lstrip("/") or "?"), _refuse(why)
        elif member.is_dir():
            yield PurePosixPath(*parts, NO_NOTEBOOK), None
        else:
            seen.add(parts)
            yield from _taken(PurePosixPath(*parts), _member_reader(archive, member))


def _why_refused(member) -> str | None:
    name, mode = member.filename, member.external_attr >> 16
    if name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name):
        return "its name in the archive is an absolute path"
    if ".." in re.split(r"[/\\]", name):
        return "its name in the archive points out of the archive"
    if stat.S_ISLNK(mode):
        return "it is a link, and links are not followed"
    if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "it is not an ordinary file"
    if not _is_notebook(name):
        return None
    if member.flag_bits & 1:
        return "it is encrypted"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "it is compressed in an unusual way; a plain zip is expected"
    if member.file_size > MAX_NOTEBOOK:
        return f"it is larger than {MAX_NOTEBOOK // 2**20} MiB when unpacked"
    return None


def _member_reader(archive, member):
    def read():
        try:
            with archive.open(member) as file:
                return _bounded(file)
        except NotGradable:
            raise
        except Exception as error:  # as above
            raise NotGradable("unreadable", f"it cannot be unpacked: {plain(error)}") from error
    return read


# --- notebooks -----------------------------------------------------------------------------

def read_code(data, file, lesson=None, lessons=()) -> Code:
    """The lesson and the code of a notebook file. Raises NotGradable.

    lesson: the one asked for, if any. lessons: those that a number in the file's name may mean.
    """
    if not data.strip():
        raise NotGradable("empty", "the file is empty")
    if sum(data.count(c) for c in b"[{,") > MAX_STRUCTURE:
        raise NotGradable("refused", f"it holds more than {MAX_STRUCTURE:,} values; clear its outputs and hand it in "
                          "again")
    try:
        notebook = json.loads(data)  # from bytes: UTF-8, with or without its mark, UTF-16 or UTF-32
    except (ValueError, RecursionError) as error:
        why = f"it is not a notebook (its JSON cannot be read: {plain(error, 100)})"
        raise NotGradable("unreadable", why) from error
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise NotGradable("unreadable", "it is not a notebook of format 4 (it has no list of cells)")
    sources = [_source(cell) for cell in cells if isinstance(cell, dict) and cell.get("cell_type") == "code"]
    if not any(source.strip() for source in sources):
        raise NotGradable("empty", "it has no code")
    if len(sources) > MAX_CELLS or sum(map(len, sources)) > MAX_CODE:
        raise NotGradable("refused", f"it has more than {MAX_CELLS:,} cells or {MAX_CODE // 2**20} million characters "
                          "of code")
    return Code(_lesson(_own_lesson(notebook), lesson, PurePosixPath(file).name, lessons), tuple(sources))


def _source(cell) -> str:
    source = cell.get("source", "")
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    # What cannot be encoded cannot be Python either.
    return source.encode("utf-8", "replace").decode() if isinstance(source, str) else ""


def _own_lesson(notebook) -> str | None:
    """The lesson that the generator wrote into the notebook's metadata."""
    metadata = notebook.get("metadata")
    ours = metadata.get("backprop_lessons") if isinstance(metadata, dict) else None
    lesson = ours.get("lesson") if isinstance(ours, dict) else None
    if isinstance(lesson, (str, int)) and re.fullmatch(r"\d{1,2}", str(lesson)):
        return str(lesson).zfill(2)
    return None


def _lesson(own, asked, name, lessons) -> str:
    """The notebook's own lesson, else the one asked for, else that of the file's name. Raises NotGradable."""
    if own and asked and own != asked:
        raise NotGradable("refused", f"it is a notebook of lesson {own}, and --lesson asks for {asked}")
    named = (number for number in re.findall(r"(?<!\d)(\d\d)-(?=[a-z])", name, re.IGNORECASE) if number in lessons)
    found = own or asked or next(named, None)
    if found is None:
        raise NotGradable("refused", "it does not say which lesson it is; name it by --lesson, for example --lesson 04")
    return found
