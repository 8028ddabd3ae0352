"""What to run first: after a NameError, a sentence that says which section of the lesson makes the missing name.

Whoever opens a lesson in the middle runs its first cells and then one section, which may need an earlier one. The
kernel does not know which notebook it belongs to, so the lesson is recognised by the cells that were run.
"""

import json
import re
import symtable
from pathlib import Path

from IPython import get_ipython

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
HOW = ("run the cells above this one first (in JupyterLab: Run, Run All Above Selected Cell; in Colab: Runtime, "
       "Run before).")


def guide():
    """None; from now on a NameError in a cell, or in a figure, also says what to run first. Every lesson begins so."""
    shell = get_ipython()
    if shell is not None and not shell.custom_exceptions:  # plain Python has no cells
        shell.set_custom_exc((NameError,), _explain)


def told(error):
    """An exception in words: its type, what it says, and after a NameError what to run first."""
    advice = _advice(error)
    return f"{type(error).__name__}: {error}" + (f". {advice}" if advice else "")


def what_to_run_first(name, ran, folder=None):
    """The sentence that says where the lesson makes this name; "" if it does not, or if the lesson is not recognised.

    ran: sources of the cells that were run, the one that failed last. folder: of the notebooks, if not NOTEBOOKS.
    """
    ran = [source.strip() for source in ran]
    lessons = [_cells(path) for path in sorted(Path(folder or NOTEBOOKS).glob("[0-9]*.ipynb"))]
    common = {source for cells in lessons for _, source in cells[:1]}  # every lesson begins with the same cell
    known = [len(({source for _, source in cells} - common) & set(ran)) for cells in lessons]
    if not any(known):
        return ""
    cells = lessons[known.index(max(known))]
    here = next((i for i, (_, source) in enumerate(cells) if source == ran[-1]), len(cells))
    heading = next((heading for heading, source in reversed(cells[:here]) if name in made(source)), None)
    if heading is None:
        return ""
    return f"The lesson makes `{name}` {f'under {heading!r}' if heading else 'in its first cells'}: {HOW}"


def made(source):
    """The set of names that a cell itself makes: by =, def, class, import, for, with. Empty if it is no Python."""
    try:
        symbols = symtable.symtable(source, "a cell", "exec").get_symbols()
    except SyntaxError:
        return set()
    return {symbol.get_name() for symbol in symbols if symbol.is_assigned() or symbol.is_imported()}


def _cells(path):
    """A notebook's code cells in order: (the level-2 heading above it or "", its source)."""
    heading, found = "", []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"]).strip()
        if cell["cell_type"] == "markdown":
            heading = next(reversed(re.findall(r"(?m)^## (.*\S)", source)), heading)
        elif source:
            found.append((heading, source))
    return found


def _advice(error):
    """`what_to_run_first` for a NameError in the present cell, otherwise ""."""
    shell, said = get_ipython(), re.match(r"name '(\w+)' is not defined", str(error))
    if shell is None or said is None or not isinstance(error, NameError):
        return ""
    try:
        return what_to_run_first(said[1], shell.history_manager.input_hist_raw[1:])
    except Exception:  # advice must not hide the error itself
        return ""


def _explain(shell, kind, error, trace, tb_offset=None):
    """None; shows the error as IPython does, with the advice in it."""
    if advice := _advice(error):
        error = kind(f"{error}. {advice}")
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
