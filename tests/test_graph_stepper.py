"""GraphStepper: its numbers are the engine's, its layout is tidy, its words are right, its errors say what to do."""

import json
import re

import numpy as np
import pytest
from hypothesis import given, settings, strategies
from traitlets import TraitError

from backprop_lessons.autodiff import Value, topological_order
from backprop_lessons.losses import mean_squared_error_backward
from backprop_lessons.widgets import GraphStepper
from backprop_lessons.widgets.graph_layout import lay_out
from backprop_lessons.widgets.graph_model import nodes_from_descriptions, nodes_from_value, number, tell


def reused():
    a, m = Value(2.0, label="a"), Value(3.0, label="m")
    L = a * m + a
    L.label = "L"
    return L


def thread():
    """The 2-2-2 network of M. Mazur (2015): 41 nodes."""
    x = [Value(0.05, label="x1"), Value(0.10, label="x2")]
    w = [Value(data, label=f"w{i}") for i, data in enumerate([0.15, 0.20, 0.25, 0.30, 0.40, 0.45, 0.50, 0.55], 1)]
    b1, b2, targets = Value(0.35, label="b1"), Value(0.60, label="b2"), [Value(0.01, label="t1"), Value(0.99, label="t2")]
    h = [(w[i] * x[0] + w[i + 1] * x[1] + b1).sigmoid() for i in (0, 2)]
    o = [(w[i] * h[0] + w[i + 1] * h[1] + b2).sigmoid() for i in (4, 6)]
    E = ((o[0] - targets[0]) ** 2 + (o[1] - targets[1]) ** 2) / 2
    E.label = "E"
    return E


RNG = np.random.default_rng(0)
X, W, T = RNG.normal(size=(3, 4)), RNG.normal(size=(4, 2)), RNG.normal(size=(3, 2))
LAYER = [
    {"name": "X", "value": X},
    {"name": "W", "value": W, "kind": "parameter"},
    {"name": "T", "value": T, "kind": "target"},
    {"name": "Z", "forward": "X @ W", "backward": {"W": "dW = X.T @ dZ"}},
    {"name": "L", "forward": "mean_squared_error(Z, T)", "backward": {"Z": "dL * mean_squared_error_backward(Z, T)"}},
]


def steps_of(nodes, **how):
    layout = lay_out([node.parents for node in nodes])
    return tell(nodes, layout.columns, layout.rows, **how)


def final_gradients(steps):
    return {step.node: step.gradient for step in steps if step.gradient is not None}


# --- the numbers ----------------------------------------------------------------------------


@pytest.mark.parametrize("root", [reused(), thread()], ids=["reused", "thread"])
def test_gradients_are_the_engines_own(root):
    nodes = nodes_from_value(root)
    told = final_gradients(steps_of(nodes))
    assert all(value.grad == 0 for value in topological_order(root))  # stepping leaves the values as they were
    root.backward()
    for i, value in enumerate(topological_order(root)):
        if nodes[i].kind != "constant":
            assert told[i] == pytest.approx(value.grad, rel=1e-12)


def test_gradients_of_described_arrays_are_those_of_the_formulas():
    nodes = nodes_from_descriptions(LAYER)
    told = final_gradients(steps_of(nodes))
    dZ = mean_squared_error_backward(X @ W, T)  # [3, 2]
    np.testing.assert_allclose(told[3], dZ, rtol=1e-12)
    np.testing.assert_allclose(told[1], X.T @ dZ, rtol=1e-12)
    assert 0 not in told  # X asked for no gradient


def test_shares_of_a_described_node_that_is_reused_add_up():
    nodes = nodes_from_descriptions([
        {"name": "A", "value": [[1.0, 2.0]]},
        {"name": "B", "forward": "A * A", "backward": {"A": "2 * A * dB"}},
        {"name": "C", "forward": "A + B", "backward": {"A": "dC", "B": "dC"}},
        {"name": "s", "forward": "C.sum()", "backward": {"C": "ds * np.ones_like(C)"}},
    ])
    np.testing.assert_allclose(final_gradients(steps_of(nodes))[0], [[3.0, 5.0]])


def test_forward_only_computes_no_gradient():
    steps = steps_of(nodes_from_value(reused()), backward=False)
    assert [step.phase for step in steps] == ["given", "forward", "forward"]


# --- the words ------------------------------------------------------------------------------


def test_every_step_says_what_it_does():
    sentences = [step.sentence for step in steps_of(nodes_from_value(reused()))]
    assert sentences == [
        "Given: the inputs. Nothing is computed yet.",
        "Forward: a × m = 2 × 3 = 6.",
        "Forward: L = a × m + a = 6 + 2 = 8.",
        "Backward starts: L changes as much as L itself, so dL = 1.",
        "Backward: a × m gets 1 (incoming) × 1 (local) = 1, added to 0 so far.",
        "Backward: a gets 1 (incoming) × 1 (local) = 1, added to 0 so far.",
        "Backward: a gets 1 (incoming) × 3 (local) = 3, added to 1 so far: da = 4.",
        "Backward: m gets 1 (incoming) × 2 (local) = 2, added to 0 so far.",
    ]


