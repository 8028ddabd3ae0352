"""The notebooks as they are stored: equal to their twins, executed once from top to bottom, in the anatomy of a lesson.

That their outputs are still what the code prints, and that all controls and exercises answer, is seen where they
run: the same `pytest` has nbval run notebooks/*.ipynb (conftest.py).
"""

import ast
import copy
import re
from pathlib import Path

import nbformat
import pytest

from notebooks import address, rebuild

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
SECTIONS = ("Words", "Predict", "Try it", "What you saw", "Why", "The code", "Check", "When it breaks", "Exercises",
            "Recap", "Next", "Answers")
WIDGETS = ("sliders", "player", "theatre", "sketchpad", "board")
CAPTION = re.compile(r"\*\*Figure (\d+)\.(\d+)\.\*\* \S")
every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(book):
    return [cell for cell in book.cells if cell.cell_type == "code" and cell.source.strip()]


def has_picture(cell):
    return any("image/png" in output.get("data", {}) for output in cell.get("outputs", ()))


def is_answer(cell):
    return "answer" in cell.metadata.get("tags", ())


def unexecuted(book):
    """Sentences: what shows that a notebook was not run once, in order, without error."""
    counts = [cell.execution_count for cell in code_cells(book)]
    found = [] if counts == list(range(1, len(counts) + 1)) else [f"execution counts are {counts}"]
    found += rebuild.complaints(book)
    found += [f"an output shows a memory address: {cell.source[:60]!r}" for cell in code_cells(book)
              for output in cell.outputs if re.search(r" at 0x[0-9a-f]{6}", str(output))]
    if "widgets" in book.metadata or rebuild.WIDGET in str([cell.get("outputs") for cell in book.cells]):
        found.append("widget state is stored, which no reader without a kernel can show")
    return found


def calls_widget(source):
    """Whether a cell itself (not a function in it) calls sliders(...) or another of WIDGETS."""
    tree = ast.parse(re.sub(r"(?m)^\s*[%!].*", "", source))
    values = [node.value for node in tree.body if isinstance(node, ast.Expr | ast.Assign)]
    return any(isinstance(value, ast.Call) and getattr(value.func, "id", getattr(value.func, "attr", "")) in WIDGETS
               for value in values)


def headings(book):
    """The names of the level-2 headings in order, without suffixes such as ': two sliders'."""
    lines = [line for cell in book.cells if cell.cell_type == "markdown" for line in cell.source.splitlines()]
    found = [line[3:].strip() for line in lines if line.startswith("## ")]
    return [next((name for name in SECTIONS if re.match(rf"{name}\b", heading)), heading) for heading in found]


def misbuilt(book, number):
    """Sentences: where a lesson leaves the anatomy that all lessons share."""
    found = []
    if not re.match(rf"# {number}\. \S", book.cells[0].source):
        found.append(f"the first cell does not begin with '# {number}. '")
    if not address.BADGE.search(book.cells[0].source):
        found.append("the first cell holds no badge line")
    order = list(dict.fromkeys(name for name in headings(book) if name in SECTIONS))
    if order != list(SECTIONS):
        found.append(f"sections are {order}, not {list(SECTIONS)}")
    if headings(book)[:1] != ["Words"]:
        found.append("the first section is not Words")
    figures = []
    for cell, following in zip(book.cells, [*book.cells[1:], None]):
        if calls_widget(cell.source if cell.cell_type == "code" else "") and not has_picture(cell):
            found.append(f"a figure with controls has no stored picture: {cell.source[-60:]!r}")
        if has_picture(cell) and not is_answer(cell):
            caption = following is not None and following.cell_type == "markdown" and CAPTION.match(following.source)
            if not caption:
                found.append(f"no caption '**Figure {number}.k.** ...' follows the figure of {cell.source[-60:]!r}")
            else:
                figures.append((int(caption[1]), int(caption[2])))
    if figures != [(number, k + 1) for k in range(len(figures))]:
        found.append(f"figures are numbered {figures}")
    at = next((i for i, cell in enumerate(book.cells) if re.search(r"(?m)^## Answers", cell.source)), len(book.cells))
    for i, cell in enumerate(book.cells):
        folded = cell.metadata.get("jupyter", {}).get("source_hidden", False)
        if cell.cell_type == "code" and not folded == is_answer(cell) == (i > at):
            found.append(f"answers (tag answer) are folded and stand under Answers, other code is neither: {cell.source[:60]!r}")
    return found


def test_every_twin_has_its_notebook():
    twins = [path.stem for path in sorted((ROOT / "notebooks" / "text").glob("*.py"))]
    assert twins == [path.stem for path in NOTEBOOKS]


