import asyncio
import base64
import io
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import ipywidgets
import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.patches import Circle
from PIL import Image

from helpers import blit, widgets
from helpers.widgets import button, shown, sliders, sweep

ROOT = Path(__file__).parent.parent


def curve(calls=None, slow=0.0):
    """A figure with a curve and a label, and a draw that moves both."""
    fig, ax = plt.subplots(figsize=(3, 2), layout="constrained")
    x = np.linspace(0, 1, 50)
    (line,) = ax.plot(x, x, label="curve")
    text = ax.text(0.5, 0.5, "")
    ax.set(xlim=(0, 1), ylim=(-2, 2))
    ax.legend(loc="upper left")

    def draw(height):
        if calls is not None:
            calls.append((height, threading.get_ident()))
        time.sleep(slow)
        if height == 1.5:
            raise ValueError("one and a half is <too> much")
        line.set_ydata(height * np.sin(6 * x))
        text.set_text(f"{height:.1f}")
        return f'The curve is {height:.1f} "high" & <fine>.'

    return draw, fig


def made(draw, fig, **arguments):
    sliders(draw, fig, **arguments)
    return shown()[-1]


def pixels(stage):
    return np.asarray(Image.open(io.BytesIO(stage.png())).convert("RGB")).astype(int)


def from_scratch(stage):
    stage.blit.forget()
    return np.asarray(stage.blit.image()).astype(int)


# ---- what is displayed


def test_the_picture_is_an_img_with_alternative_text_and_the_status_line_says_the_same(capsys):
    stage = made(*curve(), height=(0.0, 1.0, 0.1))
    assert stage.values == {"height": 0.5}
    escaped = "The curve is 0.5 &quot;high&quot; &amp; &lt;fine&gt;."
    assert f'alt="{escaped}"' in stage.picture.value and 'width="300" height="200"' in stage.picture.value
    assert 'role="status"' in stage.status.value and f">{escaped}<" in stage.status.value
    data = re.search(r"data:image/webp;base64,([^\"]+)", stage.picture.value).group(1)
    picture = Image.open(io.BytesIO(base64.b64decode(data)))
    assert picture.format == "WEBP" and picture.size == (3 * blit.DPI, 2 * blit.DPI)
    exact = pixels(stage)
    assert np.abs(np.asarray(picture.convert("RGB")).astype(int) - exact).mean() < 3
    assert exact.std() > 10  # not an empty sheet
    capsys.readouterr()


def test_one_output_holds_widget_picture_and_text(monkeypatch):
    sent = []
    monkeypatch.setattr(widgets, "get_ipython", lambda: object())
    monkeypatch.setattr(widgets, "display", lambda *data, **options: sent.append((data, options)))
    draw, fig = curve()
    assert sliders(draw, fig, height=(0.0, 1.0, 0.1)) is None
    (((bundle,), options),) = sent
    assert set(bundle) == {"text/plain", "image/png", "application/vnd.jupyter.widget-view+json"}
    assert bundle["text/plain"] == shown()[-1].sentence
    still = Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))
    assert still.format == "PNG" and len(still.getcolors()) <= 256
    assert np.abs(np.asarray(still.convert("RGB")).astype(int) - pixels(shown()[-1])).max() < 80
    assert options["raw"] is True and options["metadata"]["image/png"] == {"width": 300, "height": 200}


def test_the_stored_picture_is_the_same_every_time():
    assert made(*curve(), height=(0.0, 1.0, 0.1)).png(128) == made(*curve(), height=(0.0, 1.0, 0.1)).png(128)


def test_pyplot_no_longer_knows_the_figure():
    before = plt.get_fignums()
    draw, fig = curve()
    assert plt.get_fignums() != before
    made(draw, fig, height=(0.0, 1.0, 0.1)).set(height=1.0)
    assert plt.get_fignums() == before


# ---- controls


