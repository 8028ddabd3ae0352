"""The stage: a picture in the page that is drawn from arrays, with controls; and the sketchpad, which is drawn on it.

`Stage` is the widget. It sends what changed, as arrays and a few words, to stage.js, which draws it, and no more
than three pictures are ever under way: a slow page is never flooded, and a closed one receives nothing. Of a film,
pictures that are sent ahead, the page shows at once what the reader asks for. `Board` is what the sketchpad and the
theatre (`helpers.theatre`) share: named controls, a status line, what tests do with them.
"""

import asyncio
import math
import threading
import weakref
from dataclasses import dataclass, replace
from pathlib import Path

import anywidget
import matplotlib.pyplot as plt
import numpy as np
import torch
import traitlets

from helpers import plots, widgets
from helpers.blit import Blit
from helpers.distributions import from_points
from helpers.guide import told

LIMITS = ((-3.0, 3.0), (-3.0, 3.0))  # of a sketchpad
EDGE = 2.9  # dots lie within it
DOTS = 12  # that one touch of the brush leaves
MOST_DOTS, FEWEST_DOTS = 6000, 20
HISTORY = 30  # strokes that can be undone
FILM = 40e6  # bytes of film that a page keeps; stage.js knows the same number
FILMED = ("real", "generated", "field", "grid", "arrows")  # the arrays of one of its frames


class Stage(anywidget.AnyWidget):
    """The widget: `show(...)` says what is to be seen; what the reader does arrives at `on_input`, a function.

    spec: the size of each panel {"picture": (width, height), ...} and the rows of controls; it stays as it is.
    The first state travels after opening, too, because Colab drops the arrays of a message that opens a widget.
    """

    _esm = Path(__file__).with_name("stage.js").read_text(encoding="utf-8")
    spec = traitlets.Dict().tag(sync=True)

    def __init__(self, spec, on_input):
        super().__init__(spec=spec)
        self.on_input, self.lock = on_input, threading.RLock()
        self.state, self.arrays, self.changed = {"order": 0, "generation": 0}, {}, set()
        self.frame, self.painted, self.awake = 0, 0, False  # numbers of messages: the last one sent, the last one seen
        self.filmed, self.on_painted = {}, None  # {step: bytes} of the page's film; a function to call after painting
        self.on_msg(self._received)

    @property
    def ready(self):
        """Whether a page is open that waits for more: it paints one picture while the next ones are on their way."""
        return self.awake and self.frame - self.painted < 3

    @property
    def idle(self):
        """Whether there is time for the film: all else has been sent, and one message at most is under way."""
        return self.awake and not self.changed and self.frame - self.painted < 2

    def show(self, arrays=None, **state):
        """None; this is to be seen from now on. arrays: {name: array, or None to remove it}; state: words, numbers."""
        with self.lock:
            for name, array in (arrays or {}).items():
                if not _equal(self.arrays.get(name), array):
                    self.arrays[name] = array
                    self.changed.add(("array", name))
            for name, value in state.items():
                if name not in self.state or self.state[name] != value:
                    self.state[name] = value
                    self.changed.add(("state", name))
            self._ship()

    def cut_film(self):
        """None; the page forgets its film, which has become wrong, as soon as something else is shown."""
        with self.lock:
            self.filmed.clear()
            self.state["generation"] += 1
            self.changed.add(("state", "generation"))

    def filming(self, step, arrays):
        """None; the page has this frame now. Like the page, this forgets the oldest ones when there is no more room."""
        self.filmed.pop(step, None)
        self.filmed[step] = sum(array.nbytes for name, array in arrays.items() if name in FILMED)
        while sum(self.filmed.values()) > FILM:
            del self.filmed[next(iter(self.filmed))]

    def send_film(self, frames):
        """None; sends frames ahead: [(step, arrays, state)]. What a frame shares with the last is not repeated."""
        reel, sent, last = [], [], {}
        for step, arrays, state in frames:
            arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
            new = {name: array for name, array in arrays.items() if not _equal(array, last.get(name))}
            reel.append({"step": step, "state": state, "arrays": _heads(new)})
            sent += [array.tobytes() for array in new.values()]
            self.filming(step, arrays)
            last = arrays
        self.frame += 1
        self.send({"frame": self.frame, "generation": self.state["generation"], "film": reel}, sent)

    def _received(self, _, content, buffers):
        self.painted = max(self.painted, content.get("painted", 0))
        if content["kind"] not in ("hello", "painted"):  # without the lock: it need not wait for a slice
            self.on_input(content)
            return
        with self.lock:
            if content["kind"] == "hello":  # a page has opened, or lost something: it needs everything
                self.awake, self.painted = True, self.frame
                self.filmed.clear()
                self.changed = {("state", name) for name in self.state} | {("array", name) for name in self.arrays}
            else:
                self.painted = max(self.painted, content["frame"])
            self._ship()
            if self.on_painted is not None:
                self.on_painted()

    def _ship(self):
        """Sends what has changed, unless there is no page, or it has not yet painted what came before."""
        if not self.changed or not self.ready:
            return
        arrays, gone = {}, []
        for kind, name in sorted(self.changed):
            if kind == "array" and self.arrays[name] is None:
                gone.append(name)
            elif kind == "array":
                arrays[name] = np.ascontiguousarray(self.arrays[name])
        said = {name: value for name, value in self.state.items()
                if name in ("order", "values") or ("state", name) in self.changed}
        self.changed.clear()
        self.frame += 1
        self.send({"frame": self.frame, "state": said, "arrays": _heads(arrays), "gone": gone},
                  [array.tobytes() for array in arrays.values()])


