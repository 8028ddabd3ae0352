# %% [markdown]
# # 1. Pictures as points
#
# **What is a picture, to a network?**
#
# A **generative network** makes new data: new pictures, in our case. At the end of this series, uniform noise goes in and
# puppies come out. First, we have to see a picture as a network does: as a point. You walk between two puppies, look at
# thousands of pictures as a cloud, measure where the cloud is thick, try to draw a new picture from it, and find out why
# that is hard.
#
# The series grew from an article, "Introduction to generative networks". From lesson 2 on it is *the article*; where it puts
# something more simply than it is, we say what is exact ("strictly speaking").
#
# *You need*: school mathematics, and to have read some Python with NumPy. *Time*: about 75 minutes.
#
# *Open in Colab: this copy has no address yet; `make address REPOSITORY=owner/name` sets it.*

# %%
# Find the package `helpers`; where it is missing (in Colab, for instance), fetch it. Nothing is installed.
import os
import sys
from pathlib import Path

address, tag, folder = "", "v0.1.0", Path("generative-networks").absolute()
root = next((p for p in [folder, *folder.parents] if (p / "helpers/__init__.py").exists()), folder)
if not (root / "helpers").exists():
    if not address:
        raise SystemExit("This copy has no address yet: open this notebook inside a clone of the repository.")
    if os.system(f"git clone -q --depth 1 --branch {tag} https://github.com/{address} {folder.name}"):
        raise SystemExit(f"Fetching {address} failed: check the internet connection and run this cell again.")
sys.path.insert(0, str(root))

from helpers.guide import guide

guide()  # whoever begins in the middle is told which cells to run first

# %%
import math

import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy import stats

from helpers.checks import compare
from helpers.pictures import FASHION_NAMES, load_fashion
from helpers.plots import PALETTE, finish, picture_grid, scatter_samples
from helpers.puppies import COAT_NAMES, FACTORS, N_FACTORS, draw_puppies, litter, litter_of
from helpers.widgets import button, sliders

SEED = 1
rng = torch.Generator().manual_seed(SEED)  # the source of what is random in this lesson

# %% [markdown]
# The puppies are drawn by a program that comes with the lessons. The clothes are real photographs from the data set
# Fashion-MNIST, 28 pixels a side, in grey. All are **tensors** of the library PyTorch (`torch`). A PyTorch tensor is, for now,
# a NumPy array with other names.

# %%
puppies = draw_puppies(torch.rand(400, N_FACTORS, generator=rng), size=100)
fashion, fashion_kind = load_fashion("train")
fashion_new, _ = load_fashion("test")

fig, (left, right) = plt.subplots(1, 2, figsize=(9, 4.6), layout="constrained")
picture_grid(left, puppies[:25], columns=5)
left.set_title("puppies, drawn", loc="left")
picture_grid(right, fashion[:25], columns=5)
right.set_title("Fashion-MNIST, photographed", loc="left")
plt.show()

# %% [markdown]
# **Figure 1.1.** Left: 25 puppies with different coats, ears, poses and backgrounds. Right: 25 clothes, shoes and bags.
#
# ## Words
#
# | idea | meaning | in code | shape |
# |---|---|---|---|
# | **pixel** | one small square of a picture | | |
# | **channel** | one of the numbers of each pixel: red, green, blue; or grey alone | `channels` | 3 or 1 |
# | **vector** | numbers in a fixed order; the same thing as a point | `x` | `(d,)`, many: `(n, d)` |
# | **dimension** | how many numbers a vector has | `d` | |
# | **uniform** numbers | random; stretches of [0, 1) of equal length are equally likely | `u` | |
# | **distribution** | which data occur, and how often | | |
# | **sample** | one piece of data drawn from a distribution; also several of them | `samples` | `(n, d)` |
# | **density** $p(x)$ | how thickly the distribution lies at the point $x$ | `density` | `(n,)` |
# | **bandwidth** $h$ | how wide a bump each data point gets in an estimate of the density | `bandwidth` | a number |
#
# ---
# # Part A: a picture is a list of numbers
#
# Here is a picture of 4 pixels by 4, each with one number, 0 for black and 1 for white. To make a list of it, read it as you
# read a page: row by row.

# %% teaches=["D3", "F2"]
tiny = torch.tensor([[0.0, 1.0, 1.0, 0.0],
                     [1.0, 0.5, 0.5, 1.0],
                     [1.0, 0.5, 0.5, 1.0],
                     [0.0, 1.0, 1.0, 0.0]])
numbers = []
for row in tiny:
    for brightness in row:
        numbers.append(brightness.item())  # item: the plain Python number in a tensor of one number
print(numbers)
assert numbers == tiny.flatten().tolist()

# %% [markdown]
# Sixteen numbers: a vector of 16 dimensions. PyTorch's `flatten` does the same as our two loops.
#
# ## Predict: how many numbers is a puppy?
#
# A colour picture has three numbers for each pixel: red, green and blue. How many numbers is a puppy of 100 pixels by 100?
#
# **(a)** 300 &nbsp; **(b)** 10,000 &nbsp; **(c)** 30,000 &nbsp; **(d)** 1,000,000
#
# ## Try it: the side length

# %% teaches=["D3", "F2"]
one_puppy = torch.rand(1, N_FACTORS, generator=rng)


def to_image(picture):
    """One picture as matplotlib wants it: (1 or 3, height, width) to (height, width, 3)."""
    three_channels = picture.expand(3, -1, -1)  # grey is repeated, as red, green and blue
    return three_channels.permute(1, 2, 0).clamp(0, 1).numpy()  # channels last, cut to [0, 1]


fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained",
                                  width_ratios=[1, 1.7])
side_image = left.imshow(to_image(draw_puppies(one_puppy, 24)[0]), extent=(0, 1, 0, 1))
left.set_title("the picture", loc="left")
side_text = right.text(0, 0.96, "", family="monospace", fontsize=9, va="top", linespacing=1.35)
right.set_title("its red numbers, the first rows", loc="left")
left.axis("off"), right.axis("off")


def draw(side):
    picture = draw_puppies(one_puppy, side)[0]
    side_image.set_data(to_image(picture))
    more = " ..." if side > 16 else ""
    lines = [" ".join(f"{v:.1f}" for v in row[:16]) + more for row in picture[0, :14]]
    side_text.set_text("\n".join(lines) + "\n...")
    return (f"{side} x {side} = {side**2:,} pixels, three numbers each: "
            f"a vector of {picture.numel():,} numbers.")


sliders(draw, fig, side=(8, 100, 1, 24), labels={"side": "side length"})

# %% [markdown]
# **Figure 1.2.** One puppy at 24 pixels a side, and where its rows of red numbers begin. At side 8 the picture has 192
# numbers, at side 24 it has 1,728, at side 100 it has 30,000.
#
# ## What you saw
#
# **(c)**: 30,000 numbers. You may read that a picture of this size has "30,000 pixels"; strictly speaking it has 10,000 pixels
# and 30,000 numbers, three for each pixel.
#
# ## Why
#
# With $c$ channels, height $h$ and width $w$, a picture has
#
# $$d = c \cdot h \cdot w$$
#
# numbers. Our pictures keep the channels apart: first all red numbers, then all green, then all blue, each in rows. A vector
# with $d$ numbers is a **point**, as a pair of numbers is a point of the plane. Distances are computed as in the plane:
#
# $$\lVert a - b \rVert = \sqrt{(a_1 - b_1)^2 + (a_2 - b_2)^2 + \dots + (a_d - b_d)^2}.$$
#
# ## The code
#
# Two functions that later lessons import: pictures to points, and back. The first dimension counts the pictures and stays.

# %% tags=["shows:helpers.pictures.to_vectors", "shows:helpers.pictures.to_pictures"] teaches=["D3"]
def to_vectors(pictures):
    """The pictures as points: (n, channels, height, width) to (n, channels * height * width)."""
    return pictures.flatten(start_dim=1)


def to_pictures(vectors, shape):
    """The points as pictures again; shape is (channels, height, width)."""
    return vectors.reshape(len(vectors), *shape)


# %% [markdown]
# ## Check
#
# The count, the exact way back, and the place of one number: green is channel 1, so it starts after the 10,000 red ones.
# Then one distance by the formula and by `norm`, the length of a vector.

