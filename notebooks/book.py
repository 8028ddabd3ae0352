"""The static book: a page for each lesson that is read, and whose figures are moved, without a kernel.

    python notebooks/book.py             every lesson, executed, into build/book/ (`make book`)
    python notebooks/book.py 05 07       the lessons whose names begin so
    python notebooks/book.py --stored    from the notebooks as they are stored: seconds, but figures stand still

A figure with controls becomes a film (notebooks/films.py); every picture has its caption and its text alternative;
formulas become MathML, which browsers set themselves. The pages need no network.
"""

import argparse
import asyncio
import base64
import functools
import hashlib
import html
import json
import re
import shutil
import string
import sys
import time
from pathlib import Path

import jupytext
import nbformat
from bs4 import BeautifulSoup
from latex2mathml.converter import convert
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from PIL import Image
from pygments.formatters import HtmlFormatter

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from notebooks import address, rebuild

HERE = Path(__file__).resolve().parent
BOOK = HERE.parent / "build" / "book"
PATIENCE = 600  # seconds for all films of a lesson, on a machine however slow
CODE_STYLE = "xcode"  # Pygments' colours whose contrast with a light grey is at least 4.5
CAPTION = re.compile(r"\*\*Figure \d+\.\d+\.\*\* \S")
FUNCTION = re.compile(r"(<mi>(?:log|ln|exp|max|min|sin|cos|tanh|det)</mi>)(?=<m(?:i|n|frac|sup|sub|msubsup)\b)")
ONLY_LIVE = ("It needs a kernel to go on, so this is a picture of its start: in JupyterLab or in Colab, "
             "where the same lesson runs, it answers.")
RECORD = "from notebooks import films\n\nfilms.record({folder!r})"
PAGE = string.Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<link rel="stylesheet" href="book.css">
</head>
<body>
<header><nav aria-label="lessons">$links</nav></header>
<main>
$body
</main>
<footer><nav aria-label="lessons, again">$links</nav></footer>
<script src="book.js"></script>
</body>
</html>
""")


class _Renderer(IPythonRenderer):
    """Markdown as nbconvert has it, with formulas as MathML."""

    def block_math(self, body):
        return mathml(body, "block")

    def inline_math(self, body):
        return mathml(body, "inline")

    def multiline_math(self, text):
        return mathml(text.strip().removeprefix("$$").removesuffix("$$"), "block")


class _Exporter(HTMLExporter):
    """nbconvert's plain template, with `_Renderer`."""

    def __init__(self):
        super().__init__(template_name="basic", exclude_input_prompt=True, exclude_output_prompt=True)
        self.register_filter("markdown2html", markdown)
        # cleaning takes half of the time, and the code is our own
        self.register_filter("clean_html", lambda text: text)


@functools.cache
def mathml(formula, display):
    """A formula in LaTeX as MathML, with a thin space after the name of a function; display: "block" or "inline"."""
    return FUNCTION.sub(r'\1<mspace width="0.17em"/>', convert(formula, display=display)).replace(r"\_", "_")


def markdown(source):
    """Markdown, formulas among it, as HTML."""
    return MarkdownWithMath(renderer=_Renderer(escape=False, anchor_link_text="")).render(source)


def plain(source):
    """The words of a piece of markdown on one line."""
    return " ".join(BeautifulSoup(markdown(source), "html.parser").get_text().split())


def title_and_question(book):
    """("5. A generator trained by a distance", "Can a distance alone train a generator?") of a lesson."""
    source = book.cells[0].source
    title = re.match(r"# (.+)", source)
    question = re.search(r"^\*\*(.+)\*\*$", source, re.MULTILINE)
    if not title or not question:
        raise ValueError("a lesson's first cell begins with '# N. Title' and has its question in bold on one line; "
                         f"this one is {source[:80]!r}.")
    return title[1], question[1]


def with_figures(book, films, folder):
    """The lesson, each picture a figure with its caption; its files are written into the folder.

    films: {id of a cell: film or None}, for the cells that displayed a widget; None for one that needs a kernel.
    """
    for cell, after in zip(book.cells, [*book.cells[1:], None]):
        pictures = [output for output in cell.get("outputs", ()) if "image/png" in output.get("data", {})]
        words = ""
        if pictures and after is not None and after.cell_type == "markdown" and CAPTION.match(after.source):
            words, _, after.source = after.source.partition("\n\n")
        for output in pictures:
            text = figure(output, words if output is pictures[-1] else "", films.get(cell.id, False), folder)
            output.data, output.metadata = nbformat.from_dict({"text/html": text}), nbformat.from_dict({})
    book.cells = [cell for cell in book.cells if cell.source.strip()]
    return book