def _heads(arrays):
    return [{"name": name, "type": str(array.dtype), "shape": array.shape} for name, array in arrays.items()]


def _equal(a, b):
    """Whether two arrays (or None) are the same, so that nothing has to travel."""
    if a is None or b is None or a is b:
        return a is b
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@dataclass
class Control:
    """One control of a Board. kind: "button", "choice", "check", "range" or "number"; value: of a button, presses."""

    name: str
    kind: str
    label: str
    value: object = 0
    options: tuple = ()  # of a choice
    low: int | float = 0
    high: int | float = 0
    step: int | float = 1
    main: bool = False
    wide: bool = False

    @property
    def source(self):
        """Where the value is, for `helpers.widgets.sweep`."""
        return self

    @property
    def probes(self):
        """Values that a test tries."""
        if self.kind == "button":
            return [1, 2]
        if self.kind == "choice":
            return list(self.options)
        return [False, True] if self.kind == "check" else [self.low, self.high]

    def read(self, value):
        """The value as this control can have it."""
        if self.kind == "choice":
            return value if value in self.options else self.value
        if self.kind == "check":
            return bool(value)
        value = float(value) if math.isfinite(float(value)) else self.value
        nearest = self.low + round((min(self.high, max(self.low, value)) - self.low) / self.step) * self.step
        return int(nearest) if isinstance(self.step, int) else round(nearest, 6)

    def describe(self):
        """What the page needs to know."""
        names = ("name", "kind", "label", "options", "low", "high", "step", "main", "wide")
        return {name: getattr(self, name) for name in names}


