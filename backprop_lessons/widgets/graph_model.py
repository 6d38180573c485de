"""A computation graph told as steps: forward one result at a time, backward one share of a gradient at a time.

A graph comes from a `Value` of the autodiff engine, or from a list of descriptions whose formulas are evaluated here:
what the reader sees is what was computed.
"""

import re
from dataclasses import dataclass, field

import numpy as np

from .. import layers, losses
from ..autodiff import topological_order

KINDS = ("input", "parameter", "target", "constant", "operation", "loss")
KEYS = ("name", "kind", "value", "forward", "backward")
MOST_NODES = 150
FUNCTIONS = {name: function for module in (layers, losses) for name, function in vars(module).items()
             if callable(function) and not name.startswith("_")} | {"np": np}
SYMBOLS = {"neg": "−", "sigmoid": "σ", "^2": "( )²", "^3": "( )³"}


@dataclass
class Node:
    name: str  # in sentences: "w5", "w5 × h1"
    label: str  # in the drawing: a name of its own, or ""
    symbol: str  # what it does: "×"; "" for a leaf
    kind: str  # one of KINDS
    value: float | np.ndarray
    parents: list[int]
    forward: str = ""  # formula, of a described node
    locals: list = field(default_factory=list)  # beside parents: a number, a formula, or None where nothing flows back


@dataclass
class Part:
    """One piece of the equation that a step shows: a number or an array with its role and caption, or a sign between."""

    role: str  # "value", "incoming", "local", "share", "so far", "gradient" or "sign"
    content: float | np.ndarray | str
    caption: str = ""  # its name, or where it comes from


@dataclass
class Step:
    phase: str  # "given", "forward", "start" or "backward"
    sentence: str
    parts: list[Part] = field(default_factory=list)
    node: int | None = None  # what becomes known: its value, or its gradient
    edge: tuple[int, int] | None = None  # backward: (child, slot), the way that the gradient takes
    gradient: float | np.ndarray | None = None  # of the node after this step


def number(value, digits=4) -> str:
    """A number with its significant digits, short and with a true minus sign."""
    text = f"{float(value) + 0.0:.{digits}g}"  # adding 0.0 turns −0.0 into 0.0
    if "e" in text:
        mantissa, exponent = text.split("e")
        text = f"{mantissa}e{int(exponent)}"
    return text.replace("-", "−")


def shape_text(array) -> str:
    return "[" + ", ".join(map(str, np.shape(array))) + "]"


# --- from a Value ---------------------------------------------------------------------------


def nodes_from_value(root) -> list[Node]:
    """The graph under a value of `backprop_lessons.autodiff`, parents before their readers, the root last."""
    for attribute in ("data", "parents"):
        if not hasattr(root, attribute):
            raise TypeError(f"GraphStepper was given {type(root).__name__!s} {_short(root)}. Expected a Value of "
                            "backprop_lessons.autodiff, such as the loss at the end of an expression, or nodes=[…].")
    order = topological_order(root)
    if len(order) > MOST_NODES:
        raise ValueError(f"This graph has {len(order):,} nodes. At most {MOST_NODES} can be read; "
                         "step through a smaller expression, or describe whole layers with nodes=[…].")
    if any(np.ndim(value.data) for value in order):
        raise TypeError("This graph holds arrays. GraphStepper(loss) draws numbers; describe arrays with nodes=[…].")
    index = {id(value): i for i, value in enumerate(order)}
    named = any(getattr(value, "label", "") for value in order if not value.parents)
    nodes = []
    for value in order:
        operation, label = getattr(value, "operation", ""), getattr(value, "label", "")
        parents = [index[id(parent)] for parent in value.parents]
        kind = "loss" if value is root else "operation" if parents else _leaf_kind(label, named)
        name = label or (_expression(operation, [nodes[p] for p in parents]) if parents else number(value.data))
        local = list(getattr(value, "local_gradients", ()))
        if parents and len(local) != len(parents):
            raise ValueError(f"{name} has {len(parents)} parents and {len(local)} local_gradients. Expected one "
                             "local derivative beside each parent, as backprop_lessons.autodiff keeps them.")
        nodes.append(Node(name, label, SYMBOLS.get(operation, operation), kind, float(value.data), parents,
                          locals=local))
    return nodes


