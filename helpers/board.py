"""A board to click: `board` shows the state of a game as rows of buttons, and a press leads to the next state."""

import weakref
from types import SimpleNamespace

import ipywidgets
import matplotlib.pyplot as plt

from helpers import plots
from helpers.blit import Blit
from helpers.guide import told
from helpers.widgets import _keeping_names, _lock, _present, _Presses, _shown, _status

FIELD = 64  # side of a field, in pixels
BLANK = "blank"  # an icon that does not exist: a button without text and icon would go on showing its old text
# a class and a rule, because ipywidgets 7 (Colab) knows no font size for buttons
CSS = """<style>
.board-field { border: 1px solid #8c8c8c; font-size: 30px; padding: 0; line-height: normal; }
.board-field.board-words { font-size: 13px; }
</style>"""


def board(show, play, starts, labels=None, **switches):
    """None; displays a board to click: rows of buttons, a status line, and below them one button for each start.

    show(state, **switches): (rows, sentence); rows are lists of short texts, one for each field, "" for an empty
    one, of the same shape for every state; the sentence becomes the status line.
    play(state, row, column): the state after that field was pressed, or None where the rules forbid it.
    starts: {text of its button: state}; the first one is shown at first. switches: name=True or False, check
    boxes; labels: {name: text} replaces their default label, the name with spaces for underscores.
    An exception in `show` or `play` is reported in the status line, and the board stays as it was. Without a
    kernel, a picture of the first state remains.
    Raises ValueError or TypeError if starts, switches, `show` and `play` do not fit together. Used in lesson 6.
    """
    stage = _Board(show, play, starts, labels or {}, switches)
    _present(stage, Blit(_picture(stage.rows)))


class _Board:
    """The buttons and the status line of `board`; for tests it answers like the result of `sliders`."""

    blit, image = None, None  # what `_present` asks a figure with sliders for

    def __init__(self, show, play, starts, labels, switches):
        _check_board(show, play, starts, labels, switches)
        self.show, self.play = _keeping_names(show), _keeping_names(play)
        self.state, self.error, self.sentence = next(iter(starts.values())), None, ""
        self.status, self.controls = ipywidgets.HTML(), {}
        boxes = []
        for name, on in switches.items():
            box = ipywidgets.Checkbox(value=on, description=labels.get(name, name.replace("_", " ")), indent=False,
                                      layout={"width": "max-content", "margin": "2px 18px 2px 2px"})
            box.observe(lambda _: self._become(self.state), "value")
            self.controls[name] = _control(box, box, [False, True])
            boxes.append(box)
        self.rows, self.sentence = self._seen(self.state)  # an error here is one of the cell
        self.fields = [[self._field(i, j) for j in range(len(row))] for i, row in enumerate(self.rows)]
        anew = [self._start(text, state) for text, state in starts.items()]
        self._draw()
        lines = [ipywidgets.HBox(line, layout={"overflow": "visible"}) for line in self.fields]
        rows = [ipywidgets.HBox(part, layout={"flex_flow": "row wrap"}) for part in (anew, boxes) if part]
        self.box = ipywidgets.VBox([ipywidgets.HTML(CSS), *lines, self.status, *rows])
        _shown.append(weakref.ref(self))

    @property
    def values(self):
        """What the switches say, as a dict."""
        return {name: control.read() for name, control in self.controls.items()
                if isinstance(control.source, ipywidgets.Checkbox)}

    def set(self, **values):
        """None; moves the named controls, up to the first that fails; a new number for a field is a press of it."""
        with _lock:
            for name, value in values.items():
                self.error = None
                self.controls[name].write(value)
                if self.error is not None:
                    return

    def press(self, row, column):
        """None; plays that field."""
        with _lock:
            try:
                after = self.play(self.state, row, column)
            except Exception as error:
                self._failed(error)
                return
            if after is None:
                self._say(f"The rules do not allow row {row + 1}, column {column + 1}. {self.sentence}")
            else:
                self._become(after)

    def _become(self, state):
        """None; shows this state; if that fails, the board stays as it was."""
        with _lock:
            try:
                self.rows, self.sentence = self._seen(state)
            except Exception as error:
                self._failed(error)
                return
            self.state, self.error = state, None
            self._draw()

    def _seen(self, state):
        """(rows, sentence) of a state, checked."""
        answer = self.show(state, **self.values)
        if not (isinstance(answer, tuple) and len(answer) == 2 and isinstance(answer[1], str) and answer[1].strip()):
            raise TypeError(f"show returned {answer!r} instead of (rows, sentence)")
        rows = [list(row) for row in answer[0]]
        if not rows or not all(rows) or not all(isinstance(text, str) for row in rows for text in row):
            raise TypeError(f"show returned {answer[0]!r} instead of rows of texts, one for each field")
        if getattr(self, "rows", None) and [len(row) for row in rows] != [len(row) for row in self.rows]:
            raise ValueError("show returned a board of another shape than at first")
        return rows, answer[1]

    def _draw(self):
        for i, line in enumerate(self.fields):
            for j, button in enumerate(line):
                text = self.rows[i][j]
                button.description, button.icon = text, "" if text else BLANK
                button.tooltip = f"row {i + 1}, column {j + 1}: {text or 'empty'}"  # also the name of an empty one
                (button.add_class if len(text) > 2 else button.remove_class)("board-words")
        self._say(self.sentence)

    def _say(self, sentence, style=""):
        self.status.value = _status(sentence, style)

    def _failed(self, error):
        self.error, self.sentence = error, f"This move failed: {told(error)}"
        self._say(self.sentence, "; font-weight: bold")

    def _field(self, i, j):
        button = ipywidgets.Button(layout={"width": f"{FIELD}px", "height": f"{FIELD}px", "margin": "2px"})
        button.add_class("board-field")
        self._pressable(f"row {i + 1}, column {j + 1}", button, lambda: self.press(i, j))
        return button

    def _start(self, text, state):
        button = ipywidgets.Button(description=text, layout={"width": "max-content"})
        self._pressable(text, button, lambda: self._become(state))
        return button

    def _pressable(self, name, button, action):
        presses = _Presses()
        button.on_click(lambda _: presses.set_trait("value", presses.value + 1))
        presses.observe(lambda _: action(), "value")
        self.controls[name] = _control(presses, button, [1, 2])


