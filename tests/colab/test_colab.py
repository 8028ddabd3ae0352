"""Colab, played: each notebook alone in an empty folder, with Colab's versions, and the repository behind its address.

`make test-colab` makes the environment .colab-venv and plays every lesson; without its COLAB=all some are played, which
together use every helper: whole, a run of all tests shall take less than twenty minutes on two cores. The address is set in a copy of the checkout, which becomes a
local bare repository with the version's tag; git is told to fetch from there instead of github.com. A stand-in
google.colab is imported at start, as in Colab, and pip finds no index: nothing may be installed.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest

from notebooks import address

ROOT = Path(__file__).resolve().parent.parent.parent
PYTHON = ROOT / ".colab-venv" / "bin" / "python"
NOTEBOOKS = sorted(path.name for path in (ROOT / "notebooks").glob("[0-9]*.ipynb"))
REPOSITORY = "somebody/lessons"
SOME = 6, 11, 12  # with REST

pytestmark = pytest.mark.skipif(not (ROOT / ".colab-venv" / "ready").exists() or shutil.which("git") is None,
                                reason="`make test-colab` has not made Colab's environment")

# What Colab's Python has at start: the module google.colab, in IPython's own process too.
SITECUSTOMIZE = """
import sys, types
google, colab, output = (types.ModuleType(name) for name in ("google", "google.colab", "google.colab.output"))
google.colab, google.__path__, colab.__path__, colab.output = colab, [], [], output
output.enable_custom_widget_manager = lambda: None  # anywidget calls it
sys.modules |= {"google": google, "google.colab": colab, "google.colab.output": output}
"""
# Runs a notebook with the environment's own nbclient; prints the error outputs of each cell.
PLAY = """
import json, sys
import nbformat
from nbclient import NotebookClient

book = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(book, timeout=300, startup_timeout=120, kernel_name="python3", allow_errors=True,
               resources={"metadata": {"path": "."}}).execute()
outputs = [output for cell in book.cells for output in cell.get("outputs", ())]
print(json.dumps({
    "errors": [f"{o.ename}: {o.evalue}" for o in outputs if o.output_type == "error"],
    "stderr": [o.text for o in outputs if o.output_type == "stream" and o.name == "stderr"],
    "failed": [o.data["text/plain"] for o in outputs if "This setting failed" in str(o.get("data", {}).get("text/plain"))],
    "widgets": sum("application/vnd.jupyter.widget-view+json" in o.get("data", {}) for o in outputs)}))
"""


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A copy of the checkout with an address, and the bare repository that serves its tag."""
    folder = tmp_path_factory.mktemp("published")
    copy, bare = folder / "copy", folder / "bare.git"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", ".venv", ".*-venv", ".*cache", "__pycache__",
                                                              ".screenshots", ".ipynb_checkpoints"))
    assert address.main([REPOSITORY], copy) == 0
    _, version = address.address_and_version(copy)
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    run("git", "init", "-q", "-b", "main", cwd=copy)
    run("git", "add", "-A", cwd=copy)
    run(*git, "commit", "-q", "-m", "published", cwd=copy)
    run(*git, "tag", f"v{version}", cwd=copy)
    run("git", "clone", "-q", "--bare", copy, bare)
    return copy, bare


def colab(folder, bare, url):
    """The environment of a fresh Colab machine whose working directory is this folder; the url leads to `bare`."""
    (folder / "site").mkdir()
    (folder / "site" / "sitecustomize.py").write_text(SITECUSTOMIZE)
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith(("PYTHON", "JUPYTER", "GIT_", "VIRTUAL_ENV"))}
    return environment | {
        "PYTHONPATH": str(folder / "site"), "PATH": f"{PYTHON.parent}:{os.environ['PATH']}",
        "COLAB_RELEASE_TAG": "release-colab", "PIP_NO_INDEX": "1",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "IPYTHONDIR": str(folder / "site" / "ipython"), "JUPYTER_PREFER_ENV_PATH": "1",
        "JUPYTER_DATA_DIR": str(folder / "site"), "JUPYTER_RUNTIME_DIR": str(folder / "site"),
        "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.file://{bare}.insteadOf",
        "GIT_CONFIG_VALUE_0": url, "GIT_TERMINAL_PROMPT": "0"}


