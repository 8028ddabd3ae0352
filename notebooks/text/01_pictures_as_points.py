# %% [markdown]
# # 1. Pictures as points
#
# **What is a picture, to a network?**
#
# A **generative network** is a network that makes new data: new pictures, in our case. At the end of this series, uniform
# noise goes in and puppies come out. The network that does it will be yours, each line of it.
#
# First, we have to see a picture as a network does: as a point. You will walk between two puppies, look at thousands of
# pictures as a cloud, and measure where the cloud is thick. Then you try to draw a new picture from it, and find out why that
# is hard.
#
# *You need*: school mathematics, and to have read some Python. *Time*: about 60 minutes.
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

# %%
import math

import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy import stats

from helpers.checks import compare
from helpers.pictures import FASHION_NAMES, load_fashion
from helpers.plots import PALETTE, finish, picture_grid, scatter_samples
from helpers.puppies import COAT_NAMES, FACTORS, N_FACTORS, draw_puppies, litter
from helpers.widgets import button, sliders

SEED = 1
rng = torch.Generator().manual_seed(SEED)  # the source of everything random in this lesson

# %% [markdown]
# We shall work with two kinds of pictures. The puppies are drawn by a program that comes with the lessons. The clothes are real photographs
# from the data set Fashion-MNIST, 28 pixels a side, in grey.

# %%
puppies = draw_puppies(torch.rand(400, N_FACTORS, generator=rng), size=100)
fashion, fashion_kind = load_fashion("train")
fashion_new, fashion_new_kind = load_fashion("test")

fig, (left, right) = plt.subplots(1, 2, figsize=(9, 4.6), layout="constrained")
picture_grid(left, puppies[:25], columns=5)
left.set_title("puppies, drawn", loc="left")
picture_grid(right, fashion[:25], columns=5)
right.set_title("Fashion-MNIST, photographed", loc="left")
plt.show()

# %% [markdown]
# **Figure 1.1.** Left: 25 puppies with different coats, ears, poses and backgrounds. Right: 25 pictures of clothes, shoes and bags.
#
# ## Words
#
# | word | meaning | in code | shape |
# |---|---|---|---|
# | **pixel** | one small square of a picture | | |
# | **channel** | one of the numbers of each pixel: red, green, blue; or grey alone | `channels` | 3 or 1 |
# | **vector** | numbers in a fixed order; the same thing as a point | `x` | `(d,)`, many: `(n, d)` |
# | **dimension** | how many numbers a vector has | `d` | |
# | **distribution** | which data occur, and how often | | |
# | **sample** | one piece of data drawn from a distribution; also several of them | `samples` | `(n, d)` |
# | **density** $p(x)$ | how thickly the distribution lies at the point $x$ | `density` | `(n,)` |
# | **bandwidth** $h$ | how wide a bump each data point gets when a density is estimated | `bandwidth` | a number |
# | **principal component** | a direction along which a cloud of points is widely spread | `directions` | `(k, d)` |
#
# ---
# # Part A: a picture is a list of numbers
#
# Take the smallest picture that still shows something: 4 pixels by 4, each with one number, 0 for black and 1 for white. To make a
# list of it, read it as you read a page: row by row.

# %% teaches=["D3", "F2"]
tiny = torch.tensor([[0.0, 1.0, 1.0, 0.0],
                     [1.0, 0.5, 0.5, 1.0],
                     [1.0, 0.5, 0.5, 1.0],
                     [0.0, 1.0, 1.0, 0.0]])
numbers = []
for row in tiny:
    for brightness in row:
        numbers.append(brightness.item())
print(numbers)
assert numbers == tiny.flatten().tolist()

# %% [markdown]
# Sixteen numbers: a vector of 16 dimensions. PyTorch's `flatten` does the same as our two loops.
#
# ## Predict: how many numbers is a puppy?
#
# A colour picture has three numbers for each pixel: how much red, green and blue. How many numbers is a puppy of 100 pixels by 100?
#
# **(a)** 300 &nbsp; **(b)** 10,000 &nbsp; **(c)** 30,000 &nbsp; **(d)** 1,000,000
#
# ## Try it: the side length

# %% teaches=["D3", "F2"]
one_puppy = torch.rand(1, N_FACTORS, generator=rng)


def to_image(picture):
    """One picture as matplotlib wants it: (1 or 3, height, width) to (height, width, 3)."""
    return picture.expand(3, -1, -1).permute(1, 2, 0).clamp(0, 1).numpy()


fig, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.8), layout="constrained", width_ratios=[1, 1.25])
side_image = left.imshow(to_image(draw_puppies(one_puppy, 16)[0]), extent=(0, 1, 0, 1))
left.set_title("the picture", loc="left")
side_text = right.text(0, 0.95, "", family="monospace", fontsize=9, va="top", linespacing=1.5)
right.set_title("its vector begins", loc="left")
left.axis("off"), right.axis("off")


def draw(side):
    picture = draw_puppies(one_puppy, side)[0]
    side_image.set_data(to_image(picture))
    vector = picture.flatten()
    lines = [" ".join(f"{v:.2f}" for v in vector[k:k + 8]) for k in range(0, 64, 8)]
    side_text.set_text("\n".join(lines) + f"\n... and {len(vector) - 64:,} more")
    return f"{side} x {side} = {side**2:,} pixels, three numbers each: a vector of {len(vector):,} numbers."


sliders(draw, fig, side=(8, 100, 1, 16), labels={"side": "side length"})

# %% [markdown]
# **Figure 1.2.** One puppy at 16 pixels a side, and the first 64 of its numbers: how red the pixels of the first rows are.
#
# Three places of the slider:

# %%
fig, axes = plt.subplots(1, 3, figsize=(8.4, 3.1), layout="constrained")
for ax, side in zip(axes, [8, 24, 100]):
    ax.imshow(to_image(draw_puppies(one_puppy, side)[0]))
    ax.set_title(f"side {side}: {3 * side**2:,} numbers", loc="left")
    ax.axis("off")
plt.show()

# %% [markdown]
# **Figure 1.3.** The same puppy as a vector of 192, of 1,728 and of 30,000 numbers.
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
# numbers. Our pictures keep the channels apart: first all red numbers, then all green, then all blue, each in rows. A vector with
# $d$ numbers is a **point**, as a pair of numbers is a point of the plane. Nobody can imagine
# 30,000 axes at right angles. But distances are computed as in the plane:
#
# $$\lVert a - b \rVert = \sqrt{(a_1 - b_1)^2 + (a_2 - b_2)^2 + \dots + (a_d - b_d)^2}.$$
#
# ## The code
#
# Two functions that later lessons import: pictures to points, and back. The first dimension counts the pictures and stays.

# %% tags=["shows:helpers.pictures.to_vectors"] teaches=["D3"]
def to_vectors(pictures):
    """The pictures as points: (n, channels, height, width) to (n, channels * height * width)."""
    return pictures.flatten(start_dim=1)


# %% tags=["shows:helpers.pictures.to_pictures"] teaches=["D3"]
def to_pictures(vectors, shape):
    """The points as pictures again; shape is (channels, height, width)."""
    return vectors.reshape(len(vectors), *shape)


# %% [markdown]
# ## Check
#
# The count, the exact way back, and the place of one number: green is channel 1, so it starts after the 10,000 red ones.

# %% teaches=["D3", "F2"]
vectors = to_vectors(puppies)
n_numbers, n_pixels = vectors.shape[1], puppies.shape[2] * puppies.shape[3]
print(f"{n_pixels:,} pixels, {n_numbers:,} numbers")
assert (n_pixels, n_numbers) == (10_000, 30_000)
assert torch.equal(to_pictures(vectors, (3, 100, 100)), puppies), "there and back must change nothing"
assert vectors[7, 10_000 + 100 * 42 + 13] == puppies[7, 1, 42, 13]

distance = (vectors[0] - vectors[1]).square().sum().sqrt()
assert torch.isclose(distance, torch.linalg.norm(vectors[0] - vectors[1]))

