"""The repository's one address: written to pyproject.toml, and from there into badges and bootstrap cells.

    python notebooks/address.py owner/name    sets the address (`make address REPOSITORY=owner/name`)
    python notebooks/address.py               writes the present one again, into new lessons for instance

Twins, notebooks and README.md are changed in place and nothing is executed: a bootstrap cell prints nothing,
so the stored outputs stay true. Needs nothing but Python.
"""

import contextlib
import json
import os
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# The first code cell of every lesson. Inside a checkout it fetches nothing.
BOOTSTRAP = """\
# Find the package `helpers`; where it is missing (in Colab, for instance), fetch it. Nothing is installed.
import os
import sys
from pathlib import Path

address, tag, folder = "ADDRESS", "vVERSION", Path("generative-networks").absolute()
root = next((p for p in [folder, *folder.parents] if (p / "helpers/__init__.py").exists()), folder)
if not (root / "helpers").exists():
    if not address:
        raise SystemExit("This copy has no address yet: open this notebook inside a clone of the repository.")
    if os.system(f"git clone -q --depth 1 --branch {tag} https://github.com/{address} {folder.name}"):
        raise SystemExit(f"Fetching {address} failed: check the internet connection and run this cell again.")
sys.path.insert(0, str(root))

from helpers.guide import guide

guide()  # whoever begins in the middle is told which cells to run first"""
BOOTSTRAP_START = BOOTSTRAP.partition("\n")[0]
TWIN_BOOTSTRAP = re.compile(rf"^{re.escape(BOOTSTRAP_START)}\n(?:(?!# %%).*\n)*", re.MULTILINE)

# In a lesson's first cell and in its row of README.md's table: the badge, or why there is none.
BADGE = re.compile(r"\[!\[Open in Colab\]\(\S+?\)\]\(\S+?\)|\*Open in Colab: [^*\n]*\*"
                   r"|<!-- Open in Colab -->")
NO_BADGE = "*Open in Colab: this copy has no address yet; `make address REPOSITORY=owner/name` sets it.*"
README_NO_BADGE = "<!-- Open in Colab -->"  # which nobody sees
README_LESSON = re.compile(r"notebooks/(\w+)\.ipynb")


def address_and_version(root=ROOT):
    """(owner/name or "", version) as pyproject.toml has them."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    repository = project.get("urls", {}).get("Repository", "")
    return repository.removeprefix("https://github.com/"), project["version"]


def parse(repository):
    """owner/name, from that or from a GitHub address; anything else is a ValueError with a sentence."""
    name = re.sub(r"^(https?://)?(www\.)?github\.com/|^git@github\.com:", "", repository.strip())
    name = name.strip("/").removesuffix(".git")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*/(?!\.+$)[\w.-]+", name, re.ASCII):
        raise ValueError(f"REPOSITORY must be owner/name, as in github.com/owner/name, not {repository!r}.")
    return name


def bootstrap(address, version):
    """The source of every lesson's first code cell."""
    return BOOTSTRAP.replace("ADDRESS", address, 1).replace("VERSION", version, 1)


def badge(lesson, address, version, missing=NO_BADGE):
    """The markdown of a lesson's Colab badge; `missing` while there is no address."""
    if not address:
        return missing
    page = f"https://colab.research.google.com/github/{address}/blob/v{version}/notebooks/{lesson}.ipynb"
    return f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({page})"


def apply(root=ROOT):
    """Write pyproject.toml's address and version into all places; returns the changed paths."""
    address, version = address_and_version(root)
    code = bootstrap(address, version)
    new = {}
    for path in sorted((root / "notebooks" / "text").glob("*.py")):
        head, *tail = re.split(r"(?m)^(?=# %%)", path.read_text(encoding="utf-8"))
        for i, cell in enumerate(tail):
            if i == 0:
                tail[i] = BADGE.sub(badge(path.stem, address, version), cell)
            tail[i] = TWIN_BOOTSTRAP.sub(lambda _: code + "\n\n", tail[i])
        new[path] = (head + "".join(tail)).rstrip("\n") + "\n"
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        for i, cell in enumerate(notebook["cells"]):
            source = "".join(cell["source"])
            if i == 0:
                source = BADGE.sub(badge(path.stem, address, version), source)
            if cell["cell_type"] == "code" and source.startswith(BOOTSTRAP_START):
                source = code
            cell["source"] = source.splitlines(keepends=True)
        new[path] = as_text(notebook)
    readme = root / "README.md"
    if readme.exists():
        lines = readme.read_text(encoding="utf-8").splitlines(keepends=True)
        for i, line in enumerate(lines):
            if lesson := README_LESSON.search(line):
                lines[i] = BADGE.sub(badge(lesson[1], address, version, README_NO_BADGE), line)
        new[readme] = "".join(lines)
    changed = [path for path, text in new.items() if path.read_text(encoding="utf-8") != text]
    write_all({path: new[path] for path in changed})
    return changed


def write_all(texts):
    """None; writes {path: text}, all or none: each beside its old file, which stays until all are on the disk."""
    parts = {path: path.with_name(f"{path.name}.part") for path in texts}
    try:
        for path, part in parts.items():
            part.write_text(texts[path], encoding="utf-8")
        for path, part in parts.items():
            os.replace(part, path)
    finally:
        for part in parts.values():
            with contextlib.suppress(OSError):
                part.unlink()


def as_text(notebook):
    """A notebook as nbformat writes it, byte for byte."""
    return json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True, separators=(",", ": ")) + "\n"


def set_address(repository, root=ROOT):
    """Put owner/name into pyproject.toml's [project.urls]."""
    path = root / "pyproject.toml"
    line = f'Repository = "https://github.com/{parse(repository)}"\n'
    text = path.read_text(encoding="utf-8")
    text, found = re.subn(r"(?m)^Repository = .*\n", line, text)
    if not found:
        text = re.sub(r"(?m)^\[project\.urls\]\n(#.*\n)*", lambda match: match[0] + line, text)
    write_all({path: text})


def main(arguments, root=ROOT):
    """Exit status: 0 done, 1 a file that cannot be written, 2 a name that cannot be right."""
    try:
        if arguments:
            set_address(" ".join(arguments), root)
        changed = apply(root)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{error.filename or root} could not be written ({error.strerror}). No file is cut short; mend that, "
              "then call this again.", file=sys.stderr)
        return 1
    address, version = address_and_version(root)
    print(f"address {address or 'none'}, tag v{version}: {len(changed)} files changed")
    for path in changed:
        print(f"  {path.relative_to(root)}")
    if arguments:
        print(f"Commit this, then `git tag v{version}` and push both: Colab fetches that tag.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
