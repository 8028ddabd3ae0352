"""Claims about helpers/puppies.py: the drawing, the litters, and the network that reads them."""

import hashlib
import importlib.util
import itertools
import pathlib
import subprocess
import sys

import pytest
import torch

from helpers import puppies
from helpers.puppies import FACTORS, N_FACTORS, N_LITTERS, draw_puppies, litter, litter_name, litter_of

ROOT = pathlib.Path(__file__).parent.parent
CONTINUOUS = FACTORS[4:]


def uniform(n, seed):
    return torch.rand(n, N_FACTORS, generator=torch.Generator().manual_seed(seed))


def middle(**factors):
    """One puppy with every factor at 1/2 but those named."""
    u = torch.full((1, N_FACTORS), .5)
    for name, value in factors.items():
        u[0, FACTORS.index(name)] = value
    return u


# ---- the drawing


@pytest.mark.parametrize("size", [8, 31, 32, 63, 64, 100, 101])
def test_pictures_are_float32_of_the_asked_size_in_0_1(size):
    pictures = draw_puppies(uniform(6, 1), size)
    assert pictures.shape == (6, 3, size, size) and pictures.dtype == torch.float32
    assert pictures.min() >= 0 and pictures.max() <= 1


def test_an_empty_batch_gives_no_pictures_and_no_litters():
    nothing = torch.empty(0, N_FACTORS)
    assert draw_puppies(nothing, 32).shape == (0, 3, 32, 32)
    assert litter(nothing).shape == (0,)
    assert litter_of(torch.empty(0, 3, 32, 32)).shape == (0,)


def test_corners_of_the_cube_of_factors_are_drawn_without_nan():
    corners = (uniform(64, 2) > .5).float()
    corners[0], corners[1] = 0, 1
    pictures = draw_puppies(corners, 48)
    assert torch.isfinite(pictures).all()
    assert pictures.flatten(1).std(1).min() > .1  # none is blank


@pytest.mark.parametrize("size", [32, 100])
def test_a_picture_depends_on_its_own_row_alone(size):
    u = uniform(40, 3)
    together = draw_puppies(u, size)
    assert torch.equal(together, draw_puppies(u, size))
    torch.testing.assert_close(together.flip(0), draw_puppies(u.flip(0), size), atol=2e-6, rtol=0)
    alone = torch.cat([draw_puppies(row[None], size) for row in u[:8]])
    torch.testing.assert_close(together[:8], alone, atol=2e-6, rtol=0)


def test_drawing_leaves_u_alone_and_takes_float64():
    u = uniform(4, 4)
    before = u.clone()
    pictures = draw_puppies(u, 32)
    assert torch.equal(u, before)
    assert torch.equal(draw_puppies(u.double(), 32), pictures)


@pytest.mark.parametrize("size", [16, 32, 64, 100])
def test_a_small_picture_is_the_area_average_of_a_large_one(size):
    u = uniform(20, 5)
    large = torch.nn.functional.avg_pool2d(draw_puppies(u, size * 4), 4)
    difference = (draw_puppies(u, size) - large).abs()
    assert difference.mean() < .009 and difference.max() < .35  # with jagged edges: over .013 and .39


def test_signed_distance_of_an_ellipse_agrees_with_a_search_over_its_edge():
    angle = torch.linspace(0, 2 * torch.pi, 4001)
    edge = torch.stack([.3 + .5 * angle.cos(), -.2 + .35 * angle.sin()], 1)
    points = torch.rand(400, 2, generator=torch.Generator().manual_seed(6)) * 2 - 1
    nearest = torch.cdist(points, edge).min(1).values
    d = puppies._ellipse(points[:, 0], points[:, 1], .3, -.2, .5, .35)
    inside = (((points - torch.tensor([.3, -.2])) / torch.tensor([.5, .35])) ** 2).sum(1) < 1
    assert torch.equal(d < 0, inside)
    near = nearest < .1
    assert near.sum() > 50 and (d.abs() - nearest)[near].abs().max() < .02
    assert puppies._ellipse(torch.zeros(1), torch.zeros(1), 0, 0, .5, .3) < -.3  # the centre itself is inside


def test_signed_distance_of_a_capsule_agrees_with_a_search_over_its_axis():
    axis = torch.stack([torch.linspace(-.4, .5, 2001), torch.linspace(.1, .6, 2001)], 1)
    points = torch.rand(300, 2, generator=torch.Generator().manual_seed(7)) * 2 - 1
    d = puppies._capsule(points[:, 0], points[:, 1], (-.4, .1), (.5, .6), .2, .2)
    torch.testing.assert_close(d, torch.cdist(points, axis).min(1).values - .2, atol=1e-4, rtol=0)


