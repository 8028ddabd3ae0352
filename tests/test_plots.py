import subprocess
import sys
from pathlib import Path

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex

from helpers import distributions
from helpers.networks import mlp
from helpers.plots import (
    PALETTE,
    film_strip,
    finish,
    judge_field,
    loss_curves,
    picture_grid,
    scatter_samples,
    snapshot_view,
    warped_grid,
    warped_grid_lines,
)
from helpers.training import train_gmn


@pytest.fixture
def ax():
    fig, ax = plt.subplots(figsize=(4, 4), layout="constrained")
    yield ax
    fig.canvas.draw()  # whatever a test made can be drawn
    plt.close(fig)


def luminance(colour):
    light = [
        c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in matplotlib.colors.to_rgb(colour)
    ]
    return 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2]


def test_palette_has_one_colour_for_each_meaning_and_dark_enough_ones_for_lines():
    assert set(PALETTE) == {"real", "generated", "discriminator", "noise", "extra", "critic", "muted", "ink"}
    assert len(set(PALETTE.values())) == 8
    assert (PALETTE["real"], PALETTE["generated"], PALETTE["noise"]) == ("#0072B2", "#D55E00", "#009E73")
    for kind in ("real", "generated", "discriminator", "noise", "ink"):
        assert 1.05 / (luminance(PALETTE[kind]) + 0.05) > 3, kind  # WCAG: 3 to 1 against white for graphics


def test_the_kinds_of_samples_differ_in_marker_and_colour(ax):
    looks = set()
    for kind in ("real", "generated", "noise", "extra"):
        x = torch.randn(50, 2, requires_grad=True)
        assert scatter_samples(ax, x, kind, label=kind) is ax
        line = ax.lines[-1]
        assert np.array_equal(line.get_xydata(), x.detach().numpy()) and line.get_label() == kind
        assert line.get_linestyle() == "None" and line.get_color() == PALETTE[kind]
        looks.add((line.get_marker(), line.get_color()))
    assert len({marker for marker, _ in looks}) == len({colour for _, colour in looks}) == 4
    scatter_samples(ax, np.zeros((0, 2)))
    scatter_samples(ax, [[0.0, 1.0]], size=9, alpha=0.2)
    assert ax.lines[-1].get_markersize() == 9 and ax.lines[-1].get_alpha() == 0.2
    assert [text.get_text() for text in ax.legend().get_texts()] == ["real", "generated", "noise", "extra"]


def test_scatter_refuses_other_shapes_and_kinds(ax):
    for shape in ((5,), (5, 3), (5, 2, 1)):
        with pytest.raises(ValueError, match=r"\(n, 2\); got shape"):
            scatter_samples(ax, torch.zeros(shape))
    with pytest.raises(ValueError, match="kind must be one of real"):
        scatter_samples(ax, torch.zeros(5, 2), "fake")
    assert not ax.lines


