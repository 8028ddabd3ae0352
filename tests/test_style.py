"""How the code is kept: ruff finds nothing, imports point one way, importing a helper changes nothing."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted(path.stem for path in (ROOT / "helpers").glob("[a-z]*.py"))
# a module may import those of the levels before it
LEVELS = [
    {"networks", "distributions", "puppies", "pictures", "photographs", "sampling", "recordings"},
    {"losses", "scores", "distances"},
    {"training", "picture_scores"},
    {"ensemble", "fog", "picture_training", "race"},
    {"rehearsal"},
    {"plots", "blit", "guide"},
    {"widgets"},
    {"board", "stage"},
    {"theatre"},
]
DRAWING = {"plots", "blit", "widgets", "board", "stage", "theatre"}  # they alone import matplotlib
WIDGETS = {"widgets": {"ipywidgets", "anywidget"}, "board": {"ipywidgets"}, "stage": {"anywidget"}}  # what each alone imports
FREE = {"checks"}  # feedback on exercises: imports no other helper, and is imported by lessons only


def imports(source):
    """The full names of all modules that a source imports, inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = "helpers" + "." * bool(node.module) if node.level else ""
            module = base + (node.module or "")
            names |= {f"{module}.{alias.name}" for alias in node.names} | {module}
    return names


def wrong_imports(module, source):
    """The imports of helpers.<module> that point the wrong way."""
    level = next((i for i, names in enumerate(LEVELS) if module in names), -1)
    allowed = set().union(*LEVELS[:level]) if level > 0 else set()
    if level == 0 and module == "puppies":
        allowed = {"networks"}  # litter_of is a small network
    wrong = set()
    for name in imports(source):
        top, *rest = name.split(".")
        if top == "helpers" and rest and rest[0] not in allowed and rest[0] in set().union(*LEVELS, FREE):
            wrong.add(name)
        if top in ("matplotlib", "IPython") and module not in DRAWING | ({"guide"} if top == "IPython" else set()):
            wrong.add(name)
        if top in {"ipywidgets", "anywidget"} - WIDGETS.get(module, set()):
            wrong.add(name)
    return sorted(wrong)


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_one_way(module):
    assert module in set().union(*LEVELS, FREE), f"say in LEVELS where {module} stands"
    assert wrong_imports(module, (ROOT / "helpers" / f"{module}.py").read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("module, source, wrong", [
    ("plots", "import matplotlib\nfrom helpers.sampling import randu", []),
    ("sampling", "import matplotlib.pyplot as plt", ["matplotlib.pyplot"]),
    ("guide", "import matplotlib\nfrom IPython import get_ipython", ["matplotlib"]),
    ("plots", "from ipywidgets import HTML", ["ipywidgets", "ipywidgets.HTML"]),
    ("stage", "import anywidget\nfrom helpers import widgets", []),
    ("theatre", "import anywidget\nfrom helpers.stage import Board", ["anywidget"]),
    ("sampling", "from helpers import plots", ["helpers.plots"]),
    ("sampling", "def f():\n    from .plots import finish", ["helpers.plots", "helpers.plots.finish"]),
    ("distances", "from . import scores", ["helpers.scores"]),
])
def test_wrong_imports_are_found(module, source, wrong):
    assert wrong_imports(module, source) == wrong


WATCH = """
import random, sys, warnings
import numpy, torch
import scipy.optimize, scipy.sparse, scipy.stats  # SciPy adds warning filters when it is imported
{prepare}
def state():
    rc = dict(sys.modules["matplotlib"].rcParams) if "matplotlib" in sys.modules else None
    return (str(rc), torch.get_rng_state().tolist(), str(numpy.random.get_state()), random.getstate(),
            torch.get_default_dtype(), torch.get_num_threads(), torch.is_grad_enabled(), str(warnings.filters))
before = state()
import helpers.{module}
assert state() == before
print("matplotlib.pyplot" in sys.modules, "ipywidgets" in sys.modules)
"""


@pytest.mark.parametrize("module", MODULES)
def test_import_changes_no_global_state(module):
    drawing = module in DRAWING
    prepare = "import matplotlib.pyplot" if drawing else ""
    live = module in ("widgets", "board", "stage", "theatre")
    if live:
        prepare += ", ipywidgets" + ", anywidget" * (module in ("stage", "theatre"))
    code = WATCH.format(module=module, prepare=prepare)
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(drawing), str(live)]


def test_ruff_finds_nothing():
    done = subprocess.run([sys.executable, "-m", "ruff", "check", "--output-format", "concise", "."], cwd=ROOT,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
