"""notebooks/rebuild.py on lessons of a few lines: what it writes, what it refuses, what it leaves alone."""

import asyncio
import base64
import io
from pathlib import Path

import nbformat
import numpy as np
import pytest
from PIL import Image

from notebooks import rebuild

ROOT = Path(__file__).parent.parent

GOOD = """\
# %% [markdown] teaches=["D3", "F2"]
# # 1. Title

# %% tags=["nbval-ignore-output"]
import random

print(random.random())

# %% jupyter={"source_hidden": true} tags=["answer"]
print("first", flush=True)
print("second")
1 + 1

# %%
1 + 1
"""
WIDGETS = """\
# %%
import base64, io
import ipywidgets
from IPython.display import display
from PIL import Image

file = io.BytesIO()
Image.new("RGB", (8, 8), "red").save(file, "PNG")
box = ipywidgets.VBox([ipywidgets.IntSlider(), ipywidgets.Output()])
with box.children[1]:
    print("inside")
view = {"version_major": 2, "version_minor": 0, "model_id": box.model_id}
display({"application/vnd.jupyter.widget-view+json": view, "text/plain": "VBox()",
         "image/png": base64.b64encode(file.getvalue()).decode()}, raw=True)
"""


@pytest.fixture
def run(tmp_path, capsys, monkeypatch):
    """run(options..., name=source...): writes the twins, rebuilds, returns (status, what was printed, folder)."""
    (tmp_path / "text").mkdir()
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setattr(rebuild, "CELL_SECONDS", 600)  # whatever else the machine does meanwhile
    monkeypatch.setattr(rebuild, "LESSON_SECONDS", 600)

    def call(*options, **twins):
        for name, source in twins.items():
            (tmp_path / "text" / f"{name[1:]}.py").write_text(source)
        status = asyncio.run(rebuild.main([*options, "--folder", str(tmp_path)]))
        return status, capsys.readouterr().out, tmp_path

    return call


def test_writes_clean_notebooks_and_nothing_twice(run):
    stable = GOOD.replace("random.random()", "random.Random(0).random()")
    status, out, folder = run(_01_a=stable, _02_widgets=WIDGETS)
    assert status == 0, out
    assert "01_a: written" in out and "slowest cell" in out
    first = {path.name: path.read_bytes() for path in folder.glob("*.ipynb")}
    stamps = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.ipynb")}
    assert sorted(first) == ["01_a.ipynb", "02_widgets.ipynb"]

    book = nbformat.read(folder / "01_a.ipynb", as_version=4)
    nbformat.validate(book)
    assert [dict(cell.metadata) for cell in book.cells] == [
        {"teaches": ["D3", "F2"]}, {"tags": ["nbval-ignore-output"]},
        {"tags": ["answer"], "jupyter": {"source_hidden": True}}, {}]
    assert [cell.get("execution_count") for cell in book.cells] == [None, 1, 2, 3]
    assert book.cells[2].outputs[0].text == "first\nsecond\n"
    assert len({cell.id for cell in book.cells}) == 4
    assert book.metadata == rebuild.METADATA

    book = nbformat.read(folder / "02_widgets.ipynb", as_version=4)
    assert [set(output.data) for output in book.cells[0].outputs] == [{"image/png", "text/plain"}]
    assert book.metadata == rebuild.METADATA

    status, out, folder = run()
    assert status == 0 and "01_a: unchanged" in out and "02_widgets: unchanged" in out
    assert {path.name: path.read_bytes() for path in folder.glob("*.ipynb")} == first
    assert {path.name: path.stat().st_mtime_ns for path in folder.glob("*.ipynb")} == stamps


@pytest.mark.parametrize("cell, sentence", [
    ("# why\n\n1 / 0", "cell 4 (# why): ZeroDivisionError: division by zero"),
    ("raise SystemExit('no address yet')", "cell 4 (raise SystemExit('no address yet')): SystemExit: no address yet"),
    ("import warnings\nwarnings.warn('careful')", "cell 4 (import warnings): stderr:"),
    ("import os\nos._exit(1)", "cell 4: Kernel died"),
    ("from helpers.widgets import sliders\nimport matplotlib.pyplot as plt\n"
     "sliders(lambda x: 1 / 0, plt.figure(), x=(0, 9, 1))",
     "cell 4 (from helpers.widgets import sliders): This setting failed: ZeroDivisionError"),
    ("import ipywidgets\nbox = ipywidgets.Output()\nwith box:\n    [][0]\nbox", "in a widget: IndexError"),
])
def test_refuses_a_lesson_that_fails_and_goes_on(run, cell, sentence):
    *_, folder = run(_01_a="# %%\n1")
    old = (folder / "01_a.ipynb").read_bytes()
    status, out, folder = run("--jobs", "1", _01_a=f"{GOOD}\n# %%\n{cell}\n\n# %%\n2", _02_b="# %%\n2")
    assert status == 1
    assert f"01_a: refused, {sentence}" in out, out
    assert "02_b: written" in out
    assert (folder / "01_a.ipynb").read_bytes() == old
    assert sorted(path.name for path in folder.iterdir()) == ["01_a.ipynb", "02_b.ipynb", "text"]


def test_named_lessons_changed_lessons_and_budget(run, monkeypatch):
    status, out, folder = run("01", _01_a="# %%\n1", _02_b="# %%\n2")
    assert status == 0 and [path.name for path in folder.glob("*.ipynb")] == ["01_a.ipynb"]
    status, out, _ = run("--changed")
    assert status == 0 and "02_b: written" in out and "01_a" not in out
    assert "nothing to rebuild" in run("--changed")[1]
    with pytest.raises(SystemExit):
        run("07")

    monkeypatch.setattr(rebuild, "CELL_SECONDS", 0)
    monkeypatch.setattr(rebuild, "LESSON_SECONDS", 0)
    status, out, folder = run("01", _01_a="# %%\n3")
    assert status == 1 and "01_a: written" in out
    assert "too slow, cell 1 takes" in out and "too slow, the lesson takes" in out


def test_smaller_pictures_look_the_same():
    rows = np.linspace(0, 1, 200)
    smooth = np.stack([np.add.outer(rows, rows) / 2, np.outer(rows, rows), np.outer(rows, 1 - rows)], -1)
    picture = Image.fromarray((smooth * 255).astype(np.uint8)).convert("RGBA")
    file = io.BytesIO()
    picture.save(file, "PNG")
    png = base64.b64encode(file.getvalue()).decode()
    small = rebuild.smaller(png)
    assert small == rebuild.smaller(png)
    again = np.asarray(Image.open(io.BytesIO(base64.b64decode(small))).convert("RGB"), dtype=float)
    assert np.abs(again - np.asarray(picture)[..., :3]).mean() < 6  # of 255, on a ramp of 40,000 colours


def test_changed_source_changes_no_other_cells_id(tmp_path):
    twin = tmp_path / "01_a.py"
    twin.write_text(GOOD)
    before = [cell.id for cell in rebuild.from_twin(twin).cells]
    twin.write_text(GOOD.replace("# %% tags", "# %% [markdown]\n# new\n\n# %% tags"))
    after = [cell.id for cell in rebuild.from_twin(twin).cells]
    assert [name for name in after if name in before] == before and len(after) == len(before) + 1
