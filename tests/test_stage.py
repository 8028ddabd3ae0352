"""The stage and the sketchpad: what is sent when, what a reader's input does, and that a drawing becomes a target."""

import base64
import io
import threading

import matplotlib

matplotlib.use("agg")
import numpy as np
import pytest
import torch
from PIL import Image

from helpers import stage, widgets
from helpers.stage import Control, Stage, sketchpad

LOW, HIGH = stage.LIMITS[0]


class Page:
    """Stands for a browser: keeps what a board sends, and answers when it is told to."""

    def __init__(self, board, monkeypatch):
        self.box, self.messages, self.state, self.arrays, self.film = board.box, [], {}, {}, {}
        monkeypatch.setattr(board.box, "send", self.received)

    def received(self, content, buffers):
        self.messages.append(content)
        if "film" in content:
            self.received_film(content, list(buffers))
            return
        self.state |= content["state"]
        if "generation" in content["state"]:
            self.film.clear()
        for name in content["gone"]:
            self.arrays.pop(name, None)
        for head, data in zip(content["arrays"], buffers, strict=True):
            self.arrays[head["name"]] = np.frombuffer(data, head["type"]).reshape(head["shape"])

    def received_film(self, content, buffers):
        assert content["generation"] == self.state["generation"]
        arrays = {}
        for frame in content["film"]:
            new = {head["name"]: np.frombuffer(buffers.pop(0), head["type"]).reshape(head["shape"])
                   for head in frame["arrays"]}
            arrays = arrays | new
            self.film[frame["step"]] = arrays, frame["state"]
        assert not buffers

    def says(self, **content):
        self.box._received(None, content, [])

    def paints(self):
        self.says(kind="painted", frame=self.messages[-1]["frame"])

    def moves(self, name, value=None, order=1.0):
        self.says(kind="control", name=name, value=value, order=order)


def draw(pad, *points, first=True):
    pad._input({"kind": "stroke", "strokes": [{"points": [list(point) for point in points], "first": first}]})


@pytest.fixture
def pad(capsys):
    pad = sketchpad()
    assert capsys.readouterr().out.strip() == pad.sentence  # without a kernel it prints its status line
    return pad


# ---- what is sent, and when


def test_nothing_is_sent_before_a_page_says_hello(pad, monkeypatch):
    page = Page(pad, monkeypatch)
    pad.set(spiral=1)
    assert page.messages == []
    page.says(kind="hello")
    assert len(page.messages) == 1
    assert page.state["sentence"] == pad.sentence and page.state["limits"] == stage.LIMITS
    assert np.allclose(page.arrays["real"], pad.points)


def test_three_messages_at_a_time_and_then_only_the_latest(pad, monkeypatch):
    page = Page(pad, monkeypatch)
    page.says(kind="hello")
    for name in ("spiral", "smile", "clear", "heart", "spiral"):
        page.moves(name)
    assert len(page.messages) == 3, "the page has not painted yet"
    page.paints()
    assert len(page.messages) == 4 and np.allclose(page.arrays["real"], pad.points)
    page.paints()
    assert len(page.messages) == 4, "nothing is new"


def test_a_closed_page_lets_nothing_grow_and_a_new_one_sees_everything(pad, monkeypatch):
    page = Page(pad, monkeypatch)
    page.says(kind="hello")
    for _ in range(50):
        pad.set(heart=pad.controls["heart"].value + 1)
    assert len(page.messages) == 3 and len(pad.box.changed) < 10
    new = Page(pad, monkeypatch)
    new.says(kind="hello")
    assert np.allclose(new.arrays["real"], pad.points) and new.state["values"]["brush"] == 0.2


def test_only_what_changed_travels(monkeypatch):
    box = Stage({"panels": {}, "rows": []}, None)
    sent = []
    monkeypatch.setattr(box, "send", lambda content, buffers: sent.append((content, buffers)))
    still, field = np.zeros((5, 2), np.float32), np.zeros((3, 4), np.uint16)
    box.show({"still": still, "field": field}, sentence="one", values={}, lit=None)
    box._received(None, {"kind": "hello"}, [])
    box._received(None, {"kind": "painted", "frame": 1}, [])
    box.show({"still": still, "field": field + 1}, sentence="two", values={}, lit=None)
    content, buffers = sent[-1]
    assert content["state"] == {"sentence": "two", "values": {}, "order": 0}
    assert content["arrays"] == [{"name": "field", "type": "uint16", "shape": (3, 4)}]
    assert buffers == [(field + 1).tobytes()]
    box._received(None, {"kind": "painted", "frame": 2}, [])
    box.show({"field": None, "empty": np.zeros((0, 2), np.float32)})
    assert sent[-1][0]["gone"] == ["field"] and sent[-1][1] == [b""]


def test_the_page_learns_which_input_was_heard(pad, monkeypatch):
    page = Page(pad, monkeypatch)
    page.says(kind="hello")
    page.paints()
    page.moves("brush", 0.5, order=7.5)
    assert page.state["order"] == 7.5 and page.state["values"]["brush"] == 0.5


def test_no_array_travels_while_the_widget_opens(pad):
    assert "real" not in str(pad.box.get_state().get("spec"))
    assert "export default { render }" in pad.box.get_state()["_esm"]


