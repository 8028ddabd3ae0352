"""Readers without a kernel: plain nbconvert on each stored notebook, and the static book on a lesson of a few cells."""

import asyncio
import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import nbformat
import pytest
from bs4 import BeautifulSoup
from nbconvert import HTMLExporter
from PIL import Image

from helpers import widgets
from notebooks import address, book, films
from tests.test_notebooks import CAPTION, calls_widget, every_notebook, has_picture, is_answer, read

ROOT = Path(__file__).parent.parent
TINY = f"""\
# %% [markdown]
# # 1. Tiny
#
# **Does $x_1$ move?**
#
# {address.NO_BADGE}

# %%
{address.bootstrap("", "0.1.0")}

# %%
import matplotlib.pyplot as plt
import torch

from helpers import distributions, networks
from helpers.board import board
from helpers.training import train_gmn
from helpers.widgets import button, player, sliders

# %% [markdown]
# ## Words
#
# $$\\max_x \\log D(x) = \\texttt{{noise\\_dim}}$$

# %%
fig, ax = plt.subplots(figsize=(3, 2))
ax.plot([0, 1])
plt.show()

# %% [markdown]
# **Figure 1.1.** A line & its end, $x_1$.
#
# And more text.

# %%
fig, ax = plt.subplots(figsize=(3, 2))
line, = ax.plot([0, 1], [0, 0])
ax.set_ylim(0, 10)

def draw(place, height, looks, dotted, presses):
    line.set_ydata([place, height])
    line.set_linestyle(":" if dotted else looks)
    return f"place {{place:g}}, height {{height}}, {{looks}}, dotted {{dotted}}, pressed {{presses}}."

sliders(draw, fig, place=(0.0, 10.0, 0.1, 3.3), height=(0, 4, 1, 1), looks={{"solid": "-", "dashed": "--"}}, dotted=False,
        presses=button("Press"))

# %% [markdown]
# **Figure 1.2.** A line that moves.

# %%
rng = torch.Generator().manual_seed(0)
film = list(train_gmn(networks.mlp((2, 8, 2), rng), distributions.two_moons(), rng, [1.0], n_steps=2, every=1, batch_size=8,
                      lr=1e-2, n_shown=20))
player(film, layers=("real", "generated", "loss"))

# %% [markdown]
# **Figure 1.3.** A run.

# %%
board(lambda state: ([[state]], f"It says {{state}}."), lambda state, row, column: "b", {{"New": "a"}})

# %% [markdown]
# **Figure 1.4.** One field.

# %% tags=["answer"] jupyter={{"source_hidden": true}}
print("the answer")
"""


