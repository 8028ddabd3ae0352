"""Nothing breaks in a checkout that can only be read, on a full disk, and without the internet; and nothing is lost.

The places are real ones where Linux lets this user make them: a read-only mount, a small disk, a network of one machine.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from data import make_fashion, make_front, make_litter_network
from notebooks import address, rebuild
from tests import sweep
from tests.test_make import SHOW, Place, stub_venv

ROOT = Path(__file__).resolve().parent.parent
READ_ONLY = 'mount --bind "$PLACE" "$PLACE" && mount -o remount,ro,bind "$PLACE"'
FULL = 'cp -r "$PLACE" "$PLACE.old" && mount -t tmpfs -o size=64k tmpfs "$PLACE" && cp -r "$PLACE.old/." "$PLACE"'
FULL += ' && { head -c 65536 /dev/zero > "$PLACE/all_the_rest" 2>/dev/null || true; }'
ALONE = "ip link set lo up"
REASON = {READ_ONLY: "Read-only file system", FULL: "No space left on device"}


def in_place(step, folder, *command, **options):
    """What the command does where `step` has changed this folder, or the network: a CompletedProcess."""
    flags = "-rmn" if ALONE in step else "-rm"
    options = {"cwd": folder} | options
    return subprocess.run(["unshare", flags, "sh", "-c", f'{step} && cd . && cd "$PWD" && exec "$@"', "sh", *map(str, command)],
                          capture_output=True, text=True, check=False, env=os.environ | {"PLACE": str(folder)}, **options)


def possible(step, tmp_path_factory):
    folder = tmp_path_factory.mktemp("place")
    (folder / "old").touch()
    return shutil.which("unshare") is not None and in_place(step, folder, "test", "-e", "old").returncode == 0


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    if not all(possible(step, tmp_path_factory) for step in (READ_ONLY, FULL, f"{ALONE} && {READ_ONLY}")):
        pytest.skip("this system lets nobody make a place of their own (unshare, mount, ip)")


# what writes

LESSON = f"# %% [markdown]\n# # 1. Title\n\n# %%\n{'x' * 40_000}\n"  # longer than before, and than a full disk has room for


@pytest.fixture
def small(tmp_path):
    """A checkout in which every command that writes has something to write, more than a full disk holds."""
    folder = tmp_path / "small"
    (folder / "notebooks" / "text").mkdir(parents=True)
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / "notebooks" / "text" / "01_a.py").write_text(LESSON, encoding="utf-8")
    (folder / "notebooks" / "01_a.ipynb").write_text(address.as_text(nbformat.v4.new_notebook(cells=[
        nbformat.v4.new_markdown_cell(f"# 1. Title\n\n{address.NO_BADGE}"), nbformat.v4.new_code_cell("x" * 4_000)])), encoding="utf-8")
    return folder


# source that is run there, and what it has to say
NO_KERNEL = "async def execute(book, *_):\n    pass\n\nrebuild.execute = execute\n"
WRITERS = {
    "rebuild": ("import asyncio\nfrom notebooks import rebuild\n" + NO_KERNEL + "status = asyncio.run(rebuild.main(['--folder', 'notebooks']))",
                "01_a: not written ({reason}), the old notebook is as it was"),
    "address": ("import pathlib\nfrom notebooks import address\nstatus = address.main(['owner/name'], pathlib.Path())",
                "could not be written ({reason}). No file is cut short"),
    "fashion": ("import numpy\nfrom data import make_fashion\n"
                "make_fashion.choose = lambda source: {'x': numpy.random.default_rng(0).integers(0, 255, 10**6, numpy.uint8)}\n"
                "status = make_fashion.main(['--output', 'pyproject.toml'])",
                "pyproject.toml could not be written ({reason}); an old file is as it was."),
    "front": ("import pathlib\nfrom data import make_front\nmake_front.LATE = [30]\nmake_front.main(pathlib.Path('pyproject.toml'))",
              "pyproject.toml could not be written ({reason}); an old file is as it was."),
    "litter": ("import pathlib, torch\nfrom data import make_litter_network as make\n"
               "make.save({'w': torch.rand(10**5)}, pathlib.Path('pyproject.toml'))",
               "pyproject.toml could not be written ({reason}); an old file is as it was."),
    "evidence": ("import pathlib, numpy\nfrom data.evidence import recording\n"
                 "recording.write(pathlib.Path('pyproject.toml'), {'x': numpy.random.default_rng(0).random(10**5)})", "{reason}"),
    "dogs": ("from helpers.photographs import fetch_dogs\nfetch_dogs('new/dogs')",
             {READ_ONLY: "could not be made (Read-only file system): choose a folder that you may write to",
              FULL: "is full: 1,584 MB are needed until the photographs are unpacked. Make room, or choose a folder on another disk"}),
}
RUN = """
import contextlib, hashlib, io, json, pathlib, sys