# %% teaches=["D3", "F2"]
vectors = to_vectors(puppies)
n_numbers, n_pixels = vectors.shape[1], puppies.shape[2] * puppies.shape[3]
print(f"{n_pixels:,} pixels, {n_numbers:,} numbers")
assert (n_pixels, n_numbers) == (10_000, 30_000)
assert torch.equal(to_pictures(vectors, (3, 100, 100)), puppies), "there and back changes nothing"
assert vectors[7, 10_000 + 100 * 42 + 13] == puppies[7, 1, 42, 13]

distance = (vectors[0] - vectors[1]).square().sum().sqrt()
assert torch.isclose(distance, (vectors[0] - vectors[1]).norm())

# %% [markdown]
# Nothing is lost. Now choose one order of the pixels at random, and bring all pictures into this order.
#
# ## Predict: what does the shuffle do to the distances?
#
# The distance between two shuffled puppies, compared with the distance before, is
#
# **(a)** larger, since they are a jumble now &nbsp; **(b)** smaller &nbsp; **(c)** the same &nbsp; **(d)** sometimes larger,
# sometimes smaller
#
# ## Try it: shuffle the pixels

# %% teaches=["D3"]
order = torch.randperm(10_000, generator=rng)


def shuffle(pictures, n_moved):
    """The pictures with n_moved pixels changing places, the same ones in every picture."""
    source = torch.arange(10_000)
    source[order[:n_moved]] = order[:n_moved].roll(1)
    return pictures.flatten(start_dim=2)[:, :, source].reshape(pictures.shape)


def sheet(pictures):
    """The pictures side by side as one image, with white gaps."""
    gap = pictures.shape[3] // 25
    framed = torch.nn.functional.pad(pictures, (0, gap, 0, gap), value=1)  # at the right and below
    return to_image(torch.cat(list(framed), dim=2))


fig, axes = plt.subplots(1, 3, figsize=(9.4, 2), layout="constrained")
for ax, n_moved in zip(axes, [0, 1000, 10_000]):
    shuffled_image = ax.imshow(sheet(shuffle(puppies[:2], n_moved)))
    ax.set_title(f"{n_moved:,} pixels moved", loc="left")
    ax.axis("off")


def draw(pixels_moved):
    shuffled = shuffle(puppies[:2], pixels_moved)
    shuffled_image.set_data(sheet(shuffled))
    axes[2].set_title(f"{pixels_moved:,} pixels moved", loc="left")
    before, after = ((p[0] - p[1]).norm() for p in (puppies[:2], shuffled))
    return (f"{pixels_moved:,} pixels moved. Distance between the two puppies: "
            f"{before:.2f} before, {after:.2f} after.")


sliders(draw, fig, pixels_moved=(0, 10_000, 100, 10_000))

# %% [markdown]
# **Figure 1.3.** Two puppies as they are, with 1,000 pixels shuffled, and with all 10,000 (the slider moves this panel). Their
# distance, below the figure, never changes.
#
# ## What you saw
#
# **(c)**: the same. Under the root stands a sum, and a sum does not mind the order. The next cell checks all pairs of 200
# puppies.

# %% teaches=["D3"]
some = puppies[:200].double()  # 64 bits, so that rounding cannot hide a difference
before, after = (torch.cdist(to_vectors(p), to_vectors(p))  # cdist: the distances of all pairs
                 for p in (some, shuffle(some, 10_000)))
print(f"{200 * 199 // 2:,} pairs compared")
assert torch.allclose(before, after, atol=1e-3)

# %% [markdown]
# To whoever sees only vectors, the jumbles and the puppies are the same set of points with the axes renamed. A network that
# takes the vector as it comes learns as well from one as from the other. (Convolutional networks, in lesson 11, are told
# which pixels are neighbours, and gain much by it.)
#
# ---
# # Part B: the data set is a cloud of points
#
# If each puppy is a point, is everything *between* two puppies a puppy too? Each of ours is drawn from 16 numbers between 0
# and 1, its **factors**: four switches (coat, ears, eye patch, tongue) and twelve dials such as the tilt of the head. A
# switch cuts [0, 1] into equal parts; the coat into five, so 0.7 is the fourth coat.
#
# ## Predict: half way
#
# Two puppies differ in the tilt of the head and in where they sit. Go straight from one point to the other. What picture is
# half way?
#
# **(a)** a puppy in the middle, head upright &nbsp; **(b)** two puppies, each half transparent &nbsp; **(c)** plain grey
# &nbsp; **(d)** a jumble
#
# ## Try it: two ways from puppy to puppy
#
# One way goes straight through the 30,000 numbers, the other through the factors.

# %% teaches=["D4"]
TILT, PLACE = FACTORS.index("head_tilt"), FACTORS.index("position_x")
start = torch.full((1, N_FACTORS), 0.5)
start[0, :4] = torch.tensor([0.7, 0.1, 0.8, 0.8])  # ginger, floppy ears, eye patch, tongue out
end = start.clone()
start[0, TILT], start[0, PLACE] = 0.05, 0.1
end[0, TILT], end[0, PLACE] = 0.95, 0.9


def straight(t, size):
    """The point at the share t of the straight line between the two puppies, as a picture."""
    first, last = draw_puppies(torch.cat([start, end]), size).split(1)
    return (1 - t) * first + t * last


def by_factors(t, size):
    """The puppy whose factors are at the share t between those of the two puppies."""
    return draw_puppies((1 - t) * start + t * end, size)


both_ways = {"straight": straight, "by factors": by_factors}

# %% [markdown]
# How far does each way stray from the puppies? We compare with 576 puppies that have the two dials at 24 x 24 settings,
# and with those of the walk through the factors (at 32 pixels a side, to save time).

# %% teaches=["D4"]
dials = torch.cartesian_prod(torch.linspace(0, 1, 24), torch.linspace(0, 1, 24))
grid_factors = start.repeat(len(dials), 1)
grid_factors[:, TILT], grid_factors[:, PLACE] = dials.T
grid_puppies = to_vectors(draw_puppies(grid_factors, 32))
steps = torch.linspace(0, 1, 41)
walks = {name: to_vectors(torch.cat([walk(t, 32) for t in steps]))
         for name, walk in both_ways.items()}
known_puppies = torch.cat([grid_puppies, walks["by factors"]])
to_nearest = {name: torch.cdist(points, known_puppies, compute_mode="donot_use_mm_for_euclid_dist")
              .min(dim=1).values for name, points in walks.items()}  # that mode: slow and exact
assert to_nearest["straight"].max() > 6 and to_nearest["by factors"].max() == 0

fig, (left, middle, right) = plt.subplots(1, 3, figsize=(10, 3.5), layout="constrained",
                                          width_ratios=[1, 1, 1.3])
walk_images = [ax.imshow(to_image(draw_puppies(start)[0])) for ax in (left, middle)]
for ax, title in ((left, "straight line"), (middle, "through the factors")):
    ax.set_title(title, loc="left")
    ax.axis("off")
right.plot(steps, to_nearest["straight"], color=PALETTE["extra"], ls=":", lw=3)
right.plot(steps, to_nearest["by factors"], color=PALETTE["ink"], lw=2.5)
right.text(0.5, to_nearest["straight"].max() + 0.3, "straight line", ha="center")
right.text(0.5, 0.35, "through the factors", ha="center")
walk_marks, = right.plot([], [], "o", color=PALETTE["ink"], clip_on=False)
finish(right, title="distance to the nearest puppy", limits=((0, 1), (-0.5, 9)),
       xlabel="share of the way $t$")


def draw(t):
    for image, walk in zip(walk_images, both_ways.values()):
        image.set_data(to_image(walk(t, 100)[0]))
    nearest = [np.interp(t, steps, to_nearest[name]) for name in both_ways]
    walk_marks.set_data([t, t], nearest)
    return (f"At {t:.3f} of the way, the nearest of all these puppies is {nearest[0]:.1f} away "
            f"from the straight line, {nearest[1]:.1f} from the other way.")


sliders(draw, fig, t=(0.0, 1.0, 0.025, 0.5), labels={"t": "share of the way"})

# %% [markdown]
# **Figure 1.4.** Half way between two puppies. On the straight line: a ghost, two half-transparent heads. Through the
# factors: a puppy. Right: the distance to the nearest of all these puppies, on the straight line (dotted) and on the other
# way (dark, at 0), which consists of puppies.

# %%
fig, ax = plt.subplots(figsize=(9, 2.3), layout="constrained")
nine = torch.linspace(0, 1, 9)
stills = [walk(t, 100) for walk in (straight, by_factors) for t in nine]
picture_grid(ax, torch.cat(stills), columns=9)
plt.show()

