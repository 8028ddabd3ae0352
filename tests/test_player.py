"""The player: what it offers for which snapshots, what each control changes, what remains without a kernel."""

import base64
import dataclasses
import io
import math

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image

from helpers import distributions, widgets
from helpers.networks import judge, mlp
from helpers.training import train_gan, train_gmn
from helpers.widgets import player, shown, sweep


def film(target=None, dim=2, n_steps=6, **options):
    target, rng = target or distributions.two_moons(), torch.Generator().manual_seed(0)
    return list(train_gmn(mlp((dim, 8, target.dim), rng), target, rng, 1.0, noise_dim=dim, n_steps=n_steps, every=2,
                          batch_size=16, lr=1e-2, n_shown=60, **options))


def gan_film(dim=2, n_steps=40):
    target, rng = distributions.two_moons() if dim == 2 else distributions.mixture_1d(), torch.Generator().manual_seed(0)
    return list(train_gan(mlp((dim, 8, dim), rng), judge((dim, 8, 1), rng), target, rng, noise_dim=dim, n_steps=n_steps,
                          every=20, batch_size=16, lr_discriminator=1e-2, n_shown=60))


PLANE = film()
GAN = gan_film()
LINE = film(distributions.mixture_1d(), dim=1)


def made(*arguments, **options):
    player(*arguments, **options)
    return shown()[-1]


def pixels(stage):
    return np.asarray(Image.open(io.BytesIO(stage.png())).convert("RGB")).astype(int)


def widgets_of(box, kind):
    found = [box] if isinstance(box, kind) else []
    return found + [inner for child in getattr(box, "children", ()) for inner in widgets_of(child, kind)]


def the(stage, description):
    """The control with this text: a button or a check box."""
    found = widgets_of(stage.box, (widgets.ipywidgets.Button, widgets.ipywidgets.Checkbox))
    return next(widget for widget in found if widget.description == description)


@pytest.mark.parametrize("snapshots, layers", [
    (PLANE, ["real", "generated", "grid", "arrows", "loss"]),
    (GAN, ["real", "generated", "field", "grid", "arrows", "loss"]),
    (gan_film(dim=1), ["real", "generated", "field", "loss"]),
    (LINE, ["real", "generated", "loss"]),
    (film(dim=1), ["real", "generated", "arrows", "loss"]),
    (film(n_arrows=0), ["real", "generated", "grid", "loss"]),
])
def test_offers_the_layers_that_there_are(snapshots, layers):
    stage = made(snapshots)
    assert list(stage.controls) == ["snapshot", *layers]
    assert [name for name in layers if stage.values[name]] == ["real", "generated", "loss"]
    assert sweep(stage) == 4 + 3 * len(layers)


def test_every_snapshot_and_every_layer_changes_the_picture():
    stage = made(PLANE, layers=("real", "generated", "grid", "arrows", "loss"))
    seen = [pixels(stage)]
    for change in ({"snapshot": 1}, {"snapshot": 3}, {"real": False}, {"generated": False}, {"grid": False},
                   {"arrows": False}, {"loss": False}):
        stage.set(**change)
        assert stage.error is None
        assert all(np.abs(pixels(stage) - other).sum() > 0 for other in seen), change
        seen.append(pixels(stage))
    assert seen[-1].std() < 20  # axes only


def test_what_moves_equals_a_fresh_drawing():
    stage = made(PLANE, layers=("real", "generated", "grid", "arrows", "loss"))
    for i in (3, 1, 0, 2):
        stage.set(snapshot=i)
        quick = pixels(stage)
        stage.blit.forget()
        assert np.abs(np.asarray(stage.blit.image()).astype(int) - quick).max() <= 8