def test_smooth_edges_keep_the_area_of_a_disc():
    ticks = (torch.arange(50) + .5) / 25 - 1
    cover = puppies._inside(puppies._ellipse(ticks, ticks[:, None], 0, 0, .6, .6), 3 / 50)
    assert abs(cover.sum() / 25 ** 2 - torch.pi * .36) < .01
    assert ((cover > .01) & (cover < .99)).sum() > 50  # there are pixels between in and out


# ---- what the factors do


@pytest.mark.parametrize("name", CONTINUOUS)
def test_a_continuous_factor_moves_the_picture_smoothly_and_keeps_the_litter(name):
    column = FACTORS.index(name)
    u = uniform(12, 8).clamp(.01, .98)
    start, litters = draw_puppies(u, 64), litter(u)
    changes = []
    for step in (.008, .004, .002):
        moved = u.clone()
        moved[:, column] += step
        assert torch.equal(litter(moved), litters)
        changes.append((draw_puppies(moved, 64) - start).abs().mean((1, 2, 3)))
    assert changes[0].min() > 1e-6  # it does something, for every puppy
    for larger, smaller in zip(changes, changes[1:]):  # half the step, about half the change: no jumps
        assert (smaller < .75 * larger + 2e-6).all()
    ends = [u.clone(), u.clone()]
    ends[0][:, column], ends[1][:, column] = 0, 1
    assert torch.equal(litter(ends[0]), litters) and torch.equal(litter(ends[1]), litters)
    assert (draw_puppies(ends[0], 64) - draw_puppies(ends[1], 64)).abs().amax((1, 2, 3)).min() > .1


def changed(name):
    """Mask (100, 100) of the pixels that differ between the two ends of one factor, the others at 1/2."""
    return ((draw_puppies(middle(**{name: 0.})) - draw_puppies(middle(**{name: 1.}))).abs() > 1e-4).any(1)[0]


@pytest.mark.parametrize("name, rows, columns", [
    ("tongue", (60, 92), (35, 65)), ("eye_patch", (25, 70), (45, 80)), ("gaze_x", (35, 65), (25, 75)),
    ("gaze_y", (35, 65), (25, 75)), ("eye_distance", (25, 65), (20, 80))])
def test_a_local_factor_changes_only_its_own_place(name, rows, columns):
    mask = changed(name)
    assert mask.sum() > 40
    inside = mask[rows[0]:rows[1], columns[0]:columns[1]].sum()
    assert inside == mask.sum()


def test_background_and_coat_do_not_mix():
    for name in ("background_hue", "background_light"):
        mask = changed(name)
        assert mask[:15].all() and not mask[45:62, 40:60].any()  # the sky, not the face
    assert not changed("coat_shade")[:15].any()
    assert not changed("coat")[:10, :10].any()


def test_position_size_and_tilt_move_the_nose_as_they_should():
    def darkest_in_muzzle(**factors):
        picture = draw_puppies(middle(coat=.3, **factors)).sum(1)[0]  # white coat, dark nose
        dark = (picture < .5).float()
        dark = torch.nn.functional.avg_pool2d(dark[None, None], 7, 1, 3)[0, 0]
        dark[:58] = 0  # below the eyes
        row, column = divmod(int(dark.argmax()), 100)
        return row, column

    row, column = darkest_in_muzzle()
    assert abs(column - 49.5) < 2
    assert darkest_in_muzzle(position_x=1.)[1] - column in range(6, 11)
    assert darkest_in_muzzle(position_y=1.)[0] - row in range(2, 5)


def test_a_larger_puppy_covers_more_of_the_background():
    def background(size):
        first, second = (draw_puppies(middle(size=size, background_hue=hue)) for hue in (.2, .8))
        return ((first - second).abs() > .02).any(1).float().mean()

    assert background(0.) - background(1.) > .08


def test_a_positive_tilt_mirrors_a_negative_one_in_outline():
    left, right = middle(head_tilt=0.), middle(head_tilt=1.)
    mirrored = draw_puppies(right).flip(3)
    assert (draw_puppies(left) - mirrored).abs().mean() < .03  # all but tuft, light and glints is symmetrical
    assert (draw_puppies(left) - draw_puppies(right)).abs().mean() > .05


# ---- litters


