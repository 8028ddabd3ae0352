"""The sweep finds what it is there to find."""

import itertools
import sys
from types import SimpleNamespace

import matplotlib

matplotlib.use("agg")
import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import pytest

from helpers import checks, widgets
from tests import sweep

GOOD = [("half", 0.5, {"that is the whole": 1.0}, "not yet: half is still to be written."),
        ("half", 0.5, {"that is the whole": 1.0}, "right: half.")]


def test_a_sound_exercise_has_no_complaint():
    assert sweep.unsound_exercises(GOOD) == []


@pytest.mark.parametrize("calls, sentence", [
    ([], "no exercise has hints"),
    ([(name, reference, {}, said) for name, reference, _, said in GOOD], "no exercise has hints"),
    (GOOD[:1], "half: the starter and the answer get"),
    (GOOD[1:], "half: the starter and the answer get"),
    ([(name, reference, {"it is right": 0.5}, said) for name, reference, _, said in GOOD], "for the wrong answer of 'it is right'"),
])
def test_an_unsound_exercise_is_found(calls, sentence):
    assert any(sentence in line for line in sweep.unsound_exercises(calls))


def test_a_control_that_fails_is_named():
    def draw(height):
        return f"Divided: {1 / (height - 2):.2f}."

    widgets.sliders(draw, plt.figure(), height=(0, 2, 1, 0))
    stage = widgets.shown()[-1]
    (sentence,), _ = sweep.failed_controls([stage])
    assert sentence.startswith("['height']: {'height': 2}: This setting failed: ZeroDivisionError")


def made(draw, **ranges):
    widgets.sliders(draw, plt.figure(figsize=(2, 1)), **ranges)
    return widgets.shown()[-1]


def test_what_only_two_controls_together_break_is_found():
    def draw(a, b, c):
        if a == "left" and b and c > 0.5:
            raise ValueError("all at once")
        return "Fine."

    stage = made(draw, a=["right", "left"], b=False, c=(0.0, 1.0, 0.1, 0.0))
    assert widgets.sweep(stage) == 3 + 3 + 4, "one at a time, all is well"
    (sentence,), _ = sweep.failed_controls([stage])
    assert "'a': 'left'" in sentence and "'b': True" in sentence and "ValueError: all at once" in sentence


def test_a_warning_fails_its_setting():
    def draw(x):
        return f"A mean: {np.mean(np.zeros(x))}."

    (sentence,), _ = sweep.failed_controls([made(draw, x=(0, 9, 1))])
    assert "{'x': 0}: This setting failed: RuntimeWarning: Mean of empty slice" in sentence


def kept(what):
    """`draw` functions that leave something behind at every setting."""
    heap = []

    def draw(x):
        heap.append(what())
        return "Fine."

    return draw


@pytest.mark.parametrize("what, sentence", [
    (lambda: ipywidgets.IntSlider(), "more widgets after 40 more settings"),
    (lambda: widgets.shown()[-2].controls["x"].source.observe(lambda _: None, "value"), "more listeners"),
    (lambda: plt.figure(), "More than 20 figures have been opened"),
    (lambda: plt.figure() if len(plt.get_fignums()) < 15 else None, "more open pyplot figures"),
    (lambda: np.ones(2**20), "more MB of memory"),  # more than earlier tests may have left free
])
def test_what_is_left_behind_is_found(what, sentence):
    before = plt.get_fignums()
    found, tried = sweep.failed_controls([made(kept(what), x=(0, 9, 1)), made(kept(list), x=(0, 9, 1))])
    for number in set(plt.get_fignums()) - set(before):
        plt.close(number)
    assert any(sentence in line for line in found) and all(line.startswith("['x']") for line in found)
    assert tried[1] == 50 and sweep.failed_controls([made(kept(list), x=(0, 9, 1))]) == ([], [50])


def test_memory_that_comes_once_is_no_leak():
    settings = itertools.count()
    heap = []

    def draw(x):
        if next(settings) == 30:
            heap.append(np.ones(2**24))  # 134 MB
        return "Fine."

    assert sweep.failed_controls([made(draw, x=(0, 9, 1))]) == ([], [50 + 40])


def test_lines_that_pile_up_in_a_figure_are_found():
    fig, ax = plt.subplots(figsize=(2, 1))

    def draw(x):
        ax.plot([0, x], [0, 1])
        return "One line more."

    widgets.sliders(draw, fig, x=(0, 9, 1))
    found, _ = sweep.failed_controls(widgets.shown()[-1:])
    assert "['x']: 41 more parts of the figure after 40 more settings" in found


def test_time_ends_the_random_settings_but_not_the_first():
    stage = made(lambda x, pressed: "Fine.", x=(0, 9, 1), pressed=widgets.button("Press"))
    assert sweep.failed_controls([stage], seconds=0) == ([], [sweep.EARLY])
    assert 0 < stage.values["pressed"] < sweep.EARLY + 5


def test_what_compare_was_asked_is_kept(capsys):
    before = len(checks.answered())
    checks.compare("half", 0.5, 0.5, {"hint": 1})
    assert checks.answered()[before:] == [("half", 0.5, {"hint": 1}, "right: half.")]
    assert capsys.readouterr().out == "right: half.\n"


def test_all_complaints_come_in_one_error(monkeypatch):
    monkeypatch.setattr(sweep, "shown", list)
    monkeypatch.setattr(sweep, "answered", lambda: GOOD[:1])
    monkeypatch.setitem(sys.modules, "sitecustomize", SimpleNamespace(refused=[]))  # other tests ask the internet
    with pytest.raises(AssertionError, match="half: the starter"):
        sweep.assert_sound()
    monkeypatch.setattr(sweep, "answered", lambda: GOOD)
    sweep.assert_sound()