def test_buttons_go_one_step_and_stop_at_the_ends():
    stage = made(PLANE)
    assert stage.values["snapshot"] == 0
    for name, place in (("one back", 0), ("one forward", 1), ("one forward", 2), ("one forward", 3), ("one forward", 3),
                        ("one back", 2)):
        the(stage, name).click()
        assert stage.values["snapshot"] == place
    (play,) = widgets_of(stage.box, widgets.ipywidgets.Play)
    assert (play.min, play.max, play.interval) == (0, 3, widgets.PLAY_INTERVAL)


def test_the_status_line_says_what_is_seen():
    stage = made(PLANE, describe=lambda snapshot: f"Largest {snapshot.x_fake.max():.1f}.")
    assert stage.sentence == f"Step 0 of 6: not trained yet. Largest {PLANE[0].x_fake.max():.1f}."
    stage.set(snapshot=3)
    assert stage.sentence.startswith(f"Step 6 of 6: loss {PLANE[-1].losses[-1]:.4f}. Largest")


def test_a_run_that_went_wrong_is_shown_as_far_as_it_came():
    last = dataclasses.replace(PLANE[-1], x_fake=torch.full((60, 2), math.nan))
    stage = made([*PLANE[:-1], last], layers=("real", "generated", "grid", "arrows", "loss"))
    stage.set(snapshot=3)
    assert stage.error is None and "no longer finite numbers" in stage.sentence


def test_without_a_kernel_a_film_strip_remains(monkeypatch):
    sent = []
    monkeypatch.setattr(widgets, "get_ipython", lambda: object())
    monkeypatch.setattr(widgets, "display", lambda *data, **options: sent.append((data, options)))
    before = plt.get_fignums()
    assert player(PLANE) is None
    assert plt.get_fignums() == before
    (((bundle,), options),) = sent
    assert set(bundle) == {"text/plain", "image/png", "application/vnd.jupyter.widget-view+json"}
    strip = Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))
    assert 1.5 * strip.height < strip.width <= 900  # pictures in two rows, and the losses
    assert options["metadata"]["image/png"] == {"width": 700, "height": 420}
    player(PLANE)
    assert sent[1][0][0]["image/png"] == bundle["image/png"]  # the same every time


@pytest.mark.parametrize("snapshots, layers, error, sentence", [
    ([], ("real",), ValueError, "player needs at least two snapshots, but there is none"),
    (PLANE[:1], ("real",), ValueError, "player needs at least two snapshots, but there is 1"),
    ([1, 2], ("real",), TypeError, "player shows Snapshots, as from list.*one of these is of type int"),
    ([PLANE[0], LINE[0]], ("real",), ValueError, "the snapshots are not of one run"),
    (PLANE, ("real", "picture"), ValueError, "there is no layer 'picture', only real, generated, field, grid, arrows and loss"),
    (film(distributions.from_points(torch.randn(20, 3)), dim=3), ("real",), ValueError, "1 or 2 dimensions; these have 3"),
])
def test_bad_input_gets_one_sentence(snapshots, layers, error, sentence):
    count = len(shown())
    with pytest.raises(error, match=sentence):
        player(snapshots, layers=layers)
    assert len(shown()) == count


def test_the_judges_field_is_switched_on_and_off():
    stage = made(GAN, layers=("real", "field"))
    with_field = pixels(stage)
    stage.set(field=False)
    without = pixels(stage)
    assert (with_field != without).any(axis=2).mean() > 0.2
    stage.set(field=True, snapshot=2)
    assert (pixels(stage) != with_field).any()


def test_the_judges_loss_is_said_and_drawn():
    stage = made(GAN)
    assert stage.sentence == "Step 0 of 40: not trained yet."
    stage.set(snapshot=2)
    last = GAN[-1]
    assert f"loss {float(last.losses[-2:].mean()):.4f}, of the judge {float(last.judge_losses[-2:].mean()):.4f}" in stage.sentence


@pytest.mark.parametrize("snapshots", [GAN, gan_film(dim=1)])
def test_every_control_of_a_gans_film_works(snapshots):
    sweep(made(snapshots, layers=widgets.LAYERS))