def files():
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in pathlib.Path().rglob("*") if path.is_file()}

sys.path.insert(0, sys.argv[1])
before, told = files(), {}
for name, code in json.loads(sys.argv[2]).items():
    space = {}
    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.redirect_stderr(said):
        try:
            exec(code, space)
            status = space["status"]
        except (SystemExit, OSError) as error:
            print(error)
            status = 1
    told[name] = status, said.getvalue(), files() == before
print(json.dumps(told))
"""


@pytest.mark.parametrize("step", [READ_ONLY, FULL], ids=["read only", "full"])
def test_what_cannot_be_written_is_said_and_nothing_is_lost(step, small, checked):
    codes = json.dumps({name: code for name, (code, _) in WRITERS.items()})
    done = in_place(step, small, sys.executable, "-c", RUN, ROOT, codes)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    for name, (_, sentence) in WRITERS.items():
        status, said, whole = told[name]
        sentence = sentence[step] if isinstance(sentence, dict) else sentence.format(reason=REASON[step])
        assert sentence in said and status == 1 and "Traceback" not in said, (name, said)
        assert whole, f"{name}: the old files are whole, and no piece of a new one is there"


def test_evidence_says_so_before_it_trains(small, checked):
    """Of a disk that fills up while it trains, what was finished stays: tests/test_evidence.py has the interrupt."""
    shutil.copytree(ROOT / "data", small / "data", ignore=shutil.ignore_patterns("*.npz", "*.webp", "__pycache__"))
    (small / "helpers").symlink_to(ROOT / "helpers")
    done = in_place(READ_ONLY, small, sys.executable, "-m", "data.evidence", "line_past_equilibrium", timeout=60)
    assert done.returncode == 1 and "could not be written (Read-only file system). All that was recorded is whole" in done.stderr
    assert "Traceback" not in done.stderr and "part" not in done.stdout


@pytest.mark.parametrize("make", [make_fashion.main, make_front.main, make_litter_network.save], ids=["fashion", "front", "litter"])
def test_where_no_such_folder_is(make, tmp_path, monkeypatch, capsys):
    """The same sentences on every system."""
    nowhere = tmp_path / "nowhere" / "file"
    monkeypatch.setattr(make_fashion, "choose", lambda source: {})
    monkeypatch.setattr(make_front, "LATE", [30])
    arguments = {make_fashion.main: [["--output", str(nowhere)]], make_front.main: [nowhere]}.get(make, [{}, nowhere])
    try:
        assert make(*arguments) == 1
        said = capsys.readouterr().err
    except SystemExit as error:
        said = str(error)
    assert "could not be written (No such file or directory); an old file is as it was." in said
    with pytest.raises(SystemExit, match="nowhere cannot be written .*: nothing was trained"):
        make_litter_network.check_writable(nowhere.parent)


# a checkout that can only be read

@pytest.fixture
def readable(tmp_path):
    place = Place(tmp_path)
    (place.bin / "test").symlink_to(shutil.which("test"))
    place.python(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', "python3")
    return place


def make_there(place, *arguments):
    return in_place(READ_ONLY, place.folder, shutil.which("env"), f"PATH={place.bin}", "make", "--no-print-directory", *arguments)


def test_set_up_says_that_it_needs_a_place(readable, checked):
    done = make_there(readable, "setup")
    assert done.returncode != 0 and done.stdout == ""
    assert done.stderr.startswith("Nothing can be written into this folder, where .venv belongs: copy the folder to a place of your own")


def test_lab_opens_there_once_it_is_set_up(readable, checked, tmp_path, monkeypatch):
    stub_venv(readable, jupyterlab=SHOW)
    for name in [name for name in os.environ if name.startswith(("JUPYTER_", "IPYTHONDIR", "MPLCONFIGDIR"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    done = make_there(readable, "lab")
    assert done.returncode == 0, done.stderr
    _, environment = json.loads(done.stdout.splitlines()[-1])
    assert environment["JUPYTER_RUNTIME_DIR"].startswith(f"{tmp_path}/generative-networks-")


def test_tests_run_there(checked):
    done = in_place(READ_ONLY, ROOT, sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", "tests/test_seeds.py")
    assert done.returncode == 0 and "passed" in done.stdout, done.stdout + done.stderr


USE = """
import matplotlib.pyplot as plt
import torch
from helpers import distributions, networks, puppies
from helpers.pictures import load_fashion
from helpers.recordings import load_recording
from helpers.stage import sketchpad
from helpers.theatre import theatre
from helpers.training import train_gmn
from helpers.widgets import player, shown, sliders

