"""What a learner is told who begins in the middle: in small lessons, in a kernel, and for every section of every lesson."""

import asyncio
import builtins
import dis
import functools
import os
import re
from pathlib import Path
from types import CodeType

import nbformat
import pytest

from helpers import guide
from notebooks import rebuild
from tests import orders

ROOT = Path(__file__).resolve().parent.parent
CELLS = functools.cache(guide._cells)  # it reads a whole notebook
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))


def write(folder, name, *cells):
    """A notebook of these cells; one that begins with # is text."""
    kinds = {True: nbformat.v4.new_markdown_cell, False: nbformat.v4.new_code_cell}
    book = nbformat.v4.new_notebook(cells=[kinds[cell.startswith("#")](cell) for cell in cells])
    nbformat.write(book, folder / f"{name}.ipynb")
    return book


START = f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom helpers.guide import guide\nguide()"


@pytest.fixture
def lessons(tmp_path):
    write(tmp_path, "01_a", "# 1.", START, "import math", "## Words", "x = 1", "## The code", "def f():\n    return x", "## Check", "f() + x",
          "x = 2", "## Try it", "x + y", "%magic = 3", "## Next", "y = 3")
    write(tmp_path, "02_b", "# 2.", START, "import math as m", "## Words\n\n## Predict", "x = 1", "## Check", "x")
    return tmp_path


@pytest.mark.parametrize("name, ran, told", [
    ("f", [START, "import math", "f() + x"], "The lesson makes `f` under 'The code': run the cells above this one first (in JupyterLab"),
    ("x", [START, "import math", "f() + x"], "The lesson makes `x` under 'Words'"),  # not the later one
    ("x", [START, "import math", "x + y"], "The lesson makes `x` under 'Check'"),  # the one that would be in force
    ("x", [START, "import math as m", "x"], "The lesson makes `x` under 'Predict'"),  # the other lesson
    ("math", [START, "x = 1"], "The lesson makes `math` in its first cells"),
    ("f", [START, "import math", "f() + 1"], "The lesson makes `f` under 'The code'"),  # an edited cell
    ("y", [START, "import math", "x + y"], ""),  # made below: not what is missing
    ("nowhere", [START, "import math", "f() + x"], ""),
    ("x", [START, "print(x)"], ""),  # of no lesson that one knows
    ("x", [], ""),
])
def test_the_section_is_named(lessons, name, ran, told):
    said = guide.what_to_run_first(name, ran, lessons)
    assert said.startswith(told) and bool(said) == bool(told)


def test_made():
    source = "import a.b, c as d\ne = f = 1\nfor g in h: pass\nwith i as j: k: int = 2\ndef m(n): o = 1\nclass P: q = 1\nr += 1\ns.t = u[0] = 1"
    assert guide.made(source) == {"a", "d", "e", "f", "g", "j", "k", "m", "P", "r"}
    assert guide.made("%matplotlib inline") == set()


def test_plain_python_is_left_alone():
    guide.guide()
    assert guide.told(NameError("name 'x' is not defined")) == "NameError: name 'x' is not defined"


def needed(source):
    """Names that a cell, or a function in it, takes from elsewhere: read from its bytecode."""
    code = compile(re.sub(r"(?m)^\s*[%!].*", "", source), "a cell", "exec")
    needs, makes = set(), set()
    for step in dis.get_instructions(code):
        if step.opname == "STORE_NAME":
            makes.add(step.argval)
        elif step.opname == "LOAD_NAME" and step.argval not in makes:
            needs.add(step.argval)
    waiting = [code]
    while waiting:
        inner = [part for part in waiting.pop().co_consts if isinstance(part, CodeType)]
        waiting += inner
        needs |= {step.argval for part in inner for step in dis.get_instructions(part) if step.opname == "LOAD_GLOBAL"} - makes
    return needs - set(dir(builtins))