def test_uniform_factors_make_all_litters_equally_likely():
    steps = [(torch.arange(k) + .5) / k for k in (10, 4, 4, 4)]
    lattice = torch.full((640, N_FACTORS), .5)
    lattice[:, :4] = torch.cartesian_prod(*steps)
    assert torch.equal(litter(lattice).bincount(minlength=N_LITTERS), torch.full((40,), 16))


def test_litters_at_the_ends_of_the_intervals():
    assert litter(torch.zeros(1, N_FACTORS)).item() == 0
    assert litter(torch.ones(1, N_FACTORS)).item() == N_LITTERS - 1
    below, half = (middle(coat=0., ears=0., eye_patch=0., tongue=t) for t in (.4999999, .5))
    assert (litter(below).item(), litter(half).item()) == (0, 1)


def test_litters_are_numbered_in_the_order_of_their_names():
    names = [litter_name(k) for k in range(N_LITTERS)]
    assert len(set(names)) == N_LITTERS
    assert names[0] == "black coat, floppy ears, no patch, tongue in"
    assert names[2 * 8 + 3] == "brown coat, floppy ears, eye patch, tongue out"
    assert names[39] == "cream coat, pointed ears, eye patch, tongue out"
    for k, choice in enumerate(itertools.product(*map(range, puppies.CHOICES))):
        u = middle(**{name: (c + .5) / n for name, c, n in zip(FACTORS, choice, puppies.CHOICES)})
        assert litter(u).item() == k
    assert litter_name(torch.tensor(5)) == names[5]


def test_litters_differ_visibly_at_32_pixels():
    """With all else equal, some pixels differ clearly between any two litters, so the eye can tell them."""
    u = torch.full((N_LITTERS, N_FACTORS), .5)
    for k, choice in enumerate(itertools.product(*map(range, puppies.CHOICES))):
        u[k, :4] = torch.tensor([(c + .5) / n for c, n in zip(choice, puppies.CHOICES)])
    pictures = draw_puppies(u, 32)
    for a, b in itertools.combinations(range(N_LITTERS), 2):
        clear = ((pictures[a] - pictures[b]).abs().amax(0) > .15).sum()
        assert clear >= 8, f"{litter_name(a)} and {litter_name(b)} differ in {clear} pixels"


# ---- the network that reads the litter


@pytest.mark.parametrize("size, noise, n, least", [
    (32, 0., 2000, .995), (100, 0., 1000, .995), (64, 0., 500, .99), (24, 0., 300, .98), (45, 0., 300, .98),
    (32, .05, 1000, .95), (100, .05, 300, .95)])
def test_litter_of_reads_fresh_puppies(size, noise, n, least):
    u = uniform(n, 100 + size)
    pictures = draw_puppies(u, size)
    pictures += noise * torch.randn(pictures.shape, generator=torch.Generator().manual_seed(9))
    assert (litter_of(pictures) == litter(u)).float().mean() >= least


def test_probabilities_sum_to_one_and_are_sure_of_real_puppies():
    pictures = draw_puppies(uniform(300, 10), 32)
    p = puppies.litter_probabilities(pictures)
    assert p.shape == (300, N_LITTERS) and (p >= 0).all()
    torch.testing.assert_close(p.sum(1), torch.ones(300))
    assert torch.equal(p.argmax(1), litter_of(pictures))
    assert (p.amax(1) > .9).float().mean() > .95
    grey = puppies.litter_probabilities(torch.full((1, 3, 32, 32), .5))
    torch.testing.assert_close(grey.sum(), torch.tensor(1.))


def test_features_do_not_depend_on_the_batch():
    pictures = draw_puppies(uniform(700, 11), 32)  # more than one chunk
    features = puppies.litter_features(pictures)
    assert features.shape == (700, 32) and not features.requires_grad
    torch.testing.assert_close(features[600:], puppies.litter_features(pictures[600:]), atol=1e-4, rtol=1e-4)


def test_litter_weights_are_plain_arrays_of_the_promised_size():
    weights = puppies._load_weights(torch.device("cpu"))
    assert 25_000 < sum(w.numel() for w in weights.values()) < 30_000
    assert puppies.WEIGHTS.stat().st_size < 130_000
    sheet = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    assert hashlib.sha256(puppies.WEIGHTS.read_bytes()).hexdigest() in sheet, "the datasheet names another file"


def test_missing_weights_name_the_command(monkeypatch, tmp_path):
    monkeypatch.setattr(puppies, "WEIGHTS", tmp_path / "data" / "litter_network.npz")
    puppies._load_weights.cache_clear()
    try:
        with pytest.raises(FileNotFoundError, match="python data/make_litter_network.py"):
            litter_of(torch.zeros(1, 3, 32, 32))
    finally:
        puppies._load_weights.cache_clear()


