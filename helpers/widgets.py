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
import itertools
import math
import threading
import time
import weakref
from decimal import Decimal
from numbers import Integral, Real
from types import CodeType, FunctionType, SimpleNamespace

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import traitlets
from IPython import get_ipython
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.spines import Spine
from matplotlib.text import Annotation
from PIL import Image

DPI = 120  # dots drawn per inch; shown at 100 for crisper text. 140 takes a third more time for each picture
PAUSE = 0.03  # seconds without a change after which the next one is drawn at once
_lock = threading.RLock()  # while a cell runs, JupyterLab may run callbacks in another thread
_shown = []  # weak references to the results of `sliders`


class Button:
    """A push button for `sliders`; made by `button(label)`."""

    def __init__(self, label):
        self.label = label


def button(label):
    """A push button, as a range for `sliders`: `draw` receives the number of presses so far, 0 at first."""
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
    if get_ipython() is None:  # plain Python: nothing can be displayed
        print(stage.sentence)
        return
    # One output in three forms: without a kernel, or without the widget, the ordinary picture remains.
    view = {"version_major": 2, "version_minor": 0, "model_id": stage.box.model_id}
    bundle = {"text/plain": stage.sentence, "image/png": base64.b64encode(stage.png(colours=256)).decode(),
              "application/vnd.jupyter.widget-view+json": view}
    width, height = stage.blit.size
    display(bundle, metadata={"image/png": {"width": width, "height": height}}, raw=True)


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

    def __init__(self, draw, fig, labels, ranges):
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
            self.blit = _Blit(fig)
            self.image = Image.new("RGB", self.blit.size, "white")
            self._show(self.error)
        rows = [control.row for control in self.controls.values()]
        self.box = ipywidgets.VBox([self.picture, self.status, *rows])
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
            image = self.image
            if colours:  # this method keeps small bright spots, a tongue for instance
                method = Image.Quantize.MAXCOVERAGE
                image = image.quantize(colours, method, kmeans=1, dither=Image.Dither.NONE)
        return _encoded(image, "PNG", optimize=colours is not None)

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
        self.error, self.sentence = error, f"This setting failed: {type(error).__name__}: {error}"
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