@pytest.mark.parametrize("channels", [1, 3])
def test_picture_grid_holds_every_pixel_and_pads_with_white(ax, channels):
    rng = torch.Generator().manual_seed(0)
    pictures = torch.rand(7, channels, 5, 4, generator=rng)
    assert picture_grid(ax, pictures, columns=3) is ax
    (image,) = ax.images
    sheet = np.asarray(image.get_array()).reshape(3 * 6 + 1, 3 * 5 + 1, channels)
    white = np.ones(sheet.shape[:2], dtype=bool)
    for i in range(7):  # the slow way: pixel by pixel
        for y in range(5):
            for x in range(4):
                place = (i // 3) * 6 + 1 + y, (i % 3) * 5 + 1 + x
                assert np.array_equal(sheet[place], pictures[i, :, y, x].numpy())
                white[place] = False
    assert (sheet[white] == 1).all() and white.sum() == sheet[..., 0].size - 7 * 20
    assert (image.norm.vmin, image.norm.vmax) == (0, 1) or channels == 3
    if channels == 1:
        assert to_hex(image.cmap(0.0)) == "#000000" and to_hex(image.cmap(1.0)) == "#ffffff"


def test_enlarged_pictures_keep_square_pixels(ax):
    picture_grid(ax, torch.tensor([[[[0.0, 1.0], [1.0, 0.0]]]]))
    ax.figure.canvas.draw()
    drawn = np.asarray(ax.figure.canvas.buffer_rgba())[..., 0]
    assert np.isin(drawn, (0, 255)).mean() > 0.999  # no grey between black and white


def test_picture_grid_with_one_row_titles_and_values_out_of_range(ax):
    picture_grid(
        ax, torch.tensor([-1.0, 0.5, 7.0, float("nan")]).reshape(4, 1, 1, 1).expand(4, 1, 8, 8), titles="abcd"
    )
    sheet = np.asarray(ax.images[0].get_array())
    assert sheet.min() == 0 and sheet.max() == 1 and [text.get_text() for text in ax.texts] == list("abcd")
    assert sheet.shape == (8 + 3 + 1, 4 * 9 + 1)  # no more columns than pictures


def test_picture_grid_refuses_what_is_not_a_batch_of_pictures(ax):
    for shape in ((3, 8, 8), (2, 2, 8, 8), (2, 8, 8, 3), (0, 1, 8, 8)):
        with pytest.raises(ValueError, match="1 or 3 channels; got shape"):
            picture_grid(ax, torch.zeros(shape))
    with pytest.raises(ValueError, match="2 pictures but 3 titles"):
        picture_grid(ax, torch.zeros(2, 1, 4, 4), titles=["a", "b", "c"])
    with pytest.raises(ValueError, match="columns"):
        picture_grid(ax, torch.zeros(2, 1, 4, 4), columns=0)


def test_the_grid_of_the_identity_is_the_grid():
    grid = warped_grid_lines(lambda z: z, -1.0, 1.0, lines=5, points=9)
    assert grid.shape == (2, 5, 9, 2)
    for i, value in enumerate((-1, -0.5, 0, 0.5, 1)):
        assert np.allclose(grid[0, i, :, 0], value) and np.allclose(grid[0, i, :, 1], np.linspace(-1, 1, 9))
        assert np.allclose(grid[1, i, :, 1], value) and np.allclose(grid[1, i, :, 0], np.linspace(-1, 1, 9))


def test_a_linear_map_of_the_grid_is_the_map_of_each_of_its_points():
    matrix, shift = torch.tensor([[1.0, 2.0], [-1.0, 0.5]]), torch.tensor([3.0, -1.0])
    mapped = warped_grid_lines(lambda z: z @ matrix.T + shift, lines=3, points=4)
    plain = warped_grid_lines(lambda z: z, lines=3, points=4)
    for place in np.ndindex(2, 3, 4):
        assert np.allclose(mapped[place], matrix.numpy() @ plain[place] + shift.numpy(), atol=1e-6)


def test_warped_grid_draws_both_directions_apart_and_moves_its_artist(ax):
    weight = torch.nn.Parameter(torch.tensor(2.0))
    assert warped_grid(ax, lambda z: weight * z, lines=4, points=6) is ax
    (artist,) = ax.collections
    segments = artist.get_segments()
    assert len(segments) == 8 and np.allclose(segments[3][-1], (2, 2)) and weight.grad is None
    looks = [(tuple(c), w) for c, w in zip(artist.get_colors(), artist.get_linewidths())]
    assert len(set(looks[:4])) == len(set(looks[4:])) == 1 and looks[0] != looks[4]
    assert ax.get_xlim()[1] >= 2  # all is in view, as long as no limits are set
    assert warped_grid(ax, lambda z: z - 1, lines=4, points=6, artist=artist) is ax
    assert ax.collections[:] == [artist] and np.allclose(artist.get_segments()[0][0], (-1, -1))


def test_a_line_is_interrupted_where_the_transform_gives_no_number(ax):
    def transform(z):
        return torch.where(z[:, :1] > 0.5, float("nan"), torch.where(z[:, :1] == 0, float("inf"), z))

    warped_grid(ax, transform, lines=3, points=5)
    drawn = np.array([segment for segment in ax.collections[0].get_segments() if len(segment) == 5])
    assert np.isfinite(drawn[1:2]).all() and not np.isinf(drawn).any()
    assert np.isfinite(ax.get_xlim()).all()


def test_warped_grid_refuses_other_transforms_and_grids(ax):
    with pytest.raises(ValueError, match=r"it returned shape \(.*, 3\)"):
        warped_grid(ax, lambda z: torch.cat([z, z[:, :1]], 1))
    with pytest.raises(ValueError, match="low < high"):
        warped_grid(ax, lambda z: z, low=1.0, high=0.0)
    with pytest.raises(ValueError, match="at least 2"):
        warped_grid(ax, lambda z: z, lines=1)


def test_finish_gives_the_common_look(ax):
    assert (
        finish(ax, "What?", limits=((-1, 2), (0, 5)), xlabel="x", ylabel="y", equal=True, ticks=False) is ax
    )
    assert ax.get_title(loc="left") == "What?" and ax.get_xlabel() == "x" and ax.get_ylabel() == "y"
    assert ax.get_xlim() == (-1, 2) and ax.get_ylim() == (0, 5) and ax.get_aspect() == 1
    assert not ax.spines["top"].get_visible() and not ax.spines["right"].get_visible()
    assert not ax.spines["left"].get_visible() and len(ax.get_xticks()) == len(ax.get_yticks()) == 0
    ax.plot([-100, 100], [-100, 100])
    assert ax.get_xlim() == (-1, 2)  # the limits stay
    with_ticks = finish(plt.figure().add_subplot())
    assert with_ticks.spines["left"].get_visible() and len(with_ticks.get_xticks()) > 1


def test_finish_takes_limits_for_x_alone_and_refuses_wrong_ones(ax):
    low, high = ax.get_ylim()
    finish(ax, limits=((3, 4),))
    assert ax.get_xlim() == (3, 4) and ax.get_ylim() == (low, high)
    finish(ax, limits=torch.tensor([[0.0, 1.0], [2.0, 3.0]]))
    assert ax.get_ylim() == (2, 3)
    for limits in (((2, 1),), ((0, 1), (0, 1), (0, 1)), (0, 1, 2)):
        with pytest.raises(ValueError, match="limits must be"):
            finish(ax, limits=limits)


def test_nothing_global_is_set():
    program = (
        "import matplotlib as m; m.use('agg'); import torch; a = dict(m.rcParams);"
        "s = torch.random.get_rng_state();"
        "from helpers.plots import *; import helpers.plots as p, matplotlib.pyplot as plt;"
        "fig, ax = plt.subplots();"
        "p.finish(p.warped_grid(p.scatter_samples(ax, torch.zeros(3, 2)), lambda z: z), 'title');"
        "print(a == dict(m.rcParams) and bool((s == torch.random.get_rng_state()).all()))"
    )
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent.parent,
    )
    assert run.stdout.strip() == "True", run.stderr