# %% [markdown]
# **Figure 1.5.** Both walks in nine steps. Above: straight; one puppy fades out while the other fades in. Below: through the
# factors; the puppy moves over and tilts its head.
#
# ## What you saw
#
# **(b)**: a ghost. The straight line is $x(t) = (1-t)\,a + t\,b$ for each pixel by itself. No pixel *moves*; each fades from
# one colour to the other.
#
# The straight line leaves the puppies, so they do not fill a flat sheet. Move all twelve dials, and the puppies with one setting of
# the switches form a **thin curved sheet**: at most twelve directions to move in, within a space of 30,000. There are
# $5 \cdot 2 \cdot 2 \cdot 2 = 40$ settings, hence 40 sheets; we call their puppies 40 **litters**. To *see* such a sheet we need
# a shadow of it on a plane.
#
# ## Why: the shadow with the greatest spread
#
# A shadow depends on the direction of the light. **Principal component analysis (PCA)** chooses the plane on which the
# shadow is spread most. In words: *move the cloud's mean to the origin; find the direction of greatest spread, then the one
# of greatest spread at right angles to it, and so on; read off how far each point lies along these directions.* The singular
# value decomposition (SVD), a standard routine, finds all directions at once.
#
# ## The code: PCA

# %% teaches=["D4"]
def principal_components(x, k):
    """The mean and the k directions of greatest spread. x: (n, d). Returns (d,) and (k, d)."""
    mean = x.mean(dim=0)
    directions = torch.linalg.svd(x - mean, full_matrices=False)[2][:k]
    # A direction may point either way: make its largest number (gather picks it) positive.
    biggest = directions.gather(1, directions.abs().argmax(dim=1, keepdim=True))
    return mean, directions * biggest.sign()


def project(x, mean, directions):
    """Where the points lie along the directions: (n, d) to (n, k)."""
    return (x - mean) @ directions.T


# %% [markdown]
# (`@` multiplies two matrices: each entry sums up one row times one column, here a point's numbers times a direction's.)
#
# Smallest input first: 300 points in the plane. Turning a cloud must not change distances, which the cell checks.

# %% teaches=["D4"]
slanted = torch.randn(300, 2, generator=rng) @ torch.tensor([[1.6, 0.8], [-0.2, 0.4]])
slanted += torch.tensor([1.0, 0.5])
mean, directions = principal_components(slanted, 2)
seen = project(slanted, mean, directions)
assert torch.allclose(torch.cdist(seen, seen), torch.cdist(slanted, slanted), atol=1e-2)

fig, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.6), layout="constrained")
scatter_samples(left, slanted, kind="real", size=3, alpha=0.5)
for number, direction in enumerate(directions, start=1):
    tip = mean + 3 * direction
    left.annotate("", xy=tip.tolist(), xytext=mean.tolist(),
                  arrowprops={"arrowstyle": "->", "lw": 2})
    left.text(*(mean + 3.6 * direction).tolist(), f"{number}", ha="center", va="center",
              fontsize=12, bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1})
finish(left, title="a cloud and its two directions", limits=((-5, 7), (-4, 5)), equal=True,
       xlabel="$x_1$", ylabel="$x_2$")
scatter_samples(right, seen, kind="real", size=3, alpha=0.5)
finish(right, title="the same cloud, seen along them", limits=((-6, 6), (-4.5, 4.5)), equal=True,
       xlabel="component 1", ylabel="component 2")
plt.show()

# %% [markdown]
# **Figure 1.6.** Left: a slanted cloud. Arrow 1 points along the greatest spread, arrow 2 at right angles to it. Right: PCA
# has moved the cloud to the origin and turned it; distances are as before.
#
# Now the sheet: the 576 puppies with two dials, as a net whose threads follow the dials, and both walks of Figure 1.4.

# %% teaches=["D4"]
sheet_mean, sheet_directions = principal_components(grid_puppies, 3)
net = project(grid_puppies, sheet_mean, sheet_directions).reshape(24, 24, 3)
gap = torch.full((1, 3), torch.nan)  # lifts the pen between two threads
threads = torch.cat([torch.cat([thread, gap]) for k in range(0, 24, 2)
                     for thread in (net[k], net[:, k])])
walks_seen = {name: project(walks[name], sheet_mean, sheet_directions) for name in walks}


def turned(points, turn):
    """Across and upward, the sheet turned round its first component. (n, 3) to two rows."""
    angle = math.radians(turn)
    return points[:, 0], math.cos(angle) * points[:, 1] + math.sin(angle) * points[:, 2]


fig, axes = plt.subplots(1, 3, figsize=(9.4, 3.1), layout="constrained")
upward = {0: "component 2", 45: "2 and 3, mixed", 90: "component 3"}
for ax, turn in zip(axes, upward):
    across, along = walks_seen["straight"], walks_seen["by factors"]
    lines = [ax.plot(*turned(threads, turn), color=PALETTE["real"], lw=0.7)[0],
             ax.plot(*turned(across, turn), color=PALETTE["extra"], ls=":", lw=3)[0],
             ax.plot(*turned(along, turn), color=PALETTE["ink"], lw=2.5)[0]]
    finish(ax, title=f"turned by {turn} degrees", limits=((-9, 9), (-6, 6)), equal=True,
           xlabel="component 1", ylabel=upward[turn])
fig.legend(lines, ["all positions of two dials", "straight line", "through the factors"],
           loc="outside lower center", ncols=3, frameon=False)
plt.show()

# %% [markdown]
# **Figure 1.7.** The sheet at three angles: seen edge-on, a deep valley; from 90 degrees you look down on it, and the net lies
# spread out. The straight line (dotted) cuts across the opening; the walk through the factors (dark) follows the sheet.
#
# With all sixteen factors free, the view becomes a cloud. Pick points and look at their pictures.

# %% teaches=["D4"]
many_factors = torch.rand(800, N_FACTORS, generator=rng)
many_puppies = to_vectors(draw_puppies(many_factors, 32))
coats = litter(many_factors) // 8  # eight litters share a coat
puppy_map = project(many_puppies, *principal_components(many_puppies, 2))
medians = torch.stack([puppy_map[coats == k].median(dim=0).values for k in range(5)])
black, white, brown, ginger, cream = medians[:, 0]
assert max(black, brown) < ginger < min(white, cream), "from dark to pale"

fig, (left, right) = plt.subplots(1, 2, figsize=(9, 4.3), layout="constrained",
                                  width_ratios=[1.3, 1])
scatter_samples(left, puppy_map, kind="real", size=2.5, alpha=0.5)
for place, k in enumerate(medians[:, 0].argsort().tolist()):
    left.annotate(COAT_NAMES[k], xy=medians[k].tolist(), xytext=(4.4 * place - 8.8, 10.6),
                  ha="center", arrowprops={"arrowstyle": "-", "lw": 0.8, "shrinkB": 0})
left.plot(*medians.T, "D", ms=6, color=PALETTE["ink"])
puppy_ring, = left.plot([], [], "o", ms=13, mfc="none", mec=PALETTE["ink"], mew=2.5, zorder=5)
finish(left, title="800 puppies", limits=((-11, 11), (-9, 12)), equal=True, xlabel="component 1",
       ylabel="component 2")
puppy_image = right.imshow(to_image(puppies[0]))
right.set_title("the picture at the ring", loc="left")
right.axis("off")


def draw(point):
    puppy_ring.set_data(*puppy_map[point:point + 1].T)
    puppy_image.set_data(to_image(draw_puppies(many_factors[point:point + 1])[0]))
    x, y = puppy_map[point].tolist()
    return f"Point {point}, at ({x:.1f}, {y:.1f}): a puppy with a {COAT_NAMES[coats[point]]} coat."


sliders(draw, fig, point=(0, len(many_puppies) - 1, 1, 7))

# %% [markdown]
# **Figure 1.8.** 800 puppies, each a point; a diamond marks the middle (the median) of each coat's points. Dark coats lie at
# one end of component 1 and pale ones at the other; nobody told PCA what a coat is.
#
# And the real pictures: 5,000 of them. We compute 40 components, of which we look at three; Part E needs the rest.

# %% teaches=["D4"]
clothes, clothes_kind = to_vectors(fashion[:5000]), fashion_kind[:5000]
clothes_mean, clothes_directions = principal_components(clothes, 40)
clothes_seen = project(clothes, clothes_mean, clothes_directions)
BAG, BOOT = FASHION_NAMES.index("Bag"), FASHION_NAMES.index("Ankle boot")
VIEWS = {"components 1 and 3": (0, 2), "components 1 and 2": (0, 1), "components 2 and 3": (1, 2)}
n_shown = 2000
kinds = clothes_kind[:n_shown]
groups = ((kinds != BAG) & (kinds != BOOT), kinds == BAG, kinds == BOOT)

