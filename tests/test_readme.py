"""What the README tells a reader to type is there."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [line.split("#")[0].strip() for block in re.findall(r"```(?:sh|powershell)\n(.*?)```", README, re.DOTALL)
            for line in block.splitlines() if line.strip()]
# What the course's commands make, and so is not in the repository.
MADE = ("my-course/", "grades/", "submissions", ".venv")


def test_there_are_two_set_up_lines_for_each_system():
    start = "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt && .venv/bin/"
    assert COMMANDS[:2] == [start + "backprop start --lab", start + "pytest"]
    assert COMMANDS[2:4] == [c.replace("python3", "py").replace(" &&", ";").replace("bin", "Scripts").replace("/", "\\")
                             for c in COMMANDS[:2]]


@pytest.mark.parametrize("command", sorted({c for c in COMMANDS if c.startswith(".venv/bin/backprop")}))
def test_a_backprop_command_takes_these_options(command):
    _, name, *rest = shlex.split(command)
    help_ = subprocess.run([sys.executable, "-m", "backprop_lessons.cli", name, "--help"], capture_output=True,
                           text=True, encoding="utf-8")
    assert help_.returncode == 0
    assert [o for o in rest if o.startswith("-") and o not in help_.stdout] == []


def test_files_and_folders_it_names_exist():
    prose = re.sub(r"```.*?```", "", README, flags=re.DOTALL)
    names = re.findall(r"`([\w./-]+/[\w./-]*|[\w.-]+\.\w+)`", prose) + re.findall(r"\]\(([^):]+)\)", prose)
    names = [n for n in names if not n.startswith(MADE)]
    assert len(names) > 5
    assert [n for n in names if not (ROOT / n).exists()] == []


def test_python_and_the_oldest_packages_are_those_of_pyproject():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"Python {project['requires-python'].removeprefix('>=')} or newer" in README
    for name in ("numpy", "matplotlib"):
        (floor,) = [d.split(">=")[1] for d in project["dependencies"] if d.startswith(name + ">=")]
        assert f"{name} {floor}" in README


def test_each_requirement_is_pinned_and_the_course_is_among_them():
    lines = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if line and line[0] != "#"]
    assert lines[0] == "-e ."
    assert all(re.match(r"[\w.-]+==[\w.]+( ; .+)?$", line) for line in lines[1:])
    pinned = {line.split("==")[0] for line in lines[1:]}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["test"]
    assert {re.split(r"[<>=]", requirement)[0] for requirement in wanted} <= pinned


def test_ci_runs_the_readme_s_test_command():
    script = (ROOT / ".ci/run").read_text()
    pattern = re.search(r"grep -m 1 -E '(.+?)' README.md", script).group(1)
    assert re.search(pattern, README, re.MULTILINE).group() == COMMANDS[1]
    assert "BACKPROP_REQUIRE=browser,sandbox" in script
