"""The sweep finds what it is there to find."""

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
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
    (sentence,) = sweep.failed_controls([stage])
    assert sentence.startswith("['height']: height = 2: This setting failed: ZeroDivisionError")


def test_what_compare_was_asked_is_kept(capsys):
    before = len(checks.answered())
    checks.compare("half", 0.5, 0.5, {"hint": 1})
    assert checks.answered()[before:] == [("half", 0.5, {"hint": 1}, "right: half.")]
    assert capsys.readouterr().out == "right: half.\n"


def test_all_complaints_come_in_one_error(monkeypatch):
    monkeypatch.setattr(sweep, "shown", list)
    monkeypatch.setattr(sweep, "answered", lambda: GOOD[:1])
    with pytest.raises(AssertionError, match="half: the starter"):
        sweep.assert_sound()
    monkeypatch.setattr(sweep, "answered", lambda: GOOD)
    sweep.assert_sound()