fig, (left, right) = plt.subplots(1, 2, figsize=(9, 4.2), layout="constrained",
                                  width_ratios=[1.4, 1])
dots = [left.plot([], [], ".", ms=1.5, color=PALETTE["muted"], label="other kinds")[0],
        left.plot([], [], "D", ms=2.8, color=PALETTE["extra"], label="bags")[0],
        left.plot([], [], "o", ms=2.8, color=PALETTE["real"], label="boots")[0]]
clothes_ring, = left.plot([], [], "o", ms=13, mfc="none", mec=PALETTE["ink"], mew=2.5)
finish(left, title="2,000 pictures of clothes", limits=((-11, 11), (-9, 9)), equal=True)
left.legend(loc="upper right", fontsize=9, framealpha=0.9)
clothes_image = right.imshow(to_image(fashion[0]))
right.set_title("the picture at the ring", loc="left")
right.axis("off")


def draw(view, point):
    columns = list(VIEWS[view])
    for artist, who in zip(dots, groups):
        artist.set_data(*clothes_seen[:n_shown, columns][who].T)
    clothes_ring.set_data(*clothes_seen[point:point + 1, columns].T)
    left.set_xlabel(f"component {columns[0] + 1}")
    left.set_ylabel(f"component {columns[1] + 1}")
    clothes_image.set_data(to_image(fashion[point]))
    return f"{view}; point {point} is of the kind {FASHION_NAMES[clothes_kind[point]]}."


sliders(draw, fig, view=list(VIEWS), point=(0, n_shown - 1, 1, 1))

# %% [markdown]
# **Figure 1.9.** 2,000 pictures of Fashion-MNIST on components 1 and 3. Boots (circles) keep to one region and bags (diamonds)
# to another; grey dots of other kinds lie around them, and among the bags.
#
# With the other kinds left out, the land between boots and bags is thin. We shall call such regions **islands**, though here
# their shores are close. On components 1 and 2 they overlap. In a shadow no distance is larger than in the full space, but
# many are smaller. So an overlap may be an effect of the view, and we measure in all 784 dimensions: how many of the ten
# nearest others are of the same kind? (The nearest of all points to a data point is the point itself; it does not count.)

# %% teaches=["D4"]
alike = {}
for name in ("Ankle boot", "Bag", "Shirt"):
    who = (clothes_kind == FASHION_NAMES.index(name)).nonzero()[:, 0]
    nearest = torch.cdist(clothes[who], clothes).topk(11, largest=False).indices
    assert torch.equal(nearest[:, 0], who), "no point is nearer to a point than the point itself"
    alike[name] = (clothes_kind[nearest[:, 1:]] == clothes_kind[who][:, None]).float().mean()
    print(f"{name}: {100 * alike[name]:.0f} % of the ten nearest others are of that kind")
assert alike["Ankle boot"] > 0.8 and alike["Bag"] > 0.7 and alike["Shirt"] < 0.5

# %% [markdown]
# Boots and bags keep to themselves in 784 dimensions, too. Shirts do not; they live among pullovers and coats.
#
# ---
# # Part C: how thick is the cloud?
#
# The **density** $p(x)$ says in numbers where the cloud is thick. The data set is a sample; the distribution is what it was
# drawn from. We have only the sample, so we have to *estimate* the density. A simple way: put a small heap of sand on each
# point. Start on a line: the mean brightness of eight pictures.
#
# $$p(x) = \frac1n \sum_{i=1}^n \frac{1}{h\sqrt{2\pi}}\, e^{-(x - x_i)^2 / (2h^2)}$$
#
# Each data point $x_i$ contributes a bump of width $h$, the **bandwidth** ($h$ was a picture's height until now); the factor in
# front gives each bump the area 1. The shape of the bump is called the kernel, and the whole a **kernel density estimate**. By
# hand, with two loops:

# %% teaches=["F3", "D5", "D6"]
brightness = fashion[:8].mean(dim=(1, 2, 3))
places = torch.linspace(-0.5, 1.5, 801)
bandwidth = 0.05

by_hand = []
for x in places.tolist():
    height = 0.0
    for x_i in brightness.tolist():
        bump = math.exp(-((x - x_i) ** 2) / (2 * bandwidth**2))
        height += bump / (bandwidth * math.sqrt(2 * math.pi))
    by_hand.append(height / len(brightness))
by_hand = torch.tensor(by_hand)

# The second way: SciPy, which wants the bandwidth in units of the data's standard deviation.
eight = brightness.double().numpy()
reference = stats.gaussian_kde(eight, bw_method=bandwidth / eight.std(ddof=1))
assert np.allclose(by_hand, reference(places.double().numpy()), atol=1e-4)
print(f"our loops and SciPy agree at {len(places):,} places")

# %% [markdown]
# ## Predict: how high can it get?
#
# Probabilities are never above 1. Make the bandwidth smaller and smaller. The highest point of the density
#
# **(a)** approaches 1 &nbsp; **(b)** approaches 1/8, one bump's share &nbsp; **(c)** grows without limit &nbsp; **(d)** stays
# where it is
#
# ## Try it: the bandwidth

# %% teaches=["F3", "D6"]
def bumps(x, data, bandwidth):
    """Each data point's bump at each x; their mean is the density. (m,) and (n,) to (m, n)."""
    heights = torch.exp(-((x[:, None] - data) ** 2) / (2 * bandwidth**2))
    return heights / (bandwidth * math.sqrt(2 * math.pi))


fig, ax = plt.subplots(figsize=(7.6, 3.6), layout="constrained")
single = [ax.plot([], [], color=PALETTE["muted"], lw=1)[0] for _ in brightness]
total, = ax.plot([], [], color=PALETTE["real"], lw=2)
ax.plot(brightness, 0 * brightness + 0.12, "o", color=PALETTE["real"], clip_on=False)
ax.axhline(1, color=PALETTE["muted"], ls="--", lw=1)
ax.text(0.995, 1.1, "height 1", ha="right", color=PALETTE["ink"])
finish(ax, title="eight bumps (thin) and their sum (thick)", limits=((-0.2, 1), (0, 10.5)),
       xlabel="mean brightness $x$", ylabel="density $p(x)$")


def draw(bandwidth):
    heights = bumps(places, brightness, bandwidth) / len(brightness)
    for line, height in zip(single, heights.T):
        line.set_data(places, height)
    total.set_data(places, heights.sum(dim=1))
    area = heights.sum() * (places[1] - places[0])
    return (f"Bandwidth {bandwidth:.3f}: highest point {heights.sum(dim=1).max():.2f}, "
            f"a thin bump alone {heights.max():.2f}; area under the thick curve {area:.3f}.")


sliders(draw, fig, bandwidth=(0.01, 0.2, 0.002, 0.03))

# %% [markdown]
# **Figure 1.10.** Brightness of eight pictures (dots). Thin: each bump at an eighth of its height. Thick: the density, their
# sum. It rises above height 1 (dashed). With bandwidth 0.01 it is a row of spikes, with 0.2 a single soft hill.
#
# ## What you saw
#
# **(c)**: it grows without limit. A density is no probability: it is probability *per unit of length*. A bump ten times as
# narrow must be ten times as high to keep its area. Probabilities are areas:
#
# $$\int p(x)\,dx = 1.$$
#
# You may read that the densities of all data points add up to 1. Densities *integrate* to 1; the sum over the data points can
# be any positive number. The cell prints it for three bandwidths.

# %% teaches=["D5", "D6"]
for h in (0.01, 0.05, 0.2):
    density = bumps(places, brightness, h).mean(dim=1)
    area = (density * (places[1] - places[0])).sum()  # many thin rectangles
    at_data = bumps(brightness, brightness, h).mean(dim=1).sum()
    print(f"bandwidth {h}: area {area:.3f}, highest point {density.max():5.2f}, "
          f"sum over the data points {at_data:5.2f}")
    assert abs(area - 1) < 0.01 and at_data > 2
assert bumps(places, brightness, 0.01).mean(dim=1).max() > 1

# %% [markdown]
# ## The code: density in the plane
#
# The same with points of two numbers: squared distances instead of $(x - x_i)^2$, and the factor once for each dimension.
# (In many dimensions these numbers leave the computer's range; there one computes logarithms.)