class Board:
    """Controls, a stage, a status line. A subclass has `moved(name)`, called after each change.

    controls: {name: Control}. sentence: the status line. error: the exception that the last input led to, or None.
    """

    anywhere = False  # whether input may be handled in another thread, as JupyterLab's kernel does while a cell runs
    blit = None

    def __init__(self, rows, panels, **options):
        self.controls = {control.name: control for row in rows for control in row}
        self.error, self.sentence = None, ""
        try:
            self.loop = asyncio.get_running_loop()  # of the kernel: a cell runs inside it
        except RuntimeError:
            self.loop = None  # plain Python
        self.thread = threading.current_thread()
        described = [[control.describe() for control in row] for row in rows]
        self.box = Stage({"rows": described, "panels": panels, **options}, self._input)
        self.lock = self.box.lock

    def present(self, fig):
        """None; displays the board, and `fig` where there is no kernel."""
        widgets._shown.append(weakref.ref(self))
        widgets._present(self, Blit(fig))

    def set(self, **values):
        """None; moves the named controls, as the reader would; a button is pressed until its value is reached.

        It ends at the first one that fails, so that `error` is not overwritten.
        """
        for name, value in values.items():
            control = self.controls[name]
            for _ in range(value - control.value if control.kind == "button" else 1):
                self._guarded(self._move, name, value)
                if self.error is not None:
                    return

    def _input(self, content):
        self.box.state["order"] = max(self.box.state["order"], content.get("order", 0))
        if content["kind"] == "stroke":
            self.on_main(self._guarded, self.stroke, content["strokes"])
        else:
            self.on_main(self._guarded, self._move, content["name"], content["value"])

    def on_main(self, job, *arguments):
        """Runs the job now, or, where networks are concerned, in the kernel's main thread as soon as that is free."""
        if self.loop is None or self.anywhere or threading.current_thread() is self.thread:
            job(*arguments)
        else:
            self.loop.call_soon_threadsafe(job, *arguments)

    def _move(self, name, value):
        control = self.controls[name]
        control.value = control.value + 1 if control.kind == "button" else control.read(value)
        self.moved(name)

    def _guarded(self, job, *arguments):
        with self.lock:
            try:
                self.error = None
                job(*arguments)
            except Exception as error:
                self.error = error
                self.say(f"This setting failed: {told(error)}")

    def say(self, sentence, arrays=None, **state):
        """None; shows the sentence as status line, with what else is new."""
        self.sentence = sentence
        values = {name: control.value for name, control in self.controls.items() if control.kind != "button"}
        self.box.changed.add(("state", "values"))  # sent in any case: the page waits to hear that its input has arrived
        self.box.show(arrays, sentence=sentence, alarm=self.error is not None, values=values, **state)


def sketchpad():
    """A sketchpad, which is displayed: draw a distribution with the mouse, a finger or the keyboard.

    Its `points` are an (n, 2) tensor within (-3, 3); `target()` makes a Target of them. It begins with an example, a
    heart. On the picture, arrow keys move a cross-hair, the space bar leaves dots, and shift with an arrow key draws.
    """
    pad = Sketchpad()
    pad.present(pad.figure())
    return pad


