"""Find the submissions in a folder or a zip, and read a notebook, without trusting either.

Links are not followed, a member of an archive that points elsewhere is refused by its name, and
nothing larger than the limits is read. What cannot be graded still gets its row.
"""

import io
import json
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from .sandbox import GradingError
from .text import plain

MAX_NOTEBOOK = 16 * 2**20  # bytes of one notebook file
MAX_CODE = 2 * 2**20  # characters of code in one notebook
MAX_CELLS = 2_000
MAX_MEMBERS = 100_000  # of an archive
MAX_DEPTH = 20  # of folders in folders
IGNORED = {"__MACOSX", "Thumbs.db", "desktop.ini"}


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
            entries = list(_in_folder(path.resolve(), {Path(i).resolve() for i in ignore}))
        elif path.is_file() and path.suffix == ".ipynb":
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
    entries = _without_common_folder(entries)
    if not any(relative.suffix == ".ipynb" for relative, _ in entries):
        raise GradingError(f"No notebook (.ipynb) was found in {path}. Expected are loose notebooks, or a folder "
                           "for each student, or a zip of these.")
    return [Submission(_student(relative), str(relative), read)
            for relative, read in sorted(entries, key=lambda entry: entry[0].parts)]


def _student(relative) -> str:
    parts = [part for part in relative.parts if part not in ("/", "..")]
    return parts[0] if len(parts) > 1 else relative.stem


def _without_common_folder(entries):
    """Leave off one folder that wraps all students' folders, as an archive of a folder has it."""
    inside = [relative for relative, _ in entries if ".." not in relative.parts]
    if len({r.parts[0] for r in inside}) == 1 and all(len(r.parts) > 2 for r in inside) and len(
            {r.parts[1] for r in inside}) > 1:
        return [(PurePosixPath(*r.parts[1:]) if ".." not in r.parts else r, read) for r, read in entries]
    return entries


def _refuse(why) -> Callable:
    def read():
        raise NotGradable("refused", why)
    return read


# --- folders -------------------------------------------------------------------------------

def _in_folder(top, ignored) -> Iterator[tuple[PurePosixPath, Callable]]:
    """Every notebook, every link that might be one, and every student's folder without any."""
    for place in _listed(top, ignored):
        relative = PurePosixPath(place.name)
        if _is_folder(place):
            yield from list(_below(place, relative, ignored)) or [(relative / "(no notebook)", _nothing)]
        else:
            yield from _file(place, relative)


def _below(folder, relative, ignored):
    """What is in a student's folder, at any depth that a sane person uses."""
    if len(relative.parts) > MAX_DEPTH:
        yield relative, _refuse(f"its folders are nested more than {MAX_DEPTH} deep")
        return
    try:
        places = _listed(folder, ignored)
    except OSError as error:
        yield relative, _unreadable(error)
        return
    for place in places:
        if _is_folder(place):
            yield from _below(place, relative / place.name, ignored)
        else:
            yield from _file(place, relative / place.name)


def _listed(folder, ignored):
    places = (folder / name for name in sorted(os.listdir(folder)) if not _is_ignored(name))
    return [place for place in places if place not in ignored]


def _is_folder(place) -> bool:
    return place.is_dir() and not place.is_symlink()


def _file(place, relative):
    if place.is_symlink() and (place.suffix == ".ipynb" or place.is_dir()):
        yield relative, _refuse("it is a link, and links are not followed")
    elif place.suffix == ".ipynb":
        yield relative, _file_reader(place)


def _nothing():
    raise NotGradable("empty", "the folder holds no notebook")


def _unreadable(error) -> Callable:
    def read():
        raise NotGradable("unreadable", f"the folder cannot be read: {error.strerror}")
    return read


def _is_ignored(name) -> bool:
    return name.startswith(".") or name in IGNORED


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
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise GradingError(f"{path} cannot be read as a zip: {plain(error)}. Download it again.") from error
    if len(members) > MAX_MEMBERS:
        raise GradingError(f"{path} has {len(members):,} members; at most {MAX_MEMBERS:,} are graded at once.")
    with_notebook, folders, seen = set(), set(), set()
    for member in members:
        name = member.filename
        why = _why_refused(member) or ("its name appears twice in the archive" if name in seen else None)
        seen.add(name)
        parts = [p for p in re.split(r"[/\\]", name) if p not in ("", ".", "..")]
        if not parts or any(map(_is_ignored, parts)) and not why:
            continue
        if why:
            # A name of its own, inside what was given, for a member that points outside of it.
            yield PurePosixPath(name.replace("\\", "/").lstrip("/") or "?"), _refuse(why)
            with_notebook.add(parts[0])
        elif name.endswith("/"):
            folders.add(parts[0])
        elif name.endswith(".ipynb"):
            with_notebook.add(parts[0])
            yield PurePosixPath(*parts), _member_reader(archive, member)
        elif len(parts) > 1:
            folders.add(parts[0])
    for name in sorted(folders - with_notebook):
        yield PurePosixPath(name) / "(no notebook)", _nothing


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
    if not name.endswith(".ipynb"):
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
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
            raise NotGradable("unreadable", f"it cannot be unpacked: {plain(error)}") from error
    return read


# --- notebooks -----------------------------------------------------------------------------

def read_code(data, file, lesson=None) -> Code:
    """The lesson and the code of a notebook file. Raises NotGradable."""
    if not data.strip():
        raise NotGradable("empty", "the file is empty")
    try:
        notebook = json.load(io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig"))
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
    found = _lesson_of(notebook, file) or lesson
    if found is None:
        raise NotGradable("refused", "it does not say which lesson it is; name it by --lesson, for example --lesson 04")
    return Code(found, tuple(sources))


def _source(cell) -> str:
    source = cell.get("source", "")
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    # What cannot be encoded cannot be Python either.
    return source.encode("utf-8", "replace").decode() if isinstance(source, str) else ""


def _lesson_of(notebook, file) -> str | None:
    metadata = notebook.get("metadata")
    ours = metadata.get("backprop_lessons") if isinstance(metadata, dict) else None
    lesson = ours.get("lesson") if isinstance(ours, dict) else None
    if isinstance(lesson, (str, int)) and re.fullmatch(r"\d{1,2}", str(lesson)):
        return str(lesson).zfill(2)
    named = re.search(r"(?:^|[^0-9])(\d\d)-[a-z]", PurePosixPath(file).name)
    return named[1] if named else None