# %% teaches=["F3", "D5", "D6"]
def kernel_density(x, data, bandwidth):
    """The kernel density estimate at each x, the mean of the bumps. (m, d) and (n, d) to (m,)."""
    squared = (x[:, None] - data[None]).square().sum(dim=2)  # (m, n)
    area = (2 * math.pi * bandwidth**2) ** (x.shape[1] / 2)
    return (torch.exp(-squared / (2 * bandwidth**2)) / area).mean(dim=1)


on_the_line = kernel_density(places[:, None], brightness[:, None], 0.05)
assert torch.allclose(on_the_line, by_hand, atol=1e-4)

# %% [markdown]
# It agrees with the loops on a line.
#
# ## Try it: point 1 and point 2
#
# Now the plane: the view of the clothes with components 1 and 3. Two points are yours to move.

# %% teaches=["F3", "D5", "D6"]
clothes_map = clothes_seen[:n_shown, [0, 2]]
across, upward = torch.linspace(-11, 11, 89), torch.linspace(-9, 9, 73)
place_grid = torch.cartesian_prod(upward, across).flip(1)  # row by row, as (across, upward)


def density_image(bandwidth):
    """The density on the grid, (73, 89), the quick way: a bump across times a bump upward."""
    bumps_up = bumps(upward, clothes_map[:, 1], bandwidth)
    return bumps_up @ bumps(across, clothes_map[:, 0], bandwidth).T / len(clothes_map)


assert torch.allclose(density_image(0.5).flatten()[::10],
                      kernel_density(place_grid[::10], clothes_map, 0.5), atol=1e-5)
field_look = {"origin": "lower", "extent": (-11.125, 11.125, -9.125, 9.125), "cmap": "Blues",
              "interpolation": "bilinear", "vmin": 0}

fig, ax = plt.subplots(figsize=(6.6, 4.8), layout="constrained")
field = ax.imshow(density_image(0.5), **field_look)
ax.plot(*clothes_map.T, ".", ms=1.5, color=PALETTE["real"], alpha=0.5)
two_points, = ax.plot([], [], "o", ms=9, color=PALETTE["ink"])
two_labels = [ax.text(0, 0, f"  point {k}", fontweight="bold") for k in (1, 2)]
finish(ax, title="where is the cloud thick?", limits=((-11, 11), (-9, 9)), equal=True,
       xlabel="component 1", ylabel="component 3")


def draw(x1, y1, x2, y2, bandwidth):
    image = density_image(bandwidth)
    field.set_data(image)
    field.set_clim(0, image.max())
    both = torch.tensor([[x1, y1], [x2, y2]])
    two_points.set_data(*both.T)
    for label, place in zip(two_labels, both.tolist()):
        label.set_position(place)
    p = kernel_density(both, clothes_map, bandwidth).tolist()
    dense, sparse = (1, 2) if p[0] >= p[1] else (2, 1)
    comparison = f"there is next to nothing at point {sparse}"
    if min(p) > 1e-6:
        comparison = f"point {dense} is {max(p) / min(p):.1f} times as dense as point {sparse}"
    return (f"Bandwidth {bandwidth:.2f}: p(point 1) = {p[0]:.4f}, p(point 2) = {p[1]:.4f}; "
            f"{comparison}.")


sliders(draw, fig, x1=(-11.0, 11.0, 0.5, -6.5), y1=(-9.0, 9.0, 0.5, 1.0),
        x2=(-11.0, 11.0, 0.5, 3.0), y2=(-9.0, 9.0, 0.5, -4.0), bandwidth=(0.2, 3.0, 0.1, 0.5),
        labels={"x1": "point 1 across", "y1": "point 1 up",
                "x2": "point 2 across", "y2": "point 2 up"})

# %% [markdown]
# **Figure 1.11.** Kernel density of 2,000 clothes in the plane; darker is denser (relative to the darkest place). Point 1 lies
# in a dense place, point 2 in a sparse one. The heights are small because the cloud is wide: they are probability per unit of
# *area* now, and the whole volume under them is 1.

# %%
fig, axes = plt.subplots(1, 3, figsize=(9.4, 2.9), layout="constrained", sharey=True)
for ax, h in zip(axes, [0.2, 0.7, 3.0]):
    image = density_image(h)
    ax.imshow(image, **field_look)
    finish(ax, title=f"bandwidth {h}, up to {image.max():.3f}", limits=((-11, 11), (-9, 9)), equal=True,
           xlabel="component 1")
axes[0].set_ylabel("component 3")
plt.show()

# %% [markdown]
# **Figure 1.12.** The same points with three bandwidths: crumbs, islands, fog. Each panel has its own scale. Its title says
# how high the density gets where it is darkest: the fog is thin.
#
# None is *the* density: each is an estimate. Fresh data can judge: under a good bandwidth, pictures that were not used get a
# high density. The cell computes the mean of $\log p$ over 1,000 test pictures. It checks, too, that point 1 beats point 2
# at each bandwidth, and that the volume under the hills is 1 (summed over small squares).

# %% teaches=["F3", "D5", "D6"]
point_1, point_2 = torch.tensor([[-6.5, 1.0]]), torch.tensor([[3.0, -4.0]])
fresh_map = project(to_vectors(fashion_new), clothes_mean, clothes_directions)[:, [0, 2]]
wide = torch.linspace(-25, 25, 251)  # 0.2 apart, on a plane that holds the slopes of the hills
judged = {}
for h in (0.2, 0.3, 0.5, 1.0, 3.0):
    p1, p2 = (kernel_density(point, clothes_map, h).item() for point in (point_1, point_2))
    heights = bumps(wide, clothes_map[:, 1], h) @ bumps(wide, clothes_map[:, 0], h).T / n_shown
    volume = heights.sum() * 0.2**2
    judged[h] = kernel_density(fresh_map, clothes_map, h).log().mean().item()
    print(f"bandwidth {h}: p(1) = {p1:.4f}, p(2) = {p2:.4f}, volume {volume:.3f}, "
          f"fresh pictures {judged[h]:.2f}")
    assert p1 > p2 and abs(volume - 1) < 0.01
assert max(judged, key=judged.get) in (0.2, 0.3, 0.5)

# %% [markdown]
# Fog loses.
#
# One more caution. It is tempting to read $p(x)$ as "the probability that $x$ is a puppy". It is not. $p(x)$ says **how often
# this source of pictures produces pictures near** $x$. A flawless puppy of a rare kind has a low density. "Is this a puppy?"
# is another question. (The second network of lesson 7 will answer yet another one: does this picture come from the data, or from
# the first network?)
#
# Strictly speaking, puppies on an infinitely thin sheet have no density in 30,000 dimensions: all probability lies on a set
# without volume. The bumps give the density of *blurred* puppies. Remember this for lesson 4.
#
# ---
# # Part D: to generate is to draw a new point
#
# To generate is to **draw a new point from the distribution**. Not one of the data, and not any point: dense places often,
# sparse ones seldom, empty ones practically never. We have an estimate of its density, the average of $n$ bumps. To draw
# from it, *pick one of the data points, each equally likely, then draw from its bump.* The bump is the normal (Gaussian)
# curve. `torch.randn` draws from it with width 1; times $h$, it has width $h$.

# %% teaches=["D7"]
def sample_density(n, data, bandwidth, rng):
    """n points drawn from the kernel density estimate, and the data points' numbers (parents)."""
    parents = torch.randint(len(data), (n,), generator=rng)
    noise = torch.randn(n, data.shape[1], generator=rng)
    return data[parents] + bandwidth * noise, parents


# %% [markdown]
# We call a point of a sample **new** if the nearest data point is not the one it was made from. Otherwise it is a **copy**
# with noise.
#
# ## Try it: draw new points
#
# On the left, 200 points drawn in the view of the clothes; on the right, pictures of 15. Many pictures lie at a point of the
# view; we take the one in the plane itself: $\text{mean} + x_1 \cdot \text{direction}_1 + x_2 \cdot \text{direction}_3$.

# %% teaches=["D7"]
def from_map(points):
    """The pictures that belong to points of the view: (n, 2) to (n, 1, 28, 28)."""
    return to_pictures(clothes_mean + points @ clothes_directions[[0, 2]], (1, 28, 28))


def three_rows(pictures):
    return np.concatenate([sheet(row) for row in pictures.chunk(3)])


