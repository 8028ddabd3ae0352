"""The board of lesson 6 in a real browser: what a click, a key and a screen reader meet."""

import nbformat
import pytest

from notebooks import rebuild
from tests.browser import lab

BOARD = """
import sys
sys.path.insert(0, "..")
from helpers.board import board

def show(taken, numbers):
    rows = [["taken" if (i, j) in taken else str(3 * i + j + 1) if numbers else "" for j in range(3)] for i in range(2)]
    return rows, f"{len(taken)} taken."

def play(taken, row, column):
    return None if (row, column) in taken else taken | {(row, column)}

board(show, play, {"New game": frozenset()}, numbers=True)
"""

pytestmark = pytest.mark.skipif(lab.CHROMIUM is None, reason="no Chromium is installed")


def test_a_learner_plays_by_mouse_and_by_keyboard(tmp_path):
    with lab.serve(tmp_path) as address, lab.browse() as page:
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(BOARD)], metadata=rebuild.METADATA)
        nbformat.write(book, tmp_path / "checkout" / "notebooks" / "board.ipynb")
        mistakes = []
        page.on("pageerror", lambda error: mistakes.append(str(error)))
        lab.open_notebook(page, address, "board.ipynb")
        assert lab.run_all(page), lab.outputs(page)
        fields, status = page.locator(".board-field"), page.locator(".jp-OutputArea-output [role=status]")
        fields.first.wait_for()

        def wait_for(texts, sentence):
            for _ in range(200):
                if fields.all_inner_texts() == texts and status.inner_text() == sentence:
                    return
                page.wait_for_timeout(50)
            raise AssertionError(f"still {fields.all_inner_texts()}, {status.inner_text()!r}")

        wait_for(["1", "2", "3", "4", "5", "6"], "0 taken.")
        fields.nth(1).click()
        wait_for(["1", "taken", "3", "4", "5", "6"], "1 taken.")
        page.get_by_label("numbers").focus()
        page.keyboard.press("Space")
        wait_for(["", "taken", "", "", "", ""], "1 taken.")  # an emptied field is empty
        page.get_by_role("button", name="row 2, column 3: empty").focus()
        page.keyboard.press("Enter")
        wait_for(["", "taken", "", "", "", "taken"], "2 taken.")
        page.keyboard.press("Enter")  # the focus has stayed
        wait_for(["", "taken", "", "", "", "taken"], "The rules do not allow row 2, column 3. 2 taken.")
        page.get_by_role("button", name="New game").click()
        wait_for([""] * 6, "0 taken.")
        assert mistakes == []
