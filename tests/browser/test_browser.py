"""Each notebook in a real browser: opened, run, one key pressed on every slider, and each picture seen to change.

Screenshots lie in .screenshots/ afterwards. `python tests/browser/shoot.py 01` takes pictures of a whole lesson.
"""

import subprocess
import sys

import pytest

from tests.browser import lab

NOTEBOOKS = sorted(path.name for path in (lab.ROOT / "notebooks").glob("[0-9]*.ipynb"))
SCREENSHOTS = lab.ROOT / ".screenshots"
HANDLES = ".jp-OutputArea-output .widget-slider .noUi-handle"
# a slider's picture: the first one in its own output
PICTURE = "handle => handle.closest('.jp-OutputArea-output').querySelector('img')"
SOURCE = "image => image.complete && image.naturalWidth > 0 ? image.src : ''"
BROKEN = ("javascript error", "error displaying widget", "loading widget", "error creating widget", "traceback")

pytestmark = pytest.mark.skipif(lab.CHROMIUM is None, reason="no Chromium is installed")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with lab.serve(tmp_path_factory.mktemp("lab")) as address:
        yield address


@pytest.fixture(scope="module")
def page():
    # Playwright's event loop would stay in this thread and block other tests' asyncio.run: it ends with the module
    with lab.browse() as page:
        yield page


def moves(page, handle):
    """Whether one key changes the slider's value and its picture; the other direction if it stands at an end."""
    image = handle.evaluate_handle(PICTURE).as_element()
    for key in ("ArrowRight", "ArrowLeft"):
        before, value = image.evaluate(SOURCE), handle.get_attribute("aria-valuenow")
        handle.focus()
        page.keyboard.press(key)
        for _ in range(100):
            if image.evaluate(SOURCE) not in ("", before) and handle.get_attribute("aria-valuenow") != value:
                return True
            page.wait_for_timeout(50)
    return False


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_learner_runs_it_and_moves_its_sliders(server, page, name):
    mistakes = []
    page.on("pageerror", lambda error: mistakes.append(str(error)))
    lab.open_notebook(page, server, name)
    assert lab.run_all(page), [o for o in lab.outputs(page) if o["output_type"] == "error"]
    assert not [output for output in lab.outputs(page)
                if output["output_type"] == "error" or output.get("name") == "stderr"]

    handles = page.locator(HANDLES)
    handles.first.wait_for()
    for i in range(handles.count()):
        handle = handles.nth(i).element_handle()
        handle.scroll_into_view_if_needed()
        assert handle.evaluate_handle(PICTURE).as_element() is not None, "a slider without a picture"
        assert moves(page, handle), f"slider {i + 1} of {name} does not change its picture"
        if i == 0:
            SCREENSHOTS.mkdir(exist_ok=True)
            page.screenshot(path=SCREENSHOTS / f"{name.removesuffix('.ipynb')}_moved.png")

    shown = " ".join(page.locator(".jp-OutputArea-output").all_inner_texts()).lower()
    assert [text for text in (*BROKEN, "this setting failed") if text in shown] == []
    assert mistakes == []
    page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")


@pytest.mark.skipif(not NOTEBOOKS, reason="no notebook is there yet")
def test_stored_notebooks_are_untouched(server):
    """Whoever runs these tests finds the notebooks as they were."""
    done = subprocess.run(["git", "diff", "--stat", "--", "notebooks"], cwd=lab.ROOT, capture_output=True, check=False)
    assert done.returncode != 0 or b"ipynb" not in done.stdout or sys.flags.interactive