fig, (left, right) = plt.subplots(1, 2, figsize=(9.4, 4), layout="constrained",
                                  width_ratios=[1.15, 1])
scatter_samples(left, clothes_map, kind="real", label="data", size=2, alpha=0.5)
new_dots, = left.plot([], [], "^", ms=4.5, color=PALETTE["generated"], label="drawn")
left.legend(loc="upper right", framealpha=0.9)
finish(left, title="200 points drawn, in the plane", limits=((-11, 11), (-9, 9)), equal=True,
       xlabel="component 1", ylabel="component 3")
new_image = right.imshow(three_rows(from_map(clothes_map[:15])))
right.set_title("the pictures of 15 of them", loc="left")
right.axis("off")


def draw(presses, bandwidth):
    seeded = torch.Generator().manual_seed(SEED + presses)
    new, parents = sample_density(200, clothes_map, bandwidth, seeded)
    new_dots.set_data(*new.T)
    new_image.set_data(three_rows(from_map(new[:15])))
    n_new = int((torch.cdist(new, clothes_map).argmin(dim=1) != parents).sum())
    return f"{n_new} of the 200 points are new: nearer to another data point than to their own."


sliders(draw, fig, presses=button("Draw 200 points"), bandwidth=(0.1, 2.0, 0.1, 0.4))

# %% [markdown]
# **Figure 1.13.** Left: 200 points drawn from the density (triangles) fall where the data (dots) are. Right: pictures of 15 of
# them: blurred shapes between shirt, bag and shoe.
#
# ## What you saw
#
# In the plane it works: new points, about as dense as the data, a little blurred. But their pictures are blurs, since we kept
# two numbers of 784.
#
# ## Check: the points are new, and the steps have the right width
#
# With bandwidth 1, fewer than one point in twenty is a copy; and in both directions the variance of the steps (the mean square
# of the distance from their mean) is $h^2$. We check both with ten different seeds.

# %% teaches=["D7"]
h = 1.0
for seed in range(10):
    seeded = torch.Generator().manual_seed(100 * SEED + seed)
    new, parents = sample_density(2000, clothes_map, h, seeded)
    copies = (torch.cdist(new, clothes_map).argmin(dim=1) == parents).float().mean()
    step = new - clothes_map[parents]
    assert copies < 0.05
    assert ((step.var(dim=0) - h**2).abs() < 0.16 * h**2).all()
print("10 seeds: nearly all points are new, and the steps are as wide as they should be")

# %% [markdown]
# Then let us keep all numbers: the same function, in 784 dimensions and in 30,000.
#
# ## Predict: which bandwidth?
#
# For pictures that are new *and* look like clothes or puppies, choose a bandwidth that is
#
# **(a)** small &nbsp; **(b)** in the middle &nbsp; **(c)** large &nbsp; **(d)** no bandwidth will do
#
# ## When it breaks: all the numbers
#
# The data points are whole pictures now; we call them training pictures.

# %% teaches=["D7"]
stores = {"clothes, 784 numbers": (to_vectors(fashion[:10_000]), (1, 28, 28)),
          "puppies, 30,000 numbers": (vectors, (3, 100, 100))}
fig, (above, below) = plt.subplots(2, 1, figsize=(8.6, 3.9), layout="constrained")
parent_image, child_image = (ax.imshow(np.ones((1, 6, 3)), extent=(0, 6, 0, 1))
                             for ax in (above, below))
above.set_title("the training pictures they were made from", loc="left")
below.set_title("samples from the density", loc="left")
above.axis("off"), below.axis("off")


def draw(data, bandwidth):
    store, shape = stores[data]
    new, parents = sample_density(6, store, bandwidth, torch.Generator().manual_seed(SEED))
    parent_image.set_data(sheet(to_pictures(store[parents], shape)))
    child_image.set_data(sheet(to_pictures(new, shape)))
    n_new = int((torch.cdist(new, store).argmin(dim=1) != parents).sum())
    return (f"Bandwidth {bandwidth:.2f}: {n_new} of the 6 samples are new, "
            f"{6 - n_new} are copies with noise.")


sliders(draw, fig, data=list(stores), bandwidth=(0.01, 2.0, 0.01, 0.08))

# %% [markdown]
# **Figure 1.14.** With a small bandwidth, each sample (below) is its training picture (above) with some noise.

# %%
fig, axes = plt.subplots(3, 1, figsize=(5, 4.5), layout="constrained")
for ax, h in zip(axes, [0.02, 0.2, 1.0]):
    new, _ = sample_density(4, vectors, h, torch.Generator().manual_seed(SEED))
    ax.imshow(sheet(to_pictures(new, (3, 100, 100))))
    ax.set_title(f"bandwidth {h}", loc="left")
    ax.axis("off")
plt.show()

# %% [markdown]
# **Figure 1.15.** Four puppies sampled with three bandwidths: the training pictures, the same under noise, noise.
#
# ## What you saw
#
# **(d)**, and we can measure it. *Clean* shall mean: neighbouring pixels differ (in the mean of their squared differences) at
# most one and a half times as much as in the training pictures.

# %% teaches=["D7"]
def roughness(pictures):
    """The mean squared difference of pixels side by side."""
    return (pictures[..., 1:] - pictures[..., :-1]).square().mean()


fig, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained", sharey=True)
strengths = torch.tensor([0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0])
for ax, (name, (store, shape)) in zip(axes, stores.items()):
    copies, rough = [], []
    for h in strengths.tolist():
        new, parents = sample_density(60, store, h, rng)
        copies.append((torch.cdist(new, store).argmin(dim=1) == parents).float().mean().item())
        ratio = roughness(to_pictures(new, shape)) / roughness(to_pictures(store, shape))
        rough.append(ratio.item())
    assert rough[0] < 1.5 < rough[-1]
    assert all(c > 0.99 for c, r in zip(copies, rough) if r <= 1.5), "clean, so copies"
    assert all(r > 10 for c, r in zip(copies, rough) if c < 0.9), "new, so noise"
    clean_up_to = max(h for h, r in zip(strengths.tolist(), rough) if r <= 1.5)
    ax.axvspan(0.008, 1.2 * clean_up_to, color=PALETTE["muted"], alpha=0.35, lw=0)
    ax.text(0.0095, 0.5, "clean", fontsize=11)
    ax.text(1.5 * clean_up_to, 0.5, "not clean", fontsize=11)
    ax.semilogx(strengths, copies, "^-", color=PALETTE["generated"], clip_on=False)
    finish(ax, title=name, limits=((0.008, 5), (0, 1.05)), xlabel="bandwidth")
axes[0].set_ylabel("share that is a copy")
plt.show()

# %% [markdown]
# **Figure 1.16.** The share of 60 samples that are copies (triangles). Wherever samples are clean (grey band), all of them
# are copies. By the time clothes stop being copies, they have long been noise.
#
# Genuine new pictures are different: clean, *and* away from all training pictures. The cell compares the test pictures with
# samples, in distance and in roughness (training pictures: 1).

# %% teaches=["D7"]
store, shape = stores["clothes, 784 numbers"]
usual = roughness(to_pictures(store, shape))
genuine = torch.cdist(to_vectors(fashion_new), store).min(dim=1).values.median()
print(f"genuine new pictures: {genuine:4.1f} away, roughness {roughness(fashion_new) / usual:.1f}")
assert genuine > 3 and roughness(fashion_new) < 1.5 * usual
for h in (0.02, 0.14, 1.0):
    new, _ = sample_density(300, store, h, rng)
    away = torch.cdist(new, store).min(dim=1).values.median()
    rough = roughness(to_pictures(new, shape)) / usual
    print(f"bandwidth {h:4}: samples {away:4.1f} away "
          f"(noise alone explains {h * math.sqrt(784):4.1f}), roughness {rough:.1f}")
    assert 0.9 < away / (h * math.sqrt(784)) < 1.1
    assert h != 0.14 or (rough > 1.5 and abs(away / genuine - 1) < 0.15)