# %% [markdown]
# Nothing is lost. But does the list still know that it was a *picture*? Choose one order of the pixels at random, and bring all
# pictures into this order.
#
# ## Predict: what does the shuffle do to the distances?
#
# The distance between two shuffled puppies, compared with the distance before, is
#
# **(a)** larger, since they are noise now &nbsp; **(b)** smaller &nbsp; **(c)** the same &nbsp; **(d)** sometimes larger, sometimes smaller
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
    """The pictures side by side as one image."""
    return to_image(torch.cat(list(pictures), dim=2))


fig, (above, below) = plt.subplots(2, 1, figsize=(6.2, 3.6), layout="constrained")
above.imshow(sheet(puppies[:4]))
above.set_title("four puppies", loc="left")
shuffled_image = below.imshow(sheet(puppies[:4]))
below.set_title("the same four, shuffled", loc="left")
above.axis("off"), below.axis("off")


def draw(pixels_moved):
    shuffled = shuffle(puppies[:4], pixels_moved)
    shuffled_image.set_data(sheet(shuffled))
    before, after = ((p[0] - p[1]).norm() for p in (puppies[:4], shuffled))
    return f"{pixels_moved:,} pixels moved. Distance from puppy 1 to puppy 2: {before:.2f} before, {after:.2f} after."


sliders(draw, fig, pixels_moved=(0, 10_000, 100, 10_000))

# %% [markdown]
# **Figure 1.4.** Four puppies, and the same four with all 10,000 pixels shuffled by one order: coloured noise, to us.

# %%
fig, axes = plt.subplots(1, 3, figsize=(6.6, 2.5), layout="constrained")
for ax, n_moved in zip(axes, [1000, 5000, 10_000]):
    shuffled = shuffle(puppies[:2], n_moved)
    ax.imshow(to_image(shuffled[0]))
    ax.set_title(f"{n_moved:,} moved: {(shuffled[0] - shuffled[1]).norm():.2f} away", loc="left", fontsize=9)
    ax.axis("off")
plt.show()

# %% [markdown]
# **Figure 1.5.** Puppy 1 with 1,000, 5,000 and 10,000 pixels moved, and its distance to puppy 2, which never changes.
#
# ## What you saw
#
# **(c)**: the same. The distance is a sum over pixels, and a sum does not mind the order. The next cell checks all pairs of 200 puppies.

# %% teaches=["D3"]
some = puppies[:200].double()  # 64 bits, so that rounding cannot hide a difference
before, after = (torch.cdist(to_vectors(p), to_vectors(p)) for p in (some, shuffle(some, 10_000)))
print(f"{200 * 199 // 2:,} pairs compared")
assert torch.allclose(before, after, atol=1e-3)

# %% [markdown]
# To whoever sees only vectors, the noise and the puppies are the same set of points with the axes renamed. A network
# that takes the vector as it comes learns as well from one as from the other. (Strictly speaking, that holds for
# networks that are not told which pixels are neighbours. Convolutional networks, in lesson 11, are told, and they gain much by it.)
#
# ---
# # Part B: the data set is a cloud of points
#
# If each puppy is a point, is everything *between* two puppies a puppy too? We need to know one thing about our puppies: each is drawn
# from 16 numbers, its **factors**: four switches (coat, ears, eye patch, tongue) and twelve dials such as the tilt of the head.
#
# ## Predict: half way
#
# Two puppies differ in the tilt of the head and in where they sit. Go straight from one point to the other. What picture is half way?
#
# **(a)** a puppy in the middle, head upright &nbsp; **(b)** two puppies, each half transparent &nbsp; **(c)** plain grey &nbsp; **(d)** noise
#
# ## Try it: two ways from puppy to puppy
#
# One way goes straight through the 30,000 numbers, the other through the factors. The plot on the right measures how far each picture is from
# the nearest genuine puppy. For that we draw all puppies with these two dials in fine steps (576 of them, at 32 pixels a side to save time).

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


dials = torch.cartesian_prod(torch.linspace(0, 1, 24), torch.linspace(0, 1, 24))
grid_factors = start.repeat(len(dials), 1)
grid_factors[:, TILT], grid_factors[:, PLACE] = dials.T
grid_puppies = to_vectors(draw_puppies(grid_factors, 32))

steps = torch.linspace(0, 1, 41)
walks = {walk: to_vectors(torch.cat([walk(t, 32) for t in steps])) for walk in (straight, by_factors)}
to_nearest = {walk: torch.cdist(points, grid_puppies).min(dim=1).values for walk, points in walks.items()}

# %% [markdown]
# Now the figure.

# %% teaches=["D4"]
fig, (left, middle, right) = plt.subplots(1, 3, figsize=(10, 3.5), layout="constrained", width_ratios=[1, 1, 1.3])
walk_images = [ax.imshow(to_image(draw_puppies(start)[0])) for ax in (left, middle)]
for ax, title in ((left, "straight line"), (middle, "through the factors")):
    ax.set_title(title, loc="left")
    ax.axis("off")
right.plot(steps, to_nearest[straight], color=PALETTE["extra"], ls=":", lw=3)
right.plot(steps, to_nearest[by_factors], color=PALETTE["real"])
right.text(0.5, to_nearest[straight].max() + 0.3, "straight line", ha="center")
right.text(0.5, to_nearest[by_factors].max() + 0.3, "through the factors", ha="center")
walk_marks, = right.plot([], [], "o", color=PALETTE["ink"])
finish(right, title="distance to the nearest puppy", limits=((0, 1), (0, 9)), xlabel="share of the way $t$")


def draw(t):
    for image, walk in zip(walk_images, (straight, by_factors)):
        image.set_data(to_image(walk(t, 100)[0]))
    nearest = [np.interp(t, steps, to_nearest[walk]) for walk in (straight, by_factors)]
    walk_marks.set_data([t, t], nearest)
    return (f"At {t:.3f} of the way, the nearest puppy is {nearest[0]:.1f} away from the straight line, "
            f"{nearest[1]:.1f} from the other way.")


sliders(draw, fig, t=(0.0, 1.0, 0.025, 0.5), labels={"t": "share of the way"})

# %% [markdown]
# **Figure 1.6.** Half way between two puppies. On the straight line: a ghost, two half-transparent heads. Through the factors: a puppy. Right: the distance
# to the nearest puppy; the straight line (dotted) leads far away from all puppies, the other way never does.

# %%
fig, ax = plt.subplots(figsize=(9, 2.3), layout="constrained")
nine = torch.linspace(0, 1, 9)
picture_grid(ax, torch.cat([walk(t, 100) for walk in (straight, by_factors) for t in nine]), columns=9)
plt.show()

# %% [markdown]
# **Figure 1.7.** Both walks in nine steps. Above: straight; one puppy fades out while the other fades in. Below: through the factors; the puppy moves over and tilts its head.
#
# ## What you saw
#
# **(b)**: a ghost. The straight line is $x(t) = (1-t)\,a + t\,b$ for each pixel by itself. No pixel *moves*; each fades from one
# colour to the other. Along the factors the distance is not quite 0, since our 576 puppies lie close together but not everywhere.

# %% teaches=["D4"]
middle_straight, middle_factors = (to_nearest[walk][20] for walk in (straight, by_factors))
print(f"half way, the nearest puppy is {middle_straight:.1f} from the straight line, {middle_factors:.1f} from the other way")
assert to_nearest[straight].max() > 3 * to_nearest[by_factors].max()

fine = to_vectors(torch.cat([by_factors(t, 32) for t in torch.linspace(0, 1, 101)]))
along = (fine[1:] - fine[:-1]).norm(dim=1).sum()
print(f"straight: {(fine[-1] - fine[0]).norm():.1f} long; through the factors: {along:.1f}")
assert along > 2 * (fine[-1] - fine[0]).norm()

# %% [markdown]
# The way that stays among puppies is several times as long as the straight one: a *curve*. Move all twelve dials, and the puppies with one
# setting of the switches form a **thin curved sheet**: twelve directions to move in, within a space of 30,000. (Strictly speaking: 40 such
# sheets, since $5 \cdot 2 \cdot 2 \cdot 2 = 40$ settings of the four switches are possible.)
#
# We would like to *see* such a sheet, and clouds of pictures in general. For that we need a shadow of 30,000 dimensions on a plane.
#
# ## Why: the shadow with the greatest spread
#
# A shadow depends on the direction of the light. **Principal component analysis (PCA)** chooses the plane on which the
# shadow is spread most. In words: *move the cloud's mean to the origin; find the direction of greatest spread, then the one of greatest
# spread at right angles to it, and so on; read off how far each point lies along these directions.* The singular value decomposition (SVD), a standard
# routine, finds all directions at once.
#
# ## The code: PCA

