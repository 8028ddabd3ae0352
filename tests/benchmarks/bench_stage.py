"""How quickly the stage draws, in a real browser: python -m tests.benchmarks stage

One page of JupyterLab with a theatre of 2,000 + 2,000 points, field and grid, and with `ipywidgets.interact`, which
makes a fresh figure of the same, and with `sliders`. Frames a second while the scrubber is dragged through recorded
steps; the time from a key press to the new pixels for all three, in turn; how soon a button answers while it trains.
"""

import statistics
import tempfile
from pathlib import Path

import nbformat

from notebooks import rebuild
from tests.benchmarks import Row
from tests.browser import lab

KEYS, SECONDS = 12, 4
CELLS = ["""
import sys
sys.path.insert(0, "..")
import numpy as np
import torch
from helpers import distributions, networks
from helpers.theatre import theatre

torch.set_num_threads(1)
rng = torch.Generator().manual_seed(0)
theatre(networks.mlp([2, 64, 64, 2], rng), networks.judge([2, 64, 64, 1], rng), distributions.ring(), n_shown=2000,
        layers=("real", "generated", "field", "grid"))
""", """
import ipywidgets
import matplotlib.pyplot as plt
from helpers.plots import judge_field, warped_grid

%matplotlib inline
real = distributions.ring().sample(2000, rng)
generator, limits = networks.mlp([2, 64, 64, 2], rng), ((-3, 3), (-3, 3))
z = 2 * torch.rand(2000, 2, generator=rng) - 1


def draw(shift):
    fig, ax = plt.subplots(figsize=(5, 5))
    across = np.linspace(-3, 3, 60)
    judge_field(ax, np.tile(1 / (1 + np.exp(shift / 10 - across)), (60, 1)), limits)
    warped_grid(ax, generator, -1, 1, 13, 31)
    ax.plot(*real.T, "o", markersize=3)
    ax.plot(*(generator(z).detach() + shift / 10).T, "^", markersize=3)
    ax.set(xlim=limits[0], ylim=limits[1])
    plt.show()


ipywidgets.interact(draw, shift=ipywidgets.IntSlider(min=0, max=50));
""", """
from helpers.widgets import sliders

fig, ax = plt.subplots(figsize=(5, 5), layout="constrained")
across = np.linspace(-3, 3, 60)
field = judge_field(ax, np.tile(1 / (1 + np.exp(-across)), (60, 1)), limits)
warped_grid(ax, generator, -1, 1, 13, 31)
ax.plot(*real.T, "o", markersize=3)
points = generator(z).detach()
cloud, = ax.plot(*points.T, "^", markersize=3)
ax.set(xlim=limits[0], ylim=limits[1])


def move(shift):
    cloud.set_data(points[:, 0] + shift / 10, points[:, 1] + shift / 10)
    return f"Shifted by {shift / 10:.1f}."


sliders(move, fig, shift=(0, 50, 1, 0))
"""]
# how many pictures of different steps are painted a second, while the scrubber is moved in every frame of the screen
DRAG = """([root, seconds]) => new Promise(resolve => {
  const slider = root.querySelector('[type=range]'), began = performance.now(), last = Number(slider.max);
  let frames = 0, seen = root.dataset.frame, place = 0;
  const tick = () => {
    if (root.dataset.frame !== seen) { seen = root.dataset.frame; frames++; }
    slider.value = place = (place + 1) % last;
    slider.dispatchEvent(new Event('input'));
    const passed = performance.now() - began;
    passed < 1000 * seconds ? requestAnimationFrame(tick) : resolve(1000 * frames / passed);
  };
  requestAnimationFrame(tick);
})"""
# milliseconds from the next key press until `changed` has become true and the browser has painted that
KEY = """([element, kind]) => new Promise((resolve, fail) => {
  const root = element.closest('.gn-stage, .jp-OutputArea-output');
  const now = () => kind === 'stage' ? root.dataset.frame : [...root.querySelectorAll('img')].filter(i => i.complete).map(i => i.src).join();
  const before = now();
  element.addEventListener('keydown', () => {
    const began = performance.now();
    const look = () => {
      const is = now();
      const done = () => setTimeout(() => resolve(performance.now() - began)); // after the browser's own painting
      // the stage has drawn in the frame that has just ended; an image that has arrived is painted in the next one
      if (is && is !== before) kind === 'stage' ? done() : requestAnimationFrame(done);
      else if (performance.now() - began > 10000) fail(new Error('no new picture'));
      else setTimeout(look, 1);
    };
    look();
  }, { once: true, capture: true });
})"""
ANSWER = """button => new Promise((resolve, fail) => {
  const before = button.textContent, began = performance.now();
  new MutationObserver(() => button.textContent !== before && resolve(performance.now() - began))
    .observe(button, { childList: true, characterData: true, subtree: true });
  setTimeout(() => fail(new Error('no answer')), 10000);
  button.click();
})"""