# %% [markdown]
# With bandwidth 0.14 a sample is as far from the training pictures as a genuine new one, but it is not clean: its distance is
# noise, all of it. Steps of size $h$ in each of $d$ directions lead $h\sqrt d$ away. The sheet has few directions, and the
# noise goes off in all the others. So a kernel density, asked for a new picture, returns a training picture with noise:
# **nothing new**.
#
# ---
# # Part E: why is it so hard?
#
# Why not count instead? Cut each axis into two halves and count the data in each cell: a histogram. One axis has 2 cells, two
# have 4, $d$ axes have $2^d$.
#
# ## Predict: filling the cells
#
# 10,000 uniform points, 20 dimensions, two halves an axis. How many of the cells hold at least one point?
#
# **(a)** all &nbsp; **(b)** about half &nbsp; **(c)** about a tenth &nbsp; **(d)** about one in a hundred
#
# ## Try it: empty cells
#
# Beside uniform points we count the clothes, on their first $d$ principal components, cut at the median. For both we ask: how
# many *fresh* points fall into a cell that holds a point already? The slider moves the dimension.

# %% teaches=["D8"]
def cells(x, middle):
    """The number of each point's cell, with one binary digit for each axis. (n, d) to (n,)."""
    return ((x > middle).long() * 2 ** torch.arange(x.shape[1])).sum(dim=1)


n_points, dims = 10_000, range(1, 41)
cubes = torch.rand(2, n_points, 40, generator=rng)
old, new = (project(to_vectors(pictures), clothes_mean, clothes_directions)
            for pictures in (fashion[:n_points], fashion_new))
halves = old.median(dim=0).values
occupied, hit_uniform, hit_clothes = [], [], []
for d in dims:
    first, fresh = (cells(cube[:, :d], 0.5) for cube in cubes)
    occupied.append(len(first.unique()) / 2**d)
    hit_uniform.append(torch.isin(fresh, first).float().mean().item())
    first, fresh = (cells(points[:, :d], halves[:d]) for points in (old, new))
    hit_clothes.append(torch.isin(fresh, first).float().mean().item())
predicted = 1 - (1 - 2**-15) ** n_points  # that a cell is not missed by all points, for d = 15
assert math.isclose(occupied[14], predicted, rel_tol=0.05)
assert hit_uniform[19] < 0.02 and hit_clothes[39] < 0.05

fig, ax = plt.subplots(figsize=(7.6, 3.7), layout="constrained")
ax.plot(dims, hit_uniform, color=PALETTE["noise"], lw=2, ls="--", label="fresh uniform points")
ax.plot(dims, hit_clothes, color=PALETTE["real"], lw=2, label="fresh clothes")
cell_marks, = ax.plot([], [], "o", color=PALETTE["ink"])
ax.legend(loc="upper right", frameon=False)
finish(ax, title="how many fall into an occupied cell?", limits=((1, 40), (0, 1.05)),
       xlabel="dimension $d$", ylabel="share")


def draw(d):
    cell_marks.set_data([d] * 2, [hit_uniform[d - 1], hit_clothes[d - 1]])
    share, hit = 100 * occupied[d - 1], 100 * hit_clothes[d - 1]
    return (f"d = {d}: {2**d:,} cells, {share:.3g} % of them occupied by uniform points. "
            f"Of fresh clothes, {hit:.3g} % fall into a cell that older clothes occupy.")


sliders(draw, fig, d=(1, 40, 1, 20), labels={"d": "dimension"})

# %% [markdown]
# **Figure 1.17.** The share of fresh points that fall into an occupied cell. For uniform points (dashed) it equals the share
# of occupied cells; between 10 and 20 dimensions it falls to almost nothing. The clothes hold out longer, since they fill only
# a part of their space, and fail as well.
#
# ## What you saw
#
# **(d)**: 10,000 points cannot occupy more than 10,000 of about a million cells. From about twenty dimensions on a histogram
# knows almost nothing about the next uniform point, from about forty about the next picture of clothes. And 30,000 axes have
# $2^{30000}$ cells, a number with 9,031 digits.
#
# Distances behave oddly, too. The next figure is a histogram of the distances of all pairs of 300 uniform points, in units of
# their mean; the outline is that of 300 pictures of clothes. (For many dimensions the mean distance of uniform points
# approaches $\sqrt{d/6}$, which the cell checks.)

# %% teaches=["D8"]
upper = torch.triu_indices(300, 300, 1).unbind()  # each pair once
pair_distances = {}
for d in (1, 2, 5, 20, 100, 784, 30_000):
    cube = torch.rand(300, d, generator=rng)
    pair_distances[d] = torch.cdist(cube, cube)[upper]
    assert d < 100 or abs(pair_distances[d].mean() / math.sqrt(d / 6) - 1) < 0.02
clothes_distances = torch.cdist(clothes[:300], clothes[:300])[upper]
edges = np.linspace(0, 2.5, 101)


def spread(distances):
    """The standard deviation of the distances, in units of their mean."""
    return (distances.std() / distances.mean()).item()


def distance_heights(distances):
    counts = np.histogram(distances / distances.mean(), bins=edges)[0]
    return counts / counts.max()


assert spread(clothes_distances) > 5 * spread(pair_distances[784])

fig, ax = plt.subplots(figsize=(7, 3.4), layout="constrained")
distance_steps = ax.stairs(distance_heights(pair_distances[784]), edges, fill=True,
                           color=PALETTE["noise"], label="uniform points (filled)")
ax.stairs(distance_heights(clothes_distances), edges, color=PALETTE["real"], lw=2,
          label="clothes, 784 numbers (outline)")
ax.legend(loc="upper right", frameon=False)
finish(ax, title="uniform points: all about equally far apart", limits=((0, 2.5), (0, 1.05)),
       xlabel="distance of a pair / mean distance", ylabel="pairs (tallest = 1)")


def draw(dimension):
    distance_steps.set_data(distance_heights(pair_distances[dimension]), edges)
    return (f"Uniform points in {dimension:,} dimensions: the distances spread by "
            f"{100 * spread(pair_distances[dimension]):.1f} % of their mean. "
            f"Clothes: {100 * spread(clothes_distances):.1f} %.")


sliders(draw, fig, dimension={f"{d:,}": d for d in (784, 1, 2, 5, 20, 100, 30_000)})

# %% [markdown]
# **Figure 1.18.** Distances of pairs in units of their mean. Uniform points in 784 dimensions (filled): a spike at 1, no near
# pairs. (In one or two dimensions there are.) Pictures of clothes (outline), with 784 numbers as well, have near and far pairs.
#
# Points spread evenly over the whole space have no near neighbours. Pictures are not spread evenly: they keep near and far,
# because they fill only thin sheets. That is the hope on which everything later stands.
#
# And a last idea: guess. Draw each of the 30,000 numbers at random, and try again until it is a puppy. (Figure 1.19 shows a
# guess, on the left.) Stored as usual, each number is one of 256 values (8 bits), so there are $256^{30000}$ pictures.

# %% teaches=["D8"]
print(f"256^30000 is about 10^{30_000 * math.log10(256):.0f}")
smoothest_guess = min(roughness(torch.rand(1, 3, 100, 100, generator=rng)) for _ in range(200))
roughest_puppy = max(roughness(puppy) for puppy in puppies)
print(f"the smoothest of 200 guesses is {smoothest_guess / roughest_puppy:.0f} times "
      "as rough as the roughest puppy")
assert smoothest_guess > 10 * roughest_puppy

# %% [markdown]
# Nearly every point of the space is noise. The puppies are a sheet so thin that no blind search hits it, not in the age of the
# universe; the chance is not 0.
#
# "The real distribution cannot be sampled directly", you may read. Two different things are hard. One: we do not know $p$, we
# have samples; bumps and counts estimate it badly in many dimensions. Two: even a known formula need not be easy to draw from.
# "Cannot be sampled" means not *tractably*, by these direct ways. With a formula, a method called Markov chain Monte Carlo
# walks through the space in small steps, often slowly from island to island. From samples alone, several kinds of networks
# *learn* to draw (autoregressive models, flows, diffusion models; only names, for now), as ours will.
#
# ## Try it: the secret
#
# How did our puppies come about, then? `draw_puppies` takes 16 uniform numbers and *transforms* them into a picture. Eleven of
# them are yours. (First a small network, `litter_of`, reads the litter off 1,000 pictures: they show what the switches say.)

# %% teaches=["D4", "D8"]
u = torch.rand(1000, N_FACTORS, generator=rng)
assert (litter_of(draw_puppies(u, 32)) == litter(u)).float().mean() > 0.99

secret = torch.full((1, N_FACTORS), 0.5)
fig, (left, right) = plt.subplots(1, 2, figsize=(7.8, 4.3), layout="constrained")
guess_image = left.imshow(np.ones((100, 100, 3)))
left.set_title("30,000 uniform numbers, as they are", loc="left", fontsize=11)
secret_image = right.imshow(to_image(draw_puppies(secret)[0]))
right.set_title("16 numbers in [0, 1], transformed", loc="left", fontsize=11)
left.axis("off"), right.axis("off")


