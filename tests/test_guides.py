"""The files for teachers: links lead to headings that exist, quoted code stands there, terms are there, times add up.

Anchors are JupyterLab's: the text of a heading with its spaces as hyphens. Of equal headings a link reaches only the
first, so one may link only to those that are alone in their notebook.
"""

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import mistune
import nbformat
import pytest

ROOT = Path(__file__).parent.parent
BOOKS = ROOT / "notebooks"
NOTEBOOKS = sorted(BOOKS.glob("[0-9]*.ipynb"))
GUIDE, WRONG, GLOSSARY = (BOOKS / name for name in ("README.md", "wrong_statements.md", "glossary.md"))
PAGES = ROOT / "README.md", GUIDE, WRONG, GLOSSARY
every_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
parse = mistune.create_markdown(renderer=None, plugins=["table"])


def tokens(tree, kind):
    """All tokens of a kind in a parsed text, in order."""
    found = []
    for token in tree if isinstance(tree, list) else tree.get("children", ()):
        found += [token] if token["type"] == kind else tokens(token, kind)
    return found


def plain(token):
    """A token's text without its marks."""
    return token.get("raw", "") + "".join(map(plain, token.get("children", ())))


def tables(text):
    """Each table as (the text of its headings, its rows of cell tokens)."""
    return [([plain(cell) for cell in tokens(tokens(table, "table_head")[0], "table_cell")],
             [tokens(row, "table_cell") for row in tokens(table, "table_row")]) for table in tokens(parse(text), "table")]


def parts(cells):
    """[(level, text of a heading, code below it up to the next heading)] of a notebook's cells."""
    found = []
    for cell in cells:
        if cell.cell_type == "markdown":
            found += [[token["attrs"]["level"], plain(token).strip(), ""] for token in tokens(parse(cell.source), "heading")]
        elif found:
            found[-1][2] += cell.source + "\n"
    return found


@cache
def parts_of(path):
    return parts(nbformat.read(path, as_version=4).cells)


def places(parts, anchor):
    """The places in the list at which a heading has this anchor."""
    return [i for i, (_, heading, _) in enumerate(parts) if heading.replace(" ", "-") == anchor]


def section(parts, anchor):
    """All code from the heading with this anchor to the next heading of level 1 (a Part of the lesson)."""
    first, = places(parts, anchor)
    last = next((i for i in range(first + 1, len(parts)) if parts[i][0] == 1), len(parts))
    return "".join(code for _, _, code in parts[first:last])


def dead_links(text, folder):
    """Sentences: links that lead nowhere."""
    found = []
    for token in tokens(parse(text), "link") + tokens(parse(text), "image"):
        target, _, anchor = unquote(token["attrs"]["url"]).partition("#")
        if re.match(r"https?:", target):
            continue
        if not (folder / target).exists():
            found.append(f"{target} does not exist")
        elif anchor and (folder / target).suffix != ".ipynb":
            found.append(f"{target}#{anchor}: anchors are checked in notebooks only; link to the file")
        elif anchor and (n := len(places(parts_of(folder / target), anchor))) != 1:
            found.append(f"{target}#{anchor}: {n} headings have this anchor, one should")
    return found


@every_page
def test_links_lead_somewhere(path):
    assert dead_links(path.read_text(encoding="utf-8"), path.parent) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_links_in_lessons_lead_somewhere(path):
    cells = nbformat.read(path, as_version=4).cells
    assert dead_links("\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown"), BOOKS) == []


def test_dead_links_are_found():
    text = ("[a](01_pictures_as_points.ipynb#Predict:-half-way) [b](01_pictures_as_points.ipynb#Predict:-half-a-way) [c](no.md)\n\n"
            "| [d](01_pictures_as_points.ipynb#What-you-saw) | ![e](no.png) |\n|---|---|\n| [f](glossary.md#x) | <https://a.b/c> |")
    assert [sentence.split()[0] for sentence in dead_links(text, BOOKS)] == [
        "01_pictures_as_points.ipynb#Predict:-half-a-way:", "no.md", "01_pictures_as_points.ipynb#What-you-saw:", "glossary.md#x:",
        "no.png"]


@every_page
def test_tables_are_whole(path):
    """A row with a cell too many would make its whole table plain text."""
    text = path.read_text(encoding="utf-8")
    assert sum(2 + len(rows) for _, rows in tables(text)) == len(re.findall(r"(?m)^\|", text))


def misquoted(text, folder):
    """Sentences: code in the last column of a table that does not stand in the section linked before it."""
    found = []
    for _, rows in tables(text):
        for row in rows:
            code, settled = "", False
            for token in row[-1]["children"]:
                if token["type"] == "link":
                    target, _, anchor = unquote(token["attrs"]["url"]).partition("#")
                    code = section(parts_of(folder / target), anchor)
                elif token["type"] == "codespan":
                    settled = True
                    if token["raw"] not in code:
                        found.append(f"not in its section: {token['raw']}")
            if not settled:
                found.append(f"no cell settles {plain(row[0])}")
    return found


