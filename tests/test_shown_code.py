"""What a lesson shows is what `helpers` runs: cells tagged shows:helpers.module.name hold the same code.

Compared as syntax trees, so comments and layout may differ; docstrings, and the checks at a helper's door
(statements that call a `_check...` function), may be left out.
"""

import ast
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
# what a lesson's title promises has to stand in it
PROMISED = {
    2: {f"helpers.sampling.{name}" for name in ("linear_congruential", "inverse_cdf", "box_muller")},
    3: {"helpers.networks.mlp"},
    4: {f"helpers.distances.{name}" for name in ("gaussian_kernel", "mmd2", "witness")},
    5: {"helpers.training.gmn_steps"},
    7: {"helpers.losses.Minimax", "helpers.networks.judge"}
       | {f"helpers.training.{name}" for name in ("discriminator_step", "generator_step", "gan_steps")},
    8: {"helpers.networks.averaged"},
    9: {"helpers.losses.ModifiedMinimax"},
    10: {f"helpers.losses.{name}" for name in ("Wasserstein", "clip_weights", "gradient_penalty")}
        | {f"helpers.training.{name}" for name in ("critic_step", "restrained_steps")},
    12: {"helpers.race.race"},
}


def shown(book):
    """(full name, source) for every tag shows:name."""
    return [(tag.removeprefix("shows:"), cell.source) for cell in book.cells
            for tag in cell.metadata.get("tags", ()) if tag.startswith("shows:")]


def _is_check(statement):
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call):
        return False
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return name.startswith("_check")


def essence(source, name):
    """The function or class `name` of a source, without docstrings and checks; None if it is not there."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    for definition in ast.parse(source).body:
        if isinstance(definition, kinds) and definition.name == name:
            for node in ast.walk(definition):
                if isinstance(node, kinds) and ast.get_docstring(node) is not None:
                    node.body = node.body[1:]
                if isinstance(getattr(node, "body", None), list):
                    node.body = [statement for statement in node.body if not _is_check(statement)]
            return ast.unparse(definition)
    return None


def helper_source(full_name):
    module, _, name = full_name.rpartition(".")
    return (ROOT / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8"), name


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_shown_code_is_the_helpers_code(path):
    book = nbformat.read(path, as_version=4)
    for full_name, source in shown(book):
        helper, name = helper_source(full_name)
        assert essence(helper, name) is not None, f"there is no {full_name}"
        assert essence(source, name) == essence(helper, name), f"{path.stem} shows another {full_name}"
    assert PROMISED.get(int(path.stem[:2]), set()) <= {full_name for full_name, _ in shown(book)}


HELPER = '''
def double(x, times=2):
    """Twice x."""
    _check_number(x)
    return times * x  # the helper's comment
'''


@pytest.mark.parametrize("cell, same", [
    ("def double(x, times=2):\n    return (times * x)", True),
    ("y = 1\ndef double(x, times=2):\n    '''Two.'''\n    # why\n    return times * x\n\ndouble(y)", True),
    ("def double(x, times=3):\n    return times * x", False),
    ("def double(x, times=2):\n    return times + x", False),
    ("def double(x, times=2):\n    print(x)\n    return times * x", False),
    ("def twice(x, times=2):\n    return times * x", False),
])
def test_drift_is_found(cell, same):
    assert (essence(cell, "double") == essence(HELPER, "double")) is same