def _leaf_kind(label, named) -> str:
    """By the course's names: w and b are parameters, t and y targets; one without a name is a constant beside named ones."""
    if named and not label:
        return "constant"
    if re.fullmatch(r"(w|b|weight|bias)[_\d]*", label, re.IGNORECASE):
        return "parameter"
    return "target" if re.fullmatch(r"(t|y|target)[_\d]*", label, re.IGNORECASE) else "input"


def _expression(operation, parents) -> str:
    """What an operation on named parents reads like, with the parentheses that it needs."""
    strength = _strength(operation)
    names = []
    for slot, parent in enumerate(parents):
        its_strength = _strength(parent.symbol)
        weaker = its_strength < strength or (slot and operation in "−÷" and its_strength == strength)
        bare = parent.label or not parent.parents or not weaker
        name = parent.name if len(parent.name) <= 30 else "…"
        names.append(name if bare else f"({name})")
    if operation.startswith("^"):
        return f"{names[0]}{ {'^2': '²', '^3': '³'}.get(operation, operation)}"
    if len(names) == 2:
        return f"{names[0]} {operation} {names[1]}"
    return f"−{names[0]}" if operation == "neg" else f"{operation}({parents[0].name})"


def _strength(operation) -> int:
    return {"+": 1, "−": 1, "×": 2, "÷": 2}.get(operation, 3)


def _local_rule(node, slot, nodes) -> str:
    """Where a local derivative comes from, in words."""
    a, b = (_tight(nodes[node.parents[0]].name), _tight(nodes[node.parents[-1]].name))
    result, other = node.name, (b, a)[slot]
    rules = {"+": "1: a sum hands it on", "×": f"the other factor, {other}", "−": ("1", "−1: it is subtracted")[slot],
             "÷": (f"1 ÷ {b}", f"−{a} ÷ {b}²")[slot], "exp": "the result itself", "log": f"1 ÷ {a}",
             "tanh": "1 − result²", "σ": "result × (1 − result)", "relu": f"1 if {a} > 0, else 0",
             "( )²": f"2 × {a}", "( )³": f"3 × {a}²"}
    if node.symbol == "−" and len(node.parents) == 1:
        return "−1: the sign flips"
    if node.symbol == "×" and node.parents[0] == node.parents[1]:
        return f"the other factor, {a} again"
    return rules.get(node.symbol, f"the derivative of {result}")


# --- from descriptions ----------------------------------------------------------------------


def nodes_from_descriptions(descriptions) -> list[Node]:
    """The graph that a list of dicts describes; leaves carry a value, the others a formula over earlier names."""
    nodes, index = [], {}
    if not descriptions:
        raise ValueError("nodes is empty. Expected a list of dicts, parents before their readers, the loss last.")
    for description in descriptions:
        node = _described(description, nodes, index)
        index[node.name] = len(nodes)
        nodes.append(node)
    read = {parent for node in nodes for parent in node.parents}
    for i, node in enumerate(nodes[:-1]):
        if i not in read:
            raise ValueError(f"nodes: nothing reads {node.name!r}. Expected every node but the last in some formula.")
    if np.size(nodes[-1].value) != 1:
        raise ValueError(f"nodes: the last node, {nodes[-1].name!r}, has shape {shape_text(nodes[-1].value)}. "
                         "Expected one number, the loss: gradients are taken of it.")
    nodes[-1].kind = "loss"
    return nodes


def _described(description, nodes, index) -> Node:
    unknown = set(description) - set(KEYS)
    name = description.get("name")
    if unknown or not (isinstance(name, str) and name.isidentifier()):
        raise ValueError(f"nodes: {description!r:.120} has " + (f"the unknown key {min(unknown)!r}" if unknown else
                         "no usable name") + f". Allowed keys: {', '.join(KEYS)}; the name is one that Python allows.")
    if name in index:
        raise ValueError(f"nodes: two nodes have the name {name!r}. Expected each name once.")
    forward = _right_side(description.get("forward", ""))
    if bool(forward) == ("value" in description):
        raise ValueError(f"nodes: {name!r} needs either a value (a leaf) or forward, a formula such as 'X @ W + b'.")
    kind = description.get("kind", "operation" if forward else "input")
    if kind not in KINDS:
        raise ValueError(f"nodes: {name!r} has kind {kind!r}. Expected one of {', '.join(KINDS)}.")
    if not forward:
        return Node(name, name, "", kind, np.asarray(description["value"], dtype=float), [])
    backward = {parent: _right_side(text) for parent, text in description.get("backward", {}).items()}
    parents = [n for n in _names(forward) if n in index]
    if not parents:
        raise ValueError(f"nodes: {name!r} is computed by {forward!r}, which names no node that stands earlier in the list "
                         f"({', '.join(index) or 'none'}). Expected a formula over earlier nodes.")
    for parent in backward:
        if parent not in parents:
            raise ValueError(f"nodes: {name!r} hands a gradient to {parent!r}, which its formula {forward!r} does not read. "
                             f"Expected some of {', '.join(parents)}.")
    namespace = {node.name: node.value for node in nodes}
    value = _evaluate(forward, namespace, f"{name} = {forward}")
    return Node(name, name, "", kind, value, [index[p] for p in parents], forward,
                [backward.get(parent) for parent in parents])