def run_of(target, dim=2, n_steps=20):
    rng = torch.Generator().manual_seed(0)
    return list(train_gmn(mlp((dim, 8, target.dim), rng), target, rng, 1.0, noise_dim=dim, n_steps=n_steps, every=1,
                          batch_size=8, n_shown=40))


def test_film_strip_shows_first_last_and_more_of_the_beginning():
    film = run_of(distributions.two_moons())
    fig, axes = plt.subplots(1, 5, layout="constrained")
    assert film_strip(axes, film) is axes
    steps = [int(ax.get_title(loc="left").split()[1]) for ax in axes]
    assert steps[0] == 0 and steps[-1] == 20 and steps == sorted(set(steps))
    assert steps[2] < 10  # half of the pictures before half of the run
    for ax, step in zip(axes, steps):
        assert ax.get_xlim() == film[0].limits[0] and ax.get_ylim() == film[0].limits[1]
        assert np.array_equal(ax.lines[-1].get_xydata(), film[step].x_fake.numpy())
    plt.close(fig)


def test_film_strip_takes_one_axes_and_refuses_too_few_snapshots(ax):
    film = run_of(distributions.mixture_1d(), dim=1)
    assert film_strip(ax, film) is ax
    assert ax.get_title(loc="left") == "step 20"
    fig, axes = plt.subplots(2, 3)
    with pytest.raises(ValueError, match="there are 6 axes but only 5 snapshots"):
        film_strip(axes, film[:5])
    plt.close(fig)


