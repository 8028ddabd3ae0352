"""The table of `make benchmark`, with stand-ins for the benchmarks; what they measure is no test's business."""

import ast
from pathlib import Path

import pytest

from tests.benchmarks import Row
from tests.benchmarks import __main__ as benchmarks

FOLDER = Path(benchmarks.__file__).parent
HEAD = 'from tests.benchmarks import Row\n\n\ndef run():\n    '


@pytest.fixture
def table(tmp_path, monkeypatch, capsys):
    """A function of bench_*.py sources (and words): exit status and lines of the table."""
    def make(sources, *wanted):
        folder = tmp_path / f"stubs_of_{tmp_path.name}"
        folder.mkdir()
        for name, body in sources.items():
            (folder / f"bench_{name}.py").write_text(HEAD + body + "\n")
        monkeypatch.syspath_prepend(tmp_path)
        status = benchmarks.main(wanted, folder, folder.name)
        return status, capsys.readouterr().out.splitlines()

    return make


GOOD = {"a": 'return [Row("a step", 12.3456, "ms"), Row("the other takes so many times longer", 5.1, "times", least=4)]',
        "b": 'return [Row("memory", 1234.5, "MB", most=1500)]'}


def test_one_table_with_machine_versions_and_columns(table):
    status, lines = table(GOOD)
    assert status == 0
    machine, versions, date, empty, titles, rule, *rows, _, summary = lines
    assert benchmarks.cpu() in machine and " cores" in machine
    assert versions.startswith("Python 3.") and "torch " in versions and "numpy " in versions and "ipywidgets " in versions
    assert len(date.split("-")) == 3 and empty == "" and set(rule) == {"-"}
    assert titles.split() == ["what", "measured", "unit", "required"]
    assert summary == "0 not as required, 0 of 2 benchmarks failed."
    assert [row.split()[-1] for row in rows] == ["ms", "ok", "ok"]
    first, second, third = rows
    ends = titles.index("measured") + len("measured")  # numbers end where their title ends, words begin with theirs
    assert [row[:ends].split()[-1] for row in rows] == ["12.35", "5.1", "1,234"]
    assert all(row[ends] == " " and row[titles.index("unit"):].startswith(unit) for row, unit in zip(rows, ("ms", "times", "MB")))
    assert second[titles.index("required"):].startswith("≥ 4 ") and third[titles.index("required"):].startswith("≤ 1,500 ")
    assert max(map(len, rows)) <= len(rule) and "≥" not in first


def test_what_is_missed_or_fails_is_said_and_the_rest_still_runs(table):
    status, lines = table({"a": 'return [Row("ratio", 3.9, "times", least=4)]', "b": 'raise OSError("no browser")',
                           "c": 'return [Row("ratio", float("nan"), "times", most=3)]', "d": GOOD["b"]})
    assert status == 1
    assert lines[6].endswith("≥ 4        NOT ok") and lines[7] == "bench_b failed: OSError: no browser"
    assert lines[8].endswith("NOT ok") and lines[9].endswith(" ok") and not lines[9].endswith("NOT ok")
    assert lines[-1] == "2 not as required, 1 of 4 benchmarks failed."


def test_words_choose_benchmarks_and_none_is_no_success(table):
    status, lines = table(GOOD, "_b")
    assert status == 0 and sum(" ms" in line for line in lines) == 0 and any(line.startswith("memory") for line in lines)
    assert benchmarks.main(["zebra"]) == 1


def test_bounds():
    assert Row("x", 4, "times", least=4).ok and not Row("x", 3.99, "times", least=4).ok
    assert Row("x", 4, "times", most=4).ok and not Row("x", 4.01, "times", most=4).ok
    assert Row("x", 2, "", 1, 3).ok and not Row("x", 4, "", 1, 3).ok and not Row("x", 0, "", 1, 3).ok
    assert Row("x", 1e9, "ms").ok and Row("x", 1, "ms").required == "" and Row("x", 2, "", 1, 3).required == "≥ 1 and ≤ 3"
    assert not Row("x", float("nan"), "", least=0).ok and not Row("x", float("nan"), "", most=0).ok


@pytest.mark.parametrize("path", sorted(FOLDER.glob("bench_*.py")), ids=lambda path: path.stem)
def test_every_benchmark_fits_the_table_and_requires_something(path):
    """Read, not run. A name made of parts counts with its parts filled in as they stand."""
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
             if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Row"]
    assert calls and any(word.arg in ("least", "most") for call in calls for word in call.keywords)
    for call in calls:
        assert len(call.args) == 3, "a Row's bounds have names"
        names = [part.value for part in ast.walk(call.args[0]) if isinstance(part, ast.Constant) and isinstance(part.value, str)]
        assert sum(map(len, names)) <= benchmarks.WIDTHS["what"]
        unit = call.args[2]
        assert not isinstance(unit, ast.Constant) or len(unit.value) <= benchmarks.WIDTHS["unit"]
