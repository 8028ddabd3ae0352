"""Feedback for the exercises: `compare` says in one sentence how an answer is wrong."""

import numpy as np
import torch

TOLERANCE = 1e-4  # relative: float32 sums in another order differ by far less, mistakes by far more
_UNWRITTEN = (None, Ellipsis, NotImplemented)
_answered = []  # what `compare` was asked in this session, and what it said


def compare(name, mine, reference, hints=None):
    """None; prints one sentence: "not yet: ...", "right: ..." or "not right yet: ..." and how it is wrong.

    mine: the learner's number, list, array or tensor, or a function without arguments that returns it; None
    or ... stand for what is not written yet. reference: the right value. hints: {sentence: the wrong value it
    explains}. Never raises, whatever it is given.
    """
    sentence = _feedback(name, mine, reference, hints)
    _answered.append((name, reference, hints if isinstance(hints, dict) else {}, sentence))
    print(sentence)


def answered():
    """A list of (name, reference, hints, what it said) of all calls of `compare`, oldest first; tests look at it."""
    return list(_answered)


def _feedback(name, mine, reference, hints):
    """What `compare` prints, whatever it is given."""
    try:
        return " ".join(_sentence(name, mine, reference, hints or {}).split())
    except Exception as error:  # feedback must not stop a lesson
        return f"not right yet: the answer could not be compared with the right one ({type(error).__name__})."


def _sentence(name, mine, reference, hints):
    """The sentence that `compare` prints."""
    if callable(mine):
        try:
            mine = mine()
        except NotImplementedError:
            mine = None
        except (Exception, SystemExit) as error:
            reason = str(error)[:200].rstrip(".")
            return f"not right yet: {name} stopped with {type(error).__name__}: {reason}."
    if _is_unwritten(mine):
        return f"not yet: {name} is still to be written."
    wrong = f"not right yet: {name}"
    if isinstance(reference, str) or isinstance(mine, str):
        if isinstance(mine, str) and isinstance(reference, str):
            same = mine.strip() == reference.strip()
            return f"right: {name}." if same else f"{wrong} is {mine!r}, another text is asked for."
        return f"{wrong} is {_kind(mine)}, and {_kind(reference)} is asked for."
    asked, got = _numbers(reference), _numbers(mine)
    if asked is None:
        return f"right: {name}." if mine == reference else f"{wrong} is not what is asked for."
    if got is None:
        return f"{wrong} is {_kind(mine)}, and {_kind(reference)} is asked for."
    with np.errstate(all="ignore"):
        fault = None
        if not _close(got, asked):
            explain = _fault_of_values if got.shape == asked.shape else _fault_of_shape
            fault = _fault_of_hints(got, hints) or explain(got, asked)
    fault = fault or _fault_of_type(mine, reference)
    if fault is None:
        return f"right: {name}."
    return f"{wrong} {fault}" if fault.endswith("?") else f"{wrong} {fault.rstrip('.')}."


def _is_unwritten(value):
    if isinstance(value, (list, tuple)):
        return any(_is_unwritten(part) for part in value)
    return any(value is mark for mark in _UNWRITTEN)


def _numbers(value):
    """The value as a float64 array, or None if it does not consist of real numbers."""
    try:
        if isinstance(value, torch.Tensor):
            value = value.detach().cpu()
            value = value.to(torch.float64) if not value.is_complex() else value.numpy()
        elif isinstance(value, (list, tuple)):
            value = [_numbers(part) for part in value]
        array = np.asarray(value)
        return array.astype(np.float64) if array.dtype.kind in "fiub" else None
    except Exception:  # ragged lists, and objects that refuse
        return None


def _kind(value):
    if isinstance(value, torch.Tensor):
        return "a tensor"
    names = {int: "a number", float: "a number", bool: "True or False", str: "a text", list: "a list",
             tuple: "a tuple", dict: "a dictionary", np.ndarray: "a NumPy array"}
    return names.get(type(value), f"an object of type {type(value).__name__}")


def _close(got, asked):
    scale = np.abs(asked[np.isfinite(asked)]).max(initial=0.0)
    slack = 1e-5 * scale or 1e-6
    return got.shape == asked.shape and np.allclose(got, asked, TOLERANCE, slack, equal_nan=True)