def play(notebook, folder, bare, url=f"https://github.com/{REPOSITORY}"):
    """What running it there gave: errors, stderr, failed sliders, how many widgets; and what lies there now."""
    content = folder / "content"
    content.mkdir()
    shutil.copy(notebook, content)
    environment = colab(folder, bare, url)
    before = run(PYTHON, "-m", "pip", "freeze", env=environment)
    seen = json.loads(run(PYTHON, "-c", PLAY, notebook.name, cwd=content, env=environment).splitlines()[-1])
    assert run(PYTHON, "-m", "pip", "freeze", env=environment) == before, "a lesson must not install anything"
    return seen, sorted(path.name for path in content.iterdir() if path.name != notebook.name)


@pytest.mark.parametrize("name", NOTEBOOKS if os.environ.get("COLAB") == "all" else
                         [name for name in NOTEBOOKS if int(name[:2]) in SOME])
def test_notebook_alone_runs(name, published, tmp_path):
    copy, bare = published
    seen, files = play(copy / "notebooks" / name, tmp_path, bare)
    assert seen["errors"] == [] and seen["stderr"] == [] and seen["failed"] == []
    assert seen["widgets"] > 0
    assert files == ["generative-networks"]


REST = """
import torch
from helpers import distributions, networks
from helpers.ensemble import train_many
from helpers.stage import sketchpad
from helpers.theatre import theatre
from helpers.widgets import player, shown, sweep

rng = torch.Generator().manual_seed(0)
pad = sketchpad()
theatre(networks.mlp([2, 16, 2], rng), networks.judge([2, 16, 1], rng), distributions.ring(), targets={"your drawing": pad})
films = train_many(lambda rng: (networks.mlp([2, 16, 2], rng), networks.judge([2, 16, 1], rng)), [0, 1], distributions.ring(), n_steps=20, every=10)
player(list(next(zip(*films))))
for board in shown():
    sweep(board)
"""


def test_every_helper_is_used_there():
    """Imported by these lessons or by REST, or by what they import."""
    def imported(path):
        return set(re.findall(r"^(?:from|import) helpers[ .]+(?:import )?(\w+)|^from helpers import (.+)$", path, re.M))

    known = {path.stem for path in (ROOT / "helpers").glob("[a-z]*.py")}
    found, todo = set(), [REST, *((ROOT / "notebooks" / "text" / f"{name.removesuffix('.ipynb')}.py").read_text(encoding="utf-8")
                                  for name in NOTEBOOKS if int(name[:2]) in SOME)]
    while todo:
        source = todo.pop()
        names = {word for groups in imported(source) for group in groups for word in re.findall(r"\w+", group)} & known
        todo += [(ROOT / "helpers" / f"{name}.py").read_text(encoding="utf-8") for name in names - found]
        found |= names
    assert found == known


def test_what_they_leave_out_can_be_used_there(published, tmp_path):
    copy, bare = published
    here, version = address.address_and_version(copy)
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(address.bootstrap(here, version)),
                                           nbformat.v4.new_code_cell(REST)])
    nbformat.write(book, tmp_path / "rest.ipynb")
    seen, _ = play(tmp_path / "rest.ipynb", tmp_path, bare)
    assert seen["errors"] == [] and seen["stderr"] == [] and seen["failed"] == []
    assert seen["widgets"] == 3


@pytest.mark.skipif(not NOTEBOOKS, reason="no notebook is there yet")
@pytest.mark.parametrize("here, sentence", [("", "This copy has no address yet"), ("no/body", "Fetching no/body failed")])
def test_bootstrap_says_what_is_missing(here, sentence, published, tmp_path):
    book = nbformat.read(published[0] / "notebooks" / NOTEBOOKS[0], as_version=4)
    book.cells = [nbformat.v4.new_code_cell(address.bootstrap(here, "0.1.0"))]
    nbformat.write(book, tmp_path / "alone.ipynb")
    # no/body is redirected, too: nothing may leave this machine
    seen, files = play(tmp_path / "alone.ipynb", tmp_path, tmp_path / "nowhere.git", f"https://github.com/{here}")
    assert len(seen["errors"]) == 1 and seen["errors"][0].startswith(f"SystemExit: {sentence}")
    assert files == []
