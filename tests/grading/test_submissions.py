"""Finding and reading submissions: every file gets its row, and no file is trusted."""

import json
import os
import stat
import zipfile

import pytest

from backprop_lessons.grading import submissions
from backprop_lessons.grading.sandbox import GradingError
from backprop_lessons.grading.submissions import NotGradable, find_submissions, read_code
from grading.handed_in import notebook

NOTEBOOK = notebook("x = 1").encode()


def fill(folder, files):
    for name, content in files.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return folder


def zipped(place, members):
    """A zip of {name or ZipInfo: bytes}, names taken as they are."""
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return place


def found(path, **options):
    """{file: (student, status)}, where status is `read` for what can be read."""
    result = {}
    for submission in find_submissions(path, **options):
        try:
            submission.read()
            status = "read"
        except NotGradable as error:
            status = error.status
        result[submission.file] = submission.student, status
    return result


def test_loose_notebooks_and_folders(tmp_path):
    fill(tmp_path, {"ada.ipynb": NOTEBOOK, "bob/04-backpropagation.ipynb": NOTEBOOK, "bob/deep/er/x.ipynb": NOTEBOOK,
                    "cid/answer.txt": b"", "notes.txt": b"", ".DS_Store": b"", ".ipynb_checkpoints/a.ipynb": NOTEBOOK,
                    "bob/.ipynb_checkpoints/x-checkpoint.ipynb": NOTEBOOK, "grades/grades.json": b"{}"})
    assert found(tmp_path, ignore=[tmp_path / "grades"]) == {
        "ada.ipynb": ("ada", "read"), "bob/04-backpropagation.ipynb": ("bob", "read"),
        "bob/deep/er/x.ipynb": ("bob", "read"), "cid/(no notebook)": ("cid", "empty")}


def test_the_order_is_that_of_the_names(tmp_path):
    fill(tmp_path, {"b.ipynb": NOTEBOOK, "a/1.ipynb": NOTEBOOK, "c.ipynb": NOTEBOOK})
    assert list(found(tmp_path)) == ["a/1.ipynb", "b.ipynb", "c.ipynb"]


def test_one_notebook(tmp_path):
    fill(tmp_path, {"ada.ipynb": NOTEBOOK})
    assert found(tmp_path / "ada.ipynb") == {"ada.ipynb": ("ada", "read")}


@pytest.mark.skipif(not hasattr(os, "symlink") or os.name == "nt", reason="needs links and pipes")
def test_links_and_pipes_are_refused(tmp_path):
    outside = fill(tmp_path / "outside", {"secret.ipynb": NOTEBOOK})
    place = fill(tmp_path / "in", {"ada.ipynb": NOTEBOOK, "bob/x.ipynb": NOTEBOOK})
    (place / "file.ipynb").symlink_to(outside / "secret.ipynb")
    (place / "folder").symlink_to(outside)
    (place / "bob/deep").symlink_to(outside)
    (place / "broken.ipynb").symlink_to("nowhere")
    os.mkfifo(place / "pipe.ipynb")
    (place / "named.ipynb").mkdir()
    rows = found(place)
    assert {name: status for name, (_, status) in rows.items()} == {
        "ada.ipynb": "read", "bob/x.ipynb": "read", "file.ipynb": "refused", "folder": "refused", "bob/deep": "refused",
        "broken.ipynb": "refused", "pipe.ipynb": "refused", "named.ipynb/(no notebook)": "empty"}


@pytest.mark.skipif(not hasattr(os, "symlink") or os.name == "nt", reason="needs links")
def test_a_link_that_cannot_be_followed_costs_only_its_row(tmp_path):
    place = fill(tmp_path, {"ada.ipynb": NOTEBOOK})
    (place / "bob").mkdir()
    (place / "bob/readme").symlink_to("a" * 300)
    assert found(place) == {"ada.ipynb": ("ada", "read"), "bob/readme": ("bob", "refused")}


@pytest.mark.skipif(not hasattr(os, "fchdir"), reason="needs paths longer than the system takes")
def test_a_path_too_long_for_the_system_costs_only_its_row(tmp_path):
    place = fill(tmp_path, {"ada.ipynb": NOTEBOOK})
    before = os.open(".", os.O_RDONLY)
    try:
        os.chdir(place)
        for name in ["bob"] + ["d" * 240] * 17:
            os.mkdir(name)
            os.chdir(name)
    finally:
        os.fchdir(before)
        os.close(before)
    rows = found(place)
    assert rows.pop("ada.ipynb") == ("ada", "read")
    assert list(rows.values()) == [("bob", "unreadable")]