class _Blit:
    """The picture of a figure, drawn over and over; a change costs what moved and what lies above it."""

    def __init__(self, fig):
        plt.close(fig)  # pyplot must neither show it a second time nor redraw it at every set_data
        fig.stale_callback = None
        self.fig, self.canvas = fig, FigureCanvasAgg(fig)
        # called in a learner's `draw`, these would clear the flags by which the moved artists are known
        self.canvas.draw = self.canvas.draw_idle = lambda *_: None
        self.size = [round(100 * inches) for inches in fig.get_size_inches()]
        fig.set_dpi(DPI)
        self.laid_out = False
        self.forget()

    def forget(self):
        """None; the next picture will be drawn from scratch."""
        self.structure, self.background, self.moving, self.inner = None, None, set(), {}

    def image(self):
        """The figure as it is now, an RGB Pillow image."""
        if not self.laid_out:  # once and for all, so that nothing jumps while a slider moves
            self.fig.draw_without_rendering()
            self.fig.set_layout_engine("none")
            self.laid_out = True
        groups = _groups(self.fig)
        structure = groups, [(*ax.get_xlim(), *ax.get_ylim(), *ax.bbox.bounds) for ax in self.fig.axes]
        whole = any(ax.name == "3d" for ax in self.fig.axes)  # depth is sorted while drawing
        if whole or structure != self.structure or getattr(self.fig, "_drawn_by", None) is not self:
            self.forget()
            FigureCanvasAgg.draw(self.canvas)
        else:
            # an annotation's xy can be set without leaving a stale flag, so annotations count as moved
            moved = {part for part, artists in self.inner.items()
                     if isinstance(part, Annotation) or any(artist.stale for artist in artists)}
            if not moved <= self.moving:
                self.moving |= moved
                self._take_background(groups)
            elif moved:
                self.canvas.restore_region(self.background)
                pixels = np.asarray(self.canvas.buffer_rgba()).reshape(-1, 4)[:, :3]
                for part in self.above:
                    if isinstance(part, tuple):
                        where, keep, add = part
                        pixels[where] = pixels[where] * keep + add
                    else:
                        part.draw(self.canvas.get_renderer())
                self._settle()
                return self._copy()
        self.structure, self.fig._drawn_by = structure, self
        self.inner = {part: part.findobj() for _, parts in groups for part in parts}
        self._settle()
        return self._copy()

    def _settle(self):
        """None; nothing counts as moved any more (what is invisible or empty would stay stale for ever)."""
        for artists in self.inner.values():
            for artist in artists:
                artist.stale = False

    def _copy(self):
        size = self.canvas.get_width_height()
        return Image.frombytes("RGB", size, bytes(self.canvas.buffer_rgba()), "raw", "RGBX")

    def _take_background(self, groups):
        """None; keeps a picture of what lies below the moving parts, and a list of what to draw upon it."""
        above, regions, renderer = [], [], self.canvas.get_renderer()
        for owner, parts in groups:
            first = next((i for i, part in enumerate(parts) if part in self.moving), len(parts))
            extent = owner.get_tightbbox(renderer)
            extent = self.fig.bbox if extent is None else extent
            if any(extent.overlaps(region) for region in regions):
                first = 0
            if first < len(parts):
                regions.append(extent)
                above += parts[first:]
        # not by set_animated: matplotlib 3.10 paints animated images into the background
        visible = [part for part in above if part.get_visible()]
        try:
            for part in visible:
                part.set_visible(False)
            FigureCanvasAgg.draw(self.canvas)
        finally:
            for part in visible:
                part.set_visible(True)
        self.background = self.canvas.copy_from_bbox(self.fig.bbox)
        FigureCanvasAgg.draw(self.canvas)  # again, with all in place: titles move when the axes are hidden
        self.above = []
        for moves, parts in itertools.groupby(above, lambda part: part in self.moving):
            parts = list(parts)
            self.above += parts if moves else [self._layer(parts)]

    def _layer(self, parts):
        """Parts that stay still above moving ones, as pixels: places, what they let through and add."""
        on = []
        for shade in (0, 255):  # on black they show what they add, and on white also what they let through
            renderer = RendererAgg(*self.canvas.get_width_height(), DPI)
            pixels = np.asarray(renderer.buffer_rgba()).reshape(-1, 4)
            pixels[:] = (shade, shade, shade, 255)
            for part in parts:
                part.draw(renderer)
            on.append(pixels[:, :3].astype(np.float32))
        keep = (on[1] - on[0]) / 255
        where = np.flatnonzero((keep < 1).any(axis=1))
        return where, keep[where], on[0][where] + 0.5  # 0.5: pixels are cut to whole numbers, not rounded


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


def _groups(fig):
    """The parts of a figure in the order in which matplotlib draws them: a list of (owner, list of parts)."""
    def ordered(artists):
        return sorted((a for a in artists if not a.get_animated()), key=lambda a: a.get_zorder())

    groups = [(fig.patch, [fig.patch])]
    for top in ordered(artist for artist in fig.get_children() if artist is not fig.patch):
        parts = [top]
        if isinstance(top, Axes) and top.get_visible():
            frame = top.axison and top.get_frame_on()
            parts = ordered(part for part in top.get_children() if part is not top.patch
                            and (frame or not isinstance(part, Spine))
                            and (top.axison or not isinstance(part, Axis)))
            parts = [top.patch, *parts] if frame else parts
        groups.append((top, parts))
    return groups


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


class _Presses(traitlets.HasTraits):
    """How often a button was pressed."""

    value = traitlets.Int(0)


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
