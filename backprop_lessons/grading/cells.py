"""The cells of a notebook: what Jupyter runs and Python cannot, and which statements may be left out.

It imports the standard library alone, since it runs inside the sandbox.
"""

import ast
import dis
import re
import types

SLOW = 0.2  # seconds from which on a statement is worth leaving out

OTHER_LANGUAGES = {"bash", "sh", "script", "html", "HTML", "javascript", "js", "latex", "markdown", "perl", "ruby",
                   "svg", "SVG", "python", "python2", "python3", "pypy", "writefile", "file", "cmd", "R", "sql",
                   "system", "sx", "!"}
MAGIC = re.compile(r"^\s*(%|!|\?)|^\s*[\w., ]+=\s*[%!]|^\s*[\w.]+\?{1,2}\s*$"
                   # what Jupyter takes for a magic without its sign
                   r"|^\s*(pip3?|conda|mamba|uv|cat|cd|cp|ls|ll|man|mkdir|mv|pwd|rm|rmdir|clear|less|more|matplotlib"
                   r"|load_ext|reload_ext|autoreload|timeit|time|who|whos|history|run)\b(?![.(\[])\s*(?![\s=,:])")
TIMED = re.compile(r"^(\s*)%{1,2}(?:time|prun)\s+(?!-)(.+)$")


def parse(source):
    """The source without magics, and its statements: one for each name that is imported. Raises SyntaxError."""
    lines = source.split("\n")
    first = next((i for i, line in enumerate(lines) if line.strip()), 0)
    cell_magic = re.match(r"%%(\S*)", lines[first].strip())
    if cell_magic:
        if cell_magic[1] in OTHER_LANGUAGES or cell_magic[1].startswith("!"):
            return "", []
        lines[first] = ""  # %%time, %%capture and the like: the cell counts as its body
    while True:
        try:
            source = "\n".join(lines)
            return source, [part for statement in ast.parse(source).body for part in one_by_one(statement)]
        except SyntaxError as error:
            # Only a line that Python does not understand is taken for a magic: `% b` may end a sum.
            near = (error.lineno or 1) - 1
            magics = [i for i, line in enumerate(lines) if MAGIC.search(line)]
            if not magics:
                raise
            index = near if near in magics else magics[0]
            timed = TIMED.match(lines[index])
            indent = re.match(r"\s*", lines[index])[0]
            while not timed and lines[index].rstrip().endswith("\\") and index + 1 < len(lines):
                lines[index] = indent + "pass"
                index += 1  # the magic goes on in the next line
            lines[index] = timed[1] + timed[2] if timed else indent + "pass"


def one_by_one(statement):
    """`import a, b` as two statements, so that a package that is missing does not take the other with it."""
    if isinstance(statement, ast.Import):
        return [ast.copy_location(ast.Import([name]), statement) for name in statement.names]
    return [statement]


def finish(coroutine):
    """Run what a cell awaits to its end; there is no event loop here, so nothing may wait for one."""
    try:
        while True:
            coroutine.send(None)
    except StopIteration:
        pass


# --- what the answers depend on -------------------------------------------------------------

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)


class Statement:
    """A statement of the notebook that ran."""

    def __init__(self, code, defines):
        self.code, self.defines = code, defines
        self.seconds = 0.0
        self.binds, self.uses = set(), set()

    def find_names(self) -> None:
        """Find the names that it binds, and those that it, or a function defined in it, uses."""
        inside = [self.code]
        while inside:
            code = inside.pop()
            inside += [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
            for step in dis.get_instructions(code):
                if step.opname == "STORE_NAME" and code is self.code or step.opname == "STORE_GLOBAL":
                    self.binds.add(step.argval)
                if step.opname in ("LOAD_NAME", "LOAD_GLOBAL", "STORE_GLOBAL"):
                    self.uses.add(step.argval)


def spare(statements, names) -> list[tuple[int, int]]:
    """The places of slow statements that none of these functions needs, even by way of others.

    A statement is needed that binds a name they use, or that may change a value they use: one that any
    function it calls can reach.
    """
    slow = {place: s for place, s in statements.items() if s.seconds > SLOW and not s.defines}
    if not slow:
        return []
    for statement in statements.values():
        statement.find_names()

    def reached(names):
        found, new = set(), set(names)
        while new:
            found |= new
            new = {used for s in statements.values() if s.binds & new for used in s.uses} - found
        return found

    needed = reached(names)
    values = {name for s in statements.values() if not s.defines for name in s.binds} & needed
    return [place for place, s in slow.items() if not s.binds & needed and not reached(s.uses) & values]
