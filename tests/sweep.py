"""After the last cell of a lesson, in its own kernel: a learner moves every control, and gives every wrong answer.

conftest.py has nbval run `assert_sound()` as one more cell of each notebook.
"""

from helpers.checks import _feedback, answered
from helpers.widgets import shown, sweep


def assert_sound():
    """Raises AssertionError with a sentence for each control that fails and each exercise that is not as promised."""
    found = failed_controls(shown()) + unsound_exercises(answered())
    if found:
        raise AssertionError("\n".join(found))


def failed_controls(stages):
    """Sentences: which figure fails at which setting. An early slider may be moved last."""
    found = []
    for stage in stages:
        try:
            sweep(stage)
        except RuntimeError as error:
            found.append(f"{list(stage.controls)}: {error}")
    return found


def unsound_exercises(calls):
    """Sentences: where a starter is not "not yet", the last answer not "right", or a hint does not come.

    calls: (name, reference, hints, sentence), as `checks.answered` gives them.
    """
    found = [] if any(hints for _, _, hints, _ in calls) else ["no exercise has hints"]
    for name, reference, hints, _ in calls:
        for hint, wrong in hints.items():
            said = _feedback(name, wrong, reference, hints)
            if hint.rstrip(".") not in said:
                found.append(f"{name}: for the wrong answer of {hint!r} it says {said!r}")
    for name in dict.fromkeys(name for name, *_ in calls):
        sentences = [sentence for other, _, _, sentence in calls if other == name]
        if not (sentences[0].startswith("not yet:") and sentences[-1].startswith("right:")):
            found.append(f"{name}: the starter and the answer get {sentences}")
    return list(dict.fromkeys(found))