# %% teaches=["D4"]
def principal_components(x, k):
    """The mean of the points and the k directions of greatest spread. x: (n, d). Returns (d,) and (k, d)."""
    mean = x.mean(dim=0)  # centre
    directions = torch.linalg.svd(x - mean, full_matrices=False)[2][:k]
    biggest = directions.gather(1, directions.abs().argmax(dim=1, keepdim=True))
    return mean, directions * biggest.sign()  # a direction may point either way: make its largest number positive


def project(x, mean, directions):
    """Where the points lie along the directions: (n, d) to (n, k)."""
    return (x - mean) @ directions.T


# %% [markdown]
# Smallest input first: 300 points in the plane, in a slanted cloud.

# %% teaches=["D4"]
slanted = torch.randn(300, 2, generator=rng) @ torch.tensor([[1.6, 0.8], [-0.2, 0.4]]) + torch.tensor([1.0, 0.5])
mean, directions = principal_components(slanted, 2)

fig, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.6), layout="constrained")
scatter_samples(left, slanted, kind="real", size=3, alpha=0.5)
for number, direction in enumerate(directions, start=1):
    tip = mean + 3 * direction
    left.annotate("", xy=tip.tolist(), xytext=mean.tolist(), arrowprops={"arrowstyle": "->", "lw": 2})
    left.text(*(mean + 3.6 * direction).tolist(), f"{number}", ha="center", va="center", fontsize=12,
              bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1})
finish(left, title="a cloud and its two directions", limits=((-5, 7), (-4, 5)), equal=True)
scatter_samples(right, project(slanted, mean, directions), kind="real", size=3, alpha=0.5)
finish(right, title="the same cloud, seen along them", limits=((-6, 6), (-4.5, 4.5)), equal=True,
       xlabel="component 1", ylabel="component 2")
plt.show()

# %% [markdown]
# **Figure 1.8.** Left: a slanted cloud. Arrow 1 points along the greatest spread, arrow 2 at right angles to it. Right: PCA has
# moved the cloud to the origin and turned it; distances are as before.
#
# Check it in a second way. Textbooks find the same directions as the eigenvectors of the covariance matrix; if these words are new to
# you, it is enough that another routine, on another road, arrives at the same arrows.

# %% teaches=["D4"]
values, vectors_of_covariance = torch.linalg.eigh(torch.cov(slanted.T))  # in rising order
second_way = vectors_of_covariance.T.flip(0)
cosines = (directions * second_way).sum(dim=1)
assert torch.allclose(cosines.abs(), torch.ones(2), atol=1e-3), "same directions, up to the sign"
seen = project(slanted, mean, directions)
assert torch.allclose(seen.var(dim=0), values.flip(0), rtol=1e-3)
assert torch.allclose(torch.cdist(seen, seen), torch.cdist(slanted, slanted), atol=1e-2)
print("both ways agree")

# %% [markdown]
# Now the sheet. Here are the 576 puppies with two dials, as a net whose threads follow the dials, and both walks of Figure 1.6. The slider
# turns the sheet round its first component.

# %% teaches=["D4"]
sheet_mean, sheet_directions = principal_components(grid_puppies, 3)
net = project(grid_puppies, sheet_mean, sheet_directions).reshape(24, 24, 3)
gap = torch.full((1, 3), torch.nan)  # lifts the pen between two threads
threads = torch.cat([torch.cat([thread, gap]) for k in range(0, 24, 2) for thread in (net[k], net[:, k])])
walks_seen = {walk: project(walks[walk], sheet_mean, sheet_directions) for walk in walks}


def turned(points, turn):
    """Component 1 across; upward, component 2 at 0 degrees and component 3 at 90. (n, 3) to two rows."""
    angle = math.radians(turn)
    return points[:, 0], math.cos(angle) * points[:, 1] + math.sin(angle) * points[:, 2]


def sheet_axes(ax, turn):
    return [ax.plot(*turned(threads, turn), color=PALETTE["real"], lw=0.7)[0],
            ax.plot(*turned(walks_seen[straight], turn), color=PALETTE["extra"], ls=":", lw=3)[0],
            ax.plot(*turned(walks_seen[by_factors], turn), color=PALETTE["ink"], lw=2.5)[0]]


fig, ax = plt.subplots(figsize=(6, 4.4), layout="constrained")
sheet_lines = sheet_axes(ax, 0)
ax.legend(sheet_lines, ["all positions of two dials", "straight line", "through the factors"], loc="upper center", fontsize=9,
          frameon=False)
finish(ax, title="puppies with two dials: a curved sheet", limits=((-9, 9), (-6, 9)), equal=True, xlabel="component 1")


def draw(turn):
    for line, points in zip(sheet_lines, (threads, walks_seen[straight], walks_seen[by_factors])):
        line.set_data(*turned(points, turn))
    return f"The sheet, turned by {turn} degrees. The straight line joins two of its points and leaves it in between."


sliders(draw, fig, turn=(0, 90, 1, 0))

# %% [markdown]
# **Figure 1.9.** The sheet seen edge-on: a deep valley. The straight line (dotted) cuts across the opening; the walk through the factors
# (dark) follows the sheet.

# %%
fig, axes = plt.subplots(1, 3, figsize=(9.4, 2.9), layout="constrained", sharey=True)
for ax, turn in zip(axes, [0, 45, 90]):
    sheet_axes(ax, turn)
    finish(ax, title=f"turned by {turn} degrees", limits=((-9, 9), (-6, 6)), equal=True, xlabel="component 1")
plt.show()

# %% [markdown]
# **Figure 1.10.** The same sheet at three angles. From 0 degrees it is a valley; from 90 you look down on it, and the net lies spread out.
#
# A sheet with two dials is easy to draw. With all sixteen factors free, the view becomes a cloud. Pick points and look at their pictures.

# %% teaches=["D4"]
many_factors = torch.rand(800, N_FACTORS, generator=rng)
many_puppies = to_vectors(draw_puppies(many_factors, 32))
coats = litter(many_factors) // 8  # eight litters share a coat
puppy_map = project(many_puppies, *principal_components(many_puppies, 2))

fig, (left, right) = plt.subplots(1, 2, figsize=(9, 4.2), layout="constrained", width_ratios=[1.3, 1])
scatter_samples(left, puppy_map, kind="real", size=2.5, alpha=0.5)
for k, (name, lift) in enumerate(zip(COAT_NAMES, (-1.5, 2.5, 1.5, 0, -4))):  # lifted, so that no two names meet
    x, y = puppy_map[coats == k].median(dim=0).values.tolist()
    left.text(x, y + lift, name, ha="center", va="center", fontsize=10,
              bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5})
puppy_ring, = left.plot([], [], "o", ms=13, mfc="none", mec=PALETTE["ink"], mew=2.5, zorder=5)
finish(left, title="800 puppies", limits=((-11, 11), (-11, 11)), equal=True, xlabel="component 1", ylabel="component 2")
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
# **Figure 1.11.** 800 puppies, each a point; each name stands near the middle of that coat's points. Dark coats lie at one end of component 1 and pale ones at the other; nobody told PCA what
# a coat is. The ring marks one point; its picture is on the right.
#
# And the real pictures. We take 5,000 of them, compute three components of their 784, and choose two for each view.

# %% teaches=["D4"]
clothes, clothes_kind = to_vectors(fashion[:5000]), fashion_kind[:5000]
clothes_mean, clothes_directions = principal_components(clothes, 40)
clothes_seen = project(clothes, clothes_mean, clothes_directions)
BAG, BOOT = FASHION_NAMES.index("Bag"), FASHION_NAMES.index("Ankle boot")
VIEWS = {"components 1 and 3": (0, 2), "components 1 and 2": (0, 1), "components 2 and 3": (1, 2)}
n_shown = 2000