def test_needed():
    assert needed("import a\nb = a + c\ndef f(d):\n    return lambda: d + e + b + f + len(g)\nh += 1") == {"c", "e", "g", "h"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_section_works_alone_or_says_what_to_run_first(path, monkeypatch):
    """By reading the code; `make orders` runs it."""
    monkeypatch.setattr(guide, "_cells", CELLS)
    cells, above, gaps = guide._cells(path), set(), 0
    start = [source for _, source in cells[:2]]
    alone = {}  # heading: what stands there when only the first cells and this section were run
    for i, (heading, source) in enumerate(cells):
        needs = needed(source)
        assert needs <= above, f"{needs - above} is made by no cell above {rebuild.first_line(source)!r}"
        if i >= 2:
            here = alone.setdefault(heading, set().union(*map(guide.made, start)))
            for name in needs - here:
                gaps += 1
                assert guide.what_to_run_first(name, [*start, source]).startswith("The lesson makes `"), name
            here |= guide.made(source)
        above |= guide.made(source)
    assert gaps > 0, "a lesson whose sections need nothing from each other?"


FIGURE = """from helpers.widgets import sliders
import matplotlib.pyplot as plt

def draw(a):
    return f"{f()}."

sliders(draw, plt.figure(figsize=(2, 1)), a=(0, 9, 1))"""
EXERCISE = """from helpers.checks import compare

for mine in (None, 1.0):
    compare("one", mine, 1.0, {"that is two": 2.0})"""


def test_a_restless_learner(tmp_path):
    """`make orders` on a small lesson: what it is told, and what goes wrong that must not."""
    start = START.replace("from helpers.guide import guide\nguide()",
                          f"from helpers import guide\nguide.NOTEBOOKS = {str(tmp_path)!r}\nguide.guide()")
    book = write(tmp_path, "01_a", "# 1.", start, "import math", "## Words", "x = 1", "## The code", "def f():\n    return x", EXERCISE,
                 "## Check", "f() + x", "## Try it", FIGURE, "## Why", "again = globals().get('again', 0) + 1\nprint(again)", "again = 1",
                 "## When it breaks", "assert 'x' in globals()", "## Next", "def g():\n    a = 1 if 'x' in globals() else a\n\ng()")
    found, said = asyncio.run(orders.restless(book, ROOT / "notebooks"))
    assert said.startswith("1 figures, 50 to 50 random settings each") and said.endswith("of the sections, 3 work alone and 4 say what to run first")
    second, breaks, local = found
    assert second == """second run: "again = globals().get('again', 0) + 1" prints '2\\n', and at first '1\\n'"""
    assert breaks.startswith("only 'When it breaks': cell 1 (assert 'x' in globals()): AssertionError")
    assert local.startswith("only 'Next': cell 1 (def g():): UnboundLocalError") and guide.HOW[:9] not in local


def test_cells_and_figures_say_it(tmp_path):
    start = START.replace("from helpers.guide import guide\nguide()",
                          f"from helpers import guide\nguide.NOTEBOOKS = {str(tmp_path)!r}\nguide.guide()")
    write(tmp_path, "01_a", "# 1.", start, "import math", "## Words", "x = 1", "## The code", "def f():\n    return x", "## Check", "f() + x",
          "## Try it", FIGURE)

    async def told():
        kernel = orders.Kernel(tmp_path)
        async with kernel.client.async_setup_kernel(env=os.environ | rebuild.ENVIRONMENT):
            for source in (start, "import math"):
                assert (await kernel.run(nbformat.v4.new_code_cell(source)))[1] == []
            return [(await kernel.run(nbformat.v4.new_code_cell(source)))[1] for source in ("f() + x", FIGURE, "nowhere", "1 / 0")]

    cell, figure, nowhere, other = asyncio.run(told())
    assert cell == [f"cell 1 (f() + x): NameError: name 'f' is not defined. The lesson makes `f` under 'The code': {guide.HOW}"]
    assert figure == ["cell 1 (from helpers.widgets import sliders): This setting failed: NameError: name 'f' is not defined. "
                      f"The lesson makes `f` under 'The code': {guide.HOW}"]
    assert nowhere == ["cell 1 (nowhere): NameError: name 'nowhere' is not defined"]
    assert other == ["cell 1 (1 / 0): ZeroDivisionError: division by zero"]