@every_notebook
def test_equals_its_twin(path):
    twin = ROOT / "notebooks" / "text" / f"{path.stem}.py"
    hint = f"`make notebooks LESSONS={path.stem[:2]}` writes the notebook anew"
    assert rebuild.contents(read(path)) == rebuild.contents(rebuild.from_twin(twin)), hint


@every_notebook
def test_is_valid_and_as_rebuild_writes_it(path):
    book = read(path)
    nbformat.validate(book)
    assert book.metadata == rebuild.METADATA
    assert path.read_text(encoding="utf-8") == address.as_text(book_as_stored(book))


def book_as_stored(book):
    return nbformat.v4.rwbase.split_lines(copy.deepcopy(book))


@every_notebook
def test_was_executed_once_in_order(path):
    assert unexecuted(read(path)) == []


@every_notebook
def test_is_small(path):
    assert path.stat().st_size < 2_000_000


@every_notebook
def test_begins_with_the_bootstrap(path):
    here, version = address.address_and_version()
    book = read(path)
    assert code_cells(book)[0].source == address.bootstrap(here, version), "`make address` writes it"
    assert code_cells(book)[0].outputs == []
    assert address.badge(path.stem, here, version) in book.cells[0].source.splitlines()


@every_notebook
def test_has_the_anatomy_of_a_lesson(path):
    assert misbuilt(read(path), int(path.stem[:2])) == []


# The checks themselves, on a lesson with nothing in it but the anatomy, and on the same lesson broken in one place.

def sound():
    """The smallest lesson without complaint: one slider figure, one answer."""
    text, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    picture = nbformat.v4.new_output("display_data", data={"image/png": "aGVsbG8=", "text/plain": "a figure"})
    body = [text(f"## {name}\n\nwords") for name in SECTIONS]
    body[3:3] = [code("view = sliders(draw, fig, x=(0, 1))", outputs=[picture]), text("**Figure 9.1.** A point."),
                 text("## Predict: once more"), text("## Try it: two sliders")]
    answer = code("1 + 1", metadata={"tags": ["answer"], "jupyter": {"source_hidden": True}})
    cells = [text(f"# 9. Tiny\n\n{address.NO_BADGE}"), code(address.bootstrap("", "0.1.0")), *body, answer]
    book = nbformat.v4.new_notebook(cells=cells)
    for i, cell in enumerate(code_cells(book)):
        cell.execution_count = i + 1
    return book


def test_sound_lesson_has_no_complaint():
    assert misbuilt(sound(), 9) == []
    assert unexecuted(sound()) == []


def _at(book, start):
    return next(cell for cell in book.cells if cell.source.startswith(start))


@pytest.mark.parametrize("wreck, sentence", [
    (lambda book: _at(book, "# 9.").update(source="# 8. Tiny"), "the first cell does not begin"),
    (lambda book: _at(book, "# 9.").update(source="# 9. Tiny"), "no badge line"),
    (lambda book: book.cells.remove(_at(book, "## Recap")), "sections are"),
    (lambda book: book.cells.insert(-3, _at(book, "## Words")), None),  # a section may come again
    (lambda book: book.cells.insert(1, _at(book, "## Predict")), "sections are"),
    (lambda book: book.cells.insert(1, nbformat.v4.new_markdown_cell("## Before")), "first section is not Words"),
    (lambda book: _at(book, "view =").update(outputs=[]), "no stored picture"),
    (lambda book: book.cells.remove(_at(book, "**Figure")), "no caption"),
    (lambda book: _at(book, "**Figure").update(source="**Figure 9.2.** A point."), "numbered"),
    (lambda book: _at(book, "1 + 1").metadata.pop("jupyter"), "folded"),
    (lambda book: _at(book, "view =").metadata.update(tags=["answer"]), "folded"),
])
def test_broken_anatomy_is_found(wreck, sentence):
    book = sound()
    wreck(book)
    found = misbuilt(book, 9)
    assert (found == []) if sentence is None else any(sentence in line for line in found), found


@pytest.mark.parametrize("wreck, sentence", [
    (lambda book: _at(book, "1 + 1").update(execution_count=None), "execution counts"),
    (lambda book: _at(book, "1 + 1").update(execution_count=7), "execution counts"),
    (lambda book: _at(book, "1 + 1").outputs.append(nbformat.v4.new_output("error", ename="KeyError", evalue="a")), "KeyError"),
    (lambda book: _at(book, "1 + 1").outputs.append(nbformat.v4.new_output("stream", name="stderr", text="oh")), "stderr"),
    (lambda book: _at(book, "1 + 1").outputs.append(nbformat.v4.new_output("stream", text="<f at 0x7f0012>")), "address"),
    (lambda book: book.metadata.update(widgets={}), "widget state"),
])
def test_bad_execution_is_found(wreck, sentence):
    book = sound()
    wreck(book)
    assert any(sentence in line for line in unexecuted(book))
