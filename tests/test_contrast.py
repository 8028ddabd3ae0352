"""What can be seen: colours hold the contrasts that WCAG 2.2 asks for, 4.5 for words and 3 for marks, on white.

Looked at: the palette, the words of the figures in lessons and helpers, the stage. Not looked at: what lies half
transparent over white, such as a cloud of points, whose single points are fainter than their colour.
"""

import ast
import re
from pathlib import Path

import pytest
from matplotlib.colors import to_rgb

from helpers.plots import PALETTE, TEXT

ROOT = Path(__file__).parent.parent
SOURCES = sorted([*(ROOT / "helpers").glob("*.py"), *(ROOT / "notebooks" / "text").glob("*.py")])
WORDS, MARKS = 4.5, 3.0
SAYS = {"text", "figtext", "annotate", "set_title", "set_xlabel", "set_ylabel", "suptitle", "clabel", "legend"}
COLOURS = {"color", "c", "labelcolor", "colors"}
LISTED = re.compile(r"(\w+): \"(#[0-9A-Fa-f]{6})\"")


def contrast(one, other="white"):
    """The ratio of two colours' luminances, 1 to 21: WCAG 2.2, "contrast ratio"."""
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour):
    """From 0 (black) to 1 (white): WCAG 2.2, "relative luminance"."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(colour)]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear))


def faint_words(source):
    """Sentences: words that a call writes in a colour that is too light, or that cannot be told from the source."""
    found = []
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call) or getattr(call.func, "attr", "") not in SAYS:
            continue
        for keyword in call.keywords:
            if keyword.arg in COLOURS and not readable(keyword.value):
                found.append(f"line {call.lineno}: {call.func.attr}({keyword.arg}={ast.unparse(keyword.value)})")
    return found


def readable(value):
    """Whether an expression is a colour for words; black and white are believed to stand where they can be read."""
    if isinstance(value, ast.Constant):
        return value.value in ("black", "white") or contrast(value.value) >= WORDS
    table = value.value if isinstance(value, ast.Subscript) else value
    name = getattr(table, "attr", getattr(table, "id", ""))
    if name == "TEXT":
        return True
    constant = isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Constant)
    return name == "PALETTE" and constant and contrast(PALETTE[value.slice.value]) >= WORDS


@pytest.mark.parametrize("one, other, ratio", [("black", "white", 21), ("white", "white", 1), ("#777777", "white", 4.48),
                                               ("#0000ff", "white", 8.59), ("red", "black", 5.25)])
def test_contrast_by_known_values(one, other, ratio):  # W3C's examples, and WebAIM's contrast checker
    assert contrast(one, other) == pytest.approx(ratio, abs=0.006)
    assert contrast(other, one) == contrast(one, other)


@pytest.mark.parametrize("name", PALETTE)
def test_marks_and_words_stand_out_from_white(name):
    assert contrast(PALETTE[name]) >= MARKS
    assert contrast(TEXT[name]) >= WORDS


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_words_of_figures_can_be_read(path):
    assert faint_words(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("source, n", [
    ('ax.text(0, 0, "a", color=PALETTE["generated"])', 1), ('ax.text(0, 0, "a", color=PALETTE[kind])', 1),
    ('ax.text(0, 0, "a", color=plots.TEXT[kind])', 0), ('ax.text(0, 0, "a", color=plots.PALETTE["real"])', 0),
    ('ax.set_title("a", color="#888888")', 1), ('ax.set_title("a", color="#666666")', 0), ('ax.plot(x, color="#888888")', 0)])
def test_faint_words_are_found(source, n):
    assert len(faint_words(source)) == n


def test_the_stage_has_the_same_colours():
    listed = dict(LISTED.findall((ROOT / "helpers" / "stage.js").read_text(encoding="utf-8").split("COLOUR = ")[1].split("}")[0]))
    names = {"D": "discriminator", "gradient": "extra"}
    assert len(listed) == 8 and contrast(listed.pop("words")) >= WORDS
    assert {names.get(name, name): colour.lower() for name, colour in listed.items()} == {
        k: v.lower() for k, v in PALETTE.items() if k != "critic"}  # a method's colour, and the stage compares none