def test_an_entry_that_cannot_be_looked_at_costs_only_its_row(tmp_path, monkeypatch):
    """As in a folder that may be listed and not entered, on a file system that does not tell what is a folder."""
    place = fill(tmp_path, {"ada.ipynb": NOTEBOOK})

    class Shut:
        name, path = "bob", str(place / "bob")

        def is_symlink(self):
            raise PermissionError(13, "Permission denied")
    scandir = os.scandir

    class Listed(list):
        __enter__ = lambda self: self  # noqa: E731
        __exit__ = lambda self, *error: None  # noqa: E731
    monkeypatch.setattr(os, "scandir", lambda path: Listed([*scandir(path), Shut()]))
    assert found(place) == {"ada.ipynb": ("ada", "read"), "bob": ("bob", "unreadable")}


def test_what_may_be_meant_as_an_answer_is_refused_by_name(tmp_path):
    files = {"ADA.IPYNB": NOTEBOOK, "zed.ipynb.txt": NOTEBOOK, "bob/x.ipynb": NOTEBOOK, "bob/answer.py": b"", "cid/all.zip": b"",
             "roster.csv": b"", "bob/data.csv": b"", "dee/x.ipynb.docx": b""}
    expected = {"ADA.IPYNB": ("ADA", "read"), "bob/x.ipynb": ("bob", "read"), "bob/answer.py": ("bob", "refused"),
                "cid/all.zip": ("cid", "refused"), "dee/x.ipynb.docx": ("dee", "refused"),
                "zed.ipynb.txt": ("zed.ipynb", "refused")}
    assert found(fill(tmp_path / "in", files)) == expected
    assert found(zipped(tmp_path / "s.zip", files)) == expected


def test_of_one_student_only_so_many_files_are_graded(tmp_path):
    files = {f"eve/{i:02}.ipynb": NOTEBOOK for i in range(30)} | {"zoe.ipynb": NOTEBOOK}
    rows = found(fill(tmp_path, files))
    assert len(rows) == submissions.MAX_FILES + 2
    assert rows["eve/(10 more)"] == ("eve", "refused") and rows["zoe.ipynb"] == ("zoe", "read")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_unreadable(tmp_path):
    fill(tmp_path, {"ada.ipynb": NOTEBOOK, "bob.ipynb": NOTEBOOK})
    (tmp_path / "bob.ipynb").chmod(0)
    assert found(tmp_path)["bob.ipynb"] == ("bob", "unreadable")


def test_a_zip_like_a_folder(tmp_path):
    path = zipped(tmp_path / "s.zip", {"ada.ipynb": NOTEBOOK, "bob/x.ipynb": NOTEBOOK, "cid/": b"", "dee/a.txt": b"",
                                       "__MACOSX/._ada.ipynb": b"", "bob/.ipynb_checkpoints/x.ipynb": NOTEBOOK})
    assert found(path) == {"ada.ipynb": ("ada", "read"), "bob/x.ipynb": ("bob", "read"),
                           "cid/(no notebook)": ("cid", "empty"), "dee/(no notebook)": ("dee", "empty")}


def test_a_folder_around_all_is_left_off(tmp_path):
    path = zipped(tmp_path / "s.zip", {"class/": b"", "class/ada/x.ipynb": NOTEBOOK, "class/bob/x.ipynb": NOTEBOOK})
    assert {student for student, _ in found(path).values()} == {"ada", "bob"}
    path = zipped(tmp_path / "t.zip", {"class/": b"", "class/ada/x.ipynb": NOTEBOOK, "class/bob/": b"", "class/cid/a.txt": b""})
    assert found(path) == {"ada/x.ipynb": ("ada", "read"), "bob/(no notebook)": ("bob", "empty"),
                           "cid/(no notebook)": ("cid", "empty")}
    one = zipped(tmp_path / "one.zip", {"ada/x.ipynb": NOTEBOOK, "ada/y.ipynb": NOTEBOOK})
    assert {student for student, _ in found(one).values()} == {"ada"}


def link(name):
    member = zipfile.ZipInfo(name)
    member.create_system, member.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return member


def device(name):
    member = zipfile.ZipInfo(name)
    member.create_system, member.external_attr = 3, (stat.S_IFCHR | 0o777) << 16
    return member