def clothes_axes(ax):
    """Empty points for all kinds, for bags and for boots, to be placed by `place_clothes`."""
    finish(ax, limits=((-11, 11), (-9, 9)), equal=True)
    return [ax.plot([], [], ".", ms=1.5, color=PALETTE["muted"], label="other kinds")[0],
            ax.plot([], [], "D", ms=2.8, color=PALETTE["extra"], label="bags")[0],
            ax.plot([], [], "o", ms=2.8, color=PALETTE["real"], label="boots")[0]]


def place_clothes(artists, view):
    shown, kinds = clothes_seen[:n_shown, list(VIEWS[view])], clothes_kind[:n_shown]
    for artist, who in zip(artists, ((kinds != BAG) & (kinds != BOOT), kinds == BAG, kinds == BOOT)):
        artist.set_data(*shown[who].T)


fig, (left, right) = plt.subplots(1, 2, figsize=(9, 4.2), layout="constrained", width_ratios=[1.4, 1])
clothes_artists = clothes_axes(left)
clothes_ring, = left.plot([], [], "o", ms=13, mfc="none", mec=PALETTE["ink"], mew=2.5)
left.set_title("2,000 pictures of clothes", loc="left")
left.legend(loc="upper right", fontsize=9, framealpha=0.9)
clothes_image = right.imshow(to_image(fashion[0]))
right.set_title("the picture at the ring", loc="left")
right.axis("off")


def draw(view, point):
    place_clothes(clothes_artists, view)
    clothes_ring.set_data(*clothes_seen[point:point + 1, list(VIEWS[view])].T)
    clothes_image.set_data(to_image(fashion[point]))
    return f"{view}; point {point} is of the kind {FASHION_NAMES[clothes_kind[point]]}."


sliders(draw, fig, view=list(VIEWS), point=(0, n_shown - 1, 1, 1))

# %% [markdown]
# **Figure 1.12.** 2,000 pictures of Fashion-MNIST on components 1 and 3. Boots (circles) and bags (diamonds) are two islands, seen from each
# other; grey dots of other kinds lie round about, and among the bags. The ring marks the point whose picture is shown.

# %%
fig, axes = plt.subplots(1, 3, figsize=(9.4, 2.9), layout="constrained", sharey=True)
for ax, view in zip(axes, sorted(VIEWS)):
    place_clothes(clothes_axes(ax), view)
    ax.set_title(view, loc="left")
plt.show()

# %% [markdown]
# **Figure 1.13.** Three shadows of one cloud. On components 1 and 2 boots and bags overlap; on 1 and 3 they lie apart.
#
# A shadow can hide a gap but cannot invent one: what lies apart in a view lies apart in 784 dimensions, while an overlap may be an effect of the
# view. So we measure, first in the views: how many boots and bags lie nearer to the centre of their own kind than to
# that of the other? Then in all 784 dimensions, among all 5,000 pictures: how many of the ten nearest others are of the same kind?

# %% teaches=["D4"]
pair = (clothes_kind == BAG) | (clothes_kind == BOOT)
is_boot = clothes_kind[pair] == BOOT


def nearer_to_own(points):
    """The share of points nearer to the centre of their own kind."""
    to_boots, to_bags = ((points - points[who].mean(dim=0)).norm(dim=1) for who in (is_boot, ~is_boot))
    return ((to_boots < to_bags) == is_boot).float().mean()


for view, columns in VIEWS.items():
    print(f"{view}: {100 * nearer_to_own(clothes_seen[pair][:, list(columns)]):.0f} %")
assert nearer_to_own(clothes_seen[pair][:, [0, 2]]) > 0.9 > nearer_to_own(clothes_seen[pair][:, [0, 1]])

alike = {}
for name in ("Ankle boot", "Bag", "Shirt"):
    who = (clothes_kind == FASHION_NAMES.index(name)).nonzero()[:, 0]
    nearest = torch.cdist(clothes[who], clothes).topk(11, largest=False).indices  # the point itself, and ten others
    assert torch.equal(nearest[:, 0], who), "nobody is nearer to a point than the point itself"
    alike[name] = (clothes_kind[nearest[:, 1:]] == clothes_kind[who][:, None]).float().mean()
    print(f"all 784 numbers, kind {name}: {100 * alike[name]:.0f} % of the ten nearest are of that kind")
assert alike["Ankle boot"] > 0.8 and alike["Bag"] > 0.7 and alike["Shirt"] < 0.5

# %% [markdown]
# In 784 dimensions bags and boots keep to themselves: two islands. Shirts do not; they live among pullovers and coats. The cell also checks a platitude that
# we shall need: the nearest neighbour of a data point is the point itself, at distance 0.
#
# ---
# # Part C: how thick is the cloud?
#
# The cloud is thick in some places and thin in others. The **density** $p(x)$ puts a number to that. We have only points, so we have to
# estimate it. A simple way: put a small heap of sand on each point. Start on a line: the mean
# brightness of eight pictures.
#
# $$p(x) = \frac1n \sum_{i=1}^n \frac{1}{h\sqrt{2\pi}}\, e^{-(x - x_i)^2 / (2h^2)}$$
#
# Each data point $x_i$ contributes a bump of width $h$, the **bandwidth**; the factor in front gives each bump the area 1. This is a **kernel density
# estimate**. By hand, with two loops:

# %% teaches=["F3", "D5", "D6"]
brightness = fashion[:8].mean(dim=(1, 2, 3))
places = torch.linspace(-0.5, 1.5, 801)
bandwidth = 0.05

by_hand = []
for x in places.tolist():
    height = 0.0
    for x_i in brightness.tolist():
        height += math.exp(-((x - x_i) ** 2) / (2 * bandwidth**2)) / (bandwidth * math.sqrt(2 * math.pi))
    by_hand.append(height / len(brightness))
by_hand = torch.tensor(by_hand)

# The second way: SciPy, which wants the bandwidth in units of the data's standard deviation.
reference = stats.gaussian_kde(brightness.double().numpy(), bw_method=bandwidth / brightness.double().std().item())
assert np.allclose(by_hand, reference(places.double().numpy()), atol=1e-4)
print(f"our loops and SciPy agree at {len(places):,} places")

# %% [markdown]
# ## Predict: how high can it get?
#
# Probabilities are never above 1. Make the bandwidth smaller and smaller. The highest point of the density
#
# **(a)** approaches 1 &nbsp; **(b)** approaches 1/8, one bump's share &nbsp; **(c)** grows without limit &nbsp; **(d)** stays where it is
#
# ## Try it: the bandwidth

# %% teaches=["F3", "D6"]
def bumps(x, data, bandwidth):
    """The height of each data point's bump at each x, (m, n); its mean over the data is the density. x: (m,), data: (n,)."""
    return torch.exp(-((x[:, None] - data) ** 2) / (2 * bandwidth**2)) / (bandwidth * math.sqrt(2 * math.pi))


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
    return f"Bandwidth {bandwidth:.3f}: highest point {heights.sum(dim=1).max():.2f}, area under the curve {area:.3f}."


sliders(draw, fig, bandwidth=(0.01, 0.2, 0.002, 0.03))

# %% [markdown]
# **Figure 1.14.** Brightness of eight pictures (dots), a bump on each (thin) and the density, their sum (thick). It rises above height 1 (dashed).

# %%
fig, axes = plt.subplots(1, 3, figsize=(9.4, 2.8), layout="constrained", sharey=True)
for ax, h in zip(axes, [0.01, 0.05, 0.2]):
    density = bumps(places, brightness, h).mean(dim=1)
    ax.plot(places, density, color=PALETTE["real"], lw=2)
    ax.plot(brightness, 0 * brightness + 0.12, "o", ms=4, color=PALETTE["real"], clip_on=False)
    finish(ax, title=f"bandwidth {h}: highest {density.max():.1f}", limits=((-0.2, 1), (0, 10.5)), xlabel="brightness $x$")
axes[0].set_ylabel("density $p(x)$")
plt.show()

