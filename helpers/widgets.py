"""Figures that move: `sliders` puts controls under one figure and redraws only what a change moves.

The figure is made once. After a change, matplotlib's `stale` flags tell which artists moved; all the others
are kept as a background, and only the moved artists and what lies above them are drawn again (blitting). The
picture travels as an <img> with alternative text, and a status line says the same in words.
"""

import asyncio
import base64
import html
import inspect
import io
import math
import statistics
import threading
import time
import weakref
from decimal import Decimal
from numbers import Integral, Real
from types import CodeType, FunctionType, SimpleNamespace

import anywidget
import ipywidgets
import matplotlib.pyplot as plt
import traitlets
from IPython import get_ipython
from IPython.display import display
from matplotlib.figure import Figure
from PIL import Image

from helpers import plots
from helpers.blit import Blit
from helpers.guide import told

LAYERS = ("real", "generated", "field", "grid", "arrows", "loss")  # of a player
PLAY_INTERVAL = 120  # milliseconds between two snapshots of a film
PAUSE = 0.03  # seconds without a change after which the next one is drawn at once
_lock = threading.RLock()  # while a cell runs, JupyterLab may run callbacks in another thread
_shown = []  # weak references to the results of `sliders`


class Button:
    """A push button for `sliders`; made by `button(label)`."""

    def __init__(self, label):
        self.label = label


def button(label):
    """A push button, as a range for `sliders`: `draw` receives the number of presses so far, 0 at first.

    Raises ValueError without a label.
    """
    if not isinstance(label, str) or not label.strip():
        raise ValueError(f'button needs a few words to show, as in button("Draw new points"); got {label!r}')
    return Button(label)


def sliders(draw, fig, labels=None, **ranges):
    """None; displays `fig` with one control for each range, and redraws it with `draw` whenever one is moved.

    draw(**values): moves artists that were made before (set_data, set_text, ...) and returns one sentence in
    words, which becomes the status line and the picture's alternative text. It keeps what its global names
    stand for now, so that later cells may use a name such as `points` again.
    fig: from plt.subplots; it is taken out of pyplot, and its layout is computed once, for the first state.
    ranges: name=(low, high, step) or (low, high, step, start), a whole-number slider if all are whole, which
    starts in the middle unless told; a list of choices or a dict {label: value}; True or False; button(...).
    labels: {name: text} replaces the default label, which is the name with spaces for underscores.
    An exception in `draw` is reported in the status line, and the picture stays as it was.
    Raises ValueError or TypeError if ranges, labels, figure and `draw` do not fit together.
    """
    stage = _Stage(draw, fig, labels or {}, ranges)
    _present(stage, stage.blit)


def _present(stage, blit):
    """None; displays a stage; `blit` draws the picture that stays where there is no kernel."""
    if get_ipython() is None:  # plain Python: nothing can be displayed
        print(stage.sentence)
        return
    # One output in three forms: without a kernel, or without the widget, the ordinary picture remains.
    view = {"version_major": 2, "version_minor": 0, "model_id": stage.box.model_id}
    image = stage.image if blit is stage.blit else blit.image()
    bundle = {"text/plain": stage.sentence, "image/png": base64.b64encode(_png(image, colours=256)).decode(),
              "application/vnd.jupyter.widget-view+json": view}
    width, height = blit.size
    display(bundle, metadata={"image/png": {"width": width, "height": height}}, raw=True)


def player(snapshots, layers=("real", "generated", "loss"), describe=None):
    """None; displays a run as a film: play, pause, one step, scrub, and layers to switch on and off.

    snapshots: the list of one run's, as from `list(train_gmn(...))`, of points in the plane or on the line.
    layers: those that are on at first, of "real", "generated", "field" (what the judge says), "grid" (the noise grid,
    mapped), "arrows" (where the loss pushes) and "loss"; what the snapshots do not have is not offered.
    describe(snapshot): a sentence that is added to the status line. Without a kernel, a film strip remains.
    Raises ValueError or TypeError if the snapshots are none, not of one run, or not to be drawn.
    """
    snapshots = _check_snapshots(snapshots, layers)
    names = _layers_of(snapshots)
    fig, draw = _film(snapshots, "loss" in names, describe)
    ranges = {"snapshot": (0, len(snapshots) - 1, 1, 0), **{name: name in layers for name in names}}
    stage = _Stage(draw, fig, {}, ranges, rows=_player_rows)
    _present(stage, Blit(_strip(snapshots, [name for name in layers if name in names])))