def figure(output, caption, film, folder):
    """One picture as a figure in HTML. film: its film; None if it needs a kernel to move; False if it never moves."""
    below = f"<figcaption>{markdown(caption)}</figcaption>" if caption else ""
    if film:
        track = film["controls"][0]
        size = f'width="{film["width"]}" height="{film["height"]}"'
        said, file = html.escape(track["said"][track["start"]]), track["files"][track["start"]]
        data = json.dumps(film | {"folder": f"{folder.name}/"}, ensure_ascii=False).replace("</", "<\\/")
        return (f'<figure class="film"><img src="{folder.name}/{file}" alt="{said}" {size}>'
                f'<p role="status">{said}</p><div class="controls"></div>'
                f'<script type="application/json">{data}</script>{below}</figure>')
    png = base64.b64decode(output.data["image/png"])
    name = f"{hashlib.sha256(png).hexdigest()[:12]}.png"
    (folder / name).write_bytes(png)
    measured = output.metadata.get("image/png", {})
    with Image.open(folder / name) as picture:
        width, height = measured.get("width", picture.width), measured.get("height", picture.height)
    said = output.data.get("text/plain", "")
    alt = plain(caption) if caption else "" if said.startswith("<Figure") else said
    note = f'<p class="note">{ONLY_LIVE}</p>' if film is None else ""
    return (f'<figure><img src="{folder.name}/{name}" width="{width}" height="{height}" '
            f'alt="{html.escape(alt or "The figure of this answer.")}">{note}{below}</figure>')


def page(book, films, folder, before, after):
    """A lesson as a page in HTML. before, after: file names of its neighbours, or None."""
    title, _ = title_and_question(book)
    folder.mkdir(parents=True, exist_ok=True)
    first = book.cells[0]
    first.source = first.source.replace(address.NO_BADGE, "")
    text, _ = _Exporter().from_notebook_node(with_figures(book, films, folder))
    soup = BeautifulSoup(text, "html.parser")
    for link in soup.select("a.anchor-link"):
        link.decompose()
    for empty in soup.select("th"):
        if not empty.get_text().strip():
            empty.name = "td"  # a corner without words heads nothing
    starts = [cell.id for cell in book.cells if cell.source.startswith(address.BOOTSTRAP_START)]
    folded = {f"cell-id={name}": "The cell that finds the helpers" for name in starts}
    for cell in book.cells:
        if cell.metadata.get("jupyter", {}).get("source_hidden"):
            folded[f"cell-id={cell.id}"] = "The code of this answer"
    for place, words in folded.items():
        shut = soup.find(id=place).select_one(".input").wrap(soup.new_tag("details"))
        summary = soup.new_tag("summary")
        summary.string = words
        shut.insert(0, summary)
    level, contents = 1, ""
    for heading in soup.select("h1, h2, h3, h4, h5, h6"):
        level = min(int(heading.name[1]), level + 1)  # a screen reader's reader misses no level
        heading.name = f"h{level}"
        if level <= 2 and heading is not soup.h1:
            look = ' class="part"' if level == 1 else ""
            contents += f'<li{look}><a href="#{html.escape(heading["id"])}">{html.escape(heading.get_text())}</a></li>'
    soup.h1.insert_after(BeautifulSoup(f'<details class="contents"><summary>In this lesson</summary>'
                                       f'<nav aria-label="sections"><ul>{contents}</ul></nav></details>',
                                       "html.parser"))
    return PAGE.substitute(title=html.escape(title), links=_links(before, after), body=str(soup))


def _links(before, after):
    part = '<a href="{}" rel="{}">{}</a>'
    links = [part.format(before, "prev", "previous lesson") if before else "<span></span>",
             part.format("index.html", "contents", "all lessons"),
             part.format(after, "next", "next lesson") if after else "<span></span>"]
    return "".join(links)


def index(titles, folder):
    """None; writes the first page. titles: {name of a lesson: (title, question)}, a link where its page is there."""
    rows = []
    for name, (title, question) in titles.items():
        number, words = title.split(". ", 1)
        link = f'<a href="{name}.html">{html.escape(words)}</a>' if (folder / f"{name}.html").exists() else words
        rows.append(f"<tr><td>{number}</td><td>{link}</td><td>{html.escape(question)}</td></tr>")
    readme = (HERE.parent / "README.md").read_text(encoding="utf-8")
    heading, front = re.search(r"# (.+)", readme)[1], re.search(r"!\[(.+)\]\(data/front\.webp\)", readme)[1]
    shutil.copy(HERE.parent / "data" / "front.webp", folder)
    body = f"""<h1>{html.escape(heading)}</h1>
<p>From “a picture is a point in a space of 30,000 dimensions” to networks that draw pictures nobody has seen.</p>
<figure><img src="front.webp" alt="{html.escape(front)}"></figure>
<table><thead><tr><th scope="col">lesson</th><th scope="col">title</th><th scope="col">question</th></tr></thead>
<tbody>{"".join(rows)}</tbody></table>
<p>These pages need nothing but a browser. A figure in a frame can be moved: drag its sliders, or use the arrow keys.
Its pictures were recorded, one control at a time, with the others at their start. In JupyterLab and in Colab, where the
same lessons run as notebooks, all controls move together, networks train while you watch, and the exercises answer.</p>
<p>Text and pictures: Creative Commons Attribution 4.0. Code: MIT licence.</p>"""
    first = min((name for name in titles if (folder / f"{name}.html").exists()), default="index")
    links = f'<span></span><span></span><a href="{first}.html" rel="next">begin</a>'
    text = PAGE.substitute(title=html.escape(heading), links=links, body=body)
    (folder / "index.html").write_text(text, encoding="utf-8")