def build(folder, *options, **lessons):
    """(status, folder of the book) of these lessons."""
    (folder / "text").mkdir(exist_ok=True)
    for name, source in lessons.items():
        (folder / "text" / f"{name[1:]}.py").write_text(source, encoding="utf-8")
    return asyncio.run(book.main([*options, "--folder", str(folder), "--out", str(folder / "book")])), folder / "book"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The tiny lesson, executed into a book: (its page, parsed; its folder)."""
    folder = tmp_path_factory.mktemp("book")
    shutil.copytree(ROOT / "helpers", folder / "helpers", ignore=shutil.ignore_patterns("__pycache__"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        status, out = build(folder, _01_tiny=TINY)
    assert status == 0
    return BeautifulSoup((out / "01_tiny.html").read_text(encoding="utf-8"), "html.parser"), out


def film_of(figure):
    return json.loads(figure.script.string)


@every_notebook
def test_plain_nbconvert_shows_each_figure_and_its_caption(path):
    stored = read(path)
    text, _ = HTMLExporter(template_name="basic").from_notebook_node(stored)
    parts = dict(re.findall(r'id="cell-id=([\w-]+)"(.*?)(?=id="cell-id=|\Z)', text, re.DOTALL))
    seen = 0
    for cell, after in zip(stored.cells, stored.cells[1:]):
        if cell.cell_type == "code" and (has_picture(cell) or calls_widget(cell.source)):
            assert '<img' in parts[cell.id] and 'src="data:image/png;base64,' in parts[cell.id], cell.source[-60:]
            if not is_answer(cell):
                assert CAPTION.match(after.source)
                assert re.search(r"<p><strong>Figure \d+\.\d+\.</strong> \S", parts[after.id])
                seen += 1
    assert seen > 5


@every_notebook
def test_the_page_of_a_stored_lesson_is_whole(path, tmp_path):
    stored = read(path)
    count = sum(has_picture(cell) for cell in stored.cells)
    text = book.page(stored, {}, tmp_path, None, "next.html")
    soup = BeautifulSoup(text, "html.parser")
    assert len(soup.select("main figure")) == len(soup.select("main img")) == count
    assert all(len(image["alt"]) > 20 and (tmp_path.parent / image["src"]).exists() for image in soup.select("main img"))
    assert len(soup.select("figcaption")) >= count - 1  # an answer has none
    assert "$" not in "".join(part.get_text() for part in soup.select(".text_cell_render")
                              for code in part.select("code") if not code.extract())
    assert not re.search(r'(src|href)="(https?:)?//', text)  # no network
    assert soup.select_one("[rel=next]")["href"] == "next.html" and not soup.select("[rel=prev]")
    ids = [tag["id"] for tag in soup.select("[id]")]
    assert all(link["href"][1:] in ids for link in soup.select("details.contents a"))
    assert len(soup.select("details.contents a")) > 10


def test_every_setting_of_a_film_has_its_picture_and_its_words(tiny):
    soup, out = tiny
    figure, = (figure for figure in soup.select("figure.film") if "Figure 1.2." in figure.get_text())
    film = film_of(figure)
    place, height, looks, dotted, presses = film["controls"]
    assert [c["kind"] for c in film["controls"]] == ["range", "range", "select", "check", "range"]
    assert [c["label"] for c in film["controls"]] == ["place", "height", "looks", "dotted", "presses of “Press”"]
    assert 25 <= len(place["texts"]) <= 26 and place["texts"][place["start"]] == "3.3"
    assert (place["texts"][0], place["texts"][-1], height["texts"]) == ("0", "10", ["0", "1", "2", "3", "4"])
    assert (looks["texts"], presses["texts"][-1]) == (["solid", "dashed"], "6")
    assert place["said"] == [f"place {text}, height 1, -, dotted False, pressed 0." for text in place["texts"]]
    assert dotted["said"] == [said.replace("False", "True") for said in place["said"]] and dotted["start"] is False
    assert looks["said"][1] == "place 3.3, height 1, --, dotted False, pressed 0."
    assert presses["said"][6] == "place 3.3, height 1, -, dotted False, pressed 6."
    assert len({control["files"][control["start"]] for control in (place, height, looks, presses)}) == 1  # all else is back
    for control in film["controls"]:
        assert len(control["files"]) == len(control["said"]) and all((out / film["folder"] / name).exists() for name in control["files"])
    assert len(set(place["files"])) == len(place["files"])
    image = figure.img
    assert image["alt"] == figure.p.get_text() == place["said"][place["start"]]
    with Image.open(out / image["src"]) as picture:
        assert picture.format == "WEBP" and picture.width == 1.2 * int(image["width"])


def test_a_player_becomes_a_film_of_its_snapshots(tiny):
    figure, = (figure for figure in tiny[0].select("figure.film") if "Figure 1.3." in figure.get_text())
    snapshot, *layers = film_of(figure)["controls"]
    assert (snapshot["texts"], snapshot["start"]) == (["0", "1", "2"], 0)
    assert snapshot["said"][2].startswith("Step 2 of 2")
    assert [(c["label"], c["kind"], len(c["files"])) for c in layers] == [
        (name, "check", 3) for name in ("real", "generated", "grid", "arrows", "loss")]


def test_what_stands_still_is_a_figure_with_its_caption_as_alternative(tiny):
    still, _, _, board = tiny[0].select("main figure")
    assert still.img["alt"] == "Figure 1.1. A line & its end, x1." and still.figcaption.math
    assert "And more text." not in still.get_text() and "And more text." in tiny[0].get_text()
    assert book.ONLY_LIVE in board.get_text() and "Figure 1.4." in board.figcaption.get_text()
    assert book.ONLY_LIVE not in still.get_text()


def test_the_page_folds_answers_and_sets_formulas(tiny):
    soup, out = tiny
    assert [part.get_text() for part in soup.select("summary")] == ["In this lesson", "The cell that finds the helpers", "The code of this answer"]
    assert "films.record" not in soup.get_text() and address.NO_BADGE.strip("*") not in soup.get_text()
    assert "noise_dim" in soup.select_one("math[display=block]").get_text()
    assert soup.select_one("math mspace") and "\\" not in soup.get_text()
    names = {path.name for path in out.iterdir()}
    assert names == {"01_tiny", "01_tiny.html", "index.html", "book.css", "book.js", "front.webp"}
    index = BeautifulSoup((out / "index.html").read_text(encoding="utf-8"), "html.parser")
    assert [link["href"] for link in index.select("table a")] == ["01_tiny.html"]
    assert len(index.img["alt"]) > 20


def test_a_lesson_that_fails_has_no_page_and_the_others_have(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    good = "# %% [markdown]\n# # 2. Good\n#\n# **Why?**\n\n# %%\n1 + 1\n"
    status, out = build(tmp_path, _01_bad=good.replace("1 + 1", "1 / 0"), _02_good=good)
    said = capsys.readouterr().out
    assert status == 1 and "01_bad: no page, cell 1 (1 / 0): ZeroDivisionError" in said and "1 of 2 lessons" in said
    assert not (out / "01_bad.html").exists() and (out / "02_good.html").exists()


def control(low, high, step, value):
    return SimpleNamespace(source=SimpleNamespace(min=low, max=high, step=step, value=value))


@pytest.mark.parametrize("slider, most, first, last, n", [((0, 4, 1, 2), 25, 0, 4, 5), ((0, 1000, 5, 150), 25, 0, 1000, 26),
                                                          ((0.0, 1.0, 0.025, 0.5), 5, 0, 1, 5), ((0.01, 2.0, 0.01, 0.08), 7, 0.01, 2, 8)])
def test_settings_keep_the_ends_and_the_present_one(slider, most, first, last, n):
    values, start = films.settings(control(*slider), "number", most)
    assert (values[0], values[-1], values[start], len(values)) == (first, last, slider[3], n)
    assert values == sorted(set(values))
    assert all(abs((value - slider[0]) / slider[2] - round((value - slider[0]) / slider[2])) < 1e-6 for value in values)


def test_a_setting_that_fails_is_named(tmp_path):
    fig, ax = plt.subplots()
    line, = ax.plot([0, 1])

    def draw(n):
        line.set_ydata([0, 1 / (3 - n)])
        return f"{n}"

    stage = widgets._Stage(draw, fig, {}, {"n": (0, 4, 1, 0)})
    with pytest.raises(RuntimeError, match="n = 3: This setting failed: ZeroDivisionError"):
        films.film(stage, tmp_path)


def test_a_lesson_without_a_question_is_refused():
    with pytest.raises(ValueError, match="question in bold"):
        book.title_and_question(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# 3. Title")]))


def test_words_in_a_film_cannot_end_its_script(tmp_path):
    track = {"label": "a", "kind": "range", "start": 0, "texts": ["0"], "files": ["a.webp"], "said": ["</script><b>"]}
    text = book.figure(None, "**Figure 1.1.** A.", {"width": 1, "height": 1, "controls": [track]}, tmp_path)
    figure = BeautifulSoup(text, "html.parser").figure
    assert film_of(figure)["controls"][0]["said"] == ["</script><b>"] and not figure.b
    assert figure.img["alt"] == "</script><b>"