def _strip(snapshots, layers):
    """The figure that stays where there is no kernel: some snapshots in two rows, and beside them the losses."""
    count, more = min(6, len(snapshots)), "loss" in layers
    columns = -(-count // 2)
    fig = plt.figure(figsize=(2.0 * columns + 3.0 * more, 4.2), layout="constrained")
    fig.get_layout_engine().set(h_pad=0.1)
    grid = fig.add_gridspec(2, columns + more, width_ratios=[1] * columns + [1.5] * more)
    plots.film_strip([fig.add_subplot(grid[divmod(i, columns)]) for i in range(count)], snapshots, layers)
    if more:
        _draw_losses(ax := fig.add_subplot(grid[:, -1]), snapshots[-1])
        ax.set_ylabel("loss")
    return fig


def _draw_losses(ax, last, cursor=None):
    """The losses of a whole run; how many steps are averaged."""
    average = max(1, min(50, len(last.losses) // 20))
    if last.judge_losses is None:
        plots.loss_curves(ax, last.losses, average=average, cursor=cursor)
    else:
        plots.loss_curves(ax, {"judge's loss": last.judge_losses, "generator's loss": last.losses}, average=average,
                          cursor=cursor, scale="linear", colors=("discriminator", "generated"))
    return average


def _layers_of(snapshots):
    """The layers that these snapshots can show."""
    plane = snapshots[0].x_real.shape[1] == 2
    have = {"field": snapshots[0].field is not None, "grid": plane and snapshots[0].grid is not None,
            "loss": len(snapshots[-1].losses) > 0,
            "arrows": plane and any(snapshot.push is not None and len(snapshot.push) for snapshot in snapshots)}
    return [name for name in LAYERS if have.get(name, True)]


def _film(snapshots, with_loss, describe):
    """The figure of a player, and the function that draws one snapshot into it."""
    last = snapshots[-1]
    columns = 2 if with_loss else 1
    fig, axes = plt.subplots(1, columns, figsize=(4.9 + 3.5 * (columns - 1), 4.4), layout="constrained",
                             width_ratios=(1.4, 1)[:columns], squeeze=False)
    show = plots.snapshot_view(axes[0, 0], next((s for s in snapshots if s.push is not None), snapshots[0]))
    cursor = None
    if with_loss:
        average = _draw_losses(axes[0, 1], last, cursor=0)
        cursor = axes[0, 1].lines[-1]
    low, high = last.limits[0]
    pushes = [float(s.push.norm(dim=1).quantile(0.9)) for s in snapshots if s.push is not None and len(s.push)]
    # one scale for the whole run: in its middle, the strongest pushes are a tenth of the picture's width
    scale = (high - low) / 10 / max(statistics.median(pushes or [0.0]), 1e-12)

    def draw(snapshot, **on):
        now = snapshots[snapshot]
        show(now, [name for name, wanted in on.items() if wanted], scale)
        said = f"Step {now.step:,} of {last.step:,}"
        if cursor is not None:
            cursor.set_xdata([now.step, now.step])
            axes[0, 1].set_visible(on["loss"])
            recent = now.losses[-average:]
            said += f": loss {float(recent.mean()):.4f}" if len(recent) else ": not trained yet"
            if now.judge_losses is not None and len(recent):
                said += f", of the judge {float(now.judge_losses[-average:].mean()):.4f}"
            said += f" (mean of {len(recent)} steps)" if len(recent) > 1 else ""
        if not now.x_fake.isfinite().all():
            said += "; some generated points are no longer finite numbers"
        return f"{said}. {describe(now)}" if describe else f"{said}."

    return fig, draw


def _player_rows(controls):
    """The controls of a player in three rows: the film, its place, the layers."""
    place = controls["snapshot"]
    slider, last = place.source, place.source.max
    play = ipywidgets.Play(min=0, max=last, step=1, interval=PLAY_INTERVAL, description="play")
    ipywidgets.jslink((play, "value"), (slider, "value"))

    def go(by):
        def pressed(_):
            slider.value = min(last, max(0, slider.value + by))
        return pressed

    back, forward = (ipywidgets.Button(description=text, layout={"width": "max-content"})
                     for text in ("one back", "one forward"))
    back.on_click(go(-1))
    forward.on_click(go(1))
    layers = [control.row for name, control in controls.items() if name != "snapshot"]
    for layer in layers:
        layer.indent = False
        layer.layout = {"width": "max-content", "margin": "2px 18px 2px 2px"}
    return [ipywidgets.HBox([play, back, forward]), place.row,
            ipywidgets.HBox(layers, layout={"flex_flow": "row wrap"})]


def _check_snapshots(snapshots, layers):
    snapshots = list(snapshots)
    if len(snapshots) < 2:
        raise ValueError(f"player needs at least two snapshots, but there is {len(snapshots) or 'none'}.")
    for snapshot in snapshots:
        if not hasattr(snapshot, "x_fake") or not hasattr(snapshot, "x_real"):
            raise TypeError("player shows Snapshots, as from list(train_gmn(...)); "
                            f"one of these is of type {type(snapshot).__name__}.")
        if snapshot.x_fake.shape != snapshots[0].x_fake.shape or snapshot.limits != snapshots[0].limits:
            raise ValueError("the snapshots are not of one run: their points differ in number or limits.")
    if snapshots[0].x_real.shape[1] not in (1, 2):
        raise ValueError(f"player draws points of 1 or 2 dimensions; these have {snapshots[0].x_real.shape[1]}.")
    unknown = [name for name in layers if name not in LAYERS]
    if unknown:
        raise ValueError(f"there is no layer {unknown[0]!r}, only {', '.join(LAYERS[:-1])} and {LAYERS[-1]}.")
    return snapshots


def shown():
    """A list of all live results of `sliders`, oldest first; tests give them to `sweep`."""
    return [stage for stage in (reference() for reference in _shown) if stage is not None]


def sweep(stage):
    """The number of settings tried: both ends and the middle of every control, the others at their start.

    Raises RuntimeError at the first setting that fails, and names it.
    """
    tried = 0
    for name, control in stage.controls.items():
        for value in [*control.probes, control.source.value]:
            stage.set(**{name: value})
            tried += 1
            if stage.error is not None:
                raise RuntimeError(f"{name} = {value!r}: {stage.sentence}") from stage.error
    return tried


class _Stage:
    """The controls, the picture and the status line of `sliders`; `values`, `set` and `png` are for tests."""

    def __init__(self, draw, fig, labels, ranges, rows=None):
        _check_sliders(draw, fig, labels, ranges)
        labels = {name: labels.get(name, getattr(spec, "label", name.replace("_", " ")))
                  for name, spec in ranges.items()}
        column = f"{0.55 * max(len(label) for label in labels.values()) + 1:.1f}em"
        self.draw, self.controls = _keeping_names(draw), {}
        for name, spec in ranges.items():
            self.controls[name] = _control(name, labels[name], spec, column)
            self.controls[name].source.observe(self._changed, "value")
        self.error, self.sentence, self.image = None, "", None
        self.quiet, self.dirty, self.timers, self.cost, self.finished = False, False, set(), 0.0, -math.inf
        self.picture, self.status = ipywidgets.HTML(), ipywidgets.HTML()
        with _lock:
            self._call_draw()
            self.blit = Blit(fig)
            self.image = Image.new("RGB", self.blit.size, "white")
            self._show(self.error)
        rows = rows(self.controls) if rows else [control.row for control in self.controls.values()]
        named = any(isinstance(control.row, ipywidgets.HBox) for control in self.controls.values())
        self.box = ipywidgets.VBox([self.picture, self.status, *rows, *([_Names()] if named else [])])
        _shown.append(weakref.ref(self))

    @property
    def values(self):
        """What `draw` is called with, as a dict."""
        return {name: control.read() for name, control in self.controls.items()}

    def set(self, **values):
        """None; moves the named controls and draws before it returns."""
        with _lock:
            self.quiet = True
            try:
                for name, value in values.items():
                    self.controls[name].write(value)
            finally:
                self.quiet = False
            self._update()

    def png(self, colours=None):
        """The picture as PNG bytes, with all changes drawn; `colours` (256, say) makes it smaller."""
        with _lock:
            if self.dirty:
                self._update()
        return _png(self.image, colours)

    def _changed(self, _):
        """Draws at once after a pause; within a burst, soon, and then only the latest values."""
        with _lock:
            self.dirty = True
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                loop = None
            if self.quiet or loop in self.timers:
                return
            if loop is None or time.monotonic() - self.finished > PAUSE:
                self._update()
            else:  # long enough for the messages that came during the last drawing to be read first
                self.timers.add(loop)
                loop.call_later(0.005 + self.cost / 4, self._catch_up, loop)

    def _catch_up(self, loop):
        with _lock:
            self.timers.discard(loop)
            if self.dirty:
                self._update()

    def _update(self):
        began = time.monotonic()
        self.dirty = False
        if self._call_draw():
            self._show()
        self.finished = time.monotonic()
        self.cost = self.finished - began

    def _call_draw(self):
        """Whether `draw` succeeded; sets the sentence, and the error if there was one."""
        try:
            sentence = self.draw(**self.values)
            if not isinstance(sentence, str) or not sentence.strip():
                raise TypeError(f"draw returned {sentence!r} instead of one sentence about the picture")
        except Exception as error:
            self._failed(error)
            return False
        self.error, self.sentence = None, sentence
        return True

    def _failed(self, error):
        self.error, self.sentence = error, f"This setting failed: {told(error)}"
        self.status.value = _status(self.sentence, "; font-weight: bold")

    def _show(self, error=None):
        """None; sends picture and sentence to the reader; after an error, the picture as it was made."""
        try:
            self.image = self.blit.image()
        except Exception as trouble:  # for example a formula in a text that matplotlib cannot set
            self.blit.forget()
            error = trouble
        if error is not None:
            self._failed(error)
            if self.picture.value:
                return
        width, height = self.blit.size
        data = base64.b64encode(_encoded(self.image, "WEBP", quality=85, method=0)).decode()
        # decoding=sync: the new picture replaces the old one without a white moment between them
        self.picture.value = (f'<img alt="{html.escape(self.sentence)}" width="{width}" height="{height}"'
                              ' decoding="sync" style="display: block; max-width: 100%; height: auto"'
                              f' src="data:image/webp;base64,{data}">')
        if error is None:
            self.status.value = _status(self.sentence)


def _keeping_names(draw):
    """`draw`, and the notebook's functions that it calls, with each global name bound to what it means now.

    The functions are copies: one that is a key of a dict is no longer found there, so use strings as keys.
    """
    if not isinstance(draw, FunctionType):
        return draw
    now, kept, waiting = draw.__globals__, {"__builtins__": draw.__globals__["__builtins__"]}, [draw.__code__]

    def rebound(old):
        copy = FunctionType(old.__code__, kept, old.__name__, old.__defaults__, old.__closure__)
        copy.__kwdefaults__ = old.__kwdefaults__
        return copy

    while waiting:
        code = waiting.pop()
        waiting += [part for part in code.co_consts if isinstance(part, CodeType)]  # functions inside it
        for name in code.co_names:
            if name in now and name not in kept:
                value = now[name]
                if isinstance(value, FunctionType) and value.__globals__ is now:
                    waiting.append(value.__code__)
                    value = rebound(value)
                kept[name] = value
    return rebound(draw)


def _control(name, label, spec, column):
    """One control: `source` with a value to observe, `read()`, `write(value)`, `probes`, `row` to show.

    column: width of the labels, so that they stand in one column and none is cut off.
    """
    style = {"description_width": column}
    if isinstance(spec, Button):
        source = _Presses()
        indent = f"2px 2px 2px calc({column} + 9px)"  # under the boxes of the other rows
        row = ipywidgets.Button(description=label, layout={"width": "max-content", "margin": indent})
        row.on_click(lambda _: source.set_trait("value", source.value + 1))
        probes = [0, 1, 2]
    elif isinstance(spec, bool):
        source = row = ipywidgets.Checkbox(value=spec, description=label, style=style,
                                           layout={"width": "max-content"})
        probes = [False, True]
    elif isinstance(spec, (list, dict)):
        choices = spec if isinstance(spec, dict) else dict(zip(spec, spec))
        choices = {str(text): value for text, value in choices.items()}
        source = row = ipywidgets.Dropdown(options=list(choices), description=label, style=style,
                                           layout={"width": "max-content"})
        return SimpleNamespace(source=source, row=row, probes=list(choices),
                               read=lambda: choices[source.value],
                               write=lambda text: setattr(source, "value", str(text)))
    else:
        return _number(label, spec, style, column)
    return SimpleNamespace(source=source, row=row, probes=probes, read=lambda: source.value,
                           write=lambda value: setattr(source, "value", value))


def _number(label, spec, style, column):
    """A slider and, before it, a box to type the number in: it carries the label, which gives both a name."""
    low, high, step = spec[:3]
    whole = all(isinstance(number, Integral) for number in spec)
    kind = int if whole else float
    places = max(0, *(-Decimal(str(number)).as_tuple().exponent for number in (low, step)))

    def on_grid(value):  # without the 0.30000000000000004 of floating-point steps
        nearest = round(low + round((value - low) / step) * step, places)
        return kind(high if value >= high else min(high, nearest))

    start = kind(spec[3]) if len(spec) == 4 else on_grid((low + high) / 2)
    common = {"value": start, "min": kind(low), "max": kind(high), "step": kind(step)}
    slider, box = (ipywidgets.IntSlider, ipywidgets.BoundedIntText) if whole else (
        ipywidgets.FloatSlider, ipywidgets.BoundedFloatText)
    slider = slider(**common, readout=False,
                    layout={"flex": "1 1 12em", "width": "auto", "max_width": "26em"})
    box = box(**common, description=label, style=style, layout={"width": f"calc({column} + 6.5em)"})

    def typed(_):
        if on_grid(box.value) != read():  # else 0.3 would correct 0.30000000000000004
            slider.value = on_grid(box.value)
        box.value = read()

    slider.observe(lambda _: setattr(box, "value", read()), "value")
    box.observe(typed, "value")

    def read():
        return start if slider.value == start else on_grid(slider.value)

    return SimpleNamespace(source=slider, row=ipywidgets.HBox([box, slider]), read=read,
                           probes=[kind(low), on_grid((low + high) / 2), kind(high)],
                           write=lambda value: setattr(slider, "value", value))


class _Names(anywidget.AnyWidget):
    """Nothing to see: gives the sliders and play buttons beside it names for screen readers, which ipywidgets forgets.

    It looks for ten seconds, since they may appear after it. ipywidgets 7 also forgets to say that a slider is one, and
    where it stands.
    """

    _esm = """
    export default { render({ el }) {
      let left = 50;
      const ICONS = {"fa-play": "play or pause", "fa-pause": "play or pause", "fa-stop": "back to the start",
                     "fa-retweet": "repeat", "fa-repeat": "repeat"};
      el.style.display = "none";
      const place = handle => {
        const read = handle.closest(".widget-hbox")?.querySelector(".widget-readout")?.textContent ?? "";
        const marks = {role: "slider", "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuetext": read,
                       "aria-valuenow": Math.round(parseFloat(handle.style.left) || 0)};
        for (const [mark, value] of Object.entries(marks)) handle.setAttribute(mark, value);
      };
      const name = () => {
        const box = el.closest(".widget-vbox");
        for (const handle of box?.querySelectorAll(".noUi-handle, .ui-slider-handle") ?? [])
          handle.setAttribute("aria-label", handle.closest(".widget-hbox")?.querySelector("label")?.textContent ?? "");
        for (const handle of box?.querySelectorAll(".ui-slider-handle:not([role])") ?? []) {
          place(handle);
          new MutationObserver(() => place(handle)).observe(handle, {attributeFilter: ["style"]});
        }
        for (const [icon, words] of Object.entries(ICONS))
          for (const found of box?.querySelectorAll(".widget-play ." + icon) ?? [])
            found.closest("button").setAttribute("aria-label", words);
        if (left--) setTimeout(name, 200);
      };
      name();
    } };
    """


class _Presses(traitlets.HasTraits):
    """How often a button was pressed."""

    value = traitlets.Int(0)


def _png(image, colours=None):
    """PNG bytes of a picture."""
    if colours:  # this method keeps small bright spots, a tongue for instance
        image = image.quantize(colours, Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE)
    return _encoded(image, "PNG", optimize=colours is not None)


def _encoded(image, form, **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def _status(sentence, style=""):
    return f'<span role="status" style="line-height: 1.4{style}">{html.escape(sentence)}</span>'


def _check_sliders(draw, fig, labels, ranges):
    if not isinstance(fig, Figure):
        raise TypeError(f"fig must be the figure from fig, ax = plt.subplots(...); got {type(fig).__name__}")
    if not callable(draw):
        raise TypeError("draw must be a function that moves the artists and returns one sentence")
    if not ranges:
        raise ValueError("sliders needs at least one range, for example bandwidth=(0.1, 3.0, 0.1)")
    for name in labels:
        if name not in ranges:
            raise ValueError(f"labels names {name!r}, but there is no such range, only {', '.join(ranges)}")
    parameters = inspect.signature(draw).parameters.values()
    anything = any(p.kind is p.VAR_KEYWORD for p in parameters)
    takes = [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    for name in ranges:
        if not anything and name not in takes:
            raise ValueError(f"draw has no argument {name!r}: write def draw({', '.join(ranges)})")
    for p in parameters:
        if p.name not in ranges and p.default is p.empty and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL):
            raise ValueError(f"draw needs {p.name!r}, but there is no range for it: "
                             f"add {p.name}=(low, high, step) or give the argument a default")
    for name, spec in ranges.items():
        _check_range(name, spec)


def _check_range(name, spec):
    if isinstance(spec, (bool, Button)):
        return
    if isinstance(spec, (list, dict)):
        if len(spec) < 2 or len({str(choice) for choice in spec}) < len(spec):
            raise ValueError(f"{name}: a list of choices needs at least two, all different; got {spec!r}")
        return
    real = isinstance(spec, tuple) and all(isinstance(v, Real) and not isinstance(v, bool) for v in spec)
    if not real or len(spec) not in (3, 4) or not all(map(math.isfinite, spec)):
        raise ValueError(f"{name} must be (low, high, step) or (low, high, step, start), a list of choices, "
                         f"a dict {{label: value}}, True, False or button(...); got {spec!r}")
    low, high, step = spec[:3]
    if low >= high:
        raise ValueError(f"{name}: low must be below high, but low is {low} and high is {high}")
    if step <= 0 or step > high - low:
        raise ValueError(f"{name}: step must be above 0 and at most high - low = {high - low}; it is {step}")
    if len(spec) == 4 and not low <= spec[3] <= high:
        raise ValueError(f"{name}: the start {spec[3]} lies outside {low} to {high}")