def _key(page, element, kind):
    """Milliseconds from a key press on this element to the new pixels."""
    element.focus()
    page.evaluate("([script, element, kind]) => { window.pressed = eval(script)([element, kind]); }", [KEY, element, kind])
    page.keyboard.press("ArrowRight")
    passed = page.evaluate("() => window.pressed")
    page.wait_for_timeout(150)
    return passed


def _measure(page):
    root = page.locator(".gn-stage").element_handle()
    slider, handle = root.query_selector("[type=range]"), page.locator(".widget-slider .noUi-handle").nth(0).element_handle()
    blitted = page.locator(".widget-slider .noUi-handle").nth(1).element_handle()
    button = root.query_selector("button.main")
    answers = []
    for _ in range(8):  # play, pause, play ...: while it trains, the presses that pause it count
        button.evaluate("button => window.scrollTo(0, 0)")
        passed = button.evaluate(ANSWER)
        answers.append(passed)
        page.wait_for_timeout(700)
    page.wait_for_timeout(1000)
    frames = page.evaluate(DRAG, [root, SECONDS])
    page.wait_for_timeout(500)
    slider.focus()
    page.keyboard.press("Home")
    page.wait_for_timeout(500)
    ours, theirs, middle = [], [], []
    for _ in range(KEYS):  # in turn, so that another load on the machine slows both
        ours.append(_key(page, slider, "stage"))
        theirs.append(_key(page, handle, "interact"))
        middle.append(_key(page, blitted, "sliders"))
    keys = [statistics.median(times) for times in (ours, theirs, middle)]
    return frames, *keys, statistics.median(answers[1::2]), max(answers[1::2])


def run():
    """The Rows of the table."""
    if lab.CHROMIUM is None:
        raise RuntimeError("no Chromium is installed; the stage is not measured.")
    with tempfile.TemporaryDirectory() as folder, lab.serve(Path(folder)) as address, lab.browse(1300, 2000) as page:
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS], metadata=rebuild.METADATA)
        nbformat.write(book, Path(folder) / "checkout" / "notebooks" / "bench.ipynb")
        lab.open_notebook(page, address, "bench.ipynb")
        if not lab.run_all(page):
            raise RuntimeError(f"a cell raised an error: {lab.outputs(page)}")
        page.locator(".gn-stage table").wait_for()
        frames, ours, theirs, middle, answer, longest = _measure(page)
        page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    return [
        Row("stage, 2,000 + 2,000 points, field, grid: scrubbing", frames, "frames/s", least=30),
        Row("interact with a fresh figure, key press to pixels", theirs, "ms"),
        Row("sliders, key press to pixels", middle, "ms"),
        Row("sliders: interact takes so many times longer", theirs / middle, "times"),
        Row("stage, key press to pixels", ours, "ms"),
        Row("stage: interact takes so many times longer", theirs / ours, "times", least=4),
        Row("stage, from press to answer while it trains, median", answer, "ms", most=200),
        Row("stage, from press to answer while it trains, longest", longest, "ms"),
    ]
