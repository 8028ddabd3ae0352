"""Each notebook in a real browser, with another seed: opened, run, a key pressed on every slider, its picture changed.

Screenshots lie in .screenshots/ afterwards. `python tests/browser/shoot.py 01` takes pictures of a whole lesson.
"""

import nbformat
import pytest

from notebooks import rebuild
from tests.browser import lab
from tests.seeds import with_seed

NOTEBOOKS = sorted(path.name for path in (lab.ROOT / "notebooks").glob("[0-9]*.ipynb"))
SCREENSHOTS = lab.ROOT / ".screenshots"
SEED = 1000
HANDLE = ":is(.noUi-handle, .ui-slider-handle)"  # of ipywidgets 8 and 7
HANDLES = f".jp-OutputArea-output .widget-slider {HANDLE}"
# the picture in the slider's own output, "" while it loads (noUiSlider's aria-valuenow is rounded: no help)
PICTURE = """handle => {
  const image = handle.closest('.jp-OutputArea-output').querySelector('img');
  return image?.complete && image.naturalWidth > 0 ? image.src : '';
}"""
# resolves to whether it becomes another one within 10 s
CHANGED = f"""async (handle, before) => {{
  for (let i = 0; i < 200; i++) {{
    const now = ({PICTURE})(handle);
    if (now && now !== before) return true;
    await new Promise(resolve => setTimeout(resolve, 50));
  }}
  return false;
}}"""
PLAYER = """
import sys
sys.path.insert(0, "..")
import torch
from helpers import distributions, networks
from helpers.training import train_gmn
from helpers.widgets import player

rng = torch.Generator().manual_seed(0)
film = list(train_gmn(networks.mlp((2, 32, 2), rng), distributions.two_moons(), rng, [0.3, 1.0], n_steps=20, every=1,
                      batch_size=32, lr=1e-2, n_shown=500))
player(film, layers=("real", "generated", "grid", "loss"))
"""
BROKEN = ("javascript error", "error displaying widget", "loading widget", "error creating widget", "traceback")

pytestmark = pytest.mark.skipif(lab.CHROMIUM is None, reason="no Chromium is installed")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    with lab.serve(folder) as address:
        notebooks = folder / "checkout" / "notebooks"
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(PLAYER)], metadata=rebuild.METADATA)
        nbformat.write(book, notebooks / "player.ipynb")
        for name in NOTEBOOKS:
            book = nbformat.read(notebooks / name, as_version=4)
            seeded(book)
            nbformat.write(book, notebooks / name)
        yield address


@pytest.fixture(scope="module")
def page():
    # Playwright's event loop would stay in this thread and block other tests' asyncio.run: it ends with the module
    with lab.browse() as page:
        yield page


def seeded(book):
    """None; the set-up cell gets a seed that nobody chose: every assertion of a lesson must hold for it too."""
    cell, = (cell for cell in book.cells if cell.cell_type == "code" and "\nSEED = " in cell.source)
    cell.source = with_seed(cell.source, SEED)


def moves(page, handle):
    """Whether one key changes a slider's picture: to the left if the slider stands at its right end."""
    before = handle.evaluate(PICTURE)
    assert before, "a slider without a picture"
    high, now = (float(handle.get_attribute(f"aria-value{name}")) for name in ("max", "now"))
    handle.focus()
    page.keyboard.press("ArrowLeft" if now >= high else "ArrowRight")
    return handle.evaluate(CHANGED, before)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_learner_runs_it_and_moves_its_sliders(server, page, name):
    mistakes = []
    page.on("pageerror", lambda error: mistakes.append(str(error)))
    lab.open_notebook(page, server, name)
    assert lab.run_all(page), [o for o in lab.outputs(page) if o["output_type"] == "error"]  # perhaps for this seed only
    assert not [output for output in lab.outputs(page)
                if output["output_type"] == "error" or output.get("name") == "stderr"]

    handles, stuck = page.locator(HANDLES), []
    handles.first.wait_for()
    for i in range(handles.count()):
        handle = handles.nth(i).element_handle()
        handle.scroll_into_view_if_needed()
        if not moves(page, handle):
            stuck.append(i + 1)
        if i == 0:
            SCREENSHOTS.mkdir(exist_ok=True)
            page.screenshot(path=SCREENSHOTS / f"{name.removesuffix('.ipynb')}_moved.png")
    shown = " ".join(page.locator(".jp-OutputArea-output").all_inner_texts()).lower()
    assert [text for text in BROKEN if text in shown] == []
    failed = "this setting failed: "  # what `sliders` says when `draw` raises
    assert [text[:200] for text in shown.split(failed)[1:]] == []
    assert stuck == [], "these sliders, counted from the top, do not change their picture"
    assert mistakes == []
    page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")


def test_a_film_plays_pauses_steps_and_switches_its_layers(server, page):
    lab.open_notebook(page, server, "player.ipynb")
    assert lab.run_all(page), lab.outputs(page)
    output = page.locator(".jp-OutputArea-output").filter(has=page.locator(".widget-play"))
    handle = output.locator(HANDLE).element_handle()
    status, picture = output.locator("[role=status]"), output.locator("img")

    def step():
        return int(status.inner_text().split()[1])

    def wait_for(condition):
        for _ in range(200):
            if condition():
                return
            page.wait_for_timeout(50)
        raise AssertionError(f"still: {status.inner_text()}")

    wait_for(lambda: picture.evaluate("image => image.complete && image.naturalWidth > 0"))
    assert step() == 0
    play = output.locator(".widget-play button").first
    play.click()
    wait_for(lambda: 0 < step() < 20)
    output.locator(".widget-play button:has(.fa-pause)").click()  # ipywidgets 7 has a button of its own for it
    page.wait_for_timeout(500)
    paused = step()
    page.wait_for_timeout(600)
    assert step() == paused < 20
    output.get_by_role("button", name="one forward").click()
    wait_for(lambda: step() == paused + 1)
    output.get_by_role("button", name="one back").click()
    wait_for(lambda: step() == paused)
    handle.focus()
    page.keyboard.press("ArrowRight")
    wait_for(lambda: step() == paused + 1)
    page.keyboard.press("End")
    wait_for(lambda: step() == 20)
    play.click()  # from the end it begins anew
    wait_for(lambda: 0 < step() < 20)
    wait_for(lambda: step() == 20)
    for name in ("real", "generated", "grid", "arrows", "loss"):
        before = handle.evaluate(PICTURE)
        box = output.get_by_label(name)
        box.focus()
        page.keyboard.press("Space")
        assert handle.evaluate(CHANGED, before), name
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / "player.png")
    page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")
