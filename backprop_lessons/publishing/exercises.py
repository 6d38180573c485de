"""Exercises come from solutions: nothing in exercises/ is written by hand.

In solutions/NN.ipynb, what a learner should write stands between nbgrader's own markers; a cell
tagged `solution` is for readers of the solution only.
"""

import re
from copy import deepcopy

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
TAG = "solution"  # a cell with this tag does not appear in the exercise
STUB = 'raise NotImplementedError("Write this part, then run this cell and the check below it.")'


class MarkerError(ValueError):
    """The solution's markers do not say what a learner should write."""


def exercise_from_solution(notebook):
    """The exercise of a solution: marked code becomes a stub, cells for the solution alone vanish.

    Cells keep their ids and their metadata, so that an exercise changes only where its solution did.
    Raises MarkerError when a marker has no partner or stands outside a function.
    """
    exercise = deepcopy(notebook)
    exercise.cells = [cell for cell in exercise.cells if TAG not in cell.metadata.get("tags", ())]
    for cell in exercise.cells:
        if cell.cell_type == "code":
            cell.source = stub(cell.source, where=f"cell {cell.get('id', '?')}")
            cell.outputs, cell.execution_count = [], None
    return exercise


def stub(source, where="this cell"):
    """Code with each marked part replaced by a NotImplementedError at the marker's indentation."""
    kept, begun = [], None  # begun: the line that opened the part being left out
    for line in source.splitlines():
        marker = line.strip()
        if marker == BEGIN and begun is None:
            begun = line
            indentation = re.match(r"\s*", line).group()
            if not indentation:
                raise MarkerError(f"{where}: '{BEGIN}' stands outside a function. A stub there would stop the "
                                  f"notebook: move the markers into the function's body.")
            kept.append(indentation + STUB)
        elif marker == END and begun is not None:
            begun = None
        elif marker in (BEGIN, END):
            raise MarkerError(f"{where}: '{marker}' has no partner. Each '{BEGIN}' needs one '{END}' after it.")
        elif begun is None:
            kept.append(line)
    if begun is not None:
        raise MarkerError(f"{where}: '{BEGIN}' is never closed. Add '{END}' after the solution.")
    return "\n".join(kept)
