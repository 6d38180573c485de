"""Where the nodes of a computation graph stand: in columns from left to right, with few crossings and short ways.

The layered method of K. Sugiyama, S. Tagawa and M. Toda, Methods for Visual Understanding of Hierarchical System
Structures (1981): columns, then the order in each, then heights. A long edge is led through every column it passes.
"""

from dataclasses import dataclass

SWEEPS = 12
BEND_GAP = 0.5  # an edge that passes needs less room than a node


@dataclass
class Layout:
    """columns[i], rows[i] of node i (rows in units of one node's height, from 0);
    bends[child, slot] = [(column, row), …]: what the edge from parents[child][slot] passes on its way."""

    columns: list[int]
    rows: list[float]
    bends: dict[tuple[int, int], list[tuple[int, float]]]


def lay_out(parents: list[list[int]]) -> Layout:
    """Place nodes given the parents of each; a parent's index is smaller than its child's, the last node is the root."""
    columns = _columns(parents)
    column_of, neighbours, chains = dict(enumerate(columns)), {i: ([], []) for i in range(len(parents))}, {}
    for child, its_parents in enumerate(parents):
        for slot, parent in enumerate(its_parents):
            chain = [("bend", child, slot, column) for column in range(columns[parent] + 1, columns[child])]
            chains[child, slot] = chain
            column_of |= {bend: bend[-1] for bend in chain}
            neighbours |= {bend: ([], []) for bend in chain}
            for left, right in zip([parent, *chain], [*chain, child]):
                neighbours[left][1].append(right)
                neighbours[right][0].append(left)
    order = _first_order(len(parents) - 1, column_of, neighbours)
    order = _fewest_crossings(order, neighbours)
    rows = _heights(order, neighbours)
    return Layout(columns, [rows[i] for i in range(len(parents))],
                  {edge: [(column_of[bend], rows[bend]) for bend in chain] for edge, chain in chains.items()})


def _columns(parents):
    """A result stands one column after its latest parent, a leaf one column before its first reader."""
    columns = [0] * len(parents)
    for node, its_parents in enumerate(parents):
        columns[node] = 1 + max((columns[p] for p in its_parents), default=-1)
    for node, its_parents in enumerate(parents):
        if not its_parents:
            columns[node] = min((columns[c] for c, read in enumerate(parents) if node in read), default=1) - 1
    return columns


def _first_order(root, column_of, neighbours):
    """Each column in the order of a walk back from the root: what belongs together starts together."""
    order, seen, stack = [[] for _ in range(max(column_of.values()) + 1)], set(), [root]
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            order[column_of[node]].append(node)
            stack.extend(reversed(neighbours[node][0]))
    return order


def _crossings(upper_to_lower, left, right):
    """How many pairs of edges between two columns cross."""
    place = {node: i for i, node in enumerate(right)}
    ends = [(i, place[end]) for i, node in enumerate(left) for end in upper_to_lower[node][1]]
    return sum((a - c) * (b - d) < 0 for i, (a, b) in enumerate(ends) for c, d in ends[:i])


def _all_crossings(order, neighbours):
    return sum(_crossings(neighbours, left, right) for left, right in zip(order, order[1:]))


def _fewest_crossings(order, neighbours):
    """Sort every column by the mean place of its neighbours, from the left and from the right; keep the best seen."""
    best, fewest = [list(column) for column in order], _all_crossings(order, neighbours)
    order = [list(column) for column in order]
    for sweep in range(SWEEPS):
        side = sweep % 2  # 0: look at the parents, 1: look at the readers
        indices = range(1, len(order)) if side == 0 else range(len(order) - 2, -1, -1)
        for index in indices:
            place = {node: i for i, node in enumerate(order[index + (1 if side else -1)])}
            here = {node: i for i, node in enumerate(order[index])}

            def mean_place(node):
                places = [place[n] for n in neighbours[node][side]]
                return sum(places) / len(places) if places else here[node]

            order[index].sort(key=mean_place)
        crossings = _all_crossings(order, neighbours)
        if crossings < fewest:
            best, fewest = [list(column) for column in order], crossings
    return best


def _heights(order, neighbours):
    """Rows that draw each node to its neighbours, in the given order, never closer than one row.

    Leaves pull weakly: they make room, and chains of results run straight.
    """
    def weight(a, b):
        return 1 if any(_is_node(n) and not neighbours[n][0] for n in (a, b)) else 6

    around = {node: [(n, weight(node, n)) for side in neighbours[node] for n in side] for node in neighbours}
    pull = {node: sum(w for _, w in pairs) for node, pairs in around.items()}
    rows = {node: float(i) for column in order for i, node in enumerate(column)}
    if len(rows) == 1:
        return rows
    for sweep in range(300):  # settles slowly, and costs little
        for column in order if sweep % 2 else reversed(order):
            wanted = [sum(rows[n] * w for n, w in around[node]) / pull[node] for node in column]
            rows.update(zip(column, _spread(column, wanted, [pull[node] for node in column])))
    top = min(rows.values())
    return {node: round(row - top, 2) for node, row in rows.items()}


def _spread(column, wanted, weights):
    """The rows nearest to the wanted ones (weighted least squares) that keep the order and the gaps."""
    offsets, offset = [], 0.0
    for i, node in enumerate(column):
        if i:
            offset += 1.0 if _is_node(node) and _is_node(column[i - 1]) else (1 + BEND_GAP) / 2
        offsets.append(offset)
    blocks = []  # pool adjacent violators: [mean, weight, size]
    for target, offset, weight in zip(wanted, offsets, weights):
        blocks.append([target - offset, weight, 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (mean_a, weight_a, size_a), (mean_b, weight_b, size_b) = blocks[-2:]
            both = weight_a + weight_b
            blocks[-2:] = [[(mean_a * weight_a + mean_b * weight_b) / both, both, size_a + size_b]]
    means = [mean for mean, _, size in blocks for _ in range(size)]
    return [mean + offset for mean, offset in zip(means, offsets)]


def _is_node(node):
    return not isinstance(node, tuple)
