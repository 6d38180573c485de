"""GraphStepper: walk through a computation graph, forward and then backward, one step at a time."""

import textwrap

import numpy as np
from matplotlib.figure import Figure
from traitlets import Dict, Int, TraitError, validate

from .graph_drawing import draw
from .graph_layout import lay_out
from .graph_model import nodes_from_descriptions, nodes_from_value, number, shape_text, tell, telling_step
from .stage import PIXELS_AN_INCH, Stage, png, script, style

MARGIN, CURVE = 14, 24  # pixels: around the drawing, and between two columns, where edges bend
CHARACTER = 7.0  # pixels of a digit at the drawing's size of 12
FORMULA = 6.4  # pixels of a character of a formula over a box
MOST_IN_DRAWING, MOST_IN_EQUATION = 3, 6  # rows and columns of an array that is shown as numbers


class GraphStepper(Stage):
    """A computation graph, forward and backward, one step at a time.

        GraphStepper(loss)                     # a Value of backprop_lessons.autodiff
        GraphStepper(nodes=[                   # whole arrays; formulas are evaluated, forward and backward
            {"name": "X", "value": X},         # kind: input (default), parameter, target or constant
            {"name": "W", "value": W, "kind": "parameter"},
            {"name": "T", "value": T, "kind": "target"},
            {"name": "Z", "forward": "X @ W", "backward": {"W": "dW = X.T @ dZ"}},
            {"name": "L", "forward": "mean_squared_error(Z, T)",
             "backward": {"Z": "dL * mean_squared_error_backward(Z, T)"}},
        ])

    Formulas may use names of earlier nodes, their gradients as dNAME, np, and the functions of the course's layers and
    losses. What `backward` does not name gets no gradient. The last node is the loss, one number.
    `step` opens at another step than the most telling one; `backward=False` goes forward only.
    Raises TypeError or ValueError where a graph cannot be read, a formula fails or a gradient has a wrong shape.
    """

    _esm, _css = script("graph_stepper.js"), style("graph_stepper.css")
    caption = "Run this cell to walk through the graph, forward and backward."
    graph = Dict(help="what graph_stepper.js draws").tag(sync=True)
    step = Int(help="the step that is shown, from 0").tag(sync=True)

    def __init__(self, root=None, *, nodes=None, step=None, backward=True, **keywords):
        if (root is None) == (nodes is None):
            raise TypeError("GraphStepper needs one of two: a Value, GraphStepper(loss), or GraphStepper(nodes=[…]).")
        if isinstance(root, list):
            raise TypeError("GraphStepper was given a list. Expected a Value, or the list by name: "
                            "GraphStepper(nodes=[…]).")
        model = nodes_from_value(root) if nodes is None else nodes_from_descriptions(nodes)
        layout = lay_out([node.parents for node in model])
        steps = tell(model, layout.columns, layout.rows, backward)
        graph = picture(model, layout, steps)
        super().__init__(graph=graph, step=telling_step(steps) if step is None else step, **keywords)

    @validate("step")
    def _known_step(self, proposal):
        last = len(self.graph["steps"]) - 1
        if not 0 <= proposal.value <= last:
            raise TraitError(f"GraphStepper was given step {proposal.value}. Expected 0 to {last}.")
        return proposal.value

    @property
    def sentence(self) -> str:
        """What the current step does, in words."""
        return self.graph["steps"][self.step]["sentence"]

    @property
    def still_alt(self):
        nodes, last = self.graph["nodes"], len(self.graph["steps"]) - 1
        return (f"Computation graph of {nodes[-1]['name']} with {len(nodes)} nodes, at step {self.step} of {last}. "
                f"{self.sentence}")

    def still(self):
        graph = self.graph
        scale = min(1.0, 1400 / graph["width"])
        drawn = graph["height"] * scale
        width = max(480, graph["width"] * scale)
        words = textwrap.wrap(f"Step {self.step} of {len(graph['steps']) - 1}. {self.sentence}", int(width / 8.5))
        height = drawn + 16 + 20 * len(words)
        figure = Figure(figsize=(width / PIXELS_AN_INCH, height / PIXELS_AN_INCH), layout="none")
        axes = figure.add_axes((0, 1 - drawn / height, graph["width"] * scale / width, drawn / height))
        draw(axes, graph, self.step, scale)
        figure.text(14 / width, 10 / height, "\n".join(words), fontsize=10.5, va="bottom", linespacing=1.35)
        return png(figure)


def picture(nodes, layout, steps) -> dict:
    """All that is drawn, in pixels, with the step from which each number is known."""
    known = {step.node: k for k, step in enumerate(steps) if step.phase == "forward"}
    gradients = {i: [] for i in range(len(nodes))}
    for k, step in enumerate(steps):
        if step.gradient is not None:
            gradients[step.node].append([k, step.gradient])
    drawn = [_drawn_node(i, node, known, gradients[i]) for i, node in enumerate(nodes)]
    width, height, sides, height_of = _arrange(drawn, layout)
    passed = {step.edge: k for k, step in enumerate(steps) if step.edge}
    edges = []
    for child, node in enumerate(nodes):
        starts = [([drawn[parent]["x"] + drawn[parent]["wire"], drawn[parent]["y"]],
                   [(column, height_of(row)) for column, row in layout.bends[child, slot]])
                  for slot, parent in enumerate(node.parents)]
        last_heights = [bends[-1][1] if bends else start[1] for start, bends in starts]
        from_top = sorted(range(len(starts)), key=last_heights.__getitem__)
        for slot, (parent, (start, bends)) in enumerate(zip(node.parents, starts)):
            end = drawn[child]["y"] + 9 * (from_top.index(slot) - (len(starts) - 1) / 2)
            way = [start, *([side, y] for column, y in bends for side in sides[column]),
                   [sides[layout.columns[child]][0], end], [drawn[child]["x"] - drawn[child]["width"], end]]
            edges.append({"way": way, "parent": parent, "child": child, "slot": slot,
                          "used": known[child], "passed": passed.get((child, slot))})
    told = [{"phase": s.phase, "sentence": s.sentence, "node": s.node, "edge": list(s.edge) if s.edge else None,
             "parts": [{"role": p.role, "caption": p.caption, **_shown(p.content, MOST_IN_EQUATION)} for p in s.parts]}
            for s in steps]
    return {"nodes": drawn, "edges": edges, "steps": told, "width": width, "height": height}