def test_matrix_steps_name_the_shapes():
    sentence = steps_of(nodes_from_descriptions(LAYER))[-1].sentence
    assert sentence == "Backward: W gets X.T @ dZ: X.T [4, 3] and dZ [3, 2] give [4, 2]."


def test_it_opens_where_a_gradient_is_added_to_another():
    assert "added to 1 so far: da = 4" in GraphStepper(reused()).sentence
    assert "added to −0.02095 so far" in GraphStepper(thread()).sentence


def test_it_opens_at_a_true_multiplication_when_nothing_is_reused():
    a, b = Value(2.0, label="a"), Value(3.0, label="b")
    sentence = GraphStepper(((a * b).tanh() - 1) ** 2).sentence
    incoming, local = re.search(r"gets \(?(\S+?)\)? \(incoming\) × \(?(\S+?)\)? \(local\)", sentence).groups()
    assert incoming not in ("1", "−1") and local not in ("1", "−1")


@pytest.mark.parametrize("expression, name", [
    (lambda a, b: (a + b) * a, "(a + b) × a"), (lambda a, b: a * b + a, "a × b + a"),
    (lambda a, b: a - (b - a), "a − (b − a)"), (lambda a, b: (a - b) ** 2, "(a − b)²"),
    (lambda a, b: -(a * b), "−(a × b)"), (lambda a, b: (a / b).exp(), "exp(a ÷ b)"),
    (lambda a, b: a / (b * a), "a ÷ (b × a)"), (lambda a, b: 2 * a, "a × 2"), (lambda a, b: a**0.5, "a^0.5"),
])
def test_an_expression_without_a_name_is_written_out(expression, name):
    assert nodes_from_value(expression(Value(2.0, label="a"), Value(3.0, label="b")))[-1].name == name


@pytest.mark.parametrize("value, text", [(0.13849856, "0.1385"), (-0.0381, "−0.0381"), (2.0, "2"), (0.0, "0"),
                                         (1.5e-9, "1.5e−9"), (123456.0, "1.235e5")])
def test_numbers_are_short(value, text):
    assert number(value) == text


def test_a_leaf_without_a_name_is_a_constant_only_beside_named_ones():
    assert [n.kind for n in nodes_from_value(Value(1.0, label="w") * 2)] == ["parameter", "constant", "loss"]
    assert [n.kind for n in nodes_from_value(Value(1.0) * Value(2.0))] == ["input", "input", "loss"]


# --- the layout -----------------------------------------------------------------------------


def graphs():
    """Random graphs as lists of parents, in which the last node reads every loose end."""
    def build(choices):
        parents = [[]]
        for choice in choices:
            parents.append([c % len(parents) for c in choice])
        read = {p for its_parents in parents for p in its_parents}
        return [*parents, [i for i in range(len(parents)) if i not in read]]
    return strategies.lists(strategies.lists(strategies.integers(0, 50), max_size=2), max_size=25).map(build)


@settings(deadline=None, max_examples=60)
@given(graphs())
def test_parents_stand_left_and_nothing_overlaps(parents):
    layout = lay_out(parents)
    for child, its_parents in enumerate(parents):
        assert all(layout.columns[parent] < layout.columns[child] for parent in its_parents)
        for slot, parent in enumerate(its_parents):
            passed = [column for column, _ in layout.bends[child, slot]]
            assert passed == list(range(layout.columns[parent] + 1, layout.columns[child]))
    places = sorted(zip(layout.columns, layout.rows))
    for (column_a, row_a), (column_b, row_b) in zip(places, places[1:]):
        assert column_a != column_b or row_b - row_a > 0.95


def test_the_thread_is_drawn_small_and_inside_its_frame():
    graph = GraphStepper(thread()).graph
    assert len(graph["nodes"]) == 41 and graph["width"] < 1700 and graph["height"] < 420
    for node in graph["nodes"]:
        assert 0 < node["x"] - node["width"] and node["x"] + node["wire"] < graph["width"]
        assert node["height"] / 2 < node["y"] < graph["height"] - node["height"] / 2


def test_edges_end_at_their_nodes():
    graph = GraphStepper(thread()).graph
    for edge in graph["edges"]:
        parent, child = graph["nodes"][edge["parent"]], graph["nodes"][edge["child"]]
        assert edge["way"][0] == pytest.approx([parent["x"] + parent["wire"], parent["y"]])
        assert edge["way"][-1][0] == pytest.approx(child["x"] - child["width"])
        assert len(edge["way"]) % 2 == 1 and all(a[0] <= b[0] for a, b in zip(edge["way"], edge["way"][1:]))