def test_kinds_of_controls_and_what_draw_receives():
    got = {}

    def draw(whole, real, choice, named, switch, press, **others):
        got.update(
            whole=whole, real=real, choice=choice, named=named, switch=switch, press=press, others=others
        )
        return "Fine."

    stage = made(
        draw,
        plt.figure(),
        labels={"real": "a real number"},
        whole=(1, 9, 2),
        real=(0, 1, 0.1, 0.3),
        choice=["ring", "grid"],
        named={"two moons": 3.5, "roll": None},
        switch=False,
        press=button("Draw again"),
        any_other=(np.int64(0), 4, 1),
    )
    assert got == {
        "whole": 5,
        "real": 0.3,
        "choice": "ring",
        "named": 3.5,
        "switch": False,
        "press": 0,
        "others": {"any_other": 2},
    }
    assert (
        type(got["whole"]) is int and type(got["real"]) is float and type(got["others"]["any_other"]) is int
    )
    stage.set(whole=9, choice="grid", named="roll", switch=True)
    assert (got["whole"], got["choice"], got["named"], got["switch"]) == (9, "grid", None, True)
    stage.controls["press"].row.click()
    stage.controls["press"].row.click()
    assert got["press"] == 2
    described = [
        w.description for row in stage.box.children[2:-1] for w in (getattr(row, "children", None) or [row])[:1]
    ]
    assert described == ["whole", "a real number", "choice", "named", "switch", "Draw again", "any other"]


def test_every_number_has_a_box_with_a_name_that_follows_and_leads_the_slider():
    stage = made(*curve(), height=(0.0, 1.0, 0.05, 0.2))
    box, slider = stage.controls["height"].row.children
    assert isinstance(box, ipywidgets.BoundedFloatText) and box.description == "height"
    slider.value = 0.05 * 6  # 0.30000000000000004
    assert box.value == 0.3 and stage.values == {"height": 0.3}
    assert slider.value == 0.05 * 6  # not corrected: that would fight with the hand that drags it
    box.value = 0.62
    assert slider.value == 0.6 and box.value == 0.6 and "0.6" in stage.sentence
    box.value = 7.0
    assert stage.values == {"height": 1.0}


def test_ends_that_are_not_on_the_grid_can_be_reached():
    stage = made(*curve(), height=(0.05, 1.0, 0.3))
    stage.set(height=1.0)
    assert stage.values == {"height": 1.0}
    stage.set(height=0.9)
    assert stage.values == {"height": 0.95}


@pytest.mark.parametrize(
    "spec, message",
    [
        ((1.0, 1.0, 0.1), "low must be below high"),
        ((2.0, 1.0, 0.1), "low must be below high"),
        ((0.0, 1.0, 0.0), "step must be above 0"),
        ((0.0, 1.0, -0.1), "step must be above 0"),
        ((0, 1, 5), "step must be"),
        ((0.0, 1.0, 0.1, 1.2), "start 1.2 lies outside"),
        ((0, 1), "must be .low, high, step."),
        ((0, 1, 1, 1, 1), "must be"),
        ((0, float("nan"), 1), "must be"),
        ((0, True, 1), "must be"),
        ("ring", "must be"),
        (None, "must be"),
        (("a", "b", "c"), "must be"),
        ([], "at least two"),
        (["ring"], "at least two"),
        (["a", "a"], "all different"),
        ({}, "at least two"),
    ],
)
def test_bad_ranges_are_refused_at_the_door(spec, message):
    draw, fig = curve()
    with pytest.raises(ValueError, match=message):
        sliders(draw, fig, height=spec)
    plt.close(fig)


