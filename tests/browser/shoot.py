"""Pictures of a whole lesson as a learner sees it, for its author: `python tests/browser/shoot.py 02 [folder]`.

Opens the notebook in JupyterLab, runs all cells and writes full-length screenshots in pieces of one screen each,
NN_00.png, NN_01.png ..., to .screenshots/ or the folder. --stored leaves the cells unrun: the stored outputs.
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from tests.browser import lab

SCROLLER = ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-WindowedPanel-outer"


def main():
    parser = argparse.ArgumentParser(description="Screenshots of a lesson in JupyterLab.")
    parser.add_argument("lesson", help="the beginning of its name, such as 02")
    parser.add_argument("folder", type=Path, nargs="?", default=lab.ROOT / ".screenshots")
    parser.add_argument("--stored", action="store_true", help="do not run the cells")
    parser.add_argument("--width", type=int, default=1100)
    parser.add_argument("--height", type=int, default=1400)
    options = parser.parse_args()
    if lab.CHROMIUM is None:
        sys.exit("No Chromium is installed.")
    name = next((path.name for path in sorted((lab.ROOT / "notebooks").glob(f"{options.lesson}*.ipynb"))), None)
    if name is None:
        sys.exit(f"There is no notebook {options.lesson}*.ipynb: `make notebooks` makes it.")
    options.folder.mkdir(parents=True, exist_ok=True)
    for old in options.folder.glob(f"{name[:2]}_[0-9][0-9].png"):
        old.unlink()
    with (tempfile.TemporaryDirectory() as folder, lab.serve(Path(folder)) as address,
          lab.browse(options.width, options.height) as page):
        lab.open_notebook(page, address, name)
        page.evaluate("() => jupyterapp.commands.execute('application:toggle-left-area')")
        if not options.stored and not lab.run_all(page):
            print("A cell raised an error.")
        page.wait_for_timeout(2000)
        scroller, top = page.locator(SCROLLER), -1
        scroller.evaluate("e => e.scrollTo(0, 0)")  # running all cells ended at the last one
        page.wait_for_timeout(1000)
        for number in range(100):
            page.screenshot(path=options.folder / f"{name[:2]}_{number:02d}.png")
            now = scroller.evaluate("e => { e.scrollBy(0, e.clientHeight - 60); return e.scrollTop; }")
            page.wait_for_timeout(400)
            if now == top:
                break
            top = now
        print(f"{number + 1} pictures in {options.folder}")


if __name__ == "__main__":
    main()
