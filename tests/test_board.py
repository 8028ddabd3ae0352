"""The board: what a press does, what it says, what remains without a kernel, what is refused."""

import base64
import io

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from helpers import widgets
from helpers.board import BLANK, board
from helpers.widgets import shown, sweep


def show(taken, count=False):
    """A game for one: take fields of a board of two rows, of three and of two fields."""
    rows = [["taken" if (i, j) in taken else "" for j in range(width)] for i, width in enumerate((3, 2))]
    return rows, f"{len(taken)} <fields> are taken." if count else "Take a field."


def play(taken, row, column):
    if (row, column) == (1, 1):
        raise ValueError("nobody goes <there>")
    return None if (row, column) in taken else taken | {(row, column)}


STARTS = {"New game": frozenset(), "A late one": frozenset({(0, 0), (0, 1)})}


def made(**arguments):
    board(**{"show": show, "play": play, "starts": STARTS, "count": True} | arguments)
    return shown()[-1]


def buttons(box):
    found = [box] if isinstance(box, widgets.ipywidgets.Button) else []
    return found + [button for child in getattr(box, "children", ()) for button in buttons(child)]


def the(stage, description):
    return next(button for button in buttons(stage.box) if button.description == description)


def test_a_press_plays_and_a_start_begins_anew(capsys):
    stage = made()
    assert capsys.readouterr().out == "0 <fields> are taken.\n"
    assert [[button.description for button in line] for line in stage.fields] == [[""] * 3, [""] * 2]
    stage.fields[0][2].click()
    assert stage.state == {(0, 2)} and stage.fields[0][2].description == "taken"
    assert "1 &lt;fields&gt; are taken." in stage.status.value and 'role="status"' in stage.status.value
    the(stage, "A late one").click()
    assert [button.description for button in stage.fields[0]] == ["taken", "taken", ""]
    assert [button.icon for button in stage.fields[0]] == ["", "", BLANK]  # else the front end keeps the old text
    the(stage, "New game").click()
    assert stage.state == frozenset()


def test_every_field_has_a_name_also_an_empty_one():
    stage = made()
    stage.press(0, 1)
    assert [button.tooltip for button in stage.fields[0]] == [
        "row 1, column 1: empty", "row 1, column 2: taken", "row 1, column 3: empty"]
    small = [("board-words" in button._dom_classes) for button in stage.fields[0]]
    assert small == [False, True, False]  # long texts are small
    the(stage, "New game").click()
    assert not any("board-words" in button._dom_classes for button in stage.fields[0])


def test_what_the_rules_forbid_is_said_and_changes_nothing():
    stage = made()
    stage.press(0, 1)
    stage.press(0, 1)
    assert stage.state == {(0, 1)} and stage.error is None
    assert "The rules do not allow row 1, column 2. 1 &lt;fields&gt; are taken." in stage.status.value
    stage.press(0, 2)
    assert "rules" not in stage.status.value and len(stage.state) == 2


def test_an_exception_in_play_is_reported_and_the_next_move_recovers():
    stage = made()
    stage.press(1, 1)
    assert "This move failed: ValueError: nobody goes &lt;there&gt;" in stage.status.value
    assert isinstance(stage.error, ValueError) and stage.state == frozenset()
    stage.press(1, 0)
    assert stage.error is None and stage.state == {(1, 0)}
    stage.set(**{"row 2, column 2": 9, "row 1, column 1": 9})
    assert isinstance(stage.error, ValueError) and stage.state == {(1, 0)}, "a later move does not hide it"
    with pytest.raises(RuntimeError, match="row 2, column 2"):
        sweep(stage)


def test_an_exception_in_show_leaves_the_board_as_it_was():
    def sometimes(taken):
        if taken:
            raise KeyError("no picture")
        return show(taken)

    board(sometimes, play, STARTS)
    stage = shown()[-1]
    stage.press(0, 0)
    assert "This move failed: KeyError" in stage.status.value
    assert stage.state == frozenset() and stage.fields[0][0].description == ""


def test_a_switch_shows_the_same_state_in_another_way():
    stage = made(labels={"count": "count them"})
    stage.press(0, 0)
    box = stage.controls["count"].source
    assert box.description == "count them" and stage.values == {"count": True}
    box.value = False
    assert "Take a field." in stage.status.value and stage.state == {(0, 0)}


def test_sweep_presses_everything():
    board(show, lambda taken, row, column: taken ^ {(row, column)}, STARTS, count=False)
    stage = shown()[-1]
    assert sweep(stage) == 3 * 5 + 3 * 2 + 3 and stage.values == {"count": False}


def test_later_cells_may_use_the_same_names_again():
    notebook = {"__builtins__": __builtins__}
    exec("def text(n): return str(n)\n"
         "def show(n): return [[text(n), '']], f'At {n}.'\n"
         "def play(n, row, column): return n + step\n"
         "step = 2\n", notebook)
    board(notebook["show"], notebook["play"], {"Start": 0})
    exec("text = step = None", notebook)
    stage = shown()[-1]
    stage.press(0, 1)
    assert stage.state == 2 and stage.fields[0][0].description == "2"


def test_without_a_kernel_a_picture_of_the_first_state_remains(monkeypatch):
    sent = []
    monkeypatch.setattr(widgets, "get_ipython", lambda: object())
    monkeypatch.setattr(widgets, "display", lambda *data, **options: sent.append((data, options)))
    before = plt.get_fignums()
    assert board(show, play, STARTS) is None and board(show, play, STARTS) is None
    assert plt.get_fignums() == before
    ((bundle,), options), ((again,), _) = sent
    assert set(bundle) == {"text/plain", "image/png", "application/vnd.jupyter.widget-view+json"}
    assert bundle["text/plain"] == "Take a field." and bundle["image/png"] == again["image/png"]
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))).convert("L"))
    assert options["metadata"]["image/png"] == {"width": 230, "height": 160} and picture.std() > 5


@pytest.mark.parametrize("change, error, sentence", [
    ({"show": 3}, TypeError, "show must be a function; got int"),
    ({"play": None}, TypeError, "play must be a function; got NoneType"),
    ({"starts": {}}, ValueError, "starts must be a dict such as"),
    ({"starts": frozenset()}, ValueError, "starts must be a dict such as"),
    ({"starts": {" ": 0}}, ValueError, "starts must be a dict such as"),
    ({"labels": {"values": "v"}}, ValueError, "labels names 'values', but the switches are: count"),
    ({"count": 1}, ValueError, "count must be True or False, at first; got 1"),
    ({"show": lambda taken, count: [["a"]]}, TypeError, "instead of .rows, sentence."),
    ({"show": lambda taken, count: ([["a"]], "")}, TypeError, "instead of .rows, sentence."),
    ({"show": lambda taken, count: ([[1]], "One.")}, TypeError, "instead of rows of texts"),
    ({"show": lambda taken, count: ([], "None.")}, TypeError, "instead of rows of texts"),
])
def test_bad_input_gets_one_sentence(change, error, sentence):
    before = len(shown())
    with pytest.raises(error, match=sentence):
        made(**change)
    assert len(shown()) == before


def test_a_board_keeps_its_shape():
    board(lambda n: ([["a"] * n], "Fine."), lambda n, row, column: n + 1, {"Start": 1})
    stage = shown()[-1]
    stage.press(0, 0)
    assert "another shape" in stage.status.value and stage.state == 1