def _drawn_node(i, node, known, gradients) -> dict:
    """One node without its place: what is written in it, over it and on its wire."""
    leaf, whole = not node.parents, isinstance(node.value, np.ndarray)
    inside = node.name if leaf or whole else node.symbol
    shape = "" if not whole else shape_text(node.value) if node.value.ndim else "number"
    above = ("" if leaf else node.forward if whole else node.label)
    value = None if node.kind == "constant" else _shown(node.value, MOST_IN_DRAWING)
    later = [[k, _shown(gradient, MOST_IN_DRAWING)] for k, gradient in gradients]
    blocks = [block for block in [value, *(g for _, g in later)] if block]
    partial = [_size(block)[0] + 4 * CHARACTER for _, block in later[:-1]]  # followed by "+ …"
    wire = max([4 * CHARACTER, *(_size(block)[0] for block in blocks), *partial]) + 8 if blocks else 8
    return {"name": node.name, "kind": node.kind, "inside": inside, "shape": shape, "above": above,
            "value": value, "known": known.get(i, 0), "gradients": later, "wire": wire,
            "width": max(30, 8 * len(inside) + 14, 6.6 * len(shape) + 16), "height": 44 if shape else 28,
            "over": max([14, *(_size(block)[1] for block in blocks)])}


def _arrange(drawn, layout):
    """Set x (the right edge of the box), y and wire of every node.

    Returns the drawing's width and height, each column's left and right side, and the height of a row.
    """
    sides, left = [], float(MARGIN)
    for index in range(max(layout.columns) + 1):
        column = [node for node, its_column in zip(drawn, layout.columns) if its_column == index]
        box, wire = max(node["width"] for node in column), max(node["wire"] for node in column)
        if any(node["shape"] for node in column):  # a formula stands over the box and the wire
            room = wire if max(node["over"] for node in column) < 20 else 0  # over the wire, if its numbers are low
            box = max(box, max(FORMULA * len(node["above"]) for node in column) - room)
        for node in column:
            node["x"], node["wire"] = left + box, wire
        sides.append((left, left + box + wire))
        left = sides[-1][1] + CURVE
    row_height = max(max(2 * node["over"] + 22, node["height"] + 26) for node in drawn)
    tops = [min(-node["over"] - 6, -node["height"] / 2 - 22 * bool(node["above"])) for node in drawn]
    start = MARGIN - min(row_height * row + top for row, top in zip(layout.rows, tops))
    for node, row in zip(drawn, layout.rows):
        node["y"] = start + row_height * row
        end = node["x"] + (node["wire"] if node["over"] < 20 else 0)
        node["label"] = min(node["x"] - node["width"], end - FORMULA * len(node["above"]))
    bottom = max(node["y"] + max(node["over"] + 6, node["height"] / 2 + 14) for node in drawn)
    bends = [start + row_height * row for chain in layout.bends.values() for _, row in chain]
    return sides[-1][1] + MARGIN, max([bottom, *bends]) + MARGIN, sides, lambda row: start + row_height * row


def _shown(content, most) -> dict:
    """A number as text, a small array as rows of text, a large one as a strip of cells, −1 to 1, with shape and range."""
    if isinstance(content, str) or np.ndim(content) == 0:
        return {"text": content if isinstance(content, str) else number(content)}
    grid = np.atleast_2d(content).reshape(-1, np.shape(content)[-1])
    if max(grid.shape) <= most:
        return {"rows": [[number(entry) for entry in row] for row in grid], "shape": shape_text(content)}
    rows, columns = min(8, len(grid)), min(16, grid.shape[1])
    cells = [[block.mean() for block in np.array_split(band, columns, axis=1)] for band in np.array_split(grid, rows)]
    cells = np.nan_to_num(cells)
    heat = cells / (np.abs(cells).max() or 1.0)
    return {"heat": heat.round(3).tolist(), "cell": 12 if columns <= 8 else 6, "shape": shape_text(content),
            "range": f"{number(content.min(), 3)} to {number(content.max(), 3)}"}


def _size(block) -> tuple[float, float]:
    """Width and height in pixels of a block on a wire."""
    if "text" in block:
        return CHARACTER * len(block["text"]), 14
    if "heat" in block:
        return block["cell"] * len(block["heat"][0]), block["cell"] * len(block["heat"]) + 4
    widest = max(len(entry) for row in block["rows"] for entry in row)
    return (CHARACTER * widest + 8) * len(block["rows"][0]), 15 * len(block["rows"]) + 2