def test_misfits_between_draw_labels_and_ranges_are_named():
    draw, fig = curve()
    with pytest.raises(ValueError, match="draw has no argument 'width'"):
        sliders(draw, fig, height=(0, 3, 1), width=(0, 3, 1))
    with pytest.raises(ValueError, match="draw needs 'height'"):
        sliders(lambda height, width=1: "Fine.", fig, width=(0, 3, 1))
    with pytest.raises(ValueError, match="labels names 'heigth'.* height"):
        sliders(draw, fig, labels={"heigth": "h"}, height=(0, 3, 1))
    with pytest.raises(ValueError, match="at least one range"):
        sliders(lambda: "Fine.", fig)
    with pytest.raises(TypeError, match="fig must be the figure"):
        sliders(draw, fig.axes[0], height=(0, 3, 1))
    with pytest.raises(TypeError, match="draw must be a function"):
        sliders("draw", fig, height=(0, 3, 1))
    with pytest.raises(ValueError, match="button needs"):
        button(3)
    plt.close(fig)


# ---- errors in draw


def test_an_exception_in_draw_is_shown_in_place_and_the_next_move_recovers():
    stage = made(*curve(), height=(0.0, 2.0, 0.1, 1.0))
    good, picture = pixels(stage), stage.picture.value
    stage.set(height=1.5)
    assert "This setting failed: ValueError: one and a half is &lt;too&gt; much" in stage.status.value
    assert 'role="status"' in stage.status.value and stage.picture.value == picture
    assert (pixels(stage) == good).all() and isinstance(stage.error, ValueError)
    stage.set(height=0.4)
    assert "The curve is 0.4" in stage.status.value and 'alt="The curve is 0.4' in stage.picture.value
    assert (
        stage.error is None and (pixels(stage) == from_scratch(stage)).all() and (pixels(stage) != good).any()
    )


def test_an_exception_in_the_very_first_call_too():
    stage = made(*curve(), height=(0.0, 2.0, 0.1, 1.5))
    assert "This setting failed" in stage.status.value and 'alt="This setting failed' in stage.picture.value
    stage.set(height=1.0)
    assert "The curve is 1.0" in stage.status.value


@pytest.mark.parametrize("answer", [None, "", 3])
def test_draw_must_return_a_sentence(answer):
    stage = made(lambda n: answer, plt.figure(), n=(0, 4, 1))
    assert "instead of one sentence" in stage.status.value
    with pytest.raises(RuntimeError, match="n = 0"):
        sweep(stage)


def test_a_text_that_cannot_be_drawn_is_an_error_of_that_setting_only():
    fig, ax = plt.subplots()
    text = ax.text(0, 0, "")

    def draw(n):
        text.set_text(r"$\frac$" if n == 2 else f"{n}")
        return f"It is {n}."

    stage = made(draw, fig, n=(0, 4, 1))  # starts at 2
    assert "This setting failed" in stage.status.value
    stage.set(n=1)
    assert "It is 1." in stage.status.value
    good = pixels(stage)
    stage.set(n=2)
    assert "This setting failed" in stage.status.value and (pixels(stage) == good).all()
    stage.set(n=3)
    stage.set(n=1)
    assert (pixels(stage) == good).all()


def test_later_cells_may_use_the_same_names_again():
    notebook = {"__builtins__": __builtins__, "plt": plt}
    exec(
        "fig, ax = plt.subplots()\n"
        "line, = ax.plot([0, 1], [0, 0])\n"
        "factor = 2\n"
        "def scaled(height): return [factor * h for h in (0, height)]\n"
        "def draw(height):\n"
        "    line.set_ydata(scaled(height))\n"
        "    return f'{[factor for _ in range(1)][0]} times {height}'\n", notebook)
    stage = made(notebook["draw"], notebook["fig"], height=(0, 4, 1))
    mine = notebook["line"]
    exec("line, factor, scaled = None, 3, None", notebook)
    stage.set(height=4)
    assert stage.error is None and stage.sentence == "2 times 4"
    assert list(mine.get_ydata()) == [0, 8]


