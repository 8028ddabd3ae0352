"""After the last cell of a lesson, in its own kernel: a learner moves every control, and gives every wrong answer.

conftest.py has nbval run `assert_sound()` as one more cell of each notebook. Every figure gets both ends and the
middle of every control, and random settings of all its controls together: 50, or as many as SWEEP_SECONDS allow
(`make orders` sets no limit). A warning is a failure, and so is a figure that leaves things behind.
"""

import gc
import math
import os
import random
import sys
import time
import warnings
from collections import Counter

import matplotlib.pyplot as plt
import psutil
from ipywidgets import Widget

from helpers.checks import _feedback, answered
from helpers.theatre import Theatre
from helpers.widgets import _Presses, _Stage, shown, sweep

EARLY, SETTINGS = 10, 50  # random settings after which a figure is looked at, and looked at again
SLACK = {"parts of the figure": 20, "widgets": 2, "listeners": 2, "open pyplot figures": 0,
         "MB of memory": 40}  # that may be there at the second look and were not at the first
# a torch tensor in matplotlib makes numpy 2 warn, for instance: no matter of ours, and no learner sees it
OTHERS = r"(matplotlib|numpy|torch|scipy|PIL|ipywidgets|anywidget|traitlets|IPython|ipykernel|asyncio)\b"


def assert_sound():
    """Prints what was tried and what it cost; AssertionError with a sentence for each control, figure or exercise."""
    began, stages = time.process_time(), shown()
    seconds = float(os.environ.get("SWEEP_SECONDS", "inf"))
    found, tried = failed_controls(stages, seconds)
    found += unsound_exercises(answered())
    asked = getattr(sys.modules.get("sitecustomize"), "refused", [])  # tests/offline
    found += [f"the lesson asks for {host}, and there may be no internet" for host in asked]
    spent = time.process_time() - began
    print(f"{len(stages)} figures, {min(tried, default=0)} to {max(tried, default=0)} random settings each, {spent:.1f} s")
    if found:
        raise AssertionError("\n".join(found))


def failed_controls(stages, seconds=math.inf):
    """(sentences, numbers): which figure fails at which setting, or leaves things behind; how many random settings each got.

    seconds: after which a figure gets no further random setting, though never fewer than EARLY.
    """
    found, tried = [], []
    gc.collect()
    gc.freeze()  # what is there now need not be looked at
    try:
        for stage in stages:
            tried.append(0)
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("error")  # it fails the setting, and so is named with it
                    warnings.filterwarnings("ignore", category=DeprecationWarning, module=OTHERS)
                    found += left_behind(stage, seconds, tried)
                    sweep(stage)  # last, so that a sketchpad ends with an example: a theatre may show it
            except RuntimeError as error:
                found.append(f"{list(stage.controls)}: {error}")
            if isinstance(stage, Theatre):
                stage.pause()
    finally:
        gc.unfreeze()
    return found, tried


def left_behind(stage, seconds, tried):
    """Sentences: what grew between the first random settings and the last; counts them in the last place of `tried`."""
    rng, until = random.Random(0), time.process_time() + seconds
    start = {name: control.source.value for name, control in stage.controls.items() if not is_button(control)}

    def wander(n, least=0):
        for i in range(n):
            if i >= least and time.process_time() > until:
                break
            move(stage, random_setting(stage, rng))
            tried[-1] += 1
        if isinstance(stage, Theatre):
            stage.pause()
        move(stage, start)  # compared are two looks at one setting
        return alive(stage)

    def grown(before, after):
        kept = 2 * stage.work.size / 1e6 if isinstance(stage, Theatre) else 0  # its past, as it promises
        return {what: after[what] - before[what] for what, slack in SLACK.items()
                if after[what] - before[what] > slack + kept * (what == "MB of memory")}

    before = wander(EARLY, EARLY)
    first = tried[-1]
    after = wander(SETTINGS - EARLY)
    found = grown(before, after)
    if list(found) == ["MB of memory"]:  # a process may get more memory once, for reasons of its own: a leak comes again
        first = tried[-1]
        found = grown(after, wander(SETTINGS - EARLY, SETTINGS - EARLY))
    return [f"{list(stage.controls)}: {more:.0f} more {what} after {tried[-1] - first} more settings"
            for what, more in found.items()]


def move(stage, values):
    """None; RuntimeError if it fails, with the setting. All at once; of a board one after the other, for each is a move."""
    for part in [values] if isinstance(stage, _Stage) else [{name: value} for name, value in values.items()]:
        stage.set(**part)
        if stage.error is not None:
            raise RuntimeError(f"{part}: {stage.sentence}") from stage.error


def random_setting(stage, rng):
    """{name: value} for all controls, in random order; a button is pressed, or not."""
    values = {name: random_value(control, rng) for name, control in stage.controls.items()}
    return dict(rng.sample(list(values.items()), len(values)))


def random_value(control, rng):
    source = control.source
    if is_button(control):
        return source.value + rng.randrange(2)
    low, high = (getattr(source, name, getattr(source, other, 0)) for name, other in (("min", "low"), ("max", "high")))
    if low < high:
        return low + source.step * rng.randrange(round((high - low) / source.step) + 1)
    return rng.choice(control.probes)


def is_button(control):
    return isinstance(control.source, _Presses) or getattr(control.source, "kind", "") == "button"


def alive(stage):
    """How much there is of what a figure may leave behind; of widgets, those made since gc.freeze()."""
    gc.collect()
    types = Counter(map(type, gc.get_objects()))
    return {"parts of the figure": len(stage.blit.fig.findobj()) if stage.blit else 0,
            "widgets": sum(n for one, n in types.items() if issubclass(one, Widget)),
            "listeners": sum(map(listeners, {id(control.source): control.source for control in stage.controls.values()}.values())),
            "open pyplot figures": len(plt.get_fignums()), "MB of memory": psutil.Process().memory_info().rss / 1e6}


def listeners(source):
    """How many functions wait for a change of this control."""
    kinds = getattr(source, "_trait_notifiers", {}).values()
    return sum(len(functions) for by_type in kinds for functions in by_type.values())


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
