"""The theatre and the sketchpad in a real browser: train, pause, step, rewind, draw, train on the drawing."""

import re

import nbformat
import pytest

from notebooks import rebuild
from tests.browser import lab

SCREENSHOTS = lab.ROOT / ".screenshots"
START = """
import sys
sys.path.insert(0, "..")
import torch
from helpers import distributions, networks
from helpers.losses import minimax, modified_minimax
from helpers.stage import sketchpad
from helpers.theatre import theatre

torch.set_num_threads(1)


def show(seed, **options):
    rng = torch.Generator().manual_seed(seed)
    generator, discriminator = networks.mlp([2, 32, 32, 2], rng), networks.judge([2, 32, 32, 1], rng)
    theatre(generator, discriminator, distributions.ring(), **options)
    return generator


pad = sketchpad()
"""
FIRST = """generator = show(3, losses={"minimax": minimax, "modified minimax": modified_minimax},
                 targets={"ring of 8": distributions.ring(), "your drawing": pad},
                 layers=("real", "generated", "field", "grid", "arrows"))"""
SECOND = "other = show(4)"
PROBE = "print('weights', round(float(generator[0].weight.detach().sum()), 6))"
# whether a canvas shows a colour, with how many pixels
PIXELS = """(canvas, [r, g, b]) => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let i = 0; i < data.length; i += 4) {
    if (Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b) < 90) count++;
  }
  return count;
}"""
SLEEP = "import time; time.sleep(1.5)"
BLUE, ORANGE, GREEN, PINK = (0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167)
# presses a button and resolves to the milliseconds until its text is another one
ANSWER = """button => new Promise((resolve, fail) => {
  const before = button.textContent, began = performance.now();
  new MutationObserver(() => button.textContent !== before && resolve(performance.now() - began))
    .observe(button, { childList: true, characterData: true, subtree: true });
  setTimeout(() => fail(new Error("no answer")), 10000);
  button.click();
})"""

pytestmark = pytest.mark.skipif(lab.CHROMIUM is None, reason="no Chromium is installed")