# %% [markdown]
# **Figure 1.15.** A small bandwidth gives spikes, a large one a single soft hill. The area is 1 each time.
#
# ## What you saw
#
# **(c)**: it grows without limit. A density is no probability: it is probability *per unit of length*. A bump ten times as narrow must be ten times
# as high to keep its area. Probabilities are areas:
#
# $$\int p(x)\,dx = 1.$$
#
# You may read that the densities of all data points add up to 1. Strictly speaking densities *integrate* to 1; the sum over data points can be anything.

# %% teaches=["D5", "D6"]
for h in (0.01, 0.05, 0.2):
    density = bumps(places, brightness, h).mean(dim=1)
    area = (density * (places[1] - places[0])).sum()  # many thin rectangles
    at_data = bumps(brightness, brightness, h).mean(dim=1).sum()
    print(f"bandwidth {h}: area {area:.3f}, highest point {density.max():5.2f}, sum over the data points {at_data:5.2f}")
    assert abs(area - 1) < 0.01
assert bumps(places, brightness, 0.01).mean(dim=1).max() > 1

# %% [markdown]
# ## The code: density in any dimension
#
# The same with points of $d$ numbers: squared distances instead of $(x - x_i)^2$, and the factor once for each dimension. All at once, without loops:

# %% teaches=["F3", "D5", "D6"]
def kernel_density(x, data, bandwidth):
    """The kernel density estimate at each x, (m,): bumps on all data points, averaged. x: (m, d), data: (n, d)."""
    squared = (x[:, None] - data[None]).square().sum(dim=2)  # (m, n)
    heights = torch.exp(-squared / (2 * bandwidth**2)) / (2 * math.pi * bandwidth**2) ** (x.shape[1] / 2)
    return heights.mean(dim=1)


assert torch.allclose(kernel_density(places[:, None], brightness[:, None], 0.05), by_hand, atol=1e-4)

# %% [markdown]
# It agrees with the loops on a line. Now the plane: the view of the clothes with components 1 and 3. Two points are yours to move.
#
# ## Try it: point 1 and point 2

# %% teaches=["F3", "D5", "D6"]
clothes_map = clothes_seen[:n_shown, [0, 2]]
across, upward = torch.linspace(-11, 11, 89), torch.linspace(-9, 9, 73)
place_grid = torch.cartesian_prod(upward, across).flip(1)  # row by row, each place as (across, upward)


def density_image(bandwidth):
    """The density on the grid, (73, 89). A bump in the plane is a bump across times a bump upward: the quick way."""
    return bumps(upward, clothes_map[:, 1], bandwidth) @ bumps(across, clothes_map[:, 0], bandwidth).T / len(clothes_map)


some_places = place_grid[::10]
assert torch.allclose(density_image(0.5).flatten()[::10], kernel_density(some_places, clothes_map, 0.5), atol=1e-5)
field_look = {"origin": "lower", "extent": (-11.125, 11.125, -9.125, 9.125), "cmap": "Blues", "interpolation": "bilinear"}

fig, ax = plt.subplots(figsize=(6.6, 4.8), layout="constrained")
field = ax.imshow(density_image(0.5), **field_look)
ax.plot(*clothes_map.T, ".", ms=1.5, color=PALETTE["real"], alpha=0.5)
two_points, = ax.plot([], [], "o", ms=9, color=PALETTE["ink"])
two_labels = [ax.text(0, 0, f"  point {k}", fontweight="bold") for k in (1, 2)]
finish(ax, title="where is the cloud thick?", limits=((-11, 11), (-9, 9)), equal=True, xlabel="component 1",
       ylabel="component 3")


def draw(x1, y1, x2, y2, bandwidth):
    image = density_image(bandwidth)
    field.set_data(image)
    field.set_clim(0, image.max())
    both = torch.tensor([[x1, y1], [x2, y2]])
    two_points.set_data(*both.T)
    for label, place in zip(two_labels, both.tolist()):
        label.set_position(place)
    p1, p2 = kernel_density(both, clothes_map, bandwidth).tolist()
    comparison = f"point 1 is {p1 / p2:.1f} times as dense" if p2 > 1e-6 else "there is next to nothing at point 2"
    return f"Bandwidth {bandwidth:.2f}: p(point 1) = {p1:.4f}, p(point 2) = {p2:.4f}; {comparison}."


sliders(draw, fig, x1=(-11.0, 11.0, 0.5, -6.5), y1=(-9.0, 9.0, 0.5, 1.0), x2=(-11.0, 11.0, 0.5, 3.0),
        y2=(-9.0, 9.0, 0.5, -4.0), bandwidth=(0.1, 3.0, 0.1, 0.5),
        labels={"x1": "point 1 across", "y1": "point 1 up", "x2": "point 2 across", "y2": "point 2 up"})

# %% [markdown]
# **Figure 1.16.** Kernel density of 2,000 clothes in the plane; darker is denser (relative to the darkest place). Point 1 lies in a dense place, point 2 in a sparse one.

# %%
fig, axes = plt.subplots(1, 3, figsize=(9.4, 2.9), layout="constrained", sharey=True)
for ax, h in zip(axes, [0.2, 0.7, 3.0]):
    ax.imshow(density_image(h), **field_look)
    finish(ax, title=f"bandwidth {h}", limits=((-11, 11), (-9, 9)), equal=True, xlabel="component 1")
plt.show()

# %% [markdown]
# **Figure 1.17.** The same points with three bandwidths: crumbs, islands, fog. Which one is "the" density? None: the data do not say how wide the bumps should be.
#
# Check: point 1 beats point 2 at each of four bandwidths, and the volume under the hills is 1 (summed over small squares, on a plane
# large enough to hold the slopes).

# %% teaches=["F3", "D5", "D6"]
point_1, point_2 = torch.tensor([[-6.5, 1.0]]), torch.tensor([[3.0, -4.0]])
wide = torch.linspace(-25, 25, 251)  # 0.2 apart
for h in (0.3, 0.5, 1.0, 2.0):
    p1, p2 = (kernel_density(point, clothes_map, h).item() for point in (point_1, point_2))
    heights = bumps(wide, clothes_map[:, 1], h) @ bumps(wide, clothes_map[:, 0], h).T / n_shown  # (251, 251)
    volume = heights.sum() * 0.2**2
    print(f"bandwidth {h}: p(1) = {p1:.4f}, p(2) = {p2:.4f}, volume {volume:.3f}")
    assert p1 > p2 and abs(volume - 1) < 0.01

# %% [markdown]
# One more caution. It is tempting to read $p(x)$ as "the probability that $x$ is a puppy". It is not. $p(x)$ says **how often this source of pictures produces pictures near** $x$.
# A flawless puppy of a rare kind has a low density. "Is this a puppy?" is another question; a judge
# answers it, from lesson 7 on.
#
# ---
# # Part D: to generate is to draw a new point
#
# Now we can say what generating means: **draw a new point from the distribution**. Not one of the data, and not any point: dense places often, sparse ones
# seldom, empty ones never. We *have* a density. To draw from it, look at how it was made. It is the average of $n$ bumps: *pick one of the data points,
# each equally likely, then draw from its bump.*

# %% teaches=["D7"]
def sample_density(n, data, bandwidth, rng):
    """n new points from the kernel density estimate, and the numbers of the data points they were made from."""
    parents = torch.randint(len(data), (n,), generator=rng)
    noise = torch.randn(n, data.shape[1], generator=rng)
    return data[parents] + bandwidth * noise, parents


# %% [markdown]
# ## Try it: draw new points
#
# On the left, 200 new points in the view of the clothes. On the right, the pictures of the first 15. A point of the view has two numbers; its picture is the mean picture
# plus two times a direction: $\text{mean} + x_1 \cdot \text{direction}_1 + x_2 \cdot \text{direction}_3$.

# %% teaches=["D7"]
def from_map(points):
    """The pictures that belong to points of the view: (n, 2) to (n, 1, 28, 28)."""
    return to_pictures(clothes_mean + points @ clothes_directions[[0, 2]], (1, 28, 28))


def three_rows(pictures):
    return to_image(torch.cat([torch.cat(list(row), dim=2) for row in pictures.chunk(3)], dim=1))


