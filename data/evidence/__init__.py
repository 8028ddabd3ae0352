"""The experiments behind data/recorded: one module for each lesson that has some."""

import importlib
from pathlib import Path


def load_experiments():
    """A dict from name to `recording.Experiment`, of all modules lesson_*.py in this folder."""
    for path in sorted(Path(__file__).parent.glob("lesson_*.py")):
        importlib.import_module(f"data.evidence.{path.stem}")
    return importlib.import_module("data.evidence.recording").EXPERIMENTS
