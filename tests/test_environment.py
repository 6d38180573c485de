"""The environment check finds what is missing or too old, says what to do, and prints no version that may differ."""

import importlib.metadata
import re

import pytest
from packaging.requirements import Requirement

from backprop_lessons import environment
from backprop_lessons.environment import check_environment, check_package, check_python, needed_packages


def test_here_everything_is_ready():
    panel = check_environment()
    assert repr(panel).startswith("Everything is ready.\n") and "✗" not in repr(panel)
    assert "  ✓ Python:       fine (3.11 or newer)" in repr(panel).splitlines()
    assert "bp-panel-pass" in panel._repr_html_()


def test_what_is_printed_is_the_same_for_every_version_that_is_fine(monkeypatch):
    before = repr(check_environment())
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "99.1")
    assert repr(check_environment()) == before


def test_the_packages_are_those_of_the_installed_course_without_extras():
    names = {need.name for need in needed_packages()}
    assert {"numpy", "matplotlib", "anywidget"} <= names and "pytest" not in names and "torch" not in names


def test_an_old_package_is_named_with_the_command_that_helps(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "1.26.4" if name == "numpy" else "99")
    panel = check_environment()
    assert repr(panel).startswith("1 of ") and "needs your attention" in repr(panel)
    line = next(line for line in repr(panel).splitlines() if "✗" in line)
    assert "numpy: " in line and "this is 1.26.4; the course needs 2.0 or newer." in line
    assert line.endswith('-m pip install "numpy>=2.0"')
    shown = panel._repr_html_().split("What was looked at")[0]
    assert "bp-panel-fail" in shown and "1.26.4" in shown and "matplotlib" not in shown.split("</style>")[1]


def test_a_missing_package_is_named():
    finding = check_package(Requirement("no-such-package-anywhere>=3"))
    assert not finding.fine and finding.words.startswith("not installed.")


def test_an_old_python_is_named():
    finding = check_python("3.9.7")
    assert not finding.fine and "this is 3.9.7; the course needs 3.11 or newer" in finding.words


def test_a_course_that_was_not_installed_is_named(monkeypatch):
    monkeypatch.setattr(environment, "COURSE", "course-that-is-not-installed")
    text = repr(check_environment())
    assert re.search(r"✗ course-that-is-not-installed: not installed\. .*README", text)
    assert "✓ Python:" in text


def test_damaged_digits_are_named(monkeypatch):
    def broken():
        raise ValueError("not a zip file <b>")

    monkeypatch.setattr("backprop_lessons.data.load_digits", broken)
    panel = check_environment()
    assert "digits:" in repr(panel) and "cannot be loaded (not a zip file <b>)" in repr(panel)
    assert "<b>" not in panel._repr_html_()


@pytest.mark.parametrize("text", ["numpy>=2.0", "numpy"])
def test_where_any_version_will_do_none_is_named(text):
    words = check_package(Requirement(text)).words
    assert words == ("fine (2.0 or newer)" if ">=" in text else "fine")