fig, (left, right) = plt.subplots(1, 2, figsize=(9.4, 4), layout="constrained", width_ratios=[1.15, 1])
scatter_samples(left, clothes_map, kind="real", label="data", size=2, alpha=0.3)
new_dots, = left.plot([], [], "^", ms=4.5, color=PALETTE["generated"], label="drawn")
left.legend(loc="upper right", framealpha=0.9)
finish(left, title="new points, in the plane", limits=((-11, 11), (-9, 9)), equal=True, xlabel="component 1",
       ylabel="component 3")
new_image = right.imshow(three_rows(from_map(clothes_map[:15])))
right.set_title("the pictures of 15 of them", loc="left")
right.axis("off")


def draw(presses, bandwidth):
    new, _ = sample_density(200, clothes_map, bandwidth, torch.Generator().manual_seed(SEED + presses))
    new_dots.set_data(*new.T)
    new_image.set_data(three_rows(from_map(new[:15])))
    nearest = torch.cdist(new, clothes_map).min(dim=1).values
    return f"200 new points; half of them lie more than {nearest.median():.2f} from every data point."


sliders(draw, fig, presses=button("Draw 200 new points"), bandwidth=(0.1, 2.0, 0.1, 0.4))

# %% [markdown]
# **Figure 1.18.** Left: 200 new points (triangles) fall where the data (dots) are. Right: pictures of 15 of them: blurred shapes between shirt, bag and shoe.
#
# ## What you saw
#
# In the plane it works: new points, everywhere as dense as the data. But their pictures are blurs. No wonder: we kept two numbers of 784. The view
# is good for looking, and too poor for making.
#
# ## Check: the new points are new, and distributed as they should be
#
# None of 2,000 new points may lie on a data point. And a bump adds its own spread: the variance of the samples must be that of the data plus $h^2$. We check both with ten
# different seeds.

# %% teaches=["D7"]
for seed in range(10):
    new, _ = sample_density(2000, clothes_map, 1.0, torch.Generator().manual_seed(100 * SEED + seed))
    assert not (new[:, None] == clothes_map[None]).all(dim=2).any(), "a copy of a data point"
    expected = clothes_map.var(dim=0, correction=0) + 1.0**2
    assert ((new.var(dim=0) / expected - 1).abs() < 5 * math.sqrt(2 / 2000)).all()
print("10 seeds: no copies, and the variances agree")

# %% [markdown]
# ## When it breaks: all the numbers
#
# Then let us keep all numbers: the same function, the same two lines, in 784 dimensions and in 30,000.
#
# ## Predict: which bandwidth?
#
# For pictures that are new *and* look like clothes or puppies, choose a bandwidth that is
#
# **(a)** small &nbsp; **(b)** in the middle &nbsp; **(c)** large &nbsp; **(d)** no bandwidth will do
#
# ## Try it: sample pictures

# %% teaches=["D7"]
stores = {"clothes, 784 numbers": (to_vectors(fashion[:10_000]), (1, 28, 28)),
          "puppies, 30,000 numbers": (vectors, (3, 100, 100))}
fig, (above, below) = plt.subplots(2, 1, figsize=(8.6, 3.9), layout="constrained")
parent_image, child_image = (ax.imshow(np.ones((1, 6, 3)), extent=(0, 6, 0, 1)) for ax in (above, below))
above.set_title("the data points they were made from", loc="left")
below.set_title("samples from the density", loc="left")
above.axis("off"), below.axis("off")


def draw(data, bandwidth):
    store, shape = stores[data]
    new, parents = sample_density(6, store, bandwidth, torch.Generator().manual_seed(SEED))
    parent_image.set_data(sheet(to_pictures(store[parents], shape)))
    child_image.set_data(sheet(to_pictures(new, shape)))
    own = int((torch.cdist(new, store).argmin(dim=1) == parents).sum())
    return f"Bandwidth {bandwidth:.2f}: for {own} of 6 samples the nearest training picture is the one it was made from."


sliders(draw, fig, data=list(stores), bandwidth=(0.01, 2.0, 0.01, 0.08))

# %% [markdown]
# **Figure 1.19.** With a small bandwidth, each sample (below) is the training picture it was made from (above), with some noise.

# %%
fig, axes = plt.subplots(3, 1, figsize=(5, 4.5), layout="constrained")
for ax, h in zip(axes, [0.02, 0.2, 1.0]):
    new, _ = sample_density(4, vectors, h, torch.Generator().manual_seed(SEED))
    ax.imshow(sheet(to_pictures(new, (3, 100, 100))))
    ax.set_title(f"bandwidth {h}", loc="left")
    ax.axis("off")
plt.show()

# %% [markdown]
# **Figure 1.20.** Four puppies sampled with three bandwidths. Small: the training pictures. In the middle: the training pictures under noise. Large: noise.
#
# ## What you saw
#
# **(d)**, and we can measure it. *New* shall mean: the nearest training picture is not the one the sample was made from. *Clean* shall mean: neighbouring pixels differ (in the mean of
# their squared differences) at most one and a half times as much as in genuine pictures.

# %% teaches=["D7"]
def roughness(pictures):
    """The mean squared difference of pixels side by side."""
    return (pictures[..., 1:] - pictures[..., :-1]).square().mean()


fig, axes = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained", sharey=True)
strengths = torch.tensor([0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0])
for ax, (name, (store, shape)) in zip(axes, stores.items()):
    copies, rough = [], []
    for h in strengths.tolist():
        new, parents = sample_density(60, store, h, rng)
        copies.append((torch.cdist(new, store).argmin(dim=1) == parents).float().mean().item())
        rough.append((roughness(to_pictures(new, shape)) / roughness(to_pictures(store[:500], shape))).item())
    ax.semilogx(strengths, copies, "o-", color=PALETTE["real"])
    ax.semilogx(strengths, [r <= 1.5 for r in rough], "s:", color=PALETTE["ink"])
    ax.text(0.0095, 1.04, "share that is a copy (circles)", fontsize=9)
    ax.text(0.0095, -0.09, "clean: 1 yes, 0 no (squares)", fontsize=9)
    finish(ax, title=name, limits=((0.008, 5), (-0.15, 1.15)), xlabel="bandwidth")
    print(f"{name}: copies {[round(c, 1) for c in copies]}")
    assert all(c > 0.99 for c, r in zip(copies, rough) if r <= 1.5), "clean samples must all be copies"
    assert rough[0] < 1.5 < rough[-1]
plt.show()

# %% [markdown]
# **Figure 1.21.** Wherever samples are clean (squares at 1), all of them are copies (circles at 1). By the time the clothes stop being copies, they have long been noise.
#
# Genuine new pictures are different: they are clean, *and* away from all training pictures. The cell compares test pictures, which we have not used so far, with samples.

# %% teaches=["D7"]
store, _ = stores["clothes, 784 numbers"]
genuine = torch.cdist(to_vectors(fashion_new), store).min(dim=1).values.median()
print(f"a genuine new picture: {genuine:.1f} from the nearest training picture")
for h in (0.02, 0.14, 1.0):
    away = torch.cdist(sample_density(300, store, h, rng)[0], store).min(dim=1).values.median()
    print(f"bandwidth {h}: a sample is {away:.1f} away; noise alone explains {h * math.sqrt(784):.1f}")
    assert 0.9 < away / (h * math.sqrt(784)) < 1.1

# %% [markdown]
# The samples' distance is noise, all of it: $h\sqrt d$, for steps of size $h$ in each of $d$ directions. The sheet has few directions and the
# noise goes off in all the others. So a kernel density, asked for a new picture, returns a training picture with noise: **nothing new**.
#
# ---
# # Part E: why is it so hard?
#
# Perhaps bumps are a poor idea. Why not count? Cut each axis into two halves and count the data in each cell: a histogram. One axis has 2 cells, two have 4, $d$ axes have $2^d$.
#
# ## Predict: filling the cells
#
# 10,000 uniform points, 20 dimensions, two halves an axis. How many of the cells hold at least one point?
#
# **(a)** all &nbsp; **(b)** about half &nbsp; **(c)** about a tenth &nbsp; **(d)** about one in a hundred
#
# ## Try it: empty cells
#
# Beside uniform points we count the clothes, on their first $d$ principal components, cut at the median. For both we ask, too: in how many cases does a *fresh* point fall into a cell that
# holds a point already?

