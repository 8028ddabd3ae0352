"""The theatre: what each control does, what the status line says, and that it plays in an event loop without harm."""

import asyncio
import base64
import io
import math
import time

import matplotlib

matplotlib.use("agg")
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from helpers import distributions, networks, stage, training, widgets
from helpers import theatre as module
from helpers.losses import minimax, modified_minimax, wasserstein
from helpers.stage import sketchpad
from helpers.theatre import theatre
from helpers.training import train_gan
from tests.test_stage import Page

RING, MOONS = distributions.ring(), distributions.two_moons()


class Critic:
    """A loss whose scores are no probabilities."""

    name, is_probability = "critic", False

    def judge(self, scores_real, scores_fake):
        return scores_fake.mean() - scores_real.mean()

    def generator(self, scores_fake):
        return -scores_fake.mean()


def pair(noise_dim=2, seed=3):
    rng = torch.Generator().manual_seed(seed)
    return networks.mlp([noise_dim, 16, 2], rng), networks.judge([2, 16, 1], rng)


def made(*networks, target=RING, **options):
    options = {"batch_size": 32, "n_shown": 100, "noise_dim": 2} | options
    theatre(*(networks or pair(options["noise_dim"])), target, **options)
    return widgets.shown()[-1]


def press(board, *names, times=1):
    for name in names * times:
        board.set(**{name: board.controls[name].value + 1})
    assert board.error is None, board.sentence


def weights(board):
    return [x.detach().clone() for x in board.work.tensors()]


def equal(a, b):
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.fixture(autouse=True)
def quiet(capsys):
    yield
    assert capsys.readouterr().err == ""


# ---- training


def test_play_with_untouched_controls_equals_train_gan():
    board, theirs = made(), pair()
    press(board, "play")
    while board.work.step < 40:
        board._guarded(board._work)
    press(board, "play")
    n = board.work.step
    list(train_gan(*theirs, RING, torch.Generator().manual_seed(0), n_steps=n, batch_size=32))
    assert equal(weights(board), [x for network in theirs for x in network.parameters()])


def test_looking_measuring_and_layers_do_not_change_the_training():
    plain, looked = made(), made(layers=module.LAYERS)
    for i in range(6):
        press(plain, "both")
        press(looked, "both", "measure")
        looked.set(step=i, show_grid=i % 2 == 0, arrow_length="x 10")
    assert equal(weights(plain), weights(looked))


def test_slow_motion_tells_the_six_steps_and_trains_by_one():
    slow, quick = made(), made()
    said = []
    for _ in range(8):
        press(slow, "slow")
        said.append(slow.sentence)
    press(quick, "both")
    for sentence, begin in zip(said, ["1. Initialise: G (82 parameters) and D (65) have random weights.", "2. Generate",
                                      "3. 32 real points are drawn", "4. Classify: D takes", "5. Losses",
                                      "6. Back-propagate, D first", "6. Back-propagate, then G", "Step 1 is done"]):
        assert sentence.startswith(begin)
    assert equal(weights(slow), weights(quick))
    loss = f"{slow.work.moments[1].losses[0]:.3f}"
    assert loss in said[4] and loss in said[5], "the numbers of this very batch"


def test_slow_motion_lights_what_it_speaks_of(monkeypatch):
    board = made(layers=("real", "generated", "field"))
    page = Page(board, monkeypatch)
    page.says(kind="hello")
    seen = []
    for _ in range(8):
        page.paints()
        page.moves("slow")
        seen.append((page.state["lit"], page.state["frozen"], sorted(set(page.arrays) & {"crosses", "arrows"}),
                     len(page.arrays["generated"]), len(page.arrays["real"])))
    lit, frozen, extra, generated, real = zip(*seen)
    assert [flow for flow in lit[1] if "-" in flow] == ["noise-G", "G-generated"]
    assert [flow for flow in lit[5] if ">" in flow] == ["lossD>D"]
    assert [flow for flow in lit[6] if ">" in flow] == ["lossG>D", "D>generated", "generated>G"]
    assert list(frozen) == [[], [], [], [], [], ["G"], ["D"], []]
    assert list(extra) == [[], [], [], ["crosses"], [], [], ["arrows"], []]
    assert generated == (0, 32, 32, 32, 32, 32, 32, 100) and real == (0, 0, 32, 32, 32, 32, 32, 100)