def _fault_of_shape(got, asked):
    has = f"has shape {got.shape}" if got.ndim else "is a single number"
    shapes = f"{has}, and {f'shape {asked.shape}' if asked.ndim else 'a single number'} is asked for"
    if got.ndim == 2 and _close(got.T, asked):
        return f"is transposed: it {shapes}"
    if got.size == asked.size and _close(got.ravel(), asked.ravel()):
        return f"has the right numbers in the wrong shape: it {shapes}"
    if asked.ndim == 0 and got.size:
        for word, value in (("mean", got.mean()), ("sum", got.sum())):
            if _close(value, asked):
                return f"{shapes}: the {word} of what you have"
    if got.ndim == 0 and asked.size:
        for word, value in (("mean", asked.mean()), ("sum", asked.sum())):
            if _close(got, value):
                return f"{shapes}: yours is the {word} of what is asked for"
    if asked.ndim == 1 and got.shape == (asked.size, asked.size):
        return f"{shapes}: did an array of shape (n,) meet one of shape (n, 1)?"
    return shapes


def _fault_of_hints(got, hints):
    for sentence, value in hints.items():
        value = _numbers(value)
        if value is not None and _close(got, value):
            return f"has a value that tells why: {str(sentence).rstrip('.')}"
    return None


def _fault_of_values(got, asked):
    """How the numbers are wrong, shapes being equal; simple explanations come before far-fetched ones."""
    for word, test, why in (("nan", np.isnan, "0/0, or the logarithm or root of a negative number?"),
                            ("infinity", np.isinf, "a division by 0, or the logarithm of 0?")):
        bad = test(got) & ~test(asked)
        if bad.any():
            return f"contains {word} in {bad.sum()} of {bad.size} places: {why}"
    for said, value in (("has its sign flipped", -asked), ("is twice as large as it should be", 2 * asked),
                        ("is half of what it should be", asked / 2),
                        ("is 1 minus what is asked for", 1 - asked),
                        ("is the square of what is asked for", asked**2),
                        ("is the square root of what is asked for", np.sqrt(asked)),
                        ("is the logarithm of what is asked for", np.log(asked)),
                        ("is the exponential of what is asked for", np.exp(asked)),
                        ("is 1 divided by what is asked for", 1 / asked)):
        if _close(got, value):
            return said
    if got.ndim == 2 and _close(got.T, asked):
        return "is transposed: rows and columns are exchanged"
    if got.size > 1 and _close(np.trunc(asked), got):
        return "has lost what stands behind the decimal point: whole numbers where fractions are asked for"
    if got.size > 1 and _close(np.sort(got, axis=None), np.sort(asked, axis=None)):
        return "has the right numbers in another order"
    if np.abs(asked).max(initial=0) > 0:
        factor = (got * asked).sum() / (asked * asked).sum()
        times = _factor_in_words(factor, got.shape, single=got.size == 1)
        if times and _close(got, factor * asked):
            return times
    if got.size > 1:
        shift = (got - asked).mean()
        if _close(got, asked + shift):
            return f"is off by the same amount everywhere, {shift:+.4g}"
        right = np.isclose(got, asked, TOLERANCE, 1e-5 * np.abs(asked).max())
        worst = np.unravel_index(np.argmax(np.abs(got - asked)), got.shape)
        place = ", ".join(str(int(i)) for i in worst)
        return (f"is right in {right.sum()} of {right.size} places; "
                f"farthest off is [{place}], where it is {got[worst]:.4g}")
    return f"is {got.item():.6g}, which is too {'small' if got.item() < asked.item() else 'large'}"


def _factor_in_words(factor, shape, single):
    """The factor in words; for a single number only if it is whole, since some factor always fits."""
    whole = {"large": factor, "small": 1 / factor if factor else 0.0}
    for size, times in whole.items():
        n = round(times)
        if n > 1 and abs(times - n) < TOLERANCE * n and (n < 10**6 or not single):
            why = {"large": "a sum where a mean is asked for?",
                   "small": "a mean where a sum is asked for, or divided twice?"}
            return f"is {n} times too {size}: {why[size]}"
    return None if single or abs(factor) < 1e-6 else f"is {factor:.4g} times what is asked for, everywhere"


def _fault_of_type(mine, reference):
    """What is wrong with the type when the numbers are right."""
    array = isinstance(reference, (torch.Tensor, np.ndarray)) and reference.ndim > 0
    if not array:
        return None
    tensors = isinstance(reference, torch.Tensor), isinstance(mine, torch.Tensor)
    if tensors[0] != tensors[1] or isinstance(mine, (list, tuple)):
        return f"has the right numbers, but is {_kind(mine)}, and {_kind(reference)} is asked for"
    floating = np.issubdtype(_plain(reference), np.floating)
    if floating and not np.issubdtype(_plain(mine), np.floating):
        return f"has the right values, but as {mine.dtype}; {reference.dtype} is asked for"
    return None


def _plain(array):
    """The NumPy dtype of an array or a tensor."""
    if isinstance(array, torch.Tensor):
        return np.float32 if array.is_floating_point() else np.int64
    return array.dtype