# %% teaches=["D8"]
def cells(x, middle):
    """The number of the cell of each point: one binary digit for each axis. x: (n, d). Returns (n,) whole numbers."""
    return ((x > middle).long() * 2 ** torch.arange(x.shape[1])).sum(dim=1)


n_points, dims = 10_000, range(1, 41)
cubes = torch.rand(2, n_points, 40, generator=rng)
components_old, components_new = (project(to_vectors(pictures), clothes_mean, clothes_directions)
                                  for pictures in (fashion[:n_points], fashion_new))
middle_old = components_old.median(dim=0).values
occupied, hit_uniform, hit_clothes = [], [], []
for d in dims:
    first, fresh = (cells(c[:, :d], 0.5) for c in cubes)
    occupied.append(len(first.unique()) / 2**d)
    hit_uniform.append(torch.isin(fresh, first).float().mean().item())
    old, new = (cells(c[:, :d], middle_old[:d]) for c in (components_old, components_new))
    hit_clothes.append(torch.isin(new, old).float().mean().item())

# %% [markdown]
# The slider moves the dimension along the three curves.

# %% teaches=["D8"]
fig, ax = plt.subplots(figsize=(7.6, 3.7), layout="constrained")
ax.plot(dims, occupied, color=PALETTE["ink"], lw=2, label="cells occupied")
ax.plot(dims, hit_uniform, color=PALETTE["noise"], lw=2, ls="--", label="fresh uniform points in an occupied cell")
ax.plot(dims, hit_clothes, color=PALETTE["real"], lw=2, ls=":", label="fresh clothes in an occupied cell")
cell_marks, = ax.plot([], [], "o", color=PALETTE["ink"])
ax.legend(loc="upper right", frameon=False)
finish(ax, title="10,000 points, two halves an axis", limits=((1, 40), (0, 1.05)), xlabel="dimension $d$", ylabel="share")


def draw(d):
    shares = [curve[d - 1] for curve in (occupied, hit_uniform, hit_clothes)]
    cell_marks.set_data([d] * 3, shares)
    return (f"d = {d}: {2**d:,} cells, {100 * shares[0]:.2g} % occupied; {100 * shares[1]:.0f} % of fresh uniform points "
            f"and {100 * shares[2]:.0f} % of fresh clothes fall into one of them.")


sliders(draw, fig, d=(1, 40, 1, 20), labels={"d": "dimension"})

# %% [markdown]
# **Figure 1.22.** The share of occupied cells (solid) falls from 1 to next to nothing between 10 and 20 dimensions. With uniform points, fresh points (dashed) find only empty cells
# from then on. The clothes (dotted) hold out longer, since they fill only a part of their space, and fail as well.

# %% teaches=["D8"]
for d in (5, 15, 30):
    print(f"d = {d:2d}: {2**d:13,} cells, {100 * occupied[d - 1]:9.4f} % occupied; "
          f"fresh uniform points {100 * hit_uniform[d - 1]:5.1f} %, fresh clothes {100 * hit_clothes[d - 1]:5.1f} %")
    assert math.isclose(occupied[d - 1], 1 - (1 - 2.0**-d) ** n_points, rel_tol=0.05), "what chance predicts"
print(f"d = 30,000: a number of cells with {math.floor(30_000 * math.log10(2)) + 1:,} digits")
assert occupied[19] < 0.011 and hit_uniform[29] < 0.001 and hit_clothes[39] < 0.05

# %% [markdown]
# ## What you saw
#
# **(d)**: 10,000 points cannot occupy more than 10,000 of about a million cells. From some forty dimensions on a histogram knows nothing about the next point.
#
# Distances behave oddly, too. The next figure takes 300 uniform points in a cube and draws a histogram of the distances of all pairs, in units of their mean.

# %% teaches=["D8"]
pair_distances = {}
for d in (1, 2, 5, 20, 100, 1000, 30_000):
    cube = torch.rand(300, d, generator=rng)
    pair_distances[d] = torch.cdist(cube, cube)[*torch.triu_indices(300, 300, 1)]
edges = np.linspace(0, 2.5, 101)


def distance_heights(d):
    counts = np.histogram(pair_distances[d] / pair_distances[d].mean(), bins=edges)[0]
    return counts / counts.max()


fig, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
distance_steps = ax.stairs(distance_heights(1000), edges, fill=True, color=PALETTE["noise"])
finish(ax, title="everybody is equally far from everybody", limits=((0, 2.5), (0, 1.05)),
       xlabel="distance of a pair / mean distance", ylabel="pairs (tallest = 1)")


def draw(dimension):
    distances = pair_distances[dimension]
    distance_steps.set_data(distance_heights(dimension), edges)
    return (f"{dimension:,} dimensions: mean distance {distances.mean():.2f}, standard deviation {distances.std():.2f}; "
            f"the nearest pair {distances.min():.2f}, the farthest {distances.max():.2f}.")


sliders(draw, fig, dimension={f"{d:,}": d for d in (1000, *(d for d in pair_distances if d != 1000))})

# %% [markdown]
# **Figure 1.23.** Distances of pairs of uniform points in 1,000 dimensions, in units of their mean: a spike at 1.

# %%
fig, axes = plt.subplots(1, 3, figsize=(9.4, 2.6), layout="constrained", sharey=True)
for ax, d in zip(axes, [2, 100, 30_000]):
    ax.stairs(distance_heights(d), edges, fill=True, color=PALETTE["noise"])
    finish(ax, title=f"{d:,} dimensions", limits=((0, 2.5), (0, 1.05)), xlabel="distance / mean distance")
plt.show()

# %% [markdown]
# **Figure 1.24.** In two dimensions there are near and far pairs. In 100 all pairs are about equally far; in 30,000 the histogram is a needle.
#
# Theory agrees: for large $d$ the mean distance approaches $\sqrt{d/6}$, which grows, while the standard deviation approaches $\sqrt{7/120} = 0.2415\ldots$ and stays. So "near" loses its meaning.

# %% teaches=["D8"]
for d in (100, 1000, 30_000):
    distances = pair_distances[d]
    print(f"d = {d:6,}: mean {distances.mean():6.2f}, theory {math.sqrt(d / 6):6.2f}; "
          f"standard deviation {distances.std():.2f}, theory 0.24")
    assert abs(distances.mean() / math.sqrt(d / 6) - 1) < 0.02 and abs(distances.std() - 0.2415) < 0.03

# %% [markdown]
# And a last idea: guess. Draw each of the 30,000 numbers at random, look, and try again until it is a puppy.

# %% teaches=["D8"]
guesses = torch.rand(8, 3, 100, 100, generator=rng)
fig, ax = plt.subplots(figsize=(5, 2.6), layout="constrained")
picture_grid(ax, guesses, columns=4)
plt.show()

# %% [markdown]
# **Figure 1.25.** Eight pictures with random pixels. None is a puppy, and no waiting helps.

# %% teaches=["D8"]
print(f"8-bit pictures of this size: 256^30000, about 10^{30_000 * math.log10(256):.0f}")
smoothest_guess = min(roughness(torch.rand(1, 3, 100, 100, generator=rng)) for _ in range(200))
roughest_puppy = max(roughness(puppy) for puppy in puppies)
print(f"the smoothest of 200 guesses is {smoothest_guess / roughest_puppy:.0f} times as rough as the roughest puppy")
assert smoothest_guess > 10 * roughest_puppy

# %% [markdown]
# Nearly every point of the space is noise. The puppies are a sheet so thin that no blind search hits it.
#
# So the real distribution cannot be sampled directly, it is often said. Strictly speaking, "cannot" means *not by these direct ways*: density from bumps, counting, guessing. There are methods that succeed by
# other routes: Markov chain Monte Carlo walks through the space in small steps, autoregressive models draw one number after another, flows and diffusion
# models transform noise, as our networks will. Each needs to know something about the shape of the cloud first: a formula for the density, or a trained network.
#
# ## Try it: the secret
#
# How did our puppies come about, then? There is no trick with 30,000 numbers. `draw_puppies` takes 16 uniform numbers, each between 0 and 1, and *transforms* them into a picture. Here are eleven of them.

