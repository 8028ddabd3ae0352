"""axe-core, which looks for what keeps readers out, on the pages of the book and on each kind of widget in JupyterLab.

Of JupyterLab only the outputs are looked at: what stands around them is not ours. And a film, moved by the keyboard.
"""

import nbformat
import pytest
from axe_playwright_python.base import AXE_SCRIPT

from notebooks import book, rebuild
from tests.browser import lab
from tests.browser.test_browser import HANDLE
from tests.test_book import tiny  # noqa: F401, a fixture

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDGETS = """
import sys
sys.path.insert(0, "..")
import matplotlib.pyplot as plt
import torch
from helpers import distributions, networks
from helpers.board import board
from helpers.stage import sketchpad
from helpers.theatre import theatre
from helpers.training import train_gmn
from helpers.widgets import button, player, sliders

fig, ax = plt.subplots(figsize=(3, 2))
line, = ax.plot([0, 1], [0, 0])

def draw(place, height, looks, dotted, presses):
    line.set_ydata([place, height])
    return f"place {place:g}, height {height}."

sliders(draw, fig, place=(0.0, 10.0, 0.1, 3.3), height=(0, 4, 1), looks=["solid", "dashed"], dotted=False, presses=button("Press"))
rng = torch.Generator().manual_seed(0)
film = list(train_gmn(networks.mlp((2, 8, 2), rng), distributions.two_moons(), rng, [1.0], n_steps=2, every=1, batch_size=8,
                      lr=1e-2, n_shown=20))
player(film, layers=("real", "generated", "loss"))
board(lambda state: ([[state, ""]], f"It says {state}."), lambda state, row, column: "b", {"New": "a"})
pad = sketchpad()
theatre(networks.mlp((2, 8, 2), rng), networks.judge((2, 8, 1), rng), distributions.ring(8))
"""

# of the words of the code, a colour each, axe looks at every single one, for minutes: two of each colour are left
THIN = """() => {
  const seen = {};
  for (const word of document.querySelectorAll("pre span")) {
    if (word.children.length) continue;
    seen[word.className] = (seen[word.className] ?? 0) + 1;
    if (seen[word.className] > 2) word.replaceWith(word.textContent);
  }
  return Object.keys(seen).length;
}"""

pytestmark = pytest.mark.skipif(lab.CHROMIUM is None, reason="no Chromium is installed")


@pytest.fixture(scope="module")
def page(tiny):  # noqa: F811
    # after `tiny`: Playwright's event loop stays in this thread, and the book needs one of its own
    with lab.browse() as page:
        yield page


def faults(page, context="document", off=()):
    """What axe finds in a part of the page: rule, impact, and where."""
    page.evaluate(AXE_SCRIPT)
    found = page.evaluate(f"""options => axe.run({context}, options).then(found => found.violations.flatMap(
        rule => rule.nodes.map(node => `${{rule.id}} (${{rule.impact}}): ${{node.html.slice(0, 200)}} ${{node.any[0]?.message ?? ""}}`)))""",
        {"runOnly": TAGS, "rules": {name: {"enabled": False} for name in off}, "resultTypes": ["violations"]})
    return sorted(set(found))


def test_axe_finds_a_fault(page):
    page.set_content('<html lang="en"><title>t</title><main><h1>t</h1><img src="a.png"><p style="color: #999">faint</p></main></html>')
    found = faults(page)
    assert any(line.startswith("image-alt") for line in found) and any(line.startswith("color-contrast") for line in found)


@pytest.mark.parametrize("path", sorted((lab.ROOT / "notebooks").glob("[0-9]*.ipynb")), ids=lambda path: path.stem)
def test_a_page_of_the_book(page, tmp_path, path):
    text = book.page(nbformat.read(path, as_version=4), {}, tmp_path / path.stem, "a.html", "b.html")
    book.furnish(tmp_path)
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    page.goto((tmp_path / "page.html").as_uri(), timeout=120_000)
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true; })")
    assert page.evaluate(THIN) >= 10
    assert faults(page) == []


def test_a_film_is_moved_by_the_keyboard(page, tiny):  # noqa: F811
    mistakes = []
    page.on("pageerror", lambda error: mistakes.append(str(error)))
    page.goto((tiny[1] / "01_tiny.html").as_uri())
    assert faults(page) == []
    film = page.locator("figure.film").first
    image, status, place = film.locator("img"), film.get_by_role("status"), film.get_by_label("place")
    before = image.get_attribute("src")
    place.focus()
    page.keyboard.press("End")
    assert status.inner_text() == "place 10, height 1, -, dotted False, pressed 0." == image.get_attribute("alt")
    assert image.get_attribute("src") != before and place.get_attribute("aria-valuetext") == "10"
    page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=image.element_handle())
    film.get_by_label("dotted").check()  # keeps the place
    assert status.inner_text() == "place 10, height 1, -, dotted True, pressed 0."
    place.focus()
    page.keyboard.press("Home")  # keeps the box
    assert status.inner_text() == "place 0, height 1, -, dotted True, pressed 0."
    film.get_by_label("looks").select_option("dashed")  # all else goes back to its start
    assert status.inner_text() == "place 3.3, height 1, --, dotted False, pressed 0."
    assert not film.get_by_label("dotted").is_checked()
    film.get_by_label("height").focus()
    page.keyboard.press("ArrowRight")
    assert status.inner_text() == "place 3.3, height 2, -, dotted False, pressed 0."
    assert film.get_by_label("looks").input_value() == "0"
    page.goto((tiny[1] / "index.html").as_uri())
    assert faults(page) == [] and mistakes == []


def test_the_widgets_in_jupyterlab(page, tmp_path):
    with lab.serve(tmp_path) as address:
        cells = [nbformat.v4.new_code_cell(WIDGETS)]
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=rebuild.METADATA),
                       tmp_path / "checkout" / "notebooks" / "widgets.ipynb")
        lab.open_notebook(page, address, "widgets.ipynb")
        assert lab.run_all(page), lab.outputs(page)
        page.locator(".gn-stage [role=status]").last.wait_for()
        page.locator(f"{HANDLE}[aria-label]").last.wait_for()
        # "region": a cell lies within JupyterLab's own landmarks
        assert faults(page, '".jp-OutputArea-output"', off=["region"]) == []
        for handle in page.locator(HANDLE).all():
            assert handle.get_attribute("aria-label") in ("place", "height", "snapshot")
            assert handle.get_attribute("tabindex") == "0"
        play = page.locator("button[aria-label=\"play or pause\"]:enabled")  # ipywidgets 7 has two, one at a time enabled
        play.focus()
        page.keyboard.press("Enter")
        page.locator(".jp-OutputArea-output [role=status]").filter(has_text="Step 2 of 2").wait_for()