def test_sweep_tries_both_ends_and_the_middle_and_raises_at_the_first_failure():
    calls = []
    draw, fig = curve(calls)
    stage = made(draw, fig, height=(0.0, 1.0, 0.1, 0.3))
    assert sweep(stage) == 4 and stage.values == {"height": 0.3}
    assert [height for height, _ in calls] == [0.3, 0.0, 0.5, 1.0, 0.3]
    with pytest.raises(RuntimeError, match="height = 1.5: .*too"):
        sweep(made(*curve(), height=(0.0, 3.0, 0.1, 0.3)))
    stage = made(lambda a, b, c: f"{a}{b}{c}", plt.figure(), a=["x", "y", "z"], b=True, c=button("More"))
    assert sweep(stage) == 4 + 3 + 4 and stage.values == {"a": "x", "b": True, "c": 0}


# ---- blitting: the quick picture is the picture


def everything():
    """A figure with many kinds of artists above and below each other, and moves of each kind."""
    rng = np.random.default_rng(0)
    fig, (a, b) = plt.subplots(1, 2, figsize=(6, 3), layout="constrained")
    image = a.imshow(rng.random((20, 20)), extent=(0, 1, 0, 1), aspect="auto", interpolation="nearest")
    fig.colorbar(image, ax=a)
    (dots,) = a.plot(rng.random(200), rng.random(200), "o", alpha=0.5, label="still")
    (moving,) = a.plot(rng.random(200), rng.random(200), "^", alpha=0.5, label="moving")
    circle = a.add_patch(Circle((0.5, 0.5), 0.2, alpha=0.5, zorder=4))
    a.legend(loc="upper right")
    title = a.set_title("title", loc="left")
    cloud = b.scatter(rng.random(30), rng.random(30), c=rng.random(30))
    note = b.annotate("here", (0.5, 0.5), (0.7, 0.8), arrowprops={"arrowstyle": "->"})
    b.xaxis.tick_top()
    b.set_title("above top ticks")
    twin = b.twinx()
    (wave,) = twin.plot(np.linspace(0, 1, 30), rng.random(30), "k")
    inner = b.inset_axes([0.1, 0.1, 0.3, 0.3])
    (inside,) = inner.plot([0, 1], [0, 1])
    heading = fig.suptitle("all kinds")
    a.set_xlabel("label")
    for ax in (a, b):
        ax.set(xlim=(0, 1), ylim=(0, 1))
    twin.set_ylim(0, 1)
    moves = {
        "line": lambda v: moving.set_data(rng.random(200), rng.random(200)),
        "image": lambda v: image.set_data(rng.random((20, 20))),
        "patch": lambda v: circle.set_center((v, v)),
        "title": lambda v: title.set_text(f"title {v:.2f}"),
        "heading": lambda v: heading.set_text(f"all {v:.2f} kinds"),
        "collection": lambda v: (cloud.set_offsets(rng.random((30, 2))), cloud.set_array(rng.random(30))),
        "annotation": lambda v: setattr(note, "xy", (v, 0.2)),
        "twin": lambda v: wave.set_ydata(rng.random(30)),
        "inset": lambda v: inside.set_ydata([v, 0]),
        "hide": lambda v: dots.set_visible(not dots.get_visible()),
        "legend": lambda v: a.get_legend().get_texts()[0].set_text(f"{v:.3f}"),
        "limits": lambda v: a.set_xlim(0, 1 + v),
        "ticks": lambda v: b.set_yticks([0, v]),
        "new": lambda v: b.plot([0, 1], [v, v]),
        "removed": lambda v: b.lines[-1].remove(),
        "colours": lambda v: image.set_clim(0, v),
        "background": lambda v: a.set_facecolor((v, v, 1)),
        "order": lambda v: circle.set_zorder(0.5),
        "label": lambda v: a.set_xlabel(f"label {v:.2f}"),
        "off": lambda v: a.set_axis_off(),
    }
    return fig, moves


def same(quick, exact):
    """Whether two pictures look the same: parts above moving ones are composed with rounding."""
    difference = np.abs(quick - exact)
    return difference.max() <= 4 and (difference > 1).mean() < 0.002