# %% teaches=["D4"]
secret = torch.full((1, N_FACTORS), 0.5)
fig, ax = plt.subplots(figsize=(3.8, 3.8), layout="constrained")
secret_image = ax.imshow(to_image(draw_puppies(secret)[0]))
ax.axis("off")


def draw(coat, ears, eye_patch, tongue, **dials):
    secret[0, :4] = torch.tensor([coat, ears, float(eye_patch), float(tongue)])
    for name, value in dials.items():
        secret[0, FACTORS.index(name)] = value
    secret_image.set_data(to_image(draw_puppies(secret)[0]))
    return f"A puppy, from these numbers: {', '.join(f'{value:.2f}' for value in secret[0])}."


sliders(draw, fig, coat={name: (k + 0.5) / 5 for k, name in enumerate(COAT_NAMES)},
        ears={"floppy": 0.25, "pointed": 0.75}, eye_patch=True, tongue=True, head_tilt=(0.0, 1.0, 0.02, 0.76),
        position_x=(0.0, 1.0, 0.02), size=(0.0, 1.0, 0.02, 0.8), eye_distance=(0.0, 1.0, 0.02),
        gaze_x=(0.0, 1.0, 0.02, 0.8), coat_shade=(0.0, 1.0, 0.02), background_hue=(0.0, 1.0, 0.02, 0.3))

# %% [markdown]
# **Figure 1.26.** A puppy made from 16 numbers. Whatever you do to the sliders, it remains a puppy.
#
# To draw a *new* puppy, draw 16 new uniform numbers. And uniform numbers make all 40 litters (the settings of the switches) equally often, as a chi-square test with ten seeds confirms.

# %% teaches=["D4"]
for seed in range(10):
    u = torch.rand(4000, N_FACTORS, generator=torch.Generator().manual_seed(100 * SEED + seed))
    counts = torch.bincount(litter(u), minlength=40)
    assert stats.chisquare(counts.numpy()).pvalue > 1e-6
assert torch.equal(draw_puppies(u[:5]), draw_puppies(u[:5])), "the same numbers make the same puppy"
print("10 seeds: 40 litters, equally likely")

# %% [markdown]
# So here is a way out. Do not search the 30,000 dimensions: *transform* something simple that everybody can draw, uniform numbers, into the distribution you want. For our puppies somebody
# wrote the transformation down. For photographs nobody can; a network has to learn it.
#
# ## Exercises
#
# **1. Change a number and predict.** In Figure 1.14, the bandwidth goes from 0.02 to 0.01. What happens to the height of a bump that stands alone, and what to its area? Then move the slider.
#
# **2. Fill in the line.** At which place of the vector does a number of the picture stand? Nothing breaks while the line is empty.

# %%
def place_in_vector(channel, row, column, height, width):
    return ...  # your line


compare("place_in_vector", lambda: place_in_vector(2, 3, 5, 10, 20), 465, hints={
    "row and column are exchanged: a whole row of numbers lies before the next row begins": 2 * 200 + 5 * 20 + 3,
    "here the three channels of a pixel lie side by side; ours keep all red numbers together": (3 * 20 + 5) * 3 + 2,
    "rows are as long as the picture is wide, not as it is high": 2 * 200 + 3 * 10 + 5,
    "channel 2 comes after two whole channels of height * width numbers": 3 * 20 + 5})

# %% [markdown]
# **3. Fill in the line.** One bump in one dimension, with area 1.

# %%
def bump(x, centre, bandwidth):
    return ...  # your line: the height of the bump at x


x = torch.linspace(-1, 2, 7)
tip = torch.exp(-((x - 0.5) ** 2) / (2 * 0.3**2))
area = 0.3 * math.sqrt(2 * math.pi)
compare("bump", lambda: bump(x, 0.5, 0.3), tip / area, hints={
    "the factor in front is missing: the area is not 1 yet": tip,
    "the bandwidth must be squared in the exponent": torch.exp(-((x - 0.5) ** 2) / (2 * 0.3)) / area,
    "the 2 is missing in the exponent": torch.exp(-((x - 0.5) ** 2) / 0.3**2) / area,
    "the minus sign is missing in the exponent": torch.exp((x - 0.5) ** 2 / (2 * 0.3**2)) / area,
    "the factor in front is that of the plane; on a line it is one over h times the root of 2 pi": tip / area**2})

# %% [markdown]
# **4. Fill in the line.** The way back from a view to a picture: `seen` holds where points lie along the directions, as `project` computed it. With *all* directions the way back is exact.

# %%
def unproject(seen, mean, directions):
    return ...  # your line: (n, k), (d,) and (k, d) to (n, d)


all_mean, all_directions = principal_components(slanted, 2)
all_seen = project(slanted, all_mean, all_directions)
compare("unproject", lambda: unproject(all_seen, all_mean, all_directions), slanted, hints={
    "the mean is missing: project took it away, so it must come back": slanted - all_mean,
    "the mean must be added, not taken away": slanted - 2 * all_mean,
    "directions must not be transposed here": all_mean + all_seen @ all_directions.T})

# %% [markdown]
# **5. Open question.** Suppose you had a million puppies, or a thousand million, instead of 400. Would sampling the kernel density in 30,000 dimensions make new, clean puppies then?
#
# ## Recap
#
# - A picture is a vector: a 100x100 colour picture is a point with 30,000 numbers, 10,000 pixels times 3. The order of the numbers does not matter for distances.
# - A data set is a cloud. The puppies lie on thin curved sheets; straight lines between them lead through ghosts.
# - PCA shows the shadow with the greatest spread.
# - A density says how thickly data lie. It integrates to 1, may exceed 1, and is no probability of being a puppy.
# - To generate is to draw a new point. In the plane a kernel density can do it. In many dimensions it returns training pictures with noise.
# - Counting and guessing fail too: cells are empty, distances alike, and nearly all pictures are noise.
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
# Open the cells to see them.

# %% [markdown] jupyter={"source_hidden": true} tags=["answer"]
# **1.** The height of a lone bump doubles, since the bandwidth stands under the fraction bar; its area stays 1/8, its share of the total of 1. The next cell measures both.

# %% jupyter={"source_hidden": true} tags=["answer"]
lone = brightness.max()
near = torch.linspace(-0.1, 0.1, 2001) + lone
heights = [bumps(near, lone[None], h)[:, 0] / 8 for h in (0.02, 0.01)]
for bump_heights in heights:
    print(f"height {bump_heights.max():.2f}, area {bump_heights.sum() * 1e-4:.3f}")
assert torch.isclose(heights[1].max(), 2 * heights[0].max(), rtol=1e-3)

# %% [markdown] jupyter={"source_hidden": true} tags=["answer"]
# **2, 3 and 4.** The three lines.

# %% jupyter={"source_hidden": true} tags=["answer"]
def place_in_vector_answer(channel, row, column, height, width):
    return channel * height * width + row * width + column


def bump_answer(x, centre, bandwidth):
    return torch.exp(-((x - centre) ** 2) / (2 * bandwidth**2)) / (bandwidth * math.sqrt(2 * math.pi))


def unproject_answer(seen, mean, directions):
    return mean + seen @ directions


compare("place_in_vector", place_in_vector_answer(2, 3, 5, 10, 20), 465)
compare("bump", bump_answer(x, 0.5, 0.3), tip / area)
compare("unproject", unproject_answer(all_seen, all_mean, all_directions), slanted)

# %% [markdown] jupyter={"source_hidden": true} tags=["answer"]
# **5.** Not really. The noise goes in all 30,000 directions, however many puppies there are, so a bandwidth that keeps samples clean stays tiny. What changes is how close the nearest *other* puppy is. On a sheet with twelve dials,
# halving that distance takes about $2^{12} = 4096$ times as many puppies. From 400 puppies to a thousand million is a factor of two and a half million, and does not even bring it down to a quarter. With enough data the copies would at last be close to one another,
# and the question "is it new?" would lose its meaning: you would own practically every puppy already.
