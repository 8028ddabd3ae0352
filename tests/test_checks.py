import numpy as np
import pytest
import torch

from helpers.checks import compare

REFERENCE = torch.tensor([0.5, 1.5, -2.0, 3.25])
MATRIX = torch.tensor([[1.0, 2.0, 4.0], [3.0, 7.0, 5.0], [9.0, 8.0, 6.5]])


def said(capsys, mine, reference, **arguments):
    assert compare("the answer", mine, reference, **arguments) is None
    out = capsys.readouterr().out
    assert out.count("\n") == 1 and out.endswith("\n")
    assert out.startswith(("not yet: ", "right: ", "not right yet: ")) and out.rstrip()[-1] in ".?"
    return out.strip()


@pytest.mark.parametrize("mine", [None, ..., NotImplemented, [1.0, ...], (None, 2), lambda: None])
def test_not_written_yet(capsys, mine):
    assert said(capsys, mine, REFERENCE) == "not yet: the answer is still to be written."


def test_a_function_that_says_it_is_not_written_yet(capsys):
    def unwritten():
        raise NotImplementedError

    assert said(capsys, unwritten, REFERENCE).startswith("not yet: ")


@pytest.mark.parametrize(
    "mine, reference",
    [
        (REFERENCE.clone(), REFERENCE),
        (REFERENCE.double(), REFERENCE),
        (REFERENCE * (1 + 1e-6), REFERENCE),
        (REFERENCE.clone().requires_grad_(), REFERENCE),
        (lambda: REFERENCE + 0, REFERENCE),
        (REFERENCE, REFERENCE.tolist()),
        (REFERENCE.numpy(), REFERENCE.numpy()),
        (3, 3.0),
        (torch.tensor(3.0), 3),
        (np.float32(3), 3),
        (3.0, torch.tensor(3)),
        (torch.zeros(4), torch.zeros(4)),
        (torch.tensor([1e-9, 0]), torch.zeros(2)),
        ("ring", "ring"),
        (True, True),
        (torch.tensor([float("nan"), 1.0]), torch.tensor([float("nan"), 1.0])),
        ([1, 2], (1, 2)),
        ({"a": 1}, {"a": 1}),
        (torch.tensor([1, 2]), torch.tensor([1, 2])),
        (torch.tensor([1.0, 2.0]), torch.tensor([1, 2])),
        (torch.tensor([0.5, 1.5], dtype=torch.bfloat16), torch.tensor([0.5, 1.5])),
        ([torch.tensor(1.0), 2], [1, 2]),
    ],
)
def test_right(capsys, mine, reference):
    assert said(capsys, mine, reference) == "right: the answer."


@pytest.mark.parametrize("seed", range(20))
def test_sums_in_another_order_are_right(capsys, seed):
    x = torch.randn(10_000, generator=torch.Generator().manual_seed(seed)).exp()
    mine = float(
        np.float32(0)
        + sum(x[torch.randperm(10_000, generator=torch.Generator().manual_seed(seed))][:].numpy())
    )
    assert said(capsys, mine / 10_000, x.mean()).startswith("right")


@pytest.mark.parametrize(
    "mine, words",
    [
        (-REFERENCE, "sign flipped"),
        (2 * REFERENCE, "twice as large"),
        (REFERENCE / 2, "half of"),
        (4 * REFERENCE, "is 4 times too large: a sum where a mean is asked for?"),
        (REFERENCE / 4, "is 4 times too small"),
        (0.3 * REFERENCE, "is 0.3 times what is asked for, everywhere"),
        (-4 * REFERENCE, "is -4 times"),
        (REFERENCE + 0.75, r"off by the same amount everywhere, \+0.75"),
        (1 - REFERENCE, "1 minus"),
        (REFERENCE**2, "the square of"),
        (REFERENCE.exp(), "the exponential"),
        (1 / REFERENCE, "1 divided by"),
        (REFERENCE.flip(0), "right numbers in another order"),
        (REFERENCE.int(), "lost what stands behind"),
        (REFERENCE[:, None], r"wrong shape: it has shape \(4, 1\), and shape \(4,\) is asked for"),
        (REFERENCE.tolist(), "right numbers, but is a list, and a tensor"),
        (REFERENCE.numpy(), "a NumPy array, and a tensor"),
        (REFERENCE[:3], r"has shape \(3,\), and shape \(4,\)"),
        (REFERENCE - REFERENCE[:, None], r"\(n,\) meet one of shape \(n, 1\)\?$"),
        (REFERENCE.mean(), "is a single number, .* yours is the mean"),
        (7.0, "is a single number, and shape"),
        (REFERENCE.sum() * 1.0, "yours is the sum"),
        (REFERENCE / torch.tensor([1, 1, 0, 1]), "contains infinity in 1 of 4 places"),
        (torch.tensor([0.5, 1.5, -2.0, float("nan")]), "contains nan in 1 of 4 places"),
        (
            REFERENCE + torch.tensor([0, 0, 0, 0.5]),
            r"is right in 3 of 4 places; farthest off is \[3\], where it is 3.75",
        ),
        ("four", "is a text, and a tensor"),
        ({}, "is a dictionary"),
        ([[1], [1, 2]], "is a list"),
        (1j * REFERENCE, "is a tensor"),
        (torch.zeros(4), "right in 0 of 4 places"),
        (torch.zeros(0), "has shape"),
        ([], "has shape"),
        (lambda: 1 / 0, "stopped with ZeroDivisionError: division by zero"),
        (lambda x: x, "stopped with TypeError"),
        (lambda: exit(3), "stopped with SystemExit"),
    ],
)
def test_what_is_wrong_with_an_array_is_said(capsys, mine, words):
    import re

    sentence = said(capsys, mine, REFERENCE)
    assert sentence.startswith("not right yet: the answer ") and re.search(words, sentence), sentence


