"""The commands of the Makefile, with stand-ins: small set-ups without packages, Pythons that are too old, a fake Jupyter.

Each case runs make in a folder of its own with nothing on the PATH but the few tools that the Makefile calls and
the Pythons that the case provides.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOOLS = ("make", "sh", "sed", "awk", "mkdir", "touch", "rm", "id", "find", "cat")
REAL = f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'
UNFIT = '#!/bin/sh\ncase "$2" in *version_info*) exit 1;; esac\necho "must not run" >&2; exit 3\n'
NEWER = f'#!/bin/sh\ncase "$2" in *"!= (3, 11)"*) exit 1;; esac\nexec "{sys.executable}" "$@"\n'
NO_VENV = f'#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; esac\nexec "{sys.executable}" "$@"\n'
BROKEN = "#!/bin/sh\nexit 127\n"  # what a version manager leaves for a Python that is not chosen


class Place:
    """A checkout with a Makefile and a requirements.txt, and a PATH of its own."""

    def __init__(self, folder):
        self.folder, self.bin = folder / "a checkout", folder / "bin"
        self.bin.mkdir()
        self.folder.mkdir()
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool))
        shutil.copy(ROOT / "Makefile", self.folder)
        self.requires("")

    def requires(self, text):
        (self.folder / "requirements.txt").write_text(text + "# nothing\n")

    def python(self, script, *names):
        for name in names:
            path = self.bin / name
            path.write_text(script)
            path.chmod(0o755)

    def make(self, *arguments, **environment):
        return subprocess.run(
            ["make", "--no-print-directory", *arguments], cwd=self.folder, capture_output=True, text=True, check=False,
            env={"PATH": str(self.bin), "HOME": str(self.folder / "home"), "PIP_NO_INDEX": "1", **environment})

    @property
    def ready(self):
        return (self.folder / ".venv" / "ready").exists()


@pytest.fixture
def place(tmp_path):
    if any(shutil.which(tool) is None for tool in TOOLS):
        pytest.skip("make or one of its tools is not installed")
    return Place(tmp_path)


def stub_venv(place, **modules):
    """An environment that counts as set up, whose Python is the present one and finds these modules first."""
    folder = place.folder / ".venv" / "bin"
    folder.mkdir(parents=True)
    for name, source in modules.items():
        (folder / f"{name}.py").write_text(source)
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{folder}" exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (folder.parent / "ready").touch()


@pytest.mark.parametrize("arguments", [[], ["PYTHON=/no/such/python"]])
def test_unfit_or_missing_python_is_one_sentence(place, arguments):
    place.python(UNFIT, "python3", "python3.11")
    done = place.make("setup", *arguments)
    assert done.returncode != 0 and not place.ready
    sentence, *rest = done.stderr.strip().splitlines()
    assert sentence.startswith("Python 3.11 to 3.14 is needed")
    assert ("/no/such/python" if arguments else "python3 ") in sentence
    assert len(rest) == 1 and rest[0].startswith("make: ***")  # make's own last line
    assert done.stdout == ""


def test_missing_venv_module_is_one_sentence(place):
    place.python(NO_VENV, "python3")
    done = place.make("setup")
    assert done.returncode != 0 and not place.ready
    assert done.stderr.startswith("python3 lacks the module venv or ensurepip: install it")
    assert len(done.stderr.strip().splitlines()) == 2


def test_first_python_that_fits_is_taken(place):
    place.python(UNFIT, "python3")
    place.python(BROKEN, "python3.13")
    place.python(REAL, "python3.12")
    place.python(BROKEN, "python3.11")
    done = place.make("setup")
    assert done.returncode == 0, done.stderr
    assert place.ready
    assert len(done.stdout.splitlines()) == 1 and "two minutes" in done.stdout
    again = place.make("setup")
    assert again.returncode == 0 and "Installing" not in again.stdout
    assert not (place.folder / "home").exists(), "all that a set-up writes stays in the checkout"


def test_oldest_versions_have_the_oldest_python(place):
    (place.folder / "tests" / "oldest").mkdir(parents=True)
    (place.folder / "tests" / "oldest" / "requirements.txt").write_text("# nothing\n")
    place.python(NEWER, "python3")
    place.python(BROKEN, "python3.11")
    done = place.make("test-oldest")
    assert done.returncode != 0 and not (place.folder / ".oldest-venv").exists()
    assert done.stderr.startswith("Python 3.11 is needed, and none of these is one: python3.11 python3. Install it")
    if sys.version_info[:2] == (3, 11):
        place.python(REAL, "python3.11")
        assert "tests/oldest/requirements.txt into .oldest-venv: about 6 GB" in place.make("test-oldest").stdout
        assert (place.folder / ".oldest-venv" / "ready").exists() and not place.ready
        assert place.make("clean").returncode == 0 and not (place.folder / ".oldest-venv").exists()


def test_interrupted_set_up_is_repaired(place):
    place.python(REAL, "python3")
    # interrupted while the environment was made: there is a Python, and no pip
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place.folder / ".venv"], check=True)
    # and then while packages were installed: this one cannot be had
    place.requires("no-such-package-of-this-name==1\n")
    done = place.make("setup")
    assert done.returncode != 0 and not place.ready
    assert "The installation stopped; call make again" in done.stderr
    assert subprocess.run([place.folder / ".venv/bin/python", "-m", "pip", "--version"], check=False,
                          capture_output=True).returncode == 0
    mark = place.folder / ".venv" / "mark"
    mark.touch()
    place.requires("")
    assert place.make("setup").returncode == 0
    assert place.ready and mark.exists(), "what was whole is kept"
    # changed pins are installed; an environment whose Python has gone is made anew
    place.requires("no-such-package-of-this-name==1\n")
    later = (place.folder / ".venv" / "ready").stat().st_mtime + 5
    os.utime(place.folder / "requirements.txt", (later, later))
    assert place.make("setup").returncode != 0
    place.requires("")
    (place.folder / ".venv/bin/python").unlink()
    assert place.make("setup").returncode == 0 and not mark.exists()


SHOW = "import json, os, sys\nprint(json.dumps([sys.argv[1:], {k: v for k, v in os.environ.items() if k[:3] in ('JUP', 'IPY', 'MPL')}]))\n"


def test_lab_serves_lesson_1_on_loopback(place):
    stub_venv(place, jupyterlab=SHOW)
    done = place.make("lab", "PORT=9999", "BROWSER=none", JUPYTER_RUNTIME_DIR="/elsewhere")
    assert done.returncode == 0, done.stderr
    said, shown = done.stdout.strip().splitlines()
    assert "lesson 1" in said
    arguments, environment = json.loads(shown)
    assert arguments[0] == "notebooks/01_pictures_as_points.ipynb"
    assert {"--ServerApp.ip=127.0.0.1", "--ServerApp.port=9999", "--no-browser"} <= set(arguments)
    assert ("--allow-root" in arguments) == (os.getuid() == 0)
    assert environment.pop("JUPYTER_RUNTIME_DIR") == "/elsewhere"  # what the user has set is kept
    assert environment.pop("JUPYTER_PREFER_ENV_PATH") == "1"
    assert len(environment) == 4
    assert all(Path(path).is_relative_to(place.folder / ".cache") for path in environment.values())

    arguments, _ = json.loads(place.make("lab").stdout.splitlines()[-1])
    assert "--no-browser" not in arguments and not any("port" in argument for argument in arguments)


def test_test_runs_pytest(place):
    stub_venv(place, pytest=SHOW)
    assert place.make("test").stdout.startswith("[[],")
    assert place.make("test", "ARGS=-k puppies").stdout.startswith('[["-k", "puppies"],')
    assert (place.folder / ".venv" / "ready").exists()


def test_address_needs_a_repository(place):
    (place.folder / "notebooks").mkdir()
    for path in ["notebooks/address.py", "pyproject.toml"]:
        shutil.copy(ROOT / path, place.folder / path)
    stub_venv(place)
    done = place.make("address")
    assert done.returncode != 0 and "REPOSITORY must be owner/name" in done.stderr
    assert place.make("address", "REPOSITORY=owner/name").returncode == 0
    assert "https://github.com/owner/name" in (place.folder / "pyproject.toml").read_text()


def test_help_lists_every_target(place):
    done = place.make("help")
    targets = {line.split()[1] for line in done.stdout.splitlines()}
    declared = next(line for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith(".PHONY:"))
    assert targets == set(declared.split()[1:]) - {"FORCE"}
    assert place.make().stdout == done.stdout


def test_git_ignores_what_a_run_makes():
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("no git repository")
    made = [".venv/x", ".colab-venv/x", ".oldest-venv/x", ".cache/jupyter/x", ".pytest_cache/x", ".ruff_cache/x", ".screenshots/x.png",
            "notebooks/.ipynb_checkpoints/x.ipynb", "build/book/index.html", "helpers/__pycache__/x.pyc", "tests/browser/__pycache__/x.pyc"]
    done = subprocess.run(["git", "check-ignore", *made], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.split() == made