def _right_side(formula) -> str:
    return re.sub(r"^\s*\w+\s*=(?!=)", "", formula).strip()


def _names(formula) -> list[str]:
    """Names in a formula, each once, in order; not those of attributes."""
    return list(dict.fromkeys(re.findall(r"(?<![\w.])[A-Za-z_]\w*", formula)))


def _evaluate(formula, namespace, shown):
    try:
        value = eval(formula, FUNCTIONS | namespace)  # formulas are the lesson author's own code
    except Exception as problem:
        shapes = ", ".join(f"{n} {shape_text(namespace[n])}" for n in _names(formula) if n in namespace)
        raise ValueError(f"nodes: the formula {shown!r} fails: {type(problem).__name__}: {problem} ({shapes}).") from None
    return np.asarray(value, dtype=float)


# --- the steps ------------------------------------------------------------------------------


def tell(nodes, columns, rows, backward=True) -> list[Step]:
    """All steps, column by column: forward from left to right, then backward from right to left."""
    order = sorted(range(len(nodes)), key=lambda i: (columns[i], rows[i]))
    results = [i for i in order if nodes[i].parents]
    kinds = [f"{word}s" for word in KINDS[:4] if any(n.kind == word for n in nodes)]
    given = " and ".join(filter(None, [", ".join(kinds[:-1]), *kinds[-1:]]))
    steps = [Step("given", f"Given: the {given}. Nothing is computed yet.")]
    steps += [_forward(i, nodes) for i in results]
    if not backward:
        return steps
    root = len(nodes) - 1
    gradients = {root: np.ones_like(nodes[root].value) if isinstance(nodes[root].value, np.ndarray) else 1.0}
    loss = nodes[root].name
    steps.append(Step("start", f"Backward starts: {loss} changes as much as {loss} itself, so d{_tight(loss)} = 1.",
                      [Part("gradient", gradients[root], f"d{_tight(loss)}")], root, gradient=gradients[root]))
    for i in reversed(results):
        for slot, parent in enumerate(nodes[i].parents):
            if nodes[i].locals[slot] is not None and nodes[parent].kind != "constant":
                step = _backward(i, slot, nodes, gradients)
                gradients[parent] = step.gradient
                steps.append(step)
    return steps


def telling_step(steps) -> int:
    """Where to open: a gradient added to one already there, after a true multiplication; else the best there is."""
    seen, merits = set(), []
    for step in steps:
        numbers = [part.content for part in step.parts if part.role in ("incoming", "local")]
        multiplies = all(np.ndim(n) or abs(n) != 1 for n in numbers)
        adds, matrices = step.node in seen, any(part.content == "@" for part in step.parts if part.role == "sign")
        merits.append(step.phase == "backward" and 2 * adds + multiplies + matrices)
        if step.phase == "backward":
            seen.add(step.node)
    return merits.index(max(merits)) if max(merits) else len(steps) - 1


def _forward(i, nodes) -> Step:
    node = nodes[i]
    parents = [nodes[p] for p in node.parents]
    if node.forward:
        known = {p.name: Part("value", p.value, p.name) for p in parents}
        parts = _formula_parts(node.forward, known) + [Part("sign", "="), Part("value", node.value, node.name)]
        rest = f". Its shape is {shape_text(node.value)}." if np.ndim(node.value) else f" = {number(node.value)}."
        return Step("forward", f"Forward: {node.name} = {node.forward}{rest}", parts, i)
    values = [Part("value", p.value, p.name) for p in parents]
    if len(parents) == 2:
        parts = [values[0], Part("sign", node.symbol), values[1]]
        worked = f"{number(parents[0].value)} {node.symbol} {_signed(parents[1].value)}"
    elif node.symbol.startswith(("( )", "^")):
        power = node.symbol.removeprefix("( )")
        parts, worked = [values[0], Part("sign", power)], f"{_signed(parents[0].value)}{power}"
    else:
        parts = [Part("sign", f"{node.symbol}("), *values, Part("sign", ")")]
        worked = f"{node.symbol}({', '.join(number(p.value) for p in parents)})"
    what = node.name if not node.label else f"{node.label} = {_expression_of(node, parents)}"
    parts += [Part("sign", "="), Part("value", node.value, node.label or "result")]
    return Step("forward", f"Forward: {what} = {worked} = {number(node.value)}.", parts, i)