def test_the_blitted_picture_equals_the_one_from_scratch(monkeypatch):
    monkeypatch.setattr(blit, "DPI", 60)  # small, as this draws hundreds of pictures
    fig, moves = everything()
    todo = []

    def draw(n):
        for name in todo:
            moves[name]((n % 7 + 1) / 10)
        return f"Move {n}."

    stage = made(draw, fig, n=(0, 1000, 1, 0))
    rng, last = np.random.default_rng(1), pixels(stage)
    quick_ones, others = list(moves)[:11], list(moves)[11:]
    singles = [[name] for name in quick_ones for _ in range(2)]
    several = [list(rng.choice(quick_ones, 3, replace=False)) for _ in range(8)]
    for n, names in enumerate(singles + several + [[name] for name in others], start=1):
        todo[:] = names
        stage.set(n=n)
        assert stage.error is None, stage.sentence
        quick = pixels(stage)
        blitting = dict(stage.blit.__dict__)
        exact = from_scratch(stage)
        stage.blit.__dict__.update(blitting)  # go on where we were
        assert same(quick, exact), (n, names, np.abs(quick - exact).max())
        assert (quick != last).any(), f"{names} changed nothing"
        last = quick


def test_a_move_redraws_only_what_moved(monkeypatch):
    stage = made(*curve(), height=(0.0, 1.0, 0.1))
    stage.set(height=0.1)  # takes the background
    drawn = []
    for kind in (matplotlib.axis.XAxis, matplotlib.legend.Legend, matplotlib.lines.Line2D):
        original = kind.draw
        monkeypatch.setattr(
            kind,
            "draw",
            lambda self, *a, original=original, **k: (
                drawn.append(type(self).__name__),
                original(self, *a, **k),
            )[1],
        )
    stage.set(height=0.7)
    assert drawn == ["Line2D"]


def test_calling_canvas_draw_inside_draw_does_no_harm():
    draw, fig = curve()

    def careless(height):
        sentence = draw(height)
        fig.canvas.draw_idle()
        fig.canvas.draw()
        return sentence

    stage = made(careless, fig, height=(0.0, 1.0, 0.1))
    for height in (0.1, 0.9):
        stage.set(height=height)
        assert same(pixels(stage), from_scratch(stage))
    first = pixels(stage)
    stage.set(height=0.2)
    assert (pixels(stage) != first).any()


def test_two_sets_of_sliders_on_one_figure_do_not_mix_their_backgrounds():
    draw, fig = curve()
    one, two = made(draw, fig, height=(0.0, 1.0, 0.1)), made(draw, fig, height=(0.0, 1.0, 0.1))
    for stage, height in ((one, 0.1), (two, 0.9), (one, 0.3), (one, 0.4), (two, 0.8), (two, 0.7), (one, 0.2)):
        stage.set(height=height)
        assert same(pixels(stage), from_scratch(stage))


def test_three_dimensions_are_drawn_from_scratch():
    fig = plt.figure(figsize=(3, 3))
    ax = fig.add_subplot(projection="3d")
    ax.plot([0, 1], [0, 1], [0, 1])

    def draw(angle):
        ax.view_init(30, angle)
        return f"Seen from {angle} degrees."

    stage = made(draw, fig, angle=(0, 90, 10))
    before = pixels(stage)
    stage.set(angle=80)
    assert (pixels(stage) != before).any() and (pixels(stage) == from_scratch(stage)).all()


# ---- bursts


def test_without_an_event_loop_every_change_is_drawn_before_it_returns():
    stage = made(*curve(), height=(0.0, 1.0, 0.1))
    for height in (0.1, 0.2, 0.9):
        stage.controls["height"].source.value = height
        assert f"The curve is {height}" in stage.status.value


