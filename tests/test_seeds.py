"""The assertions of each lesson hold for a seed that nobody chose. With a browser, tests/browser/ runs it anyway.

`make seeds LESSON=2` tries twenty, and prints a table.
"""

import re

import pytest

from tests import seeds
from tests.browser import lab

TWINS = sorted((seeds.ROOT / "notebooks" / "text").glob("[0-9]*.py"))

if lab.CHROMIUM is None:
    @pytest.mark.parametrize("twin", TWINS, ids=lambda path: path.stem)
    def test_another_seed(twin):
        assert seeds.run(twin, 1000) == ""


@pytest.mark.parametrize("twin", TWINS, ids=lambda path: path.stem)
def test_one_line_sets_the_seed(twin):
    changed = seeds.with_seed(twin.read_text(encoding="utf-8"), 123456)
    assert len(re.findall(r"(?m)^SEED = 123456$", changed)) == 1


def test_a_failing_seed_is_named(tmp_path):
    twin = tmp_path / "00_x.py"
    twin.write_text("SEED = 3\nassert SEED < 1000, 'too large'\n", encoding="utf-8")
    assert seeds.run(twin, 7) == ""
    assert seeds.run(twin, 1000) == "AssertionError: too large at: assert SEED < 1000, 'too large'"
    with pytest.raises(ValueError, match="exactly one line `SEED = number`; found 0"):
        seeds.with_seed("x = 1\n", 5)
