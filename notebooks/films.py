"""In the kernel of a lesson, after its last cell: every figure with controls becomes a film for the static book.

`record(folder)` moves each control of each figure, the others at their start, and writes the pictures as WebP files,
named after their contents, with films.json, which says what is seen at which setting. What needs a kernel to go on
(stages, boards) has no film.
"""

import hashlib
import io
import json
from pathlib import Path

import ipywidgets

from helpers.widgets import shown

FRAMES, FEWER = 25, 7  # pictures for the main control of a figure, and for each of the others
PRESSES = 6  # of a button


def record(folder):
    """None; writes films.json and the pictures: {id of the widget: what `film` returns}."""
    films = {stage.box.model_id: film(stage, Path(folder)) for stage in shown() if stage.blit is not None}
    (Path(folder) / "films.json").write_text(json.dumps(films), encoding="utf-8")


def film(stage, folder):
    """{"width", "height", "controls"}, the main control first, which is the first number if there is one.

    Each control has label, kind ("range", "select" or "check"), start, texts, and for each setting files and said; a
    check box has these for all settings of the main control, with its box the other way round. Buttons are pressed
    last, since a picture may depend on how often they were. Raises RuntimeError if a setting fails.
    """
    kinds = {name: kind_of(control) for name, control in stage.controls.items()}
    main = next((name for name, kind in kinds.items() if kind == "number"), next(iter(kinds)))
    order, tracks = [main, *(name for name in kinds if name != main)], {}
    for name in sorted(order, key=lambda name: kinds[name] == "button"):  # stable: the others stay as they are
        control, kind = stage.controls[name], kinds[name]
        track = {"label": label_of(control), "kind": "range" if kind in ("number", "button") else "select"}
        if kind == "button":
            track["label"] = f"presses of “{track['label']}”"
        if kind == "check" and name != main:
            now = control.source.value
            stage.set(**{name: not now})
            track |= shots(stage, main, kinds[main], FRAMES, folder) | {"kind": "check", "start": now}
            stage.set(**{name: now})
        else:
            track |= shots(stage, name, kind, FRAMES if name == main else FEWER, folder)
        tracks[name] = track
    width, height = stage.blit.size
    return {"width": width, "height": height, "controls": [tracks[name] for name in order]}


def shots(stage, name, kind, most, folder):
    """{"start", "texts", "files", "said"} of one control, which is moved through its settings and back."""
    control, now = stage.controls[name], stage.controls[name].source.value
    values, start = settings(control, kind, most)
    found = {"start": start, "texts": [], "files": [None] * len(values), "said": [None] * len(values)}
    for i in sorted(range(len(values)), key=lambda i: i != start):  # first the one that stands there
        if i != start:
            stage.set(**{name: values[i]})
        if stage.error is not None:
            raise RuntimeError(f"{name} = {values[i]!r}: {stage.sentence}") from stage.error
        found["files"][i], found["said"][i] = save(stage, folder), stage.sentence
    found["texts"] = [in_words(value) for value in values]
    stage.set(**{name: now})
    return found


def kind_of(control):
    """ "number", "choice" (a menu), "check" or "button"."""
    kinds = {ipywidgets.IntSlider: "number", ipywidgets.FloatSlider: "number", ipywidgets.Dropdown: "choice",
             ipywidgets.Checkbox: "check"}
    return kinds.get(type(control.source), "button")


def settings(control, kind, most):
    """(values, index of the present one): all that a control can have, or about `most`, evenly spread."""
    now = control.source.value
    if kind == "button":
        return list(range(now, now + PRESSES + 1)), 0
    if kind in ("choice", "check"):
        return control.probes, control.probes.index(now)
    slider = control.source
    n = round((slider.max - slider.min) / slider.step) + 1
    present = round((now - slider.min) / slider.step)
    places = range(n) if n <= most else sorted({round(i * (n - 1) / (most - 1)) for i in range(most)} | {present})
    values = [now if i == present else min(slider.max, round(slider.min + i * slider.step, 9)) for i in places]
    return values, values.index(now)


def label_of(control):
    """What stands beside the control."""
    row = control.row.children[0] if isinstance(control.row, ipywidgets.HBox) else control.row
    return row.description


def in_words(value):
    """A setting as a short text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def save(stage, folder):
    """The name of the file that holds the present picture; the same picture twice is one file."""
    file = io.BytesIO()
    stage.image.save(file, "WEBP", quality=80, method=4)
    name = f"{hashlib.sha256(file.getvalue()).hexdigest()[:12]}.webp"
    (folder / name).write_bytes(file.getvalue())
    return name
