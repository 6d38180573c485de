"""The still picture of a computation graph: the same drawing as graph_stepper.js, by matplotlib, on white."""

from matplotlib.patches import FancyBboxPatch, PathPatch, Rectangle
from matplotlib.path import Path

from ..colours import GRADIENTS, INK, LOSS, PAPER, PARAMETERS, VALUES

SOFT, FAINT = "#5f5f5f", "#c0c0c0"
FRAMES = {"input": VALUES, "parameter": PARAMETERS, "target": LOSS, "loss": LOSS, "operation": SOFT,
          "constant": FAINT}
POINTS = 0.75  # a pixel in points


def draw(axes, graph, step, scale=1.0):
    """Draw `graph` as it stands at `step`; a unit of the axes is a pixel of the drawing, shown `scale` times as large."""
    axes.set(xlim=(0, graph["width"]), ylim=(graph["height"], 0))
    axes.axis("off")
    current = graph["steps"][step]

    def text(x, y, words, colour=INK, size=12, **how):
        axes.text(x, y, words, color=colour, fontsize=size * POINTS * scale, **{"va": "center", "zorder": 5, **how})

    usual = {"linestyle": "-", "linewidth": 1.2 * scale, "zorder": 1}

    def line(way, colour, shift=0.0, **how):
        points, codes = [way[0]], [Path.MOVETO]
        for (x0, y0), (x1, y1), (x2, y2) in zip(way[::2], way[1::2], way[2::2]):
            points += [((x0 + x1) / 2, y0), ((x0 + x1) / 2, y1), (x1, y1), (x2, y2)]
            codes += [Path.CURVE4] * 3 + [Path.LINETO]
        path = Path([(x, y + shift) for x, y in points], codes)
        axes.add_patch(PathPatch(path, fill=False, edgecolor=colour, **usual | how))

    def wire(way, colour, shift, **how):
        axes.plot(*zip(*[(x, y + shift) for x, y in way]), color=colour, **usual | how)

    dashes = (0, (3.5, 2))
    for edge in graph["edges"]:
        used, passed = edge["used"] <= step, edge["passed"] is not None and edge["passed"] <= step
        line(edge["way"], VALUES if used else FAINT)
        if passed:
            active = current["edge"] == [edge["child"], edge["slot"]]
            line(edge["way"], GRADIENTS, 4, linestyle=dashes, linewidth=(2.4 if active else 1.2) * scale)
    for index, node in enumerate(graph["nodes"]):
        x, y, known = node["x"], node["y"], node["known"] <= step
        gradient = next((block for k, block in reversed(node["gradients"]) if k <= step), None)
        partial = gradient is not None and any(k > step for k, _ in node["gradients"])
        has_reader = any(edge["parent"] == index for edge in graph["edges"])
        end = x + node["wire"] - (0 if has_reader else 6)
        wire([(x, y), (end, y)], VALUES if known else FAINT, 0)
        if gradient:
            wire([(x, y), (end, y)], GRADIENTS, 4, linestyle=dashes)
        if known and node["value"]:
            _block(axes, text, node["value"], x + 4, y - 3, VALUES, above=True)
        if gradient:
            _block(axes, text, gradient, x + 4, y + 7, GRADIENTS, above=False, more=partial)
        active = current["node"] == index
        axes.add_patch(FancyBboxPatch(
            (x - node["width"], y - node["height"] / 2), node["width"], node["height"], facecolor=PAPER,
            edgecolor=FRAMES[node["kind"]], linewidth=(3.2 if active else 1.5) * scale, zorder=3,
            linestyle="--" if node["kind"] == "constant" else "-",
            boxstyle=f"round,pad=0,rounding_size={6 if node['shape'] else node['height'] / 2}"))
        middle = x - node["width"] / 2
        text(middle, y - (8 if node["shape"] else 0), node["inside"], ha="center", weight="bold", size=13)
        if node["shape"]:
            text(middle, y + 11, node["shape"], SOFT, 11, ha="center")
            text(node["label"], y - node["height"] / 2 - 11, node["above"], SOFT, 11, ha="left")
        elif node["above"]:
            text(middle, y - node["height"] / 2 - 11, node["above"], ha="center", weight="bold", size=12)
        local = next((part for part in current["parts"] if part["role"] == "local"), None)
        if current["edge"] and current["edge"][0] == index and local and not node["shape"]:
            words = f"× {local['text']}"
            left = max(x - 7.2 * len(words) - 8, x - node["width"] - 20)  # not over the column before
            text(left + 4, y + node["height"] / 2 + 14, words, weight="bold", bbox={
                "boxstyle": "round,pad=0.15", "facecolor": PAPER, "edgecolor": SOFT, "linewidth": scale})


def _block(axes, text, block, x, y, colour, above, more=False):
    """A number, rows of numbers or a strip of cells that stands on (or hangs under) y."""
    tail = " + …" if more else ""
    if "heat" in block:
        rows, cell = block["heat"], block["cell"]
        top = y - cell * len(rows) if above else y
        for i, row in enumerate(rows):
            for j, entry in enumerate(row):
                left, upper = x + cell * j, top + cell * i
                axes.add_patch(Rectangle((left, upper), cell, cell, facecolor=colour, zorder=4,
                                         alpha=0.75 * abs(entry), linewidth=0))
                if entry < 0 and cell > 6:  # the sign is not left to the colour
                    text(left + cell / 2, upper + cell / 2, "−", INK, 11, ha="center", weight="bold")
        axes.add_patch(Rectangle((x, top), cell * len(rows[0]), cell * len(rows), fill=False, edgecolor=FAINT, zorder=5,
                                 linewidth=0.8))
        return
    rows = block["rows"] if "rows" in block else [[block["text"] + tail]]
    top = y - 15 * len(rows) if above else y
    width = max(len(entry) for row in rows for entry in row) * 7.0 + 8
    for i, row in enumerate(rows):
        for j, entry in enumerate(row):
            text(x + width * j, top + 15 * i + 7.5, entry, colour, 12)