def _expression_of(node, parents) -> str:
    operation = {shown: operation for operation, shown in SYMBOLS.items()}.get(node.symbol, node.symbol)
    return _expression("−" if node.symbol == "−" and len(parents) == 2 else operation, parents)


def _backward(i, slot, nodes, gradients) -> Step:
    node, parent = nodes[i], nodes[node_index := nodes[i].parents[slot]]
    incoming, so_far, local = gradients.get(i), gradients.get(node_index), node.locals[slot]
    target = f"d{_tight(parent.name)}"
    if isinstance(local, str):
        share = _described_share(i, slot, nodes, gradients)
        known = {n.name: Part("local", n.value, n.name) for n in nodes}
        known |= {f"d{n.name}": Part("incoming", gradients[k], f"d{n.name}") for k, n in enumerate(nodes)
                  if k in gradients}
        parts = _formula_parts(local, known)
        how = f"{local}, of shape {shape_text(share)}" if np.ndim(share) else f"{local} = {number(share)}"
        if "@" in local:
            shapes = [f"{part.caption} {shape_text(part.content)}" for part in parts if part.role != "sign"]
            how = f"{local}: {' and '.join(shapes)} give {shape_text(share)}"
        added = "" if so_far is None else ", added to what it had"
    else:
        share = incoming * local
        parts = [Part("incoming", incoming, f"d{_tight(node.name)}"), Part("sign", "×"),
                 Part("local", local, _local_rule(node, slot, nodes))]
        how = f"{number(incoming)} (incoming) × {_signed(local)} (local) = {number(share)}"
        added = f", added to {number(so_far or 0.0)} so far"
    total = share if so_far is None else so_far + share
    reused = sum(node_index == p for n in nodes for p in n.parents) > 1
    parts += [Part("sign", "="), Part("share", share, "this share") if reused else Part("gradient", total, target)]
    if reused:
        parts += [Part("sign", "+"), Part("so far", np.zeros_like(share) if so_far is None else so_far, "so far"),
                  Part("sign", "="), Part("gradient", total, target)]
    if so_far is not None and np.ndim(total) == 0:
        added += f": {target} = {number(total)}"
    return Step("backward", f"Backward: {parent.name} gets {how}{added}.", parts, node_index, (i, slot), total)


def _described_share(i, slot, nodes, gradients):
    node, parent = nodes[i], nodes[nodes[i].parents[slot]]
    namespace = {n.name: n.value for n in nodes} | {f"d{nodes[k].name}": g for k, g in gradients.items()}
    formula = f"d{parent.name} = {node.locals[slot]}"
    share = _evaluate(node.locals[slot], namespace, formula)
    if share.shape != np.shape(parent.value):
        raise ValueError(f"nodes: {formula} has shape {shape_text(share)}, but {parent.name} has shape "
                         f"{shape_text(parent.value)}. Expected the same: a gradient has the shape of its array.")
    return share


def _formula_parts(formula, known) -> list[Part]:
    """A formula as known arrays with signs between; `.T` shows the array turned."""
    parts, end = [], 0
    for match in re.finditer(r"(?<![\w.])([A-Za-z_]\w*)(\.T\b)?(?!\()", formula):
        if match[1] in known:
            part = known[match[1]]
            turned = match[2] is not None
            if sign := formula[end:match.start()].strip():
                parts.append(Part("sign", sign))
            parts.append(Part(part.role, part.content.T if turned else part.content, part.caption + ".T" * turned))
            end = match.end()
    return parts + ([Part("sign", formula[end:].strip())] if formula[end:].strip() else [])


def _tight(name) -> str:
    return name if name.isidentifier() else f"({name})"


def _signed(value) -> str:
    return f"({number(value)})" if value < 0 else number(value)


def _short(value) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "…"
