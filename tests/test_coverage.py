"""Every idea of the article is taught in the lesson that coverage.csv names.

Ids: D an idea, F a figure, S a step of the training procedure, Q a formula.
"""

import csv
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
with open(Path(__file__).parent / "coverage.csv", encoding="utf-8") as file:
    LESSON_OF = {row["id"]: int(row["lesson"]) for row in csv.DictReader(file)}


def taught(book):
    """The ids in the cells' `teaches` metadata."""
    return {name for cell in book.cells for name in cell.metadata.get("teaches", ())}


def gaps(book, lesson):
    """(ids that this lesson owes and no cell teaches, ids that do not exist)."""
    owed = {name for name, number in LESSON_OF.items() if number == lesson}
    return sorted(owed - taught(book)), sorted(taught(book) - set(LESSON_OF))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_lesson_teaches_its_rows(path):
    assert gaps(nbformat.read(path, as_version=4), int(path.stem[:2])) == ([], [])


def test_table_is_whole():
    # 41 ideas, 7 figures (the article's first is its title picture), 6 steps, 3 formulas, over 12 lessons
    kinds = {kind: sorted(int(name[1:]) for name in LESSON_OF if name[0] == kind) for kind in "DFSQ"}
    assert kinds == {"D": list(range(1, 42)), "F": list(range(2, 9)), "S": list(range(1, 7)), "Q": [1, 2, 3]}
    assert set(LESSON_OF.values()) == set(range(1, 13))


def test_gaps_are_found():
    cell = nbformat.v4.new_markdown_cell("text", metadata={"teaches": ["D11", "D9", "F4", "D99"]})
    assert gaps(nbformat.v4.new_notebook(cells=[cell]), 2) == (["D10"], ["D99"])