# --- the widget -----------------------------------------------------------------------------


def test_still_and_alt_show_the_current_step():
    stepper = GraphStepper(reused())
    assert stepper.still().startswith(b"\x89PNG")
    assert stepper.still_alt == ("Computation graph of L with 4 nodes, at step 6 of 7. "
                                 "Backward: a gets 1 (incoming) × 3 (local) = 3, added to 1 so far: da = 4.")
    other = GraphStepper(reused(), step=0)
    assert other.still() != stepper.still() and "at step 0 of 7" in other.still_alt


def test_large_arrays_become_a_shape_a_range_and_a_strip():
    big = [{"name": "A", "value": RNG.normal(size=(64, 784))},
           {"name": "s", "forward": "A.sum()", "backward": {"A": "ds * np.ones_like(A)"}}]
    stepper = GraphStepper(nodes=big)
    shown = stepper.graph["nodes"][0]["value"]
    assert shown["shape"] == "[64, 784]" and len(shown["heat"]) <= 8 and len(shown["heat"][0]) <= 16
    assert stepper.still().startswith(b"\x89PNG")


@pytest.mark.parametrize("arguments, keywords, error, message", [
    ((), {}, TypeError, "GraphStepper needs one of two"),
    (([{"name": "X", "value": 1.0}],), {}, TypeError, r"by name: GraphStepper\(nodes="),
    ((3.0,), {}, TypeError, "was given float 3.0. Expected a Value"),
    ((reused(),), {"step": 99}, TraitError, "was given step 99. Expected 0 to 7"),
    ((), {"nodes": []}, ValueError, "nodes is empty"),
    ((), {"nodes": [{"name": "X", "values": X}]}, ValueError, "unknown key 'values'. Allowed keys: name, kind"),
    ((), {"nodes": [{"name": "2X", "value": X}]}, ValueError, "no usable name"),
    ((), {"nodes": [{"name": "X"}]}, ValueError, "needs either a value .* or forward"),
    ((), {"nodes": [{"name": "X", "value": 1.0, "kind": "weight"}]}, ValueError, "kind 'weight'. Expected one of input"),
    ((), {"nodes": [*LAYER[:4], LAYER[0]]}, ValueError, "two nodes have the name 'X'"),
    ((), {"nodes": LAYER[:3]}, ValueError, "nothing reads 'X'"),
    ((), {"nodes": LAYER[:2] + LAYER[3:4]}, ValueError, r"'Z', has shape \[3, 2\]. Expected one number"),
    ((), {"nodes": LAYER[:3] + [{"name": "Z", "forward": "W @ X"}]}, ValueError,
     r"'Z = W @ X' fails: ValueError.*W \[4, 2\], X \[3, 4\]"),
    ((), {"nodes": LAYER[:3] + [{"name": "Z", "forward": "X @ W", "backward": {"V": "X.T"}}]}, ValueError,
     "'Z' hands a gradient to 'V', which its formula 'X @ W' does not read. Expected some of X, W"),
    ((), {"nodes": LAYER[:3] + [{"name": "Z", "forward": "np.ones(3)"}]}, ValueError, "names no node that stands earlier"),
    ((), {"nodes": [*LAYER[:4], {"name": "L", "forward": "mean_squared_error(Z, T)"}]}, ValueError,
     "name 'dZ' is not defined"),
    ((), {"nodes": LAYER[:3] + [{**LAYER[3], "backward": {"W": "dZ"}}, LAYER[4]]}, ValueError,
     r"dW = dZ has shape \[3, 2\], but W has shape \[4, 2\]"),
])
def test_wrong_arguments_are_told_what_is_allowed(arguments, keywords, error, message):
    with pytest.raises(error, match=message):
        GraphStepper(*arguments, **keywords)


def test_a_value_that_holds_an_array_is_refused():
    value = Value(1.0, label="x")
    value.data = np.ones(3)
    with pytest.raises(TypeError, match=r"holds arrays.*describe arrays with nodes=\[…\]"):
        GraphStepper(value)


def test_a_lone_value_is_a_graph_too():
    stepper = GraphStepper(Value(2.0, label="L"))
    assert stepper.sentence == "Backward starts: L changes as much as L itself, so dL = 1."
    assert stepper.still().startswith(b"\x89PNG")


def test_numbers_that_ran_away_are_still_sent_to_the_page():
    stepper = GraphStepper(nodes=[{"name": "A", "value": np.full((5, 5), np.nan)},
                                  {"name": "s", "forward": "A.sum()", "backward": {"A": "ds * np.ones_like(A)"}}])
    assert json.dumps(stepper.graph, allow_nan=False)


def test_a_graph_too_large_to_read_is_refused():
    value = Value(1.0, label="x")
    for _ in range(200):
        value = value + 1
    with pytest.raises(ValueError, match="401 nodes. At most 150 can be read"):
        GraphStepper(value)
