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
    """{"width", "height", "controls"}; each control has label, kind, start and lists: texts, files, said.

    kind: "range" or "select". The first number is the main control. Buttons come last, since a picture may depend on
    how often they were pressed. Raises RuntimeError if a setting fails.
    """
    first = save(stage, folder), stage.sentence
    kinds = {name: kind_of(control) for name, control in stage.controls.items()}
    main = next((name for name, kind in kinds.items() if kind == "number"), next(iter(kinds)))
    tracks = {}
    for name in sorted(kinds, key=lambda name: kinds[name] == "button"):  # stable: buttons last
        control, now = stage.controls[name], stage.controls[name].source.value
        values, start = settings(control, kinds[name], FRAMES if name == main else FEWER)
        texts, files, said = [], [], []
        for i, value in enumerate(values):
            if i != start:
                stage.set(**{name: value})
                if stage.error is not None:
                    raise RuntimeError(f"{name} = {value!r}: {stage.sentence}") from stage.error
            picture = first if i == start else (save(stage, folder), stage.sentence)
            texts.append(in_words(control.read() if kinds[name] == "number" else value))
            files.append(picture[0])
            said.append(picture[1])
            if i == start:
                texts[-1] = in_words(now)
        stage.set(**{name: now})
        label = label_of(control)
        tracks[name] = {"label": f"presses of “{label}”" if kinds[name] == "button" else label, "start": start,
                        "kind": "select" if kinds[name] == "choice" else "range", "texts": texts, "files": files,
                        "said": said}
    width, height = stage.blit.size
    order = [main, *(name for name in kinds if name != main)]
    return {"width": width, "height": height, "controls": [tracks[name] for name in order]}


def kind_of(control):
    """ "number", "choice" (a menu or a check box) or "button"."""
    if isinstance(control.source, ipywidgets.IntSlider | ipywidgets.FloatSlider):
        return "number"
    return "choice" if isinstance(control.source, ipywidgets.Dropdown | ipywidgets.Checkbox) else "button"


def settings(control, kind, most):
    """(values, index of the present one): all that a control can have, or about `most`, evenly spread."""
    now = control.source.value
    if kind == "button":
        return list(range(now, now + PRESSES + 1)), 0
    if kind == "choice":
        return control.probes, control.probes.index(now)
    slider = control.source
    n = round((slider.max - slider.min) / slider.step) + 1
    present = round((now - slider.min) / slider.step)
    places = range(n) if n <= most else sorted({round(i * (n - 1) / (most - 1)) for i in range(most)} | {present})
    values = [now if i == present else min(slider.max, slider.min + i * slider.step) for i in places]
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
