"""What all tests and all notebooks share: where they write, and how they compute."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from backprop_lessons import ONE_THREAD


def pytest_configure(config):
    # Set here and not in a fixture, so that the kernels which nbval starts inherit it.
    config.home_for_tests = tempfile.mkdtemp(prefix="backprop-tests-")
    os.environ["BACKPROP_PROGRESS"] = str(Path(config.home_for_tests, "progress.jsonl"))
    os.environ["IPYTHONDIR"] = str(Path(config.home_for_tests, "ipython"))
    os.environ.update(ONE_THREAD)
    # pyproject.toml names the file from the course's folder; pytest may stand elsewhere.
    config.option.nbval_sanitize_with = str(config.rootpath / "backprop_lessons/publishing/sanitize.cfg")


def pytest_unconfigure(config):
    shutil.rmtree(config.home_for_tests, ignore_errors=True)


@pytest.fixture(scope="session")
def sandbox_is_there():
    """Skips the test, by name, where no sandbox can be had; fails it where BACKPROP_REQUIRE asks for one."""
    from backprop_lessons.grading.sandbox import GradingError, Sandbox

    try:
        Sandbox().close()
    except GradingError as error:
        if "sandbox" in os.environ.get("BACKPROP_REQUIRE", "").split(","):
            pytest.fail(f"The sandbox is required here: {error}")
        pytest.skip(f"no sandbox: {error}")