def test_wrong_statements_are_settled_by_the_code_they_quote():
    assert misquoted(WRONG.read_text(encoding="utf-8"), BOOKS) == []


def test_misquoted_code_is_found():
    rows = ["| a | [l](01_pictures_as_points.ipynb#Check): `(n_pixels, n_numbers) == (10_000, 30_000)` |",
            "| b | [l](01_pictures_as_points.ipynb#Check): `(n_pixels, n_numbers) == (10_000, 30_001)` |",
            "| c | [l](01_pictures_as_points.ipynb#Check) |"]
    assert misquoted("\n".join(["| x | y |", "|---|---|", *rows]), BOOKS) == [
        "not in its section: (n_pixels, n_numbers) == (10_000, 30_001)", "no cell settles c"]


def words(cells):
    """The terms of a lesson's table Words: what is bold in it; all of the first column, where nothing is."""
    source = next(cell.source for cell in cells if cell.cell_type == "markdown" and "\n## Words\n" in f"\n{cell.source}\n")
    (_, rows), *_ = tables(source[source.index("## Words"):])
    bold = [plain(token) for row in rows for token in tokens(row, "strong")]
    return bold or [term for row in rows for term in re.split(r"[,:] ", plain(row[0]))]


def entries(text):
    """The terms of the glossary: what is bold in the first column; several may share a row."""
    return [plain(token) for _, rows in tables(text) for row in rows for token in tokens(row[0], "strong")]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_glossary_has_the_words_of_each_lesson(path):
    known = set(entries(GLOSSARY.read_text(encoding="utf-8")))
    assert [term for term in words(nbformat.read(path, as_version=4).cells) if term not in known] == []


def test_glossary_is_in_order():
    terms = entries(GLOSSARY.read_text(encoding="utf-8"))
    assert len(set(terms)) == len(terms)
    firsts = [plain(tokens(row[0], "strong")[0]) for _, rows in tables(GLOSSARY.read_text(encoding="utf-8")) for row in rows]
    assert firsts == sorted(firsts, key=lambda term: re.sub(r"[^a-z0-9]", "", term.lower().replace("é", "e")))


def test_names_in_the_glossary_stand_in_the_code():
    code = "\n".join([code for path in NOTEBOOKS for _, _, code in parts_of(path)]
                     + [path.read_text(encoding="utf-8") for path in sorted((ROOT / "helpers").glob("*.py"))])
    names = [plain(token) for _, rows in tables(GLOSSARY.read_text(encoding="utf-8")) for row in rows
             for token in tokens(row[3], "codespan")]
    assert len(names) > 50 and [name for name in names if name not in code] == []


def test_words_are_found():
    source = "text\n\n## Words\n\n| w | m |\n|---|---|\n| **one**, **two** $x$ | three |\n| four | **five** |"
    assert words([nbformat.v4.new_markdown_cell(source)]) == ["one", "two", "five"]
    assert words([nbformat.v4.new_markdown_cell(source.replace("**", ""))]) == ["one", "two $x$", "four"]


def minutes(token):
    """The number in a cell, 0 for an empty one."""
    return int(re.search(r"\d+", plain(token) or "0")[0])


def wrong_sums(text):
    """Sentences: columns headed "minutes" whose last row, in bold, is not the sum of the others."""
    found = []
    for head, rows in tables(text):
        for i in [i for i, name in enumerate(head) if "minutes" in name and "total" in plain(rows[-1][0])]:
            *numbers, total = [minutes(row[i]) for row in rows]
            if sum(numbers) != total:
                found.append(f"{head[i]!r}: {total} stands there, the sum is {sum(numbers)}")
    return found


def test_times_add_up():
    text = GUIDE.read_text(encoding="utf-8")
    assert wrong_sums(text) == []
    assert sum("total" in plain(rows[-1][0]) for _, rows in tables(text)) == 3  # the plans
    assert wrong_sums(text.replace("| 2 | 4 | 75 | 45 |", "| 2 | 4 | 75 | 54 |")) == [
        "'at home, minutes': 510 stands there, the sum is 519"]


def test_times_are_those_of_the_lessons():
    """The front page, each lesson's first cell and the guide name one time for a lesson; in class and at home make it up."""
    (_, rows), *_ = tables(PAGES[0].read_text(encoding="utf-8").partition("## The lessons")[2])
    front = {int(plain(row[0])): minutes(row[3]) for row in rows}
    guide = GUIDE.read_text(encoding="utf-8")
    here = {int(n): int(m) for n, m in re.findall(r"(?m)^### (\d+)\..*\n\n\*(\d+) minutes\.\*", guide)}
    assert here == front
    weeks = next(rows for head, rows in tables(guide) if head[0] == "week")
    planned = {minutes(row[1]): minutes(row[2]) + minutes(row[3]) for row in weeks[:-1]}
    assert {n: planned[n] for n in front} == front