def test_histograms_of_a_run_on_the_line_have_area_one(ax):
    film = run_of(distributions.mixture_1d(), dim=1)
    show = snapshot_view(ax, film[0])
    show(film[20])
    for patch in ax.patches:
        values, edges, _ = patch.get_data()
        inside = np.sum(values * np.diff(edges))
        assert 0.9 < inside <= 1 + 1e-6
    show(film[20], layers=("real",))
    assert [patch.get_visible() for patch in ax.patches] == [True, False]


def test_arrows_start_at_the_points_and_follow_the_push(ax):
    film = run_of(distributions.two_moons())
    snapshot_view(ax, film[0], layers=("arrows",))(film[3], ("arrows",), 2.0)
    (quiver,) = [artist for artist in ax.collections if hasattr(artist, "U")]
    assert np.allclose(quiver.get_offsets(), film[3].x_fake)
    assert np.allclose(np.stack([quiver.U, quiver.V], 1), 2 * film[3].push.numpy())


def test_only_one_or_two_dimensions_can_be_drawn(ax):
    film = run_of(distributions.from_points(torch.randn(20, 3)), dim=3, n_steps=1)
    with pytest.raises(ValueError, match="only points of 1 or 2 dimensions can be drawn; these have 3"):
        snapshot_view(ax, film[0])


def test_loss_curves_average_and_mark_a_step(ax):
    losses = torch.tensor([4.0, 2.0, 0.0, 2.0])
    assert loss_curves(ax, losses, average=2, cursor=3, scale="linear") is ax
    assert ax.lines[0].get_xdata().tolist() == [1, 2, 3, 4]
    assert ax.lines[0].get_ydata().tolist() == [4.0, 3.0, 1.0, 1.0]
    assert list(ax.lines[-1].get_xdata()) == [3, 3]


def test_loss_curves_of_several_seeds_are_median_and_band(ax):
    loss_curves(ax, {"five seeds": np.arange(10.0).reshape(5, 2), "one": np.array([1.0, 2.0])}, scale="linear")
    assert ax.lines[0].get_ydata().tolist() == [4.0, 5.0]
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == (0.0, 9.0)
    assert {text.get_text() for text in ax.get_legend().get_texts()} == {"five seeds", "one"}


@pytest.mark.parametrize("values, scale", [
    (np.linspace(1, 2, 50), "linear"), (np.geomspace(1, 0.001, 50), "log"), ([0.0, 0.0], "linear"),
    (np.geomspace(1, 0.001, 50) - 0.002, "symlog"),
])
def test_loss_curves_choose_their_axis(ax, values, scale):
    loss_curves(ax, values)
    assert ax.get_yscale() == scale


