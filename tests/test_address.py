"""The one address: from pyproject.toml into badges and bootstrap cells, and a bootstrap that says what it lacks."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from notebooks import address, rebuild

ROOT = Path(__file__).parent.parent
TWIN = f"""\
# %% [markdown]
# # 1. Title
#
# {address.NO_BADGE}
#
# Words that follow, and *Open in Colab* as words.

# %%
{address.BOOTSTRAP_START}

# %%
print("after")
"""
README = """\
| 1 | [Title](notebooks/01_title.ipynb) <!-- Open in Colab --> | 30 min |
| 2 | [Other](notebooks/02_other.ipynb) <!-- Open in Colab --> | 30 min |
"""


@pytest.fixture
def copy(tmp_path):
    """A small repository with one twin, its notebook (with an output) and a README."""
    (tmp_path / "notebooks" / "text").mkdir(parents=True)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "README.md").write_text(README)
    twin = tmp_path / "notebooks" / "text" / "01_title.py"
    twin.write_text(TWIN)
    book = rebuild.from_twin(twin)
    book.cells[2].outputs = [nbformat.v4.new_output("stream", text="after\n")]
    rebuild.write(tmp_path / "notebooks" / "01_title.ipynb", book)
    return tmp_path


def test_one_command_writes_every_place(copy, capsys):
    assert address.main(["mona/lisa-2.0"], copy) == 0
    badge = ("[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
             "(https://colab.research.google.com/github/mona/lisa-2.0/blob/v0.1.0/notebooks/{}.ipynb)")
    assert address.address_and_version(copy) == ("mona/lisa-2.0", "0.1.0")
    assert (copy / "README.md").read_text() == (
        f"| 1 | [Title](notebooks/01_title.ipynb) {badge.format('01_title')} | 30 min |\n"
        f"| 2 | [Other](notebooks/02_other.ipynb) {badge.format('02_other')} | 30 min |\n")
    twin = (copy / "notebooks" / "text" / "01_title.py").read_text()
    assert twin == (TWIN.replace(address.NO_BADGE, badge.format("01_title"))
                    .replace(address.BOOTSTRAP_START, address.bootstrap("mona/lisa-2.0", "0.1.0")))
    book = nbformat.read(copy / "notebooks" / "01_title.ipynb", as_version=4)
    assert rebuild.contents(book) == rebuild.contents(rebuild.from_twin(copy / "notebooks/text/01_title.py"))
    assert book.cells[2].outputs[0].text == "after\n", "nothing is executed, so nothing is lost"

    # again changes nothing; another address replaces the first; the version is part of it
    assert address.apply(copy) == []
    assert address.main(["https://github.com/other/name.git"], copy) == 0
    pyproject = copy / "pyproject.toml"
    assert pyproject.read_text().count("Repository = ") == 1
    pyproject.write_text(pyproject.read_text().replace('version = "0.1.0"', 'version = "0.2.0"'))
    assert len(address.apply(copy)) == 3
    for path in ["README.md", "notebooks/text/01_title.py", "notebooks/01_title.ipynb"]:
        text = (copy / path).read_text()
        assert "mona" not in text and "v0.1.0" not in text and "other/name/blob/v0.2.0/" in text
    assert "files changed" in capsys.readouterr().out


def test_notebooks_keep_nbformats_bytes(copy):
    path = copy / "notebooks" / "01_title.ipynb"
    book = nbformat.read(path, as_version=4)
    assert path.read_text() == nbformat.writes(book) + "\n" == address.as_text(json.loads(path.read_text()))


@pytest.mark.parametrize("text", ["mona/lisa", " mona/lisa/ ", "https://github.com/mona/lisa", "github.com/mona/lisa",
                                  "http://www.github.com/mona/lisa.git", "git@github.com:mona/lisa.git"])
def test_addresses_that_are_understood(text):
    assert address.parse(text) == "mona/lisa"


@pytest.mark.parametrize("text", ["", "lisa", "/lisa", "mona/", "mona/lisa/tree/main", "mona/li sa", "mona/..", 'mona/l"',
                                  "https://example.org/mona/lisa", "-mona/lisa", "mona/lisa\nx"])
def test_addresses_that_cannot_be_right(text, copy, capsys):
    before = (copy / "pyproject.toml").read_text()
    assert address.main([text], copy) == 2
    assert "REPOSITORY must be owner/name" in capsys.readouterr().err
    assert (copy / "pyproject.toml").read_text() == before


def run_bootstrap(folder, here, **environment):
    code = address.bootstrap(here, "0.1.0") + "\nimport helpers; print(helpers.__file__)"
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False,
                          env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | environment)


@pytest.mark.parametrize("inside", [".", "notebooks", "notebooks/text"])
def test_bootstrap_finds_the_checkout(inside):
    done = run_bootstrap(ROOT / inside, "")
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).resolve() == ROOT / "helpers" / "__init__.py"


def test_bootstrap_says_that_there_is_no_address(tmp_path):
    done = run_bootstrap(tmp_path, "")
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.strip() == (
        "This copy has no address yet: open this notebook inside a clone of the repository.")


def test_bootstrap_says_that_fetching_failed(tmp_path):
    redirect = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.{tmp_path}/nowhere/.insteadOf",
                "GIT_CONFIG_VALUE_0": "https://github.com/"}
    done = run_bootstrap(tmp_path, "mona/lisa", **redirect)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1] == (
        "Fetching mona/lisa failed: check the internet connection and run this cell again.")


def test_bootstrap_is_short():
    lines = address.bootstrap("owner/name", "0.1.0").splitlines()
    assert len([line for line in lines if line.strip()]) <= 14 and max(map(len, lines)) <= 110