class Sketchpad(Board):
    """What `sketchpad()` returns."""

    anywhere = True

    def __init__(self):
        rows = [[Control("brush", "range", "brush size", 0.2, low=0.05, high=0.8, step=0.05),
                 Control("eraser", "check", "eraser", False), Control("undo", "button", "undo"),
                 Control("clear", "button", "clear")],
                [Control(name, "button", f"example: {name}") for name in EXAMPLES]]
        super().__init__(rows, {"picture": (460, 440)}, draws=True)
        self.rng = torch.Generator().manual_seed(0)  # scatters the dots of the brush
        self.points, self.before, self.last = torch.empty(0, 2), [], None
        self.box.show(limits=LIMITS, names={"picture": "Sketchpad"})
        self._example("heart")

    def __repr__(self):
        return f"a sketchpad with {len(self.points):,} points"

    def target(self, sd=0.04):
        """The drawing as a Target named "your drawing": one of its dots, plus Gaussian noise of standard deviation sd.

        It keeps the drawing as it is now. Raises ValueError when there are too few dots.
        """
        with self.lock:
            if len(self.points) < FEWEST_DOTS:
                raise ValueError(f"There are only {len(self.points)} dots on the sketchpad; a target needs at least "
                                 f"{FEWEST_DOTS}: draw something, or press one of the examples.")
            # the limits of the pad: the drawing lies in the picture where it lies on the pad
            return replace(from_points(self.points, sd, "your drawing"), limits=LIMITS)

    def figure(self):
        """The drawing as a matplotlib figure."""
        fig, ax = plt.subplots(figsize=(4.6, 4.4), layout="constrained")
        plots.scatter_samples(ax, self.points, "real", size=2.5)
        plots.finish(ax, title="draw your own distribution here", limits=LIMITS, equal=True)
        return fig

    def moved(self, name):
        if name in EXAMPLES:
            self._keep()
            self._example(name)
        elif name == "clear":
            self._keep()
            self.points = torch.empty(0, 2)
            self._drawn("The sketchpad is empty. ")
        elif name == "undo":
            if self.before:
                self.points = self.before.pop()
            self._drawn("Undone. " if self.before else "There is nothing more to undo. ")
        else:
            self._drawn()

    def stroke(self, strokes):
        """Dots, or the eraser, where the brush went: a list of {"points": [[x, y], ...], "first": bool}."""
        for stroke in strokes:
            places = torch.tensor(stroke["points"], dtype=torch.float32).reshape(-1, 2).clamp(-EDGE, EDGE)
            if stroke["first"]:
                self._keep()
                self.last = None
            self._touch(self._along(places))
        self._drawn()

    def _along(self, places):
        """The way of the brush: a fast hand leaves few places, so the gaps between them are filled."""
        way = [] if self.last is not None else [places[:1]]
        path = places if self.last is None else torch.cat([self.last, places])
        for a, b in zip(path, path[1:]):
            steps = math.ceil(float((b - a).norm()) / (self.controls["brush"].value / 2))
            if steps:
                way.append(a + torch.linspace(0, 1, steps + 1)[1:, None] * (b - a))
        self.last = places[-1:]
        return torch.cat(way) if way else torch.empty(0, 2)

    def _touch(self, way):
        size = self.controls["brush"].value
        if self.controls["eraser"].value:  # what lies near the way goes
            if len(way) and len(self.points):
                self.points = self.points[torch.cdist(self.points, way).min(dim=1).values > size]
            return
        count = DOTS * len(way)
        angle = 2 * math.pi * torch.rand(count, generator=self.rng)
        radius = size * torch.rand(count, generator=self.rng).sqrt()  # the root: evenly over the disc
        dots = way.repeat_interleave(DOTS, dim=0) + radius[:, None] * torch.stack([angle.cos(), angle.sin()], dim=1)
        self.points = torch.cat([self.points, dots.clamp(-EDGE, EDGE)])[:MOST_DOTS]

    def _keep(self):
        self.before = [*self.before, self.points][-HISTORY:]

    def _example(self, name):
        x = EXAMPLES[name](torch.rand(900, generator=self.rng))
        self.points = x + 0.05 * torch.randn(len(x), 2, generator=self.rng)
        self._drawn(f"An example, the {name}. ")

    def _drawn(self, said=""):
        count = len(self.points)
        advice = "Mouse or finger draws. Keys: arrows move the brush, space leaves dots, shift with arrows draws."
        if count < FEWEST_DOTS or count >= MOST_DOTS:
            advice = (f"A target needs at least {FEWEST_DOTS}. " if count < FEWEST_DOTS else
                      "The sketchpad is full: erase something to draw more. ") + advice
        self.say(f"{said}{count:,} dots. {advice}", {"real": self.points.numpy().astype(np.float32)},
                 brush=self.controls["brush"].value, off=[] if self.before else ["undo"])


def _heart(u):
    t = 2 * math.pi * u
    x, y = t.sin() ** 3, (13 * t.cos() - 5 * (2 * t).cos() - 2 * (3 * t).cos() - (4 * t).cos()) / 16
    return 2.2 * torch.stack([x, y + 0.1], dim=1)


def _spiral(u):
    t = u.sqrt()  # the root: as many dots on each piece of its length
    return 2.4 * torch.stack([t * (10 * t).cos(), t * (10 * t).sin()], dim=1)


def _smile(u):
    """Two eyes and a mouth: a fifth, a fifth and three fifths of the points."""
    eye, t = 2 * math.pi * (5 * u % 1), math.pi * (1.15 + 0.7 * (u - 0.4) / 0.6)
    eyes = torch.stack([torch.where(u < 0.2, -1.0, 1.0) + 0.3 * eye.cos(), 1.1 + 0.3 * eye.sin()], dim=1)
    mouth = torch.stack([2.2 * t.cos(), 0.6 + 2.2 * t.sin()], dim=1)
    return torch.where(u[:, None] < 0.4, eyes, mouth)


EXAMPLES = {"heart": _heart, "spiral": _spiral, "smile": _smile}
