"""The checker, checked: every mistake fails and is named, every stub is "not started", nothing scores by luck."""

import numpy as np
import pytest

from backprop_lessons.checks import catalogue, judge

EXERCISES = list(catalogue.values())
MISTAKES = [(e, m) for e in EXERCISES for m in e.mistakes]
SEEDS = range(6)


def ids(pairs):
    return [f"{e.name}-{m.slug}-{i}" for i, (e, m) in enumerate(pairs)]


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
def test_the_reference_passes_with_full_marks(exercise):
    for seed in SEEDS:
        verdict = judge(exercise, exercise.reference, rng=np.random.default_rng(seed))
        assert verdict.passed and verdict.score == 1 and verdict.mistake is None, verdict


@pytest.mark.parametrize("exercise, mistake", MISTAKES, ids=ids(MISTAKES))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_every_mistake_fails_earns_nothing_and_is_named(exercise, mistake):
    for seed in SEEDS:
        verdict = judge(exercise, mistake.function, rng=np.random.default_rng(seed))
        assert not verdict.passed
        assert verdict.score == 0
        assert (verdict.mistake, verdict.message) == (mistake.slug, mistake.advice)


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
def test_each_exercise_is_complete(exercise):
    assert len(exercise.hints) == 3
    assert len({m.advice for m in exercise.mistakes}) >= 4
    assert any(case.pays for case in exercise.cases)
    assert exercise.reference.__name__ == exercise.name
    assert len({case.name for case in exercise.cases}) == len(exercise.cases)


def test_the_catalogue_agrees_with_the_syllabus():
    """Number, arguments and points of the fixed catalogue."""
    syllabus = {
        "relu_backward": ("4.1", ("dA", "Z"), 1),
        "sigmoid_backward": ("4.2", ("dA", "A"), 1),
        "dense_backward": ("4.3", ("dZ", "X", "W"), 3),
        "cross_entropy_backward": ("4.4", ("logits", "labels"), 3),
        "network_backward": ("4.5", ("X", "labels", "W1", "b1", "W2", "b2"), 4),
        "gradient_error": ("4.6", ("analytic", "numerical"), 1),
    }
    assert {e.name: (e.number, e.parameters, e.points) for e in EXERCISES} == syllabus


def stub(*arguments):
    raise NotImplementedError("Write this function.")


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
def test_a_stub_is_not_started(exercise):
    verdict = judge(exercise, stub)
    assert (verdict.mistake, verdict.score, verdict.passed) == ("not-started", 0, False)


def constant(value):
    """An answer of the right structure and shapes that is `value` everywhere."""
    def make(exercise):
        def answer(*arguments):
            right = exercise.run(exercise.reference, arguments)
            if isinstance(right, tuple):
                return tuple(np.full(np.shape(r), value) for r in right)
            return np.full(np.shape(right), value)
        return answer
    return make


def echo(exercise):
    """An answer made of the inputs themselves, those of fitting shapes first."""
    def answer(*arguments):
        right = exercise.run(exercise.reference, arguments)
        wanted = right if isinstance(right, tuple) else (right,)
        found = [next((a for a in arguments if np.shape(a) == np.shape(w)), arguments[0]) for w in wanted]
        return tuple(found) if isinstance(right, tuple) else found[0]
    return answer


EMPTY = {"zeros": constant(0.0), "ones": constant(1.0), "a half": constant(0.5), "NaN": constant(np.nan),
         "echo": echo, "None": lambda e: lambda *a: None, "text": lambda e: lambda *a: "0",
         "the arguments": lambda e: lambda *a: a, "empty": lambda e: lambda *a: []}


@pytest.mark.parametrize("answer", EMPTY.values(), ids=EMPTY)
@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
def test_an_answer_without_content_scores_nothing(exercise, answer):
    for seed in SEEDS:
        verdict = judge(exercise, answer(exercise), rng=np.random.default_rng(seed))
        assert verdict.score == 0 and not verdict.passed


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
def test_inputs_are_fresh_and_repeatable(exercise):
    def inputs(rng):
        seen = []

        def spy(*arguments):
            seen.append([np.copy(a) for a in arguments])
            return exercise.reference(*arguments)
        judge(exercise, spy, rng=rng)
        return seen

    first, again, other = (inputs(np.random.default_rng(s)) for s in (1, 1, 2))
    same = [[np.array_equal(a, b) for a, b in zip(x, y)] for x, y in zip(first, again)]
    assert all(map(all, same))
    assert any(not np.array_equal(a, b) for x, y in zip(first, other) for a, b in zip(x, y))
