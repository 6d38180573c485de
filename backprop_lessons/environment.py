"""Is everything here that the course needs? The answer names no version that is fine, so it is the same everywhere."""

import importlib.metadata
import sys
from html import escape
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from backprop_lessons.page import Panel

COURSE = "backprop-lessons"


class Finding(NamedTuple):
    name: str
    fine: bool
    words: str  # what was found; where it is not fine, what is needed and what to do


def check_environment():
    """Compare Python, the packages and the digits with what the course needs; returns a Panel that says how it stands."""
    findings = [check_python(), *(check_package(need) for need in needed_packages()), check_digits()]
    wrong = [finding for finding in findings if not finding.fine]
    summary = "Everything is ready." if not wrong else (
        f"{len(wrong)} of {len(findings)} {'needs' if len(wrong) == 1 else 'need'} your attention. "
        "After a change, restart the kernel (menu Kernel, Restart).")
    width = max(len(finding.name) for finding in findings) + 1
    lines = [f"  {'✓' if f.fine else '✗'} {f.name + ':':<{width}} {f.words}" for f in findings]
    html = f'<p class="bp-title">{escape(summary)}</p>{as_list(wrong) if wrong else ""}'
    html += f"<details><summary>What was looked at</summary>{as_list(f for f in findings if f.fine)}</details>"
    return Panel("\n".join([summary, *lines]), html, "fail" if wrong else "pass")


def as_list(findings):
    """Findings as an HTML list."""
    return '<ul class="bp-cases">' + "".join(
        f'<li><span class="bp-{"pass" if f.fine else "fail"}">{"✓" if f.fine else "✗"}</span> '
        f"<strong>{escape(f.name)}</strong>: {escape(f.words)}</li>" for f in findings) + "</ul>"


def needed_packages():
    """The packages that the installed course asks for, as Requirements; none if it was never installed."""
    try:
        texts = importlib.metadata.requires(COURSE) or []
    except importlib.metadata.PackageNotFoundError:
        return [Requirement(COURSE)]  # which check_package then finds missing
    needs = [Requirement(text) for text in texts]
    return [need for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]


def check_python(version=None):
    """Python itself, against the course's own requirement."""
    version = version or ".".join(map(str, sys.version_info[:3]))
    try:
        wanted = SpecifierSet(importlib.metadata.metadata(COURSE)["Requires-Python"] or "")
    except importlib.metadata.PackageNotFoundError:
        wanted = SpecifierSet()
    if wanted.contains(version):
        return Finding("Python", True, f"fine{in_words(wanted)}")
    return Finding("Python", False, f"this is {version}; the course needs {lowest(wanted)} or newer. "
                                    "Install it from python.org, then set the course up again with it.")


def check_package(need):
    """One package, against a Requirement such as numpy>=2.0."""
    remedy = f'In a terminal: "{sys.executable}" -m pip install "{need}"'
    if need.name == COURSE:
        remedy = "In the course's folder, the one with README.md, run the first command of the README."
    try:
        version = importlib.metadata.version(need.name)
    except importlib.metadata.PackageNotFoundError:
        return Finding(need.name, False, f"not installed. {remedy}")
    if need.specifier.contains(version, prereleases=True):
        return Finding(need.name, True, f"fine{in_words(need.specifier)}")
    return Finding(need.name, False, f"this is {version}; the course needs {lowest(need.specifier)} or newer. {remedy}")


def check_digits():
    """The data, by loading them."""
    from backprop_lessons.data import load_digits

    try:
        digits = load_digits()
    except Exception as problem:  # a file that is missing, cut off or damaged raises many kinds
        return Finding("digits", False, f"cannot be loaded ({problem}). Install the course again.")
    return Finding("digits", True, f"fine ({len(digits.train_labels) + len(digits.test_labels):,} pictures)")


def in_words(specifiers):
    """">=3.11" as " (3.11 or newer)"; nothing where any version will do."""
    return f" ({lowest(specifiers)} or newer)" if lowest(specifiers) else ""


def lowest(specifiers):
    """The lowest version that is good enough, "" if any is. The course sets no upper limits."""
    return next((s.version for s in specifiers if s.operator == ">="), "")