def test_of_a_burst_from_another_thread_the_last_is_shown():
    calls = []
    stage = made(*curve(calls), height=(0.0, 1.0, 0.01, 0.0))
    slider = stage.controls["height"].source

    def burst():
        for i in range(60):
            slider.value = (i + 1) / 60

    threads = [
        threading.Thread(target=burst),
        threading.Thread(target=lambda: [stage.png() for _ in range(20)]),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stage.values == {"height": 1.0} and "The curve is 1.0" in stage.sentence
    assert same(pixels(stage), from_scratch(stage))


def test_in_an_event_loop_a_burst_skips_to_the_latest_value():
    calls = []
    stage = made(*curve(calls, slow=0.02), height=(0.0, 1.0, 0.01, 0.0))
    slider = stage.controls["height"].source
    calls.clear()

    async def burst():
        await asyncio.sleep(2 * widgets.PAUSE)
        slider.value = 0.01
        assert len(calls) == 1  # after a pause: at once
        for i in range(1, 60):
            slider.value = (i + 1) / 60
            if i % 5 == 0:
                await asyncio.sleep(0)
        assert len(calls) < 10
        for _ in range(400):
            await asyncio.sleep(0.005)
            if not stage.dirty:
                break

    asyncio.run(burst())
    assert calls[-1][0] == 1.0 and len(calls) < 10 and "The curve is 1.0" in stage.status.value
    assert same(pixels(stage), from_scratch(stage))


def test_a_loop_that_is_blocked_does_not_stop_another_thread():
    calls = []
    stage = made(*curve(calls), height=(0.0, 1.0, 0.01, 0.0))
    slider = stage.controls["height"].source

    async def elsewhere():
        slider.value = 0.5
        slider.value = 0.6
        await asyncio.sleep(0.2)

    async def here():
        slider.value = 0.1
        slider.value = 0.2  # waits for this loop, which is now blocked
        thread = threading.Thread(target=lambda: asyncio.run(elsewhere()))
        thread.start()
        thread.join()
        assert "The curve is 0.6" in stage.sentence
        await asyncio.sleep(0.1)

    asyncio.run(here())
    assert "The curve is 0.6" in stage.sentence and not stage.dirty


def test_png_draws_what_is_still_waiting():
    stage = made(*curve(), height=(0.0, 1.0, 0.01, 0.0))

    async def burst():
        for height in (0.3, 0.4, 0.8):
            stage.controls["height"].source.value = height
        assert same(pixels(stage), from_scratch(stage))
        assert "The curve is 0.8" in stage.sentence

    asyncio.run(burst())


# ---- nothing is left behind


def test_a_thousand_moves_leave_no_figure_and_no_memory():
    program = """
import resource, warnings
warnings.simplefilter("error")
warnings.filterwarnings("ignore", "Deprecated in traitlets")  # ipywidgets 7.7 with a newer traitlets
import matplotlib; matplotlib.use("agg")
import matplotlib.pyplot as plt, numpy as np
from helpers import blit, widgets
fig, ax = plt.subplots(figsize=(4, 3), layout="constrained")
line, = ax.plot(np.arange(500), np.zeros(500), "o")
ax.set_ylim(0, 1000)
def draw(n):
    line.set_ydata(np.full(500, n))
    if n % 50 == 0:
        ax.set_xlim(0, 500 + n)
    return f"At {n}."
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() / 1e6
widgets.sliders(draw, fig, n=(0, 1000, 1, 0))
stage, = widgets.shown()
for n in range(100):
    stage.set(n=n)
before = resident()
for n in range(1000):
    stage.set(n=n)
print(resident() - before, plt.get_fignums(), len(ax.lines))
"""
    if not Path("/proc/self/statm").exists():
        pytest.skip("needs /proc")
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    growth, rest = run.stdout.splitlines()[-1].split(" ", 1)
    assert float(growth) < 20 and rest == "[] 1"


def test_importing_changes_no_settings():
    program = (
        "import matplotlib as m; a = dict(m.rcParams); import helpers.widgets; print(a == dict(m.rcParams))"
    )
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.stdout.strip() == "True", run.stderr