class Board:
    """One stage in the page."""

    def __init__(self, page, number):
        self.page, self.root = page, page.locator(".jp-OutputArea-output .gn-stage").nth(number)
        self.root.locator("[role=status]").filter(has_text=re.compile(r"\S")).wait_for()
        self.canvas = self.root.locator("canvas").first

    def press(self, name):
        self.root.get_by_role("button", name=name, exact=True).click()

    def says(self):
        return self.root.locator("[role=status]").inner_text()

    def wait_for(self, condition):
        for _ in range(300):
            if condition():
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"still: {self.says()}")

    def hears(self, words):
        self.wait_for(lambda: re.search(words, self.says()))

    def steps(self):
        """(the step that is shown, steps recorded)"""
        slider = self.root.get_by_label("step", exact=True)
        return int(slider.input_value()), int(slider.get_attribute("max"))

    def pixels(self, colour, panel=0):
        return self.root.locator("canvas").nth(panel).evaluate(PIXELS, colour)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A notebook that has been run in JupyterLab; mistakes of the page are collected in page.mistakes."""
    folder = tmp_path_factory.mktemp("lab")
    with lab.serve(folder) as address, lab.browse(1300, 1400) as page:
        cells = [nbformat.v4.new_code_cell(source) for source in (START, FIRST, SECOND, PROBE, SLEEP)]
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=rebuild.METADATA),
                       folder / "checkout" / "notebooks" / "stage.ipynb")
        page.mistakes = []
        page.on("pageerror", lambda error: page.mistakes.append(str(error)))
        lab.open_notebook(page, address, "stage.ipynb")
        page.set_default_timeout(30_000)
        assert lab.run_all(page), lab.outputs(page)
        yield page
        SCREENSHOTS.mkdir(exist_ok=True)
        page.screenshot(path=SCREENSHOTS / "stage.png")
        page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")


@pytest.fixture
def board(page):
    board = Board(page, 1)
    board.press("reset")
    board.hears("Reset to seed 0")
    yield board
    assert page.mistakes == []


def run_cell(page, number, wait=True):
    page.evaluate("""([number, wait]) => {
      const notebook = jupyterapp.shell.currentWidget.content;
      notebook.activeCellIndex = number;
      notebook.deselectAll();
      const done = jupyterapp.commands.execute('notebook:run-cell');
      return wait ? done : null;
    }""", [number, wait])


def weights(page):
    run_cell(page, 3)
    return [output["text"] for output in lab.outputs(page) if "weights" in str(output.get("text"))][-1]


def test_everything_is_there_and_has_a_name(page, board):
    assert min(board.pixels(BLUE), *(board.pixels(colour, panel=1) for colour in (ORANGE, GREEN))) > 100
    for control in board.root.locator("button, select, input").all():
        assert control.evaluate("e => (e.ariaLabel || e.textContent).trim()")
    for canvas in board.root.locator("canvas").all():
        assert canvas.get_attribute("role") == "img"
        assert "Step 0 of 0" in canvas.get_attribute("aria-label")
    assert board.root.get_by_role("button", name="go on from here").is_disabled()
    assert board.root.get_by_role("table").inner_text().count("%") == 2


def test_play_pause_and_the_scrubber(page, board):
    board.press("play")
    board.wait_for(lambda: board.steps()[1] > 30)
    board.press("pause")
    board.hears("Paused")
    shown, steps = board.steps()
    assert shown == steps > 30
    page.wait_for_timeout(400)
    assert board.steps() == (shown, steps)
    board.root.locator("[type=range]").focus()
    page.keyboard.press("Home")
    board.hears("^Step 0 of")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    board.hears(f"^Step 3 of {steps:,}")
    page.keyboard.press("End")
    board.hears(f"^Step {steps:,} of {steps:,}")


def test_the_scrubber_shows_the_film_while_the_kernel_is_busy(page, board):
    for _ in range(4):
        board.press("one step of both")
    board.hears("Step 4 of 4")
    picture = "canvas => canvas.toDataURL()"
    last = board.canvas.evaluate(picture)
    page.wait_for_timeout(1000)  # the steps before come ahead
    run_cell(page, 4, wait=False)
    page.wait_for_timeout(200)
    board.root.locator("[type=range]").focus()
    for _ in range(2):
        page.keyboard.press("ArrowLeft")
    board.wait_for(lambda: board.root.get_attribute("data-frame").endswith(" 2"))
    ahead, said = board.canvas.evaluate(picture), board.says()
    assert ahead != last and "Step 4 of 4" in said, "the kernel has not answered yet"
    board.hears("^Step 2 of 4")
    assert board.canvas.evaluate(picture) == ahead, "the film has shown what the kernel answers"
    board.root.get_by_label("field", exact=True).uncheck()
    board.wait_for(lambda: board.canvas.evaluate(picture) != ahead)
    bare = board.canvas.evaluate(picture)
    board.root.get_by_label("field", exact=True).check()
    board.wait_for(lambda: board.canvas.evaluate(picture) == ahead)
    assert bare != ahead


def test_rewind_goes_on_from_there_the_same_way(page, board):
    for _ in range(3):
        board.press("one step of both")
    board.hears("Step 3 of 3")
    after = board.says()
    board.root.locator("[type=range]").focus()
    page.keyboard.press("ArrowLeft")
    board.hears("Step 2 of 3")
    board.press("go on from here")
    board.hears("again as after step 2")
    assert board.steps() == (2, 2)
    board.press("one step of both")
    board.hears("^Step 3 of 3")
    assert board.says() == after


def test_step_buttons_train_the_learners_own_modules(page, board):
    before = weights(page)
    board.press("train discriminator once")
    board.hears("Step 1 of 1: loss of D")
    assert weights(page) == before
    assert board.pixels(PINK, panel=1) > 50, "the gradient's way is lit"
    board.press("train generator once")
    board.hears("Step 2 of 2: loss of G")
    assert weights(page) != before


def test_slow_motion_by_keyboard(page, board):
    button = board.root.get_by_role("button", name="slow motion: next")
    button.focus()
    pink = {}
    for words in ("1. Initialise", "2. Generate", "3. ", "4. Classify", "5. Losses", "6. Back-propagate, D first",
                  "6. Back-propagate, then G", "Step 1 is done"):
        page.keyboard.press("Enter")
        board.hears(f"^{words}")
        pink[words] = board.pixels(PINK, panel=1)
    assert pink["6. Back-propagate, D first"] > pink["2. Generate"]  # the gradient's way is drawn then, and only then
    assert pink["6. Back-propagate, then G"] > pink["5. Losses"]
    assert button.evaluate("e => e === document.activeElement")


def test_another_cell_pauses_it_and_a_second_theatre_is_not_disturbed(page, board):
    other = Board(page, 2)
    other.press("reset")
    other.hears("Reset")
    board.press("play")
    board.wait_for(lambda: board.steps()[1] > 5)
    other.press("one step of both")
    other.hears("Step 1 of 1")
    said = other.says()
    run_cell(page, 3)
    board.hears("Paused, because another cell was run")
    assert other.says() == said and other.steps() == (1, 1)


def test_the_buttons_answer_while_it_trains(page, board):
    button = board.root.locator("button.main")
    times = [button.evaluate(ANSWER) for _ in range(6)]
    print("milliseconds from press to answer:", [round(t) for t in times])  # measured in tests/benchmarks
    assert len(times) == 6


def test_a_diverged_run_says_so_and_reset_helps(page, board):
    for name in ("learning rate of D", "learning rate of G"):
        board.root.get_by_label(name).select_option("0.1")
    board.hears("From the next step on, learning rate of G: 0.1")
    board.root.get_by_label("loss", exact=True).select_option("modified minimax")
    board.hears("loss: modified minimax")
    board.press("one step of both")
    board.hears("Step 1 of 1")
    for name in ("learning rate of D", "learning rate of G"):
        board.root.get_by_label(name).select_option("0.001")
    board.press("reset")
    board.hears("Reset to seed 0")


def test_draw_with_mouse_and_keys_and_train_on_it(page, board):
    pad = Board(page, 0)
    pad.press("clear")
    pad.hears("The sketchpad is empty")
    assert pad.pixels(BLUE) == 0
    pad.canvas.scroll_into_view_if_needed()
    box = pad.canvas.bounding_box()
    page.mouse.move(box["x"] + 120, box["y"] + 120)
    page.mouse.down()
    page.mouse.move(box["x"] + 320, box["y"] + 120, steps=4)
    page.mouse.up()
    pad.wait_for(lambda: pad.pixels(BLUE) > 300)
    drawn = pad.says()
    pad.canvas.focus()
    for key in ("ArrowDown", "ArrowDown", "Space", "Shift+ArrowDown", "Shift+ArrowDown"):
        page.keyboard.press(key)
    pad.wait_for(lambda: pad.says() != drawn)
    pad.root.get_by_label("eraser").check()
    count = pad.pixels(BLUE)
    page.mouse.click(box["x"] + 150, box["y"] + 120)
    pad.wait_for(lambda: pad.pixels(BLUE) < count)
    pad.root.get_by_label("eraser").uncheck()

    board.root.get_by_label("data").select_option("your drawing")
    board.hears("data: your drawing")
    board.press("play")
    board.wait_for(lambda: board.steps()[1] > 20)
    board.press("pause")
    board.hears("Paused")
    board.root.get_by_label("data").select_option("ring of 8")


def test_touch_draws(page, board):
    pad = Board(page, 0)
    pad.press("clear")
    pad.hears("The sketchpad is empty")
    assert pad.canvas.evaluate("e => getComputedStyle(e).touchAction") == "none"
    pad.canvas.evaluate("""canvas => {
      const { left, top } = canvas.getBoundingClientRect();
      canvas.setPointerCapture = () => {};
      for (const [type, x] of [["pointerdown", 200], ["pointermove", 260], ["pointerup", 260]]) {
        canvas.dispatchEvent(new PointerEvent(type, { pointerType: "touch", clientX: left + x, clientY: top + 200, bubbles: true }));
      }
    }""")
    pad.wait_for(lambda: pad.pixels(BLUE) > 100)
    pad.press("example: heart")
    pad.hears("An example, the heart")