def draw(presses, coat, ears, eye_patch, tongue, **dials):
    guess = torch.rand(3, 100, 100, generator=torch.Generator().manual_seed(SEED + presses))
    guess_image.set_data(to_image(guess))
    secret[0, :4] = torch.tensor([coat, ears, float(eye_patch), float(tongue)])
    for name, value in dials.items():
        secret[0, FACTORS.index(name)] = value
    secret_image.set_data(to_image(draw_puppies(secret)[0]))
    return f"A puppy, from these numbers: {', '.join(f'{value:.2f}' for value in secret[0])}."


sliders(draw, fig, presses=button("Guess again"),
        coat={name: (k + 0.5) / 5 for k, name in enumerate(COAT_NAMES)},
        ears={"floppy": 0.25, "pointed": 0.75}, eye_patch=True, tongue=True,
        head_tilt=(0.0, 1.0, 0.02, 0.76), position_x=(0.0, 1.0, 0.02), size=(0.0, 1.0, 0.02, 0.8),
        eye_distance=(0.0, 1.0, 0.02), gaze_x=(0.0, 1.0, 0.02, 0.8), coat_shade=(0.0, 1.0, 0.02),
        background_hue=(0.0, 1.0, 0.02, 0.3))

# %% [markdown]
# **Figure 1.19.** Left: random pixels; no puppy. Right: a puppy made from 16 numbers. Whatever you do to the sliders, it remains
# a puppy.
#
# To draw a *new* puppy, draw 16 new uniform numbers. So do not search the 30,000 dimensions: *transform* something simple that
# everybody can draw, uniform numbers, into the distribution you want. For our puppies somebody wrote the transformation down.
# For photographs nobody can; a network has to learn it.
#
# ## Exercises
#
# **1. Change a number and predict.** In Figure 1.10, the bandwidth goes from 0.02 to 0.01. What happens to the height of one
# thin bump, and what to its area? Then move the slider; the line below the figure gives the height.
#
# **2. Fill in the line.** At which place of the vector does a number of the picture stand? All places count from 0. Nothing
# breaks while the line is empty.

# %%
def place_in_vector(channel, row, column, height, width):
    return ...  # your line


def each(formula):
    """The formula's answers in two cases, each a channel, row, column, height and width."""
    return [formula(2, 3, 5, 10, 20), formula(1, 4, 7, 6, 8)]


compare("place_in_vector", lambda: each(place_in_vector), [465, 87], hints={
    "row and column are exchanged: a whole row of numbers lies before the next row begins":
        each(lambda c, r, k, h, w: c * h * w + k * w + r),
    "columns are counted down here; we read row by row":
        each(lambda c, r, k, h, w: c * h * w + k * h + r),
    "the three channels of a pixel lie side by side here; ours keep all red numbers together":
        each(lambda c, r, k, h, w: (r * w + k) * 3 + c),
    "rows are as long as the picture is wide, not as it is high":
        each(lambda c, r, k, h, w: c * h * w + r * h + k),
    "the channel is missing: before channel 2 come two whole channels of height * width numbers":
        each(lambda c, r, k, h, w: r * w + k),
    "before channel 2 come two whole channels of height * width numbers, not 2":
        each(lambda c, r, k, h, w: c + r * w + k),
    "before channel 2 come two whole channels of height * width numbers, not 2 * height":
        each(lambda c, r, k, h, w: c * h + r * w + k),
    "100 was the width of the puppies; use height and width":
        each(lambda c, r, k, h, w: 10_000 * c + 100 * r + k),
    "channels are counted from 0, so nothing is subtracted":
        each(lambda c, r, k, h, w: (c - 1) * h * w + r * w + k)})

# %% [markdown]
# **3. Fill in the line.** One bump in one dimension, with area 1. (`x` is a tensor: use `torch.exp`, not `math.exp`.)

# %%
def bump(x, centre, bandwidth):
    return ...  # your line: the height of the bump at x


x = torch.linspace(-1, 2, 7)
tip = torch.exp(-((x - 0.5) ** 2) / (2 * 0.3**2))
root = math.sqrt(2 * math.pi)
area = 0.3 * root
compare("bump", lambda: bump(x, 0.5, 0.3), tip / area, hints={
    "the factor in front is missing: the area is not 1 yet": tip,
    "the bandwidth must be squared in the exponent":
        torch.exp(-((x - 0.5) ** 2) / (2 * 0.3)) / area,
    "the 2 is missing in the exponent": torch.exp(-((x - 0.5) ** 2) / 0.3**2) / area,
    "the minus sign is missing in the exponent": torch.exp((x - 0.5) ** 2 / (2 * 0.3**2)) / area,
    "in Python a / 2 * b means (a / 2) * b: put 2 * bandwidth**2 in brackets":
        torch.exp(-((x - 0.5) ** 2) / 2 * 0.3**2) / area,
    "the front factor needs brackets: 1 / (h * root)": tip / 0.3 * root,
    "the bandwidth stands outside the root": tip / math.sqrt(2 * math.pi * 0.3),
    "the bandwidth is missing in the factor in front": tip / root,
    "the factor in front lacks the root": tip / (2 * math.pi * 0.3),
    "the factor in front is that of the plane; on a line it is 1 / (h * root)": tip / area**2})

# %% [markdown]
# **4. Open question.** Suppose you had a million puppies, or a billion ($10^9$), instead of 400. Would sampling the kernel
# density in 30,000 dimensions make new, clean puppies then?
#
# ## Recap
#
# - A 100x100 colour picture is a point with 30,000 numbers, 10,000 pixels times 3. Distances do not mind their order.
# - A data set is a cloud. The puppies lie on thin curved sheets; straight lines between them lead through ghosts. PCA shows the
#   shadow with the greatest spread.
# - A density says how thickly data lie. It integrates to 1, may exceed 1, and is no probability of being a puppy.
# - To generate is to draw a new point. In the plane a kernel density can do it; in many dimensions it returns copies with noise.
# - Counting and guessing fail too: cells are empty, uniform points all about equally far apart, nearly all pictures noise.
#
# The table that grows through the series:
#
# | lesson | how a new point is made | what it needs | where it stops |
# |---|---|---|---|
# | 1 | a training point plus a little noise (kernel density) | samples | in many dimensions: copies with noise, nothing new |
#
# ## Next
#
# The puppies came from uniform numbers, by a formula. *How do uniform numbers become any other distribution?* That is lesson 2.

# %% [markdown]
# ## Answers
#
# Open what you want to see: the answers in words by their triangle, the code by the three dots.

# %% [markdown] tags=["answer"]
# <details><summary>Answer 1</summary>
#
# The height of a bump doubles, since the bandwidth stands under the fraction bar. Its area stays 1/8, its share of the total
# of 1. The next cell measures both, and then holds the answers to 2 and 3.
#
# </details>

# %% jupyter={"source_hidden": true} tags=["answer"]
near = torch.linspace(-0.1, 0.1, 2001) + brightness[0]
both_heights = [bumps(near, brightness[:1], h)[:, 0] / 8 for h in (0.02, 0.01)]
for heights in both_heights:
    print(f"height {heights.max():.2f}, area {heights.sum() * 1e-4:.3f}")
assert torch.isclose(both_heights[1].max(), 2 * both_heights[0].max(), rtol=1e-3)


def place_in_vector(channel, row, column, height, width):
    return channel * height * width + row * width + column


def bump(x, centre, bandwidth):
    height = torch.exp(-((x - centre) ** 2) / (2 * bandwidth**2))
    return height / (bandwidth * math.sqrt(2 * math.pi))


compare("place_in_vector", each(place_in_vector), [465, 87])
compare("bump", bump(x, 0.5, 0.3), tip / area)

# %% [markdown] tags=["answer"]
# <details><summary>Answer 4</summary>
#
# Not really. The noise goes in all 30,000 directions, however many puppies there are, so a bandwidth that keeps samples clean
# stays tiny. What changes is how close the nearest *other* puppy is. On a sheet with $k$ directions that matter, halving that
# distance takes about $2^k$ times as many puppies. Our sheets have twelve dials, some of which hardly show: hundreds to
# thousands of times as many, for one halving. A billion puppies bring their neighbours a few times nearer, and the noise
# stays. With enough data the copies would at last be close to one another, and the question "is it new?" would lose its
# meaning: you would own practically every puppy already.
#
# </details>