def test_slow_motion_plays_and_another_button_ends_it():
    board = made()
    press(board, "slow_play")
    assert board.slow and board.sentence.startswith("3. ")  # `set` goes on for three slices
    press(board, "slow_play")
    assert not board.slow and board.sentence.startswith("Paused. 3. ")
    press(board, "both")
    assert board.work.step == 2 and board.work.halt is None


@pytest.mark.parametrize("name", ["discriminator", "generator"])
def test_train_one_network_once(name):
    board = made()
    press(board, name, times=3)
    assert board.work.step == 3 and [moment.kind for moment in board.work.moments[1:]] == [name] * 3
    assert f"loss of {name[0].upper()}" in board.sentence
    assert board.sentence.count("loss of") == 1


def test_hyperparameters_take_effect_at_the_next_step():
    board = made(losses={"minimax": minimax, "modified": modified_minimax}, targets={"ring": RING, "moons": MOONS})
    press(board, "both")
    board.set(lr_generator="0 (frozen)", lr_discriminator="0.03", discriminator_steps="5", noise="normal", loss="modified",
              data="moons")
    assert "From the next step on, data: moons" in board.sentence
    before = [x.detach().clone() for x in board.work.generator.parameters()]
    press(board, "both")
    used = board.work.moments[-1].settings
    assert (used.lr_generator, used.lr_discriminator, used.discriminator_steps) == (0, 0.03, 5)
    assert (used.noise, used.loss, used.target) == ("normal", modified_minimax, MOONS)
    assert equal(before, list(board.work.generator.parameters())), "a learning rate of 0 freezes"


def test_diverged_training_says_so_and_reset_helps():
    board = made(lr_generator=1e18, lr_discriminator=1e18)
    press(board, "play")
    for _ in range(50):
        board._guarded(board._work)
    assert not board.playing and board.error is None
    assert board.sentence.startswith("The training has diverged and stands still") and "Press reset" in board.sentence
    board.set(lr_generator="0.001", lr_discriminator="0.001")
    press(board, "reset")
    press(board, "both", times=3)
    assert board.work.step == 3 and "diverged" not in board.sentence


def test_a_mistake_in_the_learners_loss_stops_it_with_a_sentence():
    class Wrong(Critic):
        def generator(self, scores_fake):
            return scores_fake.nothing if scores_fake.requires_grad and len(scores_fake) == 32 else scores_fake.mean()

    board = made(loss=Wrong())
    before = weights(board)
    board.set(play=1)
    assert not board.playing and board.sentence.startswith("This setting failed: AttributeError")
    assert board.work.step == 0 and equal(before, weights(board))


# ---- the way back


def test_every_step_is_shown_again_and_gone_on_from():
    board = made()
    states = [weights(board)]
    for _ in range(25):
        press(board, "both")
        states.append(weights(board))
    board.set(step=13)
    assert board.sentence.startswith("Step 13 of 25: loss of D")
    assert equal(weights(board), states[25]), "looking back changes nothing"
    press(board, "go_on")
    assert equal(weights(board), states[13]) and board.work.step == 13
    press(board, "both")
    assert equal(weights(board), states[14]), "the same random numbers come again"


def test_play_from_an_earlier_step_shows_the_record_first():
    board = made()
    press(board, "both", times=20)
    board.set(step=2, speed="25 steps a second")
    board.set(play=1)
    assert board.shown == 5 and board.work.step == 20
    press(board, "play")
    press(board, "both")
    assert board.work.step == 21 == board.shown


def test_reset_gives_the_very_same_run_and_another_seed_another_one():
    board = made()
    press(board, "both", times=5)
    first = weights(board)
    press(board, "reset")
    assert board.sentence.startswith("Reset to seed 0, with the first weights. Step 0 of 0: not trained yet")
    press(board, "both", times=5)
    assert equal(first, weights(board))
    board.set(seed=7)
    press(board, "reset")
    assert "Reset to seed 7, with new random weights." in board.sentence
    press(board, "both", times=5)
    other = weights(board)
    assert not equal(first, other)
    press(board, "reset")
    press(board, "both", times=5)
    assert equal(other, weights(board))