@pytest.mark.parametrize("control, given, read", [
    (Control("a", "range", "a", 0.2, low=0.05, high=0.8, step=0.05), 0.3, 0.3),
    (Control("a", "range", "a", 0.2, low=0.05, high=0.8, step=0.05), 7, 0.8),
    (Control("a", "number", "a", 3, low=0, high=9), -1, 0),
    (Control("a", "number", "a", 3, low=0, high=9), float("nan"), 3),
    (Control("a", "choice", "a", "x", ("x", "y")), "z", "x"),
    (Control("a", "choice", "a", "x", ("x", "y")), "y", "y"),
    (Control("a", "check", "a", True), 0, False),
])
def test_a_control_takes_only_what_it_can_have(control, given, read):
    value = control.read(given)
    assert value == read and type(value) is type(read)


# ---- the sketchpad


def test_it_is_never_empty_at_first_and_lies_within_its_limits(pad):
    assert pad.points.shape == (900, 2) and pad.points.dtype == torch.float32
    assert pad.points.abs().max() < HIGH
    assert len(pad.figure().axes) == 1


def test_an_example_is_the_same_for_everybody():
    assert torch.equal(sketchpad().points, sketchpad().points)


def test_a_stroke_leaves_no_gaps_however_fast_the_hand(pad):
    pad.set(clear=1, brush=0.2)
    draw(pad, (-2, 0), (2, 0))  # two places only
    across = pad.points[:, 0].sort().values
    assert (across[1:] - across[:-1]).max() < 0.2
    assert pad.points[:, 1].abs().max() <= 0.2 + 1e-6
    assert abs(float(pad.points.mean())) < 0.1


def test_a_stroke_goes_on_where_it_was(pad):
    pad.set(clear=1)
    draw(pad, (-2, 1))
    draw(pad, (-1, 1), first=False)
    between = ((pad.points[:, 0] > -1.7) & (pad.points[:, 0] < -1.3)).sum()
    draw(pad, (2, -2))  # a new stroke, not joined to the first
    assert between > 10
    assert not ((pad.points[:, 0] > 0) & (pad.points[:, 1] > -1)).any()


def test_erase_undo_and_clear(pad):
    before = pad.points
    pad.set(eraser=True, brush=0.8)
    draw(pad, (-3, 1), (3, 1))
    assert 0 < len(pad.points) < len(before) and (pad.points[:, 1] - 1).abs().min() > 0.7
    pad.set(undo=1)
    assert torch.equal(pad.points, before)
    pad.set(clear=1)
    assert len(pad.points) == 0 and "The sketchpad is empty" in pad.sentence
    pad.set(undo=2)
    assert torch.equal(pad.points, before)
    for _ in range(5):
        pad.set(undo=pad.controls["undo"].value + 1)
    assert "nothing more to undo" in pad.sentence and torch.equal(pad.points, before)


def test_the_brush_has_a_size(pad):
    spread = []
    for size in (0.05, 0.8):
        pad.set(clear=pad.controls["clear"].value + 1, brush=size)
        draw(pad, (0, 0))
        spread.append(float(pad.points.norm(dim=1).max()))
    assert spread[0] <= 0.05 < 0.5 < spread[1] <= 0.8


def test_it_gets_full_and_stays_inside(pad):
    pad.set(clear=1, brush=0.05)
    for i in range(40):
        draw(pad, (-9, i / 10 - 2), (9, i / 10 - 2))
    assert len(pad.points) == stage.MOST_DOTS and "is full" in pad.sentence
    assert pad.points.abs().max() <= stage.EDGE


def test_the_drawing_is_a_target(pad):
    pad.set(clear=1, brush=0.1)
    draw(pad, (1, 1), (2, 1))
    target = pad.target()
    assert target.name == "your drawing" and target.dim == 2 and target.limits == stage.LIMITS
    x = target.sample(500, torch.Generator().manual_seed(0))
    assert torch.allclose(x.mean(dim=0), torch.tensor([1.5, 1.0]), atol=0.1)
    assert target.log_density(torch.tensor([[1.5, 1.0]])) > target.log_density(torch.tensor([[-1.5, 1.0]]))
    pad.set(clear=2)  # the target keeps what was drawn
    assert torch.equal(x, target.sample(500, torch.Generator().manual_seed(0)))
    with pytest.raises(ValueError, match="There are only 0 dots on the sketchpad; a target needs at least 20"):
        pad.target()


def test_a_wrong_stroke_is_reported_and_harms_nothing(pad):
    before = pad.points
    pad._input({"kind": "stroke", "strokes": [{"points": "nonsense", "first": True}]})
    assert pad.error is not None and pad.sentence.startswith("This setting failed")
    assert torch.equal(pad.points, before)
    pad.set(spiral=1)
    assert pad.error is None


def test_it_may_be_drawn_on_while_a_cell_runs(pad):
    pad.set(clear=1)
    thread = threading.Thread(target=draw, args=(pad, (0, 0)))
    thread.start()
    thread.join()
    assert len(pad.points) == stage.DOTS


def test_the_sweep_finds_it(pad):
    assert widgets.shown()[-1] is pad
    assert widgets.sweep(pad) == 21
    assert len(pad.points) == 900


def test_without_a_kernel_a_picture_remains(monkeypatch):
    sent = []
    monkeypatch.setattr(widgets, "get_ipython", lambda: object())
    monkeypatch.setattr(widgets, "display", lambda *data, **options: sent.append((data, options)))
    pad = sketchpad()
    (((bundle,), options),) = sent
    assert bundle["text/plain"] == pad.sentence
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == pad.box.model_id
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))).convert("RGB")).astype(int)
    assert (picture[:, :, 2] - picture[:, :, 0] > 60).sum() > 500, "blue points"
    assert options["metadata"]["image/png"] == {"width": 460, "height": 440}
