"""What every test and every notebook kernel runs under, also for a bare `pytest`; and one more cell for each lesson.

Kernels inherit these variables: sums in one order (printed digits do not depend on the number of cores), no
progress bars, and every file that Jupyter, IPython and matplotlib keep goes into .cache/ of the checkout.
"""

import os
import tempfile
from collections import defaultdict
from pathlib import Path

import nbformat
import pytest
from nbval.plugin import IPyNbCell, IPyNbFile

from notebooks import rebuild

ROOT = Path(__file__).resolve().parent
# a checkout may be only readable
CACHE = ROOT / ".cache" if os.access(ROOT, os.W_OK) else Path(tempfile.mkdtemp())
OFFLINE = str(ROOT / "tests" / "offline")  # whatever Python starts from here on has no internet

CACHE.mkdir(exist_ok=True)
os.environ.update(rebuild.ENVIRONMENT)
os.environ.setdefault("SWEEP_SECONDS", "0.2")  # of random settings for each figure; `make orders` has no limit
if OFFLINE not in os.environ.get("PYTHONPATH", ""):
    os.environ["PYTHONPATH"] = OFFLINE + os.pathsep + os.environ.get("PYTHONPATH", "")
for variable, folder in {
    "JUPYTER_CONFIG_DIR": "jupyter/config",
    "JUPYTER_DATA_DIR": "jupyter/data",
    "JUPYTER_RUNTIME_DIR": "jupyter/runtime",
    "IPYTHONDIR": "ipython",
    "MPLCONFIGDIR": "matplotlib",
}.items():
    os.environ.setdefault(variable, str(CACHE / folder))


class Lesson(IPyNbFile):
    """A notebook as nbval runs it, and after its last cell the sweep of its controls and exercises."""

    def collect(self):
        yield from super().collect()
        cell = nbformat.v4.new_code_cell("from tests.sweep import assert_sound\n\nassert_sound()")
        yield Sweep.from_parent(self, name="controls and exercises", cell_num=len(self.nb.cells), cell=cell,
                                options=defaultdict(bool))


class Sweep(IPyNbCell):
    """That last cell: it may say what it did, which stands below pytest's results, and nothing else."""

    def runtest(self):
        super().runtest()
        said = [output for output in self.test_outputs if output.output_type == "stream"]
        self.user_properties += [("sweep", f"{self.path.stem}: {part.text.strip()}") for part in said]
        if wrong := [part.text for part in said if part.name != "stdout"]:
            self.raise_cell_error("A control wrote to stderr", "".join(wrong))


def pytest_terminal_summary(terminalreporter):
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)]
    said = [text for report in reports for name, text in report.user_properties if name == "sweep"]
    if said:
        terminalreporter.section("controls moved")
        for text in sorted(said):
            terminalreporter.line(text)


@pytest.fixture
def link():
    """A function that makes a symbolic link, or skips the test where none can be made (Windows asks for a right)."""
    def make(path, target):
        try:
            path.symlink_to(target)
        except (OSError, NotImplementedError) as error:
            pytest.skip(f"no links can be made here: {error}")

    return make


LONG = ("tests/browser/test_browser.py", "notebooks", "tests/colab", "tests/test_places.py", "tests/test_evidence.py")


def pytest_collection_modifyitems(items):
    """The files that take minutes come first, and the many short ones fill what is left of both processes."""
    def rank(item):
        path = item.path.relative_to(ROOT).as_posix() if item.path.is_relative_to(ROOT) else ""
        return next((i for i, start in enumerate(LONG) if path.startswith(start)), len(LONG))

    items.sort(key=rank)  # files stay together: the sort is stable


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path, parent):
    found = yield
    return [Lesson.from_parent(parent, path=file_path) if isinstance(file, IPyNbFile) else file for file in found]