def test_a_reset_says_which_parameters_have_no_new_values():
    class Shifted(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.shift = nn.Linear(2, 2), nn.Parameter(torch.zeros(2))

        def forward(self, z):
            return self.inner(z) + self.shift

    board = made(Shifted(), pair()[1])
    board.set(seed=1)
    press(board, "reset")
    assert "(but shift as at first: their modules have no reset_parameters)" in board.sentence


# ---- what is seen


@pytest.mark.parametrize("noise_dim, grid", [(1, (1, 1, 201, 2)), (2, (2, 13, 31, 2)), (5, None)])
def test_what_is_drawn(monkeypatch, noise_dim, grid):
    board = made(noise_dim=noise_dim, layers=("real", "generated", "field", "arrows", "grid"), n_arrows=30)
    page = Page(board, monkeypatch)
    page.says(kind="hello")
    shapes = {name: array.shape for name, array in page.arrays.items()}
    assert shapes["real"] == shapes["generated"] == (100, 2) and shapes["field"] == (60, 60)
    assert shapes["arrows"] == (30, 4) and shapes.get("grid") == grid
    board.work.put(board.work.moments[0].weights, board.shadow)
    look = board._eyes(board.settings())
    with torch.no_grad():
        assert np.allclose(page.arrays["generated"], board.work.generator(look.z), atol=1e-6)
        corner = torch.sigmoid(board.work.discriminator(torch.tensor([[side[0] for side in board.limits]])))
    assert abs(page.arrays["field"][0, 0] / 65535 - corner.item()) < 1e-4, "row by row from below"
    expected = training.gan_push(board.work.discriminator, minimax, torch.tensor(page.arrays["generated"]))[:30]
    assert np.allclose(page.arrays["arrows"][:, 2:], expected, atol=1e-5)
    assert np.array_equal(page.arrays["arrows"][:, :2], page.arrays["generated"][:30])
    for name in ("real", "generated", "field", "arrows"):
        page.paints()
        page.moves(f"show_{name}", False)
        assert name not in page.arrays


def test_limits_never_change_whatever_is_chosen(monkeypatch):
    pad = sketchpad()
    board = made(targets={"ring": RING, "moons": MOONS, "your drawing": pad})
    assert board.limits[0] == (-3, 3) and board.limits[1][1] >= MOONS.limits[1][1]
    page = Page(board, monkeypatch)
    page.says(kind="hello")
    for name in board.targets:
        page.paints()
        page.moves("data", name)
        assert page.state["limits"] == board.limits


def test_a_critic_gets_another_scale_and_other_words(monkeypatch):
    board = made(loss=Critic())
    page = Page(board, monkeypatch)
    page.says(kind="hello")
    low, high = page.state["field_range"]
    assert not page.state["field_is_probability"] and low < high
    assert page.arrays["field"].min() == 0 and page.arrays["field"].max() == 65535
    assert "mean score" in board.sentence and page.state["table"][1][0] == "mean score"
    for _ in range(4):
        press(board, "slow")
    assert board.sentence.startswith("4. Grade: the mean score is")


def test_the_numbers_in_the_table_are_those_of_the_points(monkeypatch):
    board = made()
    press(board, "both", times=3)
    look = board._eyes(board.settings())
    with torch.no_grad():
        scores = [board.work.discriminator(x) for x in (look.x_real, board.work.generator(look.z))]
    right = [(scores[0] > 0).float().mean(), (scores[1] <= 0).float().mean()]
    assert "D is right on {:.0f} % of real and {:.0f} % of generated points".format(*(100 * x for x in right)) in board.sentence
    page = Page(board, monkeypatch)
    page.says(kind="hello")
    assert page.state["table"][2] == ["mean of D", *(f"{scores.sigmoid().mean():.2f}" for scores in scores)]


def test_wasserstein_is_measured_on_request_and_kept(monkeypatch):
    board = made()
    page = Page(board, monkeypatch)
    page.says(kind="hello")
    assert "Wasserstein" not in str(page.state["table"])
    page.paints()
    page.moves("measure")
    assert page.state["table"][-1][0] == "Wasserstein-1 (floor)"
    distance, floor = board.work.moments[0].distance
    assert 0 < floor < distance
    press(board, "both")
    assert "Wasserstein" not in str(board.box.state["table"])
    board.set(step=0)
    assert f"{distance:.3f} ({floor:.3f})" in str(board.box.state["table"])


@pytest.mark.parametrize("steps", [1, 5, 399, 400, 401, 1234])
def test_long_curves_are_thinned_without_bending_them(steps):
    losses = np.full((3, steps + 1), np.nan, dtype=np.float32)
    losses[0] = np.arange(steps + 1)
    losses[1, 1:], losses[2, 1:] = np.arange(1, steps + 1), 7
    thin = module._thinned(losses)
    assert thin.shape[1] <= 400 and thin.dtype == np.float32 and np.isfinite(thin).all()
    assert np.allclose(thin[0], thin[1]) and (thin[2] == 7).all() and thin[0, -1] >= steps - steps / 100
    losses[1, 1:] = math.nan  # only the generator was trained
    assert np.isnan(module._thinned(losses)[1]).all()


def test_old_steps_are_shown_from_their_pictures(monkeypatch):
    from helpers import rehearsal

    board = made(layers=module.LAYERS)
    monkeypatch.setattr(rehearsal, "RECENT", 5)
    monkeypatch.setattr(rehearsal, "MEMORY", 0)
    press(board, "both", times=30)
    assert board.work.moments[4].weights is None and board.work.moments[3].picture is None
    page = Page(board, monkeypatch)
    page.says(kind="hello")
    board.set(step=4)
    page.paints()
    assert board.sentence.startswith("Step 4 of 30") and "picture is that of" not in board.sentence
    assert set(module.LAYERS) <= set(page.arrays) and page.arrays["generated"].dtype == np.float32
    board.set(step=3)
    assert "(The picture is that of step 2.)" in board.sentence
    board.set(step=15)
    press(board, "go_on")
    assert board.sentence.startswith("Both networks are again as after step 0; play goes on from here. (For step 15 the full")
    press(board, "both", times=9)
    board.set(step=3)
    press(board, "go_on")
    assert board.sentence.startswith("Both networks are again as after step 3;") and "picture is that" not in board.sentence
    press(board, "both")
    assert "changed outside" not in board.sentence


# ---- the film


@pytest.fixture
def filmed(monkeypatch):
    """A theatre with 30 recorded steps and an open page that keeps what is sent ahead."""
    board = made(layers=module.LAYERS, losses={"minimax": minimax, "critic": Critic()})
    press(board, "both", times=30)
    page = Page(board, monkeypatch)
    page.says(kind="hello")
    page.paints()
    return board, page


def roll(board, page, times=60):
    """Sends the film as far as it goes, as if the page stood still for a while."""
    for _ in range(times):
        board.looked = -math.inf
        board._film()
        page.paints()


def test_frames_sent_ahead_are_the_exact_answers(filmed):
    board, page = filmed
    roll(board, page)
    assert set(page.film) == set(range(31))
    for step in (0, 7, 29):
        page.moves("step", step)
        page.paints()
        arrays, scale = page.film[step]
        assert set(arrays) == set(module.LAYERS)
        for name, array in arrays.items():
            assert array.dtype == page.arrays[name].dtype and np.array_equal(array, page.arrays[name]), (step, name)
        assert page.state["recorded"] and scale == {name: page.state[name] for name in scale}


def test_the_neighbours_come_first_and_where_the_reader_goes(filmed):
    board, page = filmed
    page.moves("step", 20)
    page.paints()
    board._film()
    first = [frame["step"] for frame in page.messages[-1]["film"]]
    expected = [19, 21, *range(18, -1, -1)]  # a quick machine sends more of them at once than a slow one
    assert len(first) > 0 and first[:len(expected)] == expected[:len(first)], "back from 30"
    roll(board, page, times=1)
    page.moves("step", 21)
    assert board._coming()[0][0] == 22


def test_a_long_run_is_spread_evenly_after_a_rest(filmed, monkeypatch):
    board, page = filmed
    monkeypatch.setattr(module, "AHEAD", 3)
    monkeypatch.setattr(module, "SPREAD", 10)
    board.looked = math.inf  # the reader has just done something
    for _ in range(5):
        board._film()
        page.paints()
    assert set(page.film) == {28, 29}
    roll(board, page)
    assert set(page.film) == {*range(0, 30, 4), 28, 29}


@pytest.mark.parametrize("act", [
    lambda board: press(board, "reset"), lambda board: press(board, "go_on"), lambda board: board.set(show_grid=False),
    lambda board: board.set(noise="normal"), lambda board: board.set(loss="critic"),
    lambda board: board.set(arrow_length="x 10")])
def test_a_stale_film_is_forgotten(filmed, act):
    board, page = filmed
    roll(board, page)
    board.set(step=12)
    page.paints()
    before = page.state["generation"]
    act(board)
    assert page.state["generation"] > before and page.film == {}, "it arrives with the new picture"
    assert set(board.box.filmed) <= {board.shown}
    roll(board, page)
    for step in [step for step in (3, 11) if step <= board.work.step]:
        page.moves("step", step)
        page.paints()
        assert all(np.array_equal(array, page.arrays[name]) for name, array in page.film[step][0].items())
        assert set(page.film[step][0]) == set(board._on())


def test_a_picture_that_will_not_come_again_is_not_kept(filmed):
    board, page = filmed
    assert page.state["recorded"]
    page.moves("loss", "critic")  # the last step is shown as the critic sees it, but was trained by minimax
    assert not page.state["recorded"]
    page.paints()
    roll(board, page)
    assert 30 not in page.film and 30 not in board.box.filmed
    page.moves("slow")
    assert not page.state["recorded"], "a halt shows a batch"


def test_no_film_while_something_is_under_way_or_nobody_looks(filmed):
    board, page = filmed
    press(board, "play")
    page.paints()
    count = len(page.messages)
    board._film()
    assert len(page.messages) == count, "it plays"
    press(board, "play")
    for _ in range(9):  # the page is closed now: it does not answer
        board.looked = -math.inf
        board._film()
    assert sum("film" in message for message in page.messages) <= 1 and len(page.messages) <= count + 3
    nobody = made()
    press(nobody, "both", times=3)
    sent = []
    nobody.box.send = lambda *message: sent.append(message)
    nobody._film()
    assert sent == [], "no page has opened yet"


def test_the_film_is_bounded_and_a_new_page_gets_its_own(filmed, monkeypatch):
    board, page = filmed
    roll(board, page, times=1)
    monkeypatch.setattr(stage, "FILM", 20 * max(board.box.filmed.values()))
    roll(board, page)
    assert 10 <= len(board.box.filmed) <= 20 and sum(board.box.filmed.values()) <= stage.FILM
    count = len(page.messages)
    roll(board, page)
    assert len(page.messages) == count, "frames do not go and come for ever"
    monkeypatch.setattr(stage, "FILM", 1000)
    roll(board, page)
    assert len(page.messages) == count, "there is room for none"
    monkeypatch.undo()
    page = Page(board, monkeypatch)
    page.says(kind="hello")
    assert board.box.filmed == {}
    page.paints()
    board._film()
    assert page.film and set(page.film) == set(board.box.filmed)


def test_the_film_comes_by_itself_in_the_event_loop(filmed):
    board, page = filmed
    received = page.received

    def paints_at_once(content, buffers):
        received(content, buffers)
        board.loop.call_soon(lambda: page.says(kind="painted", frame=content["frame"]))

    def begin():
        board.box.send = paints_at_once
        page.moves("step", 15)

    run_for(board, 1.0, begin)
    assert set(page.film) | {15} == set(range(31))
    assert not board.rolling, "when all is sent, nothing goes on"


# ---- data from the sketchpad


def test_it_trains_on_a_drawing_as_it_is_when_chosen_and_on_reset():
    pad = sketchpad()
    board = made(targets={"ring": RING, "your drawing": pad})
    board.set(data="your drawing")
    first = board.target
    assert torch.equal(first.sample(9, torch.Generator().manual_seed(0)), pad.target().sample(9, torch.Generator().manual_seed(0)))
    press(board, "both")
    pad.set(spiral=1)
    press(board, "both")
    assert board.target is first
    press(board, "reset")
    assert board.target is not first
    pad.set(clear=1)
    board.set(data="ring")
    board.set(data="your drawing")
    assert "There are only 0 dots on the sketchpad" in board.sentence and board.error is not None
    assert board.controls["data"].value == "ring" and board.target is RING
    board.set(play=board.controls["play"].value + 1)
    board.set(data="your drawing", show_field=False)
    assert board.error is not None, "neither a later control nor what plays on hides it"
    assert board.controls["show_field"].value
    board.pause()


def test_a_sketchpad_alone_is_a_target():
    board = made(target=sketchpad())
    assert board.target.name == "your drawing" and "data" not in board.controls


# ---- in a notebook


def run_for(board, seconds, at_once=None):
    """Lets the event loop run; returns the longest time in which nothing else could."""
    async def watch():
        board.loop = asyncio.get_running_loop()
        end, longest = time.perf_counter() + seconds, 0.0
        if at_once:
            at_once()
        while (now := time.perf_counter()) < end:
            await asyncio.sleep(0.001)
            longest = max(longest, time.perf_counter() - now)
        board.loop = None
        return longest

    return asyncio.run(watch())


def start(board):
    board._input({"kind": "control", "name": "play", "value": None, "order": 1.0})


def test_it_plays_in_the_event_loop_and_the_loop_stays_alive():
    board = made()
    run_for(board, 0.5, lambda: start(board))
    assert board.playing and board.work.step > 3
    steps = board.work.step
    run_for(board, 0.5, lambda: start(board))  # the second press pauses; then comes what takes longer
    assert not board.playing and board.work.step == steps and board.sentence.startswith("Paused.")
    assert board.work.moments[-1].distance is not None


def test_speed_is_a_promise():
    board = made()
    board.set(speed="5 steps a second")
    run_for(board, 0.7, lambda: start(board))
    assert 1 <= board.work.step <= 5


def test_a_press_from_another_thread_waits_for_the_main_one():
    board = made()

    def elsewhere():
        board.loop.run_in_executor(None, board._input, {"kind": "control", "name": "both", "value": None, "order": 1.0})

    run_for(board, 0.3, elsewhere)
    assert board.work.step == 1


def test_another_cell_pauses_all_theatres_and_says_so():
    boards = [made(), made()]
    for board in boards:
        press(board, "play")
    steps = [board.work.step for board in boards]
    module._pause_all()
    assert [board.playing for board in boards] == [False, False]
    assert all(board.sentence.startswith("Paused, because another cell was run") for board in boards)
    assert steps == [board.work.step for board in boards]


def test_two_theatres_do_not_disturb_each_other():
    alone, one, two = made(), made(), made()
    for board in (one, two):
        press(board, "play")
    while min(one.work.step, two.work.step, alone.work.step) < 12:
        for board in (one, two):
            board._guarded(board._work)
        press(alone, "both")
    for board in (one, two):
        press(board, "play")
        board.work.go_to(12)
    alone.work.go_to(12)
    assert equal(weights(one), weights(alone)) and equal(weights(two), weights(alone))


def test_two_theatres_with_the_same_networks_take_turns():
    shared = pair()
    one, two = made(*shared), made(*shared)
    press(one, "play")
    ours = weights(one)
    steps = one.work.step
    press(two, "both")
    assert not one.playing and one.sentence.startswith("Paused, because another theatre trains the same networks")
    assert two.sentence.startswith("The networks had been changed outside; they are again as they were here.")
    press(one, "both")
    assert "changed outside" in one.sentence and one.work.step == steps + 1
    one.work.go_to(steps)
    assert equal(weights(one), ours)


def test_a_page_that_does_not_answer_does_not_stop_the_training(monkeypatch):
    board = made()
    page = Page(board, monkeypatch)
    page.says(kind="hello")
    press(board, "play")
    for _ in range(5):
        board._guarded(board._work)
    assert board.work.step > 5 and len(page.messages) == 3
    monkeypatch.setattr(module, "UNSEEN", -1)
    board._guarded(board._work)
    assert not board.playing and "no page has shown this" in board.sentence


def test_the_sweep_tries_every_control():
    pad = sketchpad()
    board = made(losses={"minimax": minimax, "critic": Critic()}, targets={"ring": RING, "pad": pad}, layers=module.LAYERS)
    assert widgets.shown()[-1] is board
    tried = widgets.sweep(board)
    assert tried > 70 and set(board.controls) >= {"play", "slow", "slow_play", "reset", "step", "go_on", "loss", "data"}


def test_without_a_kernel_a_picture_remains(monkeypatch):
    sent = []
    monkeypatch.setattr(widgets, "get_ipython", lambda: object())
    monkeypatch.setattr(widgets, "display", lambda *data, **options: sent.append((data, options)))
    for _ in range(2):
        assert theatre(*pair(), RING) is None
    (((bundle,), options), ((again,), _)) = sent
    assert bundle["text/plain"].startswith("Ready: press play")
    assert bundle["image/png"] == again["image/png"], "the same every time"
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))).convert("RGB"))
    assert picture.std() > 20 and options["metadata"]["image/png"] == {"width": 480, "height": 440}