@pytest.mark.parametrize("losses, options, sentence", [
    ([1.0, np.nan], {}, "losses must be finite numbers"),
    (np.zeros((2, 2, 2)), {}, "losses must be finite numbers of shape"),
    ({"empty": []}, {}, "empty have shape"),
    ([1.0, 0.0], {"scale": "log"}, "log"),
])
def test_loss_curves_refuse_what_cannot_be_drawn(ax, losses, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        loss_curves(ax, losses, **options)


def field_on(limits, function, rows=21, columns=31):
    xs, ys = np.linspace(*limits[0], columns), np.linspace(*limits[1], rows)
    return function(*np.meshgrid(xs, ys))


def test_judge_field_is_white_at_one_half_with_a_dashed_line_there(ax):
    limits = ((-1.0, 3.0), (0.0, 2.0))
    judge_field(ax, field_on(limits, lambda x, y: (x + 1) / 4), limits)
    image, lines = ax.images[0], ax.collections[0]
    assert min(image.cmap(0.5)) > 0.99
    assert to_hex(image.cmap(0.0)) == PALETTE["generated"].lower() and to_hex(image.cmap(1.0)) == PALETTE["real"].lower()
    assert image.get_clim() == (0, 1)
    (line,) = lines.get_segments()
    assert np.allclose(line[:, 0], 1.0) and sorted(line[[0, -1], 1]) == [0, 2]
    assert image.get_array()[0, 0] == 0 and np.allclose(image.get_extent(), (-1.0 - 2 / 30, 3.0 + 2 / 30, -0.05, 2.05))


def test_judge_field_moves_and_hides(ax):
    limits = ((0.0, 1.0), (0.0, 1.0))
    show = judge_field(ax, field_on(limits, lambda x, y: x), limits)
    show(field_on(limits, lambda x, y: y))
    (line,) = ax.collections[0].get_segments()
    assert np.allclose(line[:, 1], 0.5)
    show(field_on(limits, lambda x, y: 0 * x + 0.9))
    assert ax.collections[0].get_segments() == []
    show(None)
    assert not ax.images[0].get_visible() and not ax.collections[0].get_visible()


def test_a_critics_field_has_another_look_and_labelled_lines(ax):
    limits = ((0.0, 1.0), (0.0, 1.0))
    show = judge_field(ax, field_on(limits, lambda x, y: 6 * x - 20), limits, is_probability=False)
    assert ax.images[0].get_clim() == (-20, -14)
    assert [text.get_text() for text in ax.texts if text.get_text()] == ["-19", "-18", "-17", "-16", "-15"]
    show(field_on(limits, lambda x, y: 0.7 * x - 0.35))  # round numbers, no more decimals than it takes
    assert [text.get_text() for text in ax.texts if text.get_text()] == ["-0.2", "0.0", "0.2"]
    show(field_on(limits, lambda x, y: 0 * x))  # flat: no line to label
    assert not any(text.get_text() for text in ax.texts)
    judge_field(ax.figure.add_subplot(), field_on(limits, lambda x, y: x), limits, is_probability=False, numbers=False)
    assert len(ax.figure.axes[-1].texts) == 0


def test_numbers_of_a_critics_lines_keep_away_from_edges_points_and_each_other(ax):
    limits = ((0.0, 2.0), (0.0, 2.0))
    points = np.array([[0.7, 1.0], [0.7, 1.2], [1.0, 0.4]])
    judge_field(ax, field_on(limits, lambda x, y: 3 * x + np.sin(y)), limits, is_probability=False, clear_of=points)
    places = np.array([text.get_position() for text in ax.texts if text.get_text()])
    apart = np.linalg.norm(places[:, None] - places, axis=2) + 9 * np.eye(len(places))
    assert len(places) >= 3 and places.min() > 0.1 and places.max() < 1.9 and apart.min() > 0.1
    assert np.linalg.norm(places[:, None] - points, axis=2).min() > 0.15


@pytest.mark.parametrize("field", [np.zeros((5, 5)), np.full((21, 31), np.nan)])
def test_judge_field_refuses_what_it_cannot_show(ax, field):
    limits = ((0.0, 1.0), (0.0, 1.0))
    show = judge_field(ax, np.zeros((21, 31)), limits)
    with pytest.raises(ValueError, match="the field must be finite numbers of shape"):
        show(field)