def _control(source, row, probes):
    return SimpleNamespace(source=source, row=row, probes=probes, read=lambda: source.value,
                           write=lambda value: setattr(source, "value", value))


def _picture(rows):
    """A figure of the board: squares with their texts, long ones small."""
    width, height = max(map(len, rows)), len(rows)
    fig, ax = plt.subplots(figsize=(0.7 * width + 0.2, 0.7 * height + 0.2))
    fig.subplots_adjust(0.02, 0.02, 0.98, 0.98)
    for i, row in enumerate(rows):
        for j, text in enumerate(row):
            ax.add_patch(plt.Rectangle((j, -i), 0.94, 0.94, fc="#eeeeee", ec=plots.PALETTE["muted"]))
            ax.text(j + 0.47, 0.45 - i, text, ha="center", va="center", fontsize=10 if len(text) > 2 else 22,
                    color=plots.PALETTE["ink"], parse_math=False)
    plots.finish(ax, limits=((-0.06, width), (0.94 - height, 1)), equal=True, ticks=False)
    return fig


def _check_board(show, play, starts, labels, switches):
    for name, function in (("show", show), ("play", play)):
        if not callable(function):
            raise TypeError(f"{name} must be a function; got {type(function).__name__}")
    if not isinstance(starts, dict) or not starts or not all(isinstance(t, str) and t.strip() for t in starts):
        raise ValueError(f"starts must be a dict such as {{'New game': state}}; got {starts!r}")
    for name in labels:
        if name not in switches:
            raise ValueError(f"labels names {name!r}, but the switches are: {', '.join(switches) or 'none'}")
    for name, on in switches.items():
        if not isinstance(on, bool):
            raise ValueError(f"{name} must be True or False, at first; got {on!r}")