@pytest.mark.parametrize("networks, options, error, sentence", [
    ((1, pair()[1]), {}, TypeError, "generator must be a torch.nn.Module"),
    ((pair()[0], nn.Linear(2, 1)), {}, ValueError, "must return one score for each point"),
    (pair(), {"noise_dim": 3}, ValueError, "the generator does not take noise"),
    (pair(), {"target": distributions.mixture_1d()}, ValueError, "theatre shows points in the plane"),
    (pair(), {"target": 5}, TypeError, "target must be a Target"),
    (pair(), {"layers": ("real", "picture")}, ValueError, "there is no layer 'picture'"),
    (pair(), {"lr_generator": 0}, ValueError, "lr_generator"),
    (pair(), {"batch_size": 0}, ValueError, "batch_size"),
    (pair(), {"seed": -1}, ValueError, "seed"),
    (pair(), {"loss": 3}, TypeError, "loss"),
])
def test_bad_input_gets_one_sentence(networks, options, error, sentence):
    count = len(widgets.shown())
    with pytest.raises(error, match=sentence):
        made(*networks, **options)
    assert len(widgets.shown()) == count


# ---- a critic and its restraints


@pytest.mark.parametrize("restraint", [dict(clip=0.1), dict(penalty=1.0), dict(clip=0.25, penalty=0.5)], ids=str)
def test_a_restrained_critic_plays_as_train_gan_trains_it(restraint):
    board, theirs = made(loss=wasserstein, discriminator_steps=2, **restraint), pair()
    press(board, "both", times=12)
    rng = torch.Generator().manual_seed(0)
    list(train_gan(*theirs, RING, rng, wasserstein, n_steps=12, batch_size=32, every=12, n_shown=100, n_arrows=0, discriminator_steps=2, **restraint))
    assert equal(weights(board), [x for network in theirs for x in network.parameters()])
    board.set(step=6)
    press(board, "go_on", *["both"] * 6)
    assert equal(weights(board), [x for network in theirs for x in network.parameters()]), "the way back knows the restraint"


def test_restraint_menus_are_there_for_a_critic_only_and_act_from_the_next_step():
    assert not {"clip", "penalty"} & set(made().controls)
    board = made(loss=wasserstein)
    assert board.controls["clip"].value == board.controls["penalty"].value == "off"
    press(board, "both")
    assert max(x.abs().max() for x in board.work.discriminator.parameters()) > 0.01
    board.set(clip="0.01")
    assert "From the next step on, clip weights at: 0.01" in board.sentence
    press(board, "both")
    assert max(x.abs().max() for x in board.work.discriminator.parameters()) <= 0.01 + 1e-9
    board.set(penalty="10")
    press(board, "slow", times=6)
    assert "down the gradient penalty too (weight 10), and its weights are clipped to [-0.01, 0.01]" in board.sentence


@pytest.mark.parametrize("wrong, sentence", [(dict(clip=-1), "clip, the bound"), (dict(penalty=-1), "penalty, its weight")])
def test_restraints_that_make_no_sense_are_refused(wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        made(loss=wasserstein, **wrong)