def test_hostile_members_are_refused_by_name(tmp_path):
    path = zipped(tmp_path / "s.zip", {
        "good/x.ipynb": NOTEBOOK, "../up.ipynb": NOTEBOOK, "/etc/abs.ipynb": NOTEBOOK, "a/../../b.ipynb": NOTEBOOK,
        "..\\windows.ipynb": NOTEBOOK, "C:/drive.ipynb": NOTEBOOK, link("link.ipynb"): b"/etc/passwd",
        device("device.ipynb"): b"", "../no-notebook.txt": b"x", "bomb.ipynb": b"\0" * (submissions.MAX_NOTEBOOK + 1)})
    rows = {file: status for file, (_, status) in found(path).items()}
    assert rows.pop("good/x.ipynb") == "read"
    assert set(rows.values()) == {"refused"} and len(rows) == 9
    assert any("no-notebook.txt" in file for file in rows)
    assert not (tmp_path.parent / "up.ipynb").exists()


def test_a_member_that_lies_about_its_size_is_bounded(tmp_path):
    """Declared small, unpacks to much: no more than the declared bytes are taken, and the sum is wrong."""
    path = zipped(tmp_path / "s.zip", {"bomb.ipynb": b" " * 10**7, "ada.ipynb": NOTEBOOK})
    data = path.read_bytes().replace((10**7).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    path.write_bytes(data)
    assert found(path) == {"ada.ipynb": ("ada", "read"), "bomb.ipynb": ("bomb", "unreadable")}


def test_a_damaged_member_costs_only_itself(tmp_path):
    path = zipped(tmp_path / "s.zip", {"ada.ipynb": NOTEBOOK, "bob.ipynb": notebook("y = 2" * 100).encode()})
    with zipfile.ZipFile(path) as archive:
        offset = archive.getinfo("bob.ipynb").header_offset + 60
    data = bytearray(path.read_bytes())
    data[offset:offset + 8] = b"\xff" * 8
    path.write_bytes(data)
    assert found(path) == {"ada.ipynb": ("ada", "read"), "bob.ipynb": ("bob", "unreadable")}


def test_any_damage_of_a_member_costs_only_itself(tmp_path):
    """A name in the local header that is no text: zipfile raises a UnicodeDecodeError."""
    name = "\u00e9.ipynb".encode()
    path = zipped(tmp_path / "s.zip", {"ada.ipynb": NOTEBOOK, name.decode(): NOTEBOOK})
    data = path.read_bytes()
    path.write_bytes(data.replace(name, b"\xff\xff" + name[2:], 1))
    assert found(path) == {"ada.ipynb": ("ada", "read"), name.decode(): ("\u00e9", "unreadable")}


def test_unusual_compression_and_doubles_are_refused(tmp_path):
    path = tmp_path / "s.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("lzma.ipynb", NOTEBOOK, zipfile.ZIP_LZMA)
        archive.writestr("bob/ada.ipynb", NOTEBOOK)
        archive.writestr("bob//./ada.ipynb", NOTEBOOK)
    first, second, unusual = find_submissions(path)
    assert [first.file, second.file, unusual.file] == ["bob/ada.ipynb", "bob/ada.ipynb", "lzma.ipynb"]
    assert first.read() == NOTEBOOK
    for submission, why in ((second, "twice"), (unusual, "unusual")):
        with pytest.raises(NotGradable, match=why):
            submission.read()


@pytest.mark.parametrize("make, match", [
    (lambda p: p / "nowhere", "There is no"), (lambda p: p, "No notebook"),
    (lambda p: fill(p, {"x.txt": b"x"}) / "x.txt", "neither a folder, nor a zip, nor a notebook"),
    (lambda p: zipped(p / "empty.zip", {}), "No notebook"), (lambda p: zipped(p / "s.zip", {"a.txt": b""}), "No notebook"),
])
def test_a_wrong_place_is_said(tmp_path, make, match):
    with pytest.raises(GradingError, match=match):
        find_submissions(make(tmp_path))


# --- notebooks -----------------------------------------------------------------------------

@pytest.mark.parametrize("data, status", [
    (b"", "empty"), (b"  \n", "empty"), (b"{}", "unreadable"), (b"[]", "unreadable"), (b"{", "unreadable"),
    (b"\xff\xfe\x00", "unreadable"), (b"[" * 10**6, "unreadable"), (b'{"cells": 1}', "unreadable"),
    (b'{"cells": []}', "empty"), (b'{"cells": [1, null, {"cell_type": "code"}]}', "empty"), (b"PK\x03\x04", "unreadable"),
    (b'{"cells":[' + b"[]," * 10**6 + b"[]]}", "refused"),
    (notebook("", " ").encode(), "empty"), (notebook(*["x"] * (submissions.MAX_CELLS + 1)).encode(), "refused"),
    (notebook("x" * (submissions.MAX_CODE + 1)).encode(), "refused"),
    (b'{"cells": [' + b'{"cells": [' * 10**4 + b"]}" * 10**4 + b"]}", "unreadable"),
])
def test_what_cannot_be_graded_has_a_status_and_a_reason(data, status):
    with pytest.raises(NotGradable) as caught:
        read_code(data, "ada.ipynb", "04")
    assert caught.value.status == status and str(caught.value)


def test_sources_of_all_forms():
    cells = [{"cell_type": "markdown", "source": "no"}, {"cell_type": "code", "source": "a\nb"},
             {"cell_type": "code", "source": ["c\n", "d", 5]}, {"cell_type": "code"}, {"cell_type": "code", "source": 7},
             {"cell_type": "code", "source": "\ud800"}, {"cell_type": ["code"], "source": "no"}]
    data = json.dumps({"cells": cells}).encode()
    for encoded in (b"\xef\xbb\xbf" + data, data.decode().encode("utf-16")):
        assert read_code(encoded, "x.ipynb", "04").cells == ("a\nb", "c\nd", "", "", "?")


@pytest.mark.parametrize("lesson, file, given, expected", [
    ("04", "ada.ipynb", None, "04"), (4, "ada.ipynb", "04", "04"), ("4", "07-x.ipynb", None, "04"),
    (None, "bob/04-backpropagation.ipynb", None, "04"), (None, "ada_07-overfitting.ipynb", "04", "04"),
    (None, "2024-11-24-04-ada.ipynb", None, "04"), (None, "ada.ipynb", "04", "04"), ("../x", "ada.ipynb", "04", "04"),
    ([], "2004-report.ipynb", "04", "04"),
])
def test_the_lesson_of_a_notebook(lesson, file, given, expected):
    data = json.dumps({"metadata": {"backprop_lessons": {"lesson": lesson}},
                       "cells": [{"cell_type": "code", "source": "x"}]}).encode()
    assert read_code(data, file, given, ["04", "07"]).lesson == expected


@pytest.mark.parametrize("lesson, file, given, match", [
    (None, "ada.ipynb", None, "--lesson"), (None, "2024-11-24-ada.ipynb", None, "--lesson"),
    ("04", "ada.ipynb", "07", "lesson 04, and --lesson asks for 07")])
def test_a_notebook_of_no_lesson_or_of_another_is_refused(lesson, file, given, match):
    with pytest.raises(NotGradable, match=match):
        read_code(notebook("x", lesson=lesson).encode(), file, given, ["04", "07"])


def test_a_file_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(submissions, "MAX_NOTEBOOK", 100)
    fill(tmp_path, {"ada.ipynb": b" " * 101, "bob.ipynb": b" " * 100})
    assert found(tmp_path) == {"ada.ipynb": ("ada", "refused"), "bob.ipynb": ("bob", "read")}


def test_links_in_a_circle_and_endless_depth(tmp_path):
    place = fill(tmp_path / "in", {"ada.ipynb": NOTEBOOK, "/".join(["deep"] * 40) + "/x.ipynb": NOTEBOOK})
    (place / "circle.ipynb").symlink_to("circle.ipynb")
    (place / "bob").mkdir()
    (place / "bob" / "self").symlink_to(place)
    rows = {file: status for file, (_, status) in found(place).items()}
    assert rows.pop("ada.ipynb") == "read" and len(rows) == 3 and set(rows.values()) == {"refused"}


def test_a_member_outside_does_not_change_who_is_who(tmp_path):
    path = zipped(tmp_path / "s.zip", {"class/ada/x.ipynb": NOTEBOOK, "class/bob/x.ipynb": NOTEBOOK, "../eve.ipynb": NOTEBOOK})
    assert found(path) == {"ada/x.ipynb": ("ada", "read"), "bob/x.ipynb": ("bob", "read"), "../eve.ipynb": ("eve", "refused")}