@pytest.fixture(scope="module")
def maker():
    path = ROOT / "data" / "make_litter_network.py"
    spec = importlib.util.spec_from_file_location("make_litter_network", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_short_training_repeats_itself_learns_and_is_saved_whole(maker, tmp_path, monkeypatch):
    first, second = (maker.train(40, seed=3, drawn={32: 200}) for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    u = uniform(300, 12)
    pictures, choices = draw_puppies(u, 32), puppies._choices(u)
    at_start = maker.loss_of(pictures, choices, maker.initial_weights(torch.Generator().manual_seed(3)))
    assert maker.loss_of(pictures, choices, first) < .8 * at_start

    path = tmp_path / "litter_network.npz"
    maker.save(first, path)
    assert [p.name for p in tmp_path.iterdir()] == ["litter_network.npz"]
    with monkeypatch.context() as patch:
        patch.setattr(puppies, "WEIGHTS", path)
        puppies._load_weights.cache_clear()
        try:
            loaded = puppies._load_weights(torch.device("cpu"))
        finally:
            puppies._load_weights.cache_clear()
    assert loaded.keys() == first.keys() == puppies._load_weights(torch.device("cpu")).keys()
    for name in first:
        torch.testing.assert_close(loaded[name], first[name], atol=1e-3, rtol=1e-3)


# ---- memory, bad input


@pytest.mark.skipif(not pathlib.Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_four_thousand_large_puppies_need_less_than_1500_megabytes():
    program = """if True:
        import torch
        from helpers.puppies import N_FACTORS, draw_puppies

        def peak():  # kilobytes; getrusage will not do, for it starts from the parent's peak
            return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])

        torch.set_num_threads(1)
        draw_puppies(torch.rand(2, N_FACTORS))
        before = peak()
        pictures = draw_puppies(torch.rand(4000, N_FACTORS))
        print(len(pictures), peak() - before)
    """
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    n, grown = map(int, done.stdout.split())
    assert n == 4000 and 400e3 < grown < 1.5e6  # the pictures themselves are 480 MB


@pytest.mark.parametrize("u, error, words", [
    ([[.5] * N_FACTORS], TypeError, "a list"),
    (torch.zeros(2, N_FACTORS, dtype=torch.int64), TypeError, "torch.int64"),
    (torch.zeros(N_FACTORS), ValueError, r"shape is \(16,\)"),
    (torch.zeros(2, 15), ValueError, r"shape is \(2, 15\)"),
    (torch.full((1, N_FACTORS), float("nan")), ValueError, "nan"),
    (torch.full((1, N_FACTORS), -.25), ValueError, "runs from -0.25"),
    (torch.full((1, N_FACTORS), 1.5), ValueError, "to 1.5"),
])
def test_bad_factors_are_refused_with_a_sentence(u, error, words):
    for function in (draw_puppies, litter):
        with pytest.raises(error, match=words):
            function(u)


@pytest.mark.parametrize("size, error", [
    (7, ValueError), (-3, ValueError), (32., TypeError), ("32", TypeError), (None, TypeError)])
def test_bad_sizes_are_refused_with_a_sentence(size, error):
    with pytest.raises(error, match="size must be"):
        draw_puppies(middle(), size)


@pytest.mark.parametrize("pictures, error, words", [
    ("a dog", TypeError, "a str"),
    (torch.zeros(1, 3, 32, 32, dtype=torch.uint8), TypeError, "uint8"),
    (torch.zeros(3, 32, 32), ValueError, "their shape is"),
    (torch.zeros(1, 1, 32, 32), ValueError, "their shape is"),
    (torch.zeros(1, 3, 32, 40), ValueError, "their shape is"),
    (torch.zeros(1, 3, 15, 15), ValueError, "at least 16"),
    (torch.linspace(-1, 1, 3072).view(1, 3, 32, 32), ValueError, "from -1 to 1"),
    (torch.full((1, 3, 32, 32), float("nan")), ValueError, "nan"),
])
def test_bad_pictures_are_refused_with_a_sentence(pictures, error, words):
    for function in (litter_of, puppies.litter_probabilities, puppies.litter_features):
        with pytest.raises(error, match=words):
            function(pictures)


@pytest.mark.parametrize("k", [-1, 40, 2.5, "3", True, None])
def test_bad_litter_numbers_are_refused_with_a_sentence(k):
    with pytest.raises(ValueError, match="numbered 0 to 39"):
        litter_name(k)