def furnish(folder):
    """None; writes what all pages share: the look and the films' controls."""
    style = (HERE / "book.css").read_text(encoding="utf-8")
    code = HtmlFormatter(style=CODE_STYLE).get_style_defs(".highlight")
    (folder / "book.css").write_text(f"{style}{code}\n.highlight {{ background: #f6f6f6; }}\n", encoding="utf-8")
    shutil.copy(HERE / "book.js", folder)


async def executed(twin, folder, pictures):
    """(the lesson, executed and cleaned; {id of a cell: film or None}). Raises RuntimeError if the lesson fails."""
    book, seconds = rebuild.from_twin(twin), []
    book.cells.append(nbformat.v4.new_code_cell(RECORD.format(folder=str(pictures.resolve())), id="films"))
    try:
        await rebuild.execute(book, folder, seconds, patience=PATIENCE)
    except (CellTimeoutError, DeadKernelError) as error:
        raise RuntimeError(f"cell {len(seconds)}: {rebuild.first_line(str(error))}") from error
    if problems := rebuild.complaints(book):
        raise RuntimeError("; ".join(problems))
    book.cells.pop()
    films = json.loads((pictures / "films.json").read_text(encoding="utf-8"))
    (pictures / "films.json").unlink()
    found = {}
    for cell in book.cells:
        for output in cell.get("outputs", ()):
            if rebuild.WIDGET in output.get("data", {}):
                found[cell.id] = films.get(output.data[rebuild.WIDGET]["model_id"])
    return rebuild.clean(book), found


async def write(twin, options, around, gate):
    """One lesson; prints what happened and returns whether its page was written."""
    async with gate:
        begun, pictures = time.perf_counter(), options.out / twin.stem
        shutil.rmtree(pictures, ignore_errors=True)
        pictures.mkdir(parents=True)
        try:
            if options.stored:
                book, films = nbformat.read(options.folder / f"{twin.stem}.ipynb", as_version=4), {}
            else:
                book, films = await executed(twin, options.folder, pictures)
            text = page(book, films, pictures, *around)
        except (RuntimeError, ValueError, FileNotFoundError) as error:
            print(f"{twin.stem}: no page, {error}", flush=True)
            return False
        (options.out / f"{twin.stem}.html").write_text(text, encoding="utf-8")
        size = sum(file.stat().st_size for file in pictures.iterdir()) / 1e6
        print(f"{twin.stem}: {sum(map(bool, films.values()))} films, {len(list(pictures.iterdir()))} pictures, "
              f"{size:.1f} MB, {time.perf_counter() - begun:.0f} s", flush=True)
        return True


async def main(arguments=None):
    parser = argparse.ArgumentParser(description="The lessons as pages that need no kernel.")
    parser.add_argument("lessons", nargs="*", help="beginnings of their names, such as 02 (default: all)")
    parser.add_argument("--stored", action="store_true", help="do not execute: pictures instead of films")
    parser.add_argument("--folder", type=Path, default=HERE, help="of the notebooks, with text/ inside")
    parser.add_argument("--out", type=Path, default=BOOK, help="of the book (default: build/book)")
    parser.add_argument("--jobs", type=int, default=2, help="lessons at a time (default: 2)")
    options = parser.parse_args(arguments)
    twins = sorted((options.folder / "text").glob("[0-9]*.py"))
    names = [f"{twin.stem}.html" for twin in twins]
    around = dict(zip(twins, zip([None, *names[:-1]], [*names[1:], None])))
    wanted = [twin for twin in twins if not options.lessons or twin.stem.startswith(tuple(options.lessons))]
    if not wanted:
        parser.error(f"no lesson begins with {', '.join(options.lessons) or 'a number'}")
    options.out.mkdir(parents=True, exist_ok=True)
    begun, gate = time.perf_counter(), asyncio.Semaphore(options.jobs)
    done = await asyncio.gather(*(write(twin, options, around[twin], gate) for twin in wanted))
    furnish(options.out)
    index({twin.stem: title_and_question(jupytext.reads(twin.read_text(encoding="utf-8"), fmt="py:percent"))
           for twin in twins}, options.out)
    size = sum(file.stat().st_size for file in options.out.rglob("*") if file.is_file()) / 1e6
    print(f"{options.out / 'index.html'}: {sum(done)} of {len(wanted)} lessons, {size:.0f} MB in all, "
          f"{time.perf_counter() - begun:.0f} s")
    return 0 if all(done) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
