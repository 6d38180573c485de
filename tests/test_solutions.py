"""The published solutions: every exercise of the lesson is there, and each solution is right."""

import ast
import inspect
from pathlib import Path

import nbformat
import numpy as np
import pytest

from backprop_lessons.checks import catalogue, judge

SOLUTIONS = sorted(Path(__file__).parent.parent.glob("solutions/*.ipynb"))


def definitions(path):
    """The functions and classes that a notebook defines, by name."""
    namespace = {}
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            nodes = [n for n in ast.parse(cell.source).body
                     if isinstance(n, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef))]
            exec(compile(ast.Module(nodes, []), str(path), "exec"), namespace)
    return namespace


def test_there_are_solutions():
    assert SOLUTIONS


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda p: p.stem)
def test_the_solutions_of_a_lesson_are_complete_and_right(path):
    defined = definitions(path)
    exercises = [e for e in catalogue.values() if e.lesson == path.name[:2]]
    assert exercises
    for exercise in exercises:
        for seed in range(10):
            verdict = judge(exercise, defined[exercise.name], rng=np.random.default_rng(seed))
            assert verdict.passed, (exercise.name, verdict.message)


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda p: p.stem)
def test_a_solution_takes_the_arguments_of_the_catalogue(path):
    defined = definitions(path)
    for exercise in catalogue.values():
        if exercise.lesson == path.name[:2]:
            assert tuple(inspect.signature(defined[exercise.name]).parameters) == exercise.parameters