rng = torch.Generator().manual_seed(0)
print(len(load_fashion("test")[0]), len(load_recording("ring_heaps_held").seeds) >= 20)
u = torch.rand(3, puppies.N_FACTORS, generator=rng)
print(bool((puppies.litter_of(puppies.draw_puppies(u)) == puppies.litter(u)).all()))
sliders(lambda x: "Fine.", plt.figure(figsize=(2, 1)), x=(0, 9, 1))
player(list(train_gmn(networks.mlp((2, 8, 2), rng), distributions.ring(), rng, n_steps=4, every=2, bandwidth=1.0, batch_size=16)))
theatre(networks.mlp((2, 8, 2), rng), networks.judge((2, 8, 1), rng), distributions.ring(), targets={"your drawing": sketchpad()})
shown()[-1].set(both=2)
print(shown()[-1].sentence[:11])
"""


def test_lessons_run_there_and_without_any_network(checked, tmp_path):
    """The cells that all lessons begin with, and every helper that reads a file. All lessons: `make orders` in such a place."""
    code = f"""
import asyncio, json, pathlib, socket
import nbformat
from notebooks import address, rebuild
try:
    socket.create_connection(("192.0.2.1", 80), 2)
except OSError as error:
    print(error)
book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in (address.bootstrap("", "0.1.0"), {USE!r})])
asyncio.run(rebuild.execute(book, pathlib.Path("notebooks"), []))
print(json.dumps([rebuild.complaints(book), [output.text for output in book.cells[-1].outputs if output.output_type == "stream"]]))
"""
    done = in_place(f"{ALONE} && {READ_ONLY}", ROOT, shutil.which("env"), "PYTHONPATH=", f"IPYTHONDIR={tmp_path}", f"MPLCONFIGDIR={tmp_path}",
                    f"JUPYTER_RUNTIME_DIR={tmp_path}", sys.executable, "-c", f"import sys\nsys.path[:0] = [{str(ROOT)!r}]\n{code}")
    assert done.returncode == 0, done.stderr
    unreachable, told = done.stdout.splitlines()
    assert unreachable == "[Errno 101] Network is unreachable"
    assert json.loads(told) == [[], ["1000 True\nTrue\nStep 2 of 2\n"]]


# no internet: for every lesson and test, by conftest.py

def test_every_kernel_and_test_is_without_internet():
    assert os.environ["PYTHONPATH"].split(os.pathsep)[0] == str(ROOT / "tests" / "offline")
    code = "import urllib.request, sitecustomize\ntry:\n    urllib.request.urlopen('{}', timeout=5)\nexcept OSError as error:\n    print(error)\nprint(sitecustomize.refused)"
    for url, host in (("http://example.org/x", "example.org"), ("http://192.0.2.1/x", "192.0.2.1")):
        done = subprocess.run([sys.executable, "-c", code.format(url)], capture_output=True, text=True, check=True)
        assert done.stdout == f"<urlopen error [Errno -2] tests have no internet, so {host} is not to be reached>\n{[host]}\n"
    done = subprocess.run([sys.executable, "-c", code.format("http://127.0.0.1:9/x")], capture_output=True, text=True, check=True)
    assert "Connection refused" in done.stdout and done.stdout.endswith("[]\n")


def test_a_lesson_that_asks_the_internet_fails_even_if_it_hides_it(monkeypatch):
    monkeypatch.setattr(sweep, "shown", list)
    monkeypatch.setattr(sweep, "answered", lambda: [("half", 1, {"h": 2}, "not yet: half"), ("half", 1, {}, "right: half")])
    monkeypatch.setattr(sweep, "unsound_exercises", lambda calls: [])
    monkeypatch.setitem(sys.modules, "sitecustomize", SimpleNamespace(refused=[]))
    sweep.assert_sound()
    sys.modules["sitecustomize"].refused.append("example.org")
    with pytest.raises(AssertionError, match=r"the lesson asks for example\.org, and there may be no internet"):
        sweep.assert_sound()


def test_rebuild_goes_on_after_a_lesson_that_could_not_be_written(tmp_path, monkeypatch, capsys):
    async def execute(book, *_):
        pass

    monkeypatch.setattr(rebuild, "execute", execute)
    (tmp_path / "text").mkdir()
    for name in ("01_a", "02_b"):
        (tmp_path / "text" / f"{name}.py").write_text("# %%\n1\n", encoding="utf-8")
    (tmp_path / "01_a.part").mkdir()  # in the way
    assert asyncio.run(rebuild.main(["--folder", str(tmp_path), "--jobs", "1"])) == 1
    assert "01_a: not written (Is a directory)" in (said := capsys.readouterr().out) and "02_b: written" in said