@pytest.mark.parametrize(
    "mine, reference, words",
    [
        (2.0, 3.0, "is 2, which is too small"),
        (4.0, 3.0, "too large"),
        (-3.0, 3.0, "sign flipped"),
        (6.0, 3.0, "twice"),
        (1.5, 3.0, "half"),
        (300.0, 3.0, "100 times too large: a sum where a mean"),
        (0.03, 3.0, "100 times too small"),
        (9.0, 3.0, "square of"),
        (3.0**0.5, 3.0, "square root of"),
        (0.7, 0.3, "1 minus"),
        (np.log(3), 3.0, "logarithm"),
        (1 / 3, 3.0, "1 divided by"),
        (float("nan"), 3.0, "nan"),
        (float("inf"), 3.0, "infinity"),
        (0.2, 0.0, "too large"),
        (torch.tensor([3.0]), 3.0, "wrong shape"),
        (torch.tensor([2.0, 4.0]), 3.0, "the mean of what you have"),
        ([1.0, 2.0], 3.0, "the sum of what you have"),
        ("3", 3.0, "is a text, and a number"),
        ("moons", "ring", "another text"),
        (0.0, 3.0, "too small"),
        (object(), 3.0, "object of type object"),
        (MATRIX.T, MATRIX, "transposed: rows"),
        (MATRIX[:2].T, MATRIX[:2], "transposed: it has shape"),
        (torch.tensor([1, 2]), torch.tensor([1.0, 2.0]), "as torch.int64; torch.float32 is asked for"),
        (np.array([1, 2]), np.array([1.0, 2.0]), "as int64; float64"),
        ({"a": 1}, {"a": 2}, "not what is asked for"),
        (torch.tensor([0.7, 0.2]).sqrt(), torch.tensor([0.7, 0.2]), "square root"),
    ],
)
def test_what_is_wrong_with_others_is_said(capsys, mine, reference, words):
    sentence = said(capsys, mine, reference)
    assert sentence.startswith("not right yet: the answer ") and words in sentence, sentence


def test_a_hint_explains_the_value_it_belongs_to_and_no_other(capsys):
    hints = {
        "you divided by n instead of n - 1.": REFERENCE.var(correction=0),
        "you took the root": REFERENCE.std(),
    }
    right = REFERENCE.var()
    assert said(capsys, REFERENCE.var(correction=0), right, hints=hints).endswith(
        "you divided by n instead of n - 1."
    )
    assert said(capsys, REFERENCE.std(), right, hints=hints).endswith("you took the root.")
    assert said(capsys, right, right, hints=hints) == "right: the answer."
    assert "divided" not in said(capsys, right + 1, right, hints=hints)
    paired = {"make one of them a column": REFERENCE - 1}
    assert said(capsys, REFERENCE - 1, torch.zeros(4, 4), hints=paired).endswith("make one of them a column.")
    assert said(capsys, 2.0, 3.0, hints={"not a number": object(), "neither": None}).endswith("too small.")


def test_a_right_answer_is_not_changed(capsys):
    mine = REFERENCE.clone().requires_grad_()
    said(capsys, mine, REFERENCE)
    assert torch.equal(mine, REFERENCE) and mine.requires_grad and mine.grad is None


class Nasty:
    """An object that refuses everything."""

    def _refuse(self, *_, **__):
        raise RuntimeError("no")

    __array__ = __float__ = __len__ = __iter__ = __eq__ = __bool__ = __str__ = __repr__ = __format__ = _refuse
    __hash__ = object.__hash__


ODD = [
    None,
    Nasty(),
    Nasty,
    object,
    object(),
    range(3),
    (i for i in range(3)),
    {1, 2},
    b"abc",
    "\n\n",
    "",
    torch.nn.Linear(2, 2),
    torch.zeros(0),
    torch.zeros(2, 0, 3),
    torch.eye(3).to_sparse(),
    torch.zeros(2, dtype=torch.complex64),
    np.array(["a"]),
    np.array([None]),
    np.array([]),
    np.zeros(()),
    10**400,
    -0.0,
    float("inf"),
    float("nan"),
    1j,
    [[]],
    [None],
    [[1], [1, 2]],
    {"a": Nasty()},
    [Nasty()],
    NotImplemented,
    torch.float32,
    lambda: Nasty(),
    torch.zeros(3, device="meta"),
    Exception("x"),
    True,
    np.bool_(False),
    np.datetime64("2026-01-01"),
    torch.tensor(True),
]


@pytest.mark.parametrize("i", range(len(ODD)))
def test_never_raises_whatever_it_is_given(i, capsys):
    for other in [*ODD, REFERENCE, 3.0]:
        for mine, reference in ((ODD[i], other), (other, ODD[i])):
            said(capsys, mine, reference)
            said(capsys, mine, reference, hints={"odd": mine, "odder": reference})
    compare(ODD[i], 1.0, 2.0)
    compare("name", 1.0, 2.0, hints=ODD[i])
