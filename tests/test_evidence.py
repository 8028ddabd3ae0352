"""Recorded evidence: each recording belongs to its experiment, a short piece of each is run again, and half a file is none."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from data.evidence import load_experiments
from data.evidence import recording as recorder
from data.evidence.recording import RECORDED, Experiment, record, recording, write
from helpers.recordings import load_recording

EXPERIMENTS = load_experiments()
NEEDED = {"puppies_ten_minutes": (3, 6_000_000), "puppies_first_steps": (1, 200_000),  # seeds at least, bytes at most
          "published_ring": (10, 1_000_000), "published_grid": (10, 1_000_000)}  # as many as in the papers' tables


def test_every_recording_has_an_experiment():
    assert {path.name.removesuffix(".npz") for path in RECORDED.glob("*")} == set(EXPERIMENTS)


@pytest.mark.parametrize("name", sorted(EXPERIMENTS))
def test_recording_is_of_this_very_experiment(name):
    experiment, path = EXPERIMENTS[name], RECORDED / f"{name}.npz"
    assert recorder.recorded_fingerprint(path) == experiment.fingerprint, f"the experiment was changed: make evidence RECORDINGS={name}"
    recorded = load_recording(name)
    assert recorded.seeds == list(experiment.seeds) and recorded.settings == json.loads(json.dumps(experiment.settings))
    least, largest = NEEDED.get(name, (5, 500_000) if name.startswith(("puppies_", "fashion_")) else (20, 200_000))
    assert len(recorded.seeds) >= least, "a claim needs more seeds"
    assert path.stat().st_size <= largest
    assert recorded.arrays and all(len(array) == len(recorded.seeds) for array in recorded.arrays.values())


@pytest.mark.parametrize("name", sorted(EXPERIMENTS))
def test_a_short_piece_comes_out_the_same(name):
    """Only a short one: in a game the smallest difference of rounding grows from step to step."""
    experiment, recorded = EXPERIMENTS[name], load_recording(name)
    seeds = list(experiment.seeds[:2])
    again = experiment.function(seeds, **experiment.settings, stop_after=experiment.piece)
    assert again, "a piece has to compare something"
    for key, array in again.items():
        whole = recorded[key][:len(seeds)]
        if array.ndim > 1:
            assert 0 < array.shape[1] <= whole.shape[1]
            whole = whole[:, :array.shape[1]]
        np.testing.assert_allclose(array, whole, rtol=experiment.tolerance, atol=experiment.tolerance, err_msg=f"{name}: {key}")


# the recorder

def squares(seeds, power, stop_after=None):
    """Squares, and so on. A second sentence.

    More about it.
    """
    CALLS.append(list(seeds))
    if BROKEN:
        raise KeyboardInterrupt
    return {"powers": np.array([[seed**p for p in range(power)] for seed in seeds], dtype=float)}


CALLS, BROKEN = [], []


@pytest.fixture
def experiment():
    CALLS.clear()
    BROKEN.clear()
    return Experiment("squares", squares, tuple(range(7)), {"power": 3}, at_a_time=3, piece=5)


def test_recording_and_reading(tmp_path, experiment):
    folder, parts = tmp_path / "recorded", tmp_path / "parts"
    assert record(experiment, folder=folder, parts=parts) and CALLS == [[0, 1, 2], [3, 4, 5], [6]]
    recorded = load_recording("squares", folder)
    assert np.array_equal(recorded["powers"], [[s**p for p in range(3)] for s in range(7)])
    assert recorded.seeds == list(range(7)) and recorded.settings == {"power": 3}
    assert "Squares, and so on. A second sentence. 7 runs, seeds 0 to 6, recorded with python" in str(recorded)
    assert "make evidence RECORDINGS=squares" in str(recorded)
    assert [path.name for path in folder.iterdir()] == ["squares.npz"] and not list(parts.rglob("*.npz"))
    assert not record(experiment, folder=folder, parts=parts) and len(CALLS) == 3, "it is there already"
    first = (folder / "squares.npz").read_bytes()
    assert record(experiment, again=True, folder=folder, parts=parts) and len(CALLS) == 6
    assert (folder / "squares.npz").read_bytes() == first


def test_parts_that_other_processes_made_are_not_made_again(tmp_path, experiment, monkeypatch):
    folder, parts = tmp_path / "recorded", tmp_path / "parts"
    monkeypatch.setattr(recorder, "ProcessPoolExecutor", lambda jobs, mp_context: ThreadPoolExecutor(jobs))  # CALLS is here
    monkeypatch.setattr(recorder, "PARTS", parts)
    monkeypatch.setitem(recorder.EXPERIMENTS, "squares", experiment)
    recorder.work_ahead([experiment], jobs=2)
    assert sorted(CALLS) == [[0, 1, 2], [3, 4, 5], [6]] and not folder.exists()
    assert record(experiment, folder=folder, parts=parts) and len(CALLS) == 3
    assert np.array_equal(load_recording("squares", folder)["powers"], [[s**p for p in range(3)] for s in range(7)])


def test_an_interrupt_loses_one_part_and_leaves_no_half_file(tmp_path, experiment):
    folder, parts = tmp_path / "recorded", tmp_path / "parts"
    original = np.savez_compressed
    written = []

    def stops(file, **arrays):
        if len(written) == 1:
            file.write(b"half a file")
            raise KeyboardInterrupt
        written.append(1)
        original(file, **arrays)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recorder.np, "savez_compressed", stops)
        with pytest.raises(KeyboardInterrupt):
            record(experiment, folder=folder, parts=parts)
    assert not list(folder.glob("*")) and len([p for p in parts.rglob("*") if p.is_file()]) == 1
    assert record(experiment, folder=folder, parts=parts)
    assert CALLS == [[0, 1, 2], [3, 4, 5], [3, 4, 5], [6]], "the first part was not run again"
    assert len(load_recording("squares", folder)["powers"]) == 7


def test_an_interrupted_new_recording_leaves_the_old_one(tmp_path, experiment):
    folder, parts = tmp_path / "recorded", tmp_path / "parts"
    record(experiment, folder=folder, parts=parts)
    before = (folder / "squares.npz").read_bytes()
    other = Experiment("squares", squares, tuple(range(4)), {"power": 5}, 3, 5)
    assert other.fingerprint != experiment.fingerprint
    BROKEN.append(1)
    with pytest.raises(KeyboardInterrupt):
        record(other, folder=folder, parts=parts)
    assert (folder / "squares.npz").read_bytes() == before
    BROKEN.clear()
    assert record(other, folder=folder, parts=parts) and load_recording("squares", folder)["powers"].shape == (4, 5)


def test_the_fingerprint_is_of_code_not_of_words(tmp_path):
    def made(source):
        path = tmp_path / "lesson.py"
        path.write_text(source, encoding="utf-8")
        space = {}
        exec(compile(source, path, "exec"), space)
        return Experiment("f", space["f"], (1,), {}, 1, 1).fingerprint

    source = ('"""The module."""\nSIZE = 1\n\ndef used():\n    return SIZE\n\ndef keep(f):\n    return f\n\n'
              '@keep\ndef f(seeds, stop_after=None):\n    """A."""\n    return {"x": used()}\n\n@keep\ndef other(seeds):\n    return {}\n')
    for words, others in (('"""A."""', '"""Other words."""'), ('"""The module."""', '"""All."""'), ("SIZE = 1", "SIZE = 1  # why"), ("return {}", "return {2: 3}")):
        assert made(source.replace(words, others)) == made(source)
    for code, others in (("SIZE = 1", "SIZE = 2"), ("return SIZE", "return SIZE + 1"), ('{"x": used()}', '{"x": 2}')):
        assert made(source.replace(code, others)) != made(source)


def test_wrong_shapes_and_names_are_refused(tmp_path):
    def one_too_few(seeds):
        return {"x": np.zeros(len(seeds) - 1)}

    bad = Experiment("bad", one_too_few, (1, 2), {}, 2, 1)
    with pytest.raises(ValueError, match="bad: the first axis of every array must be the seed"):
        record(bad, folder=tmp_path / "recorded", parts=tmp_path / "parts")
    write(tmp_path / "one.npz", {"x": np.zeros(3), "about": np.array(json.dumps(
        {"what": "W.", "seeds": [3, 5], "settings": {}, "versions": {}, "command": "c"}))})
    with pytest.raises(FileNotFoundError, match="there is no recording 'two' in .*; there are: one"):
        load_recording("two", tmp_path)
    with pytest.raises(KeyError, match="this recording has no array 'y'; it has x"):
        load_recording("one", tmp_path)["y"]
    assert "2 runs, seeds [3, 5]" in str(load_recording("one", tmp_path))


def test_declaring_returns_the_function():
    kept = dict(recorder.EXPERIMENTS)
    try:
        assert recording("squares", range(3), {"power": 2})(squares) is squares
        assert recorder.EXPERIMENTS["squares"].seeds == (0, 1, 2)
    finally:
        recorder.EXPERIMENTS.clear()
        recorder.EXPERIMENTS.update(kept)
