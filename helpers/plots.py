"""The common look of the lessons' figures. Functions draw on `ax`, return `ax`, set nothing global."""

import contourpy
import numpy as np
import torch
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from helpers.sampling import warped_grid_lines

# One meaning for each colour through the whole series. Okabe and Ito's palette: real and generated stay far
# apart under all simulated colour-vision deficiencies; a marker or a label says the same as the colour.
PALETTE = {
    "real": "#0072B2",
    "generated": "#D55E00",
    "discriminator": "#444444",
    "noise": "#009E73",
    "extra": "#CC79A7",
    "critic": "#7a5c00",
    "muted": "#8c8c8c",
    "ink": "#222222",
}
# the same for words, which need more contrast with white (4.5) than marks do (3)
TEXT = PALETTE | {"generated": "#b04a00", "noise": "#007a58", "extra": "#a5447a", "muted": "#6b6b6b"}
# one colour and one line for each method and for each distance, in whichever lesson they are compared
METHOD_LOOKS = {"minimax": ("ink", "-"), "modified": ("extra", "--"), "penalty": ("critic", "-."),
                "clip": ("muted", ":")}
DISTANCE_LOOKS = {"KL": ("muted", ":"), "JS": ("muted", "--"), "MMD": ("extra", "-."), "W1": ("ink", "-")}
# a judge's verdict: generated - white - real, white at 1/2; a critic's grade is no probability and looks different
_VERDICT = LinearSegmentedColormap.from_list("verdict", [PALETTE["generated"], "white", PALETTE["real"]])
_GRADE = LinearSegmentedColormap.from_list("grade", ["#5b5b5b", "#f7f7f7"])
_MARKERS = {"real": ("o", 4.0), "generated": ("^", 4.5), "noise": ("s", 3.0), "extra": ("D", 3.5)}


def scatter_samples(ax, x, kind="real", label=None, size=None, alpha=0.6, edge=0.0):
    """`ax` with a cloud of points: real ones as circles, generated as triangles, noise as small squares.

    x: (n, 2) samples. kind: "real", "generated", "noise" or "extra". size: of a marker, in points.
    edge: width of a white edge, in points, so that markers show on coloured ground.
    The points are one Line2D, `ax.lines[-1]`: move them with its `set_data(x[:, 0], x[:, 1])`.
    Raises ValueError for another shape or kind.
    """
    x = _array(x)
    if x.ndim != 2 or x.shape[1] != 2:
        raise ValueError(f"scatter_samples draws points in the plane, x of shape (n, 2); got shape {x.shape}")
    if kind not in _MARKERS:
        raise ValueError(f"kind must be one of {', '.join(_MARKERS)}; got {kind!r}")
    marker, usual_size = _MARKERS[kind]
    ax.plot(x[:, 0], x[:, 1], marker, color=PALETTE[kind], markersize=usual_size if size is None else size,
            markeredgewidth=edge, markeredgecolor="white", alpha=alpha, label=label)
    return ax


def picture_grid(ax, pictures, columns=8, titles=None):
    """`ax` with a sheet of pictures, row by row, as one image with thin white gaps.

    pictures: (n, channels, height, width) in [0, 1], with 1 channel (grey) or 3 (red, green, blue).
    titles: n short texts, written above the pictures. Values outside [0, 1] are shown as black or full light.
    Raises ValueError for another shape, for no pictures, or when there are not n titles.
    """
    pictures = _array(pictures)
    if pictures.ndim != 4 or pictures.shape[1] not in (1, 3) or 0 in pictures.shape:
        raise ValueError("picture_grid shows pictures of shape (n, channels, height, width) "
                         f"with 1 or 3 channels; got shape {pictures.shape}")
    n, channels, height, width = pictures.shape
    if titles is not None and len(titles) != n:
        raise ValueError(f"there are {n} pictures but {len(titles)} titles")
    if columns < 1:
        raise ValueError(f"columns must be at least 1; got {columns}")
    columns = min(columns, n)
    rows = -(-n // columns)
    gap = max(1, round(0.04 * max(height, width)))
    top = gap if titles is None else max(gap, round(0.32 * height))  # room for the titles
    sheet = np.ones((rows * (height + top) + gap, columns * (width + gap) + gap, channels), dtype=np.float32)
    for i, picture in enumerate(pictures):
        y, x = (i // columns) * (height + top) + top, (i % columns) * (width + gap) + gap
        sheet[y:y + height, x:x + width] = np.clip(np.nan_to_num(picture), 0, 1).transpose(1, 2, 0)
        if titles is not None:
            ax.text(x + width / 2 - 0.5, y - 0.5 - 0.05 * height, titles[i], ha="center", va="bottom",
                    fontsize="small", color=PALETTE["ink"])
    # enlarged pictures keep their square pixels, reduced ones are averaged
    sheet = sheet.squeeze(2) if channels == 1 else sheet
    ax.imshow(sheet, cmap="gray", vmin=0, vmax=1, interpolation="antialiased")
    ax.set_axis_off()
    return ax


def warped_grid(ax, transform, low=0.0, high=1.0, lines=21, points=101, artist=None):
    """`ax` with the regular grid of the square [low, high] x [low, high], mapped by `transform`.

    transform: maps (n, 2) tensors to (n, 2); where it gives nan or infinity, a line is interrupted.
    The lines on which the first coordinate is fixed are drawn dark, the others light and thinner.
    artist: the collection of an earlier call (`ax.collections[-1]` after it), which is then moved.
    Raises ValueError when the transform returns another shape. Taught in lesson 2.
    """
    mapped = warped_grid_lines(transform, low, high, lines, points).reshape(-1, points, 2)
    segments = np.where(np.isfinite(mapped).all(axis=2, keepdims=True), mapped, np.nan)
    if artist is not None:
        artist.set_segments(segments)
        return ax
    dark, light = [(PALETTE["noise"], 0.95)] * lines, [(PALETTE["noise"], 0.5)] * lines
    widths = [1.3] * lines + [0.8] * lines
    ax.add_collection(LineCollection(segments, colors=dark + light, linewidths=widths, capstyle="round"))
    ax.autoscale_view()
    return ax


def judge_field(ax, field, limits, is_probability=True, numbers=True, clear_of=None):
    """A function show(field) that redraws what this call draws on `ax`: what a judge says, all over the plane.

    field: (rows, columns) on a regular grid over the limits, row by row from below. With is_probability it is D(x),
    from 0 (orange: "generated") by 1/2 (white, dashed line) to 1 (blue: "real"). Otherwise it is a critic's scores:
    grey, light where the score is high, with lines of equal score, on a scale of its own; with numbers, their values,
    where there is room: away from the edges, from each other and from the points clear_of, (n, 2), if there are any.
    limits: ((x low, x high), (y low, y high)). show(None) hides it; show raises ValueError for a field of another
    shape or one that is not finite.
    """
    (left, right), (bottom, top) = limits
    rows, columns = np.shape(_array(field))
    dx, dy = (right - left) / (columns - 1) / 2, (top - bottom) / (rows - 1) / 2
    image = ax.imshow(np.zeros((rows, columns)), origin="lower", extent=(left - dx, right + dx, bottom - dy, top + dy),
                      cmap=_VERDICT if is_probability else _GRADE, vmin=0, vmax=1, interpolation="bilinear",
                      alpha=0.6, zorder=0.5, aspect="auto")
    lines = ax.add_collection(LineCollection([], colors=PALETTE["discriminator"], linewidths=1.4, zorder=1.5,
                                             linestyles="--" if is_probability else "-"), autolim=False)
    labels = [] if is_probability or not numbers else [
        ax.text(0, 0, "", fontsize="x-small", ha="center", va="center", color=PALETTE["ink"], clip_on=True, zorder=4,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.85}) for _ in range(8)]
    corner, sides = np.array([left, bottom]), np.array([right - left, top - bottom])
    points = np.zeros((0, 2)) if clear_of is None else (_array(clear_of) - corner) / sides
    xs, ys = np.linspace(left, right, columns), np.linspace(bottom, top, rows)

    def show(field):
        for artist in (image, lines, *labels):
            artist.set_visible(field is not None)
        if field is None:
            return
        field = _array(field)
        if field.shape != (rows, columns) or not np.isfinite(field).all():
            raise ValueError(f"the field must be finite numbers of shape ({rows}, {columns}); it has {field.shape}")
        low, high = (0.0, 1.0) if is_probability else (field.min(), max(field.max(), field.min() + 1e-9))
        image.set_data(field)
        image.set_clim(low, high)
        contours = contourpy.contour_generator(xs, ys, field)
        levels = [0.5] if is_probability else _round_levels(low, high)
        found = [contours.lines(level) for level in levels]
        lines.set_segments([line for same in found for line in same])
        taken = []
        for label in labels:
            label.set_text("")
        for label, level, same in zip(labels, levels, found):
            place, room = _roomiest((np.concatenate(same) - corner) / sides, taken, points) if same else (None, 0.0)
            if room > 0.04:
                taken.append(place)
                label.set_position(corner + sides * place)
                label.set_text(_shortest(level, levels))

    show(field)
    return show


def _round_levels(low, high):
    """Round numbers between low and high, two to six of them."""
    levels = MaxNLocator(nbins=6, steps=[1, 2, 5, 10]).tick_values(low, high)
    return levels[(levels > low) & (levels < high)]


def _shortest(level, levels):
    """A level as text, with as many decimals as tell it from its neighbours."""
    step = levels[1] - levels[0] if len(levels) > 1 else abs(level) or 1.0
    decimals = max(0, -int(np.floor(np.log10(step) + 1e-9)))
    return f"{level:z.{decimals}f}" if decimals < 5 else f"{level:.2g}"


def _roomiest(places, taken, points):
    """The one of places, (n, 2) in the unit square, that is farthest from edges, taken and points; how far it is."""
    places = places[::max(1, len(places) // 60)]
    room = 1.5 * np.minimum(places, 1 - places).min(axis=1)
    for others, weight in ((np.reshape(taken, (-1, 2)), 1.0), (points, 2.0)):
        if len(others):
            room = np.minimum(room, weight * np.linalg.norm(places[:, None] - others, axis=2).min(axis=1))
    return places[room.argmax()], room.max()


def snapshot_view(ax, snapshot, layers=("real", "generated"), size=None, numbers=True):
    """A function show(snapshot, layers) that redraws `ax`, which this call prepares for snapshots of one run.

    snapshot: any of the run, as from `helpers.training`. Points in the plane are drawn as a scatter, numbers on
    the line as two histograms (real filled, generated an outline). layers: some of "real", "generated", "field" (what
    the judge says; on the line a curve), "grid" (the noise grid, mapped), "arrows" (where the loss pushes, for points
    in the plane). size: of a marker, in points. numbers: at a critic's lines, as in `judge_field`.
    Raises ValueError for points of more dimensions.
    """
    dim = snapshot.x_real.shape[1]
    if dim not in (1, 2):
        raise ValueError(f"only points of 1 or 2 dimensions can be drawn; these have {dim}")
    if dim == 1:
        return _histograms(ax, snapshot, layers)
    artists, size = {}, size or (3 if len(snapshot.x_real) <= 1000 else 2)
    show_field = None
    if snapshot.field is not None:
        show_field = judge_field(ax, snapshot.field, snapshot.limits, snapshot.field_is_probability, numbers,
                                 clear_of=snapshot.x_real[:200])
    if snapshot.grid is not None:
        lines = snapshot.grid.shape[1]
        thin = min(1, size / 3)
        widths, alphas = [0.9 * thin] * lines + [0.6 * thin] * lines, [0.8] * lines + [0.4] * lines
        artists["grid"] = LineCollection([], colors=[(PALETTE["noise"], alpha) for alpha in alphas], linewidths=widths)
        ax.add_collection(artists["grid"], autolim=False)
    for kind in ("real", "generated"):
        on_ground = {"alpha": 0.8, "edge": 0.06 * size} if show_field and snapshot.field_is_probability else {}
        scatter_samples(ax, np.zeros((0, 2)), kind=kind, size=size, **on_ground)
        artists[kind] = ax.lines[-1]
    artists["real"].set_data(*_array(snapshot.x_real).T)
    if snapshot.push is not None and len(snapshot.push):
        foot = _array(snapshot.x_fake)[:len(snapshot.push)]
        look = {"color": PALETTE["ink"], "angles": "xy", "scale_units": "xy", "scale": 1, "width": 0.003}
        artists["arrows"] = ax.quiver(*foot.T, *np.zeros_like(foot).T, **look, zorder=3)
    finish(ax, limits=snapshot.limits, equal=True)

    def show(snapshot, layers=layers, arrow_scale=1.0):
        for name, artist in artists.items():
            artist.set_visible(name in layers)
        if show_field is not None:
            show_field(snapshot.field if "field" in layers else None)
        if "generated" in layers:
            artists["generated"].set_data(*_array(snapshot.x_fake).T)
        if "grid" in layers and "grid" in artists:
            artists["grid"].set_segments(snapshot.grid.reshape(-1, *snapshot.grid.shape[2:]))
        if "arrows" in layers and "arrows" in artists:
            artists["arrows"].set_offsets(_array(snapshot.x_fake)[:len(snapshot.push)])
            artists["arrows"].set_UVC(*(arrow_scale * _array(snapshot.push)).T)

    show(snapshot, layers)
    return show


def _histograms(ax, snapshot, layers, bins=50):
    """snapshot_view for numbers on the line."""
    edges = np.linspace(*snapshot.limits[0], bins + 1)

    def heights(x):
        return np.histogram(_array(x).ravel(), edges)[0] / len(x) / (edges[1] - edges[0])

    real = heights(snapshot.x_real)
    artists = {"real": ax.stairs(real, edges, fill=True, color=PALETTE["real"], alpha=0.4),
               "generated": ax.stairs(real, edges, color=PALETTE["generated"], lw=2)}
    finish(ax, limits=(snapshot.limits[0], (0, 1.7 * real.max())))
    if snapshot.field is not None:
        side = ax.twinx()
        places = np.linspace(*snapshot.limits[0], len(snapshot.field))
        artists["field"], = side.plot(places, snapshot.field, color=PALETTE["discriminator"], lw=1.5)
        finish(side, ylabel="D(x)" if snapshot.field_is_probability else "the critic's score",
               limits=(snapshot.limits[0], (-0.02, 1.02)))

    def show(snapshot, layers=layers, arrow_scale=1.0):
        for name, artist in artists.items():
            artist.set_visible(name in layers)
        artists["generated"].set_data(heights(snapshot.x_fake))
        if "field" in artists:
            artists["field"].set_ydata(snapshot.field)
            if not snapshot.field_is_probability:
                low, high = snapshot.field.min(), snapshot.field.max()
                side.set_ylim(low - 0.05 * (high - low) - 1e-6, high + 0.05 * (high - low) + 1e-6)

    show(snapshot, layers)
    return show


def film_strip(axes, snapshots, layers=("real", "generated")):
    """`axes` with one snapshot each, the first and the last among them, the others closer together at the start.

    axes: one axes or an array of them, as plt.subplots(1, 6) gives. snapshots: a list of one run's, as many as
    there are axes or more. layers: as in `snapshot_view`. Every title says the step; all limits are equal.
    Raises ValueError for fewer snapshots.
    """
    flat = np.atleast_1d(np.asarray(axes, dtype=object)).ravel()
    snapshots = list(snapshots)
    if len(snapshots) < len(flat):
        raise ValueError(f"there are {len(flat)} axes but only {len(snapshots)} snapshots")
    for i, ax in zip(_spread(len(snapshots), len(flat)), flat):
        snapshot_view(ax, snapshots[i], layers, size=2.2, numbers=False)
        for part in ax.get_shared_x_axes().get_siblings(ax):  # with the axis of D(x), if there is one
            finish(part, ylabel="", ticks=False)
        finish(ax, title=f"step {snapshots[i].step:,}")
    return axes


def _spread(n, k):
    """k different indices from 0 to n - 1, the first and the last among them, in steps that grow."""
    if k == 1:
        return [n - 1]
    chosen = {0, n - 1}
    for place in np.geomspace(1, n, k) - 1:
        free = [i for i in range(n) if i not in chosen]
        if len(chosen) < k:
            nearest = round(place)
            chosen.add(nearest if nearest in free else min(free, key=lambda i: abs(i - place)))
    return sorted(chosen)


def loss_curves(ax, losses, average=1, cursor=None, scale="auto", colors=("ink", "extra", "noise", "muted")):
    """`ax` with one curve for each loss, over the training steps.

    losses: {label: values}, or values alone; values (steps,), or (seeds, steps), drawn as their median with a
    band from the smallest to the largest. average: steps of a running mean (its first steps average what is there).
    cursor: a step at which a vertical line stands, `ax.lines[-1]`; move it with set_xdata([step, step]).
    colors: their names in PALETTE.
    scale: "linear", "log" (for positive values only), "symlog" (linear near 0, so that negative values are
    seen too), or "auto": "log" where all is positive and more than a factor of 30 lies between, "symlog" where
    some of that is negative.
    Raises ValueError for other shapes, for values that are not finite, and for "log" with values up to 0.
    """
    curves = losses if isinstance(losses, dict) else {None: losses}
    looks = list(zip(("-", "--", ":", "-."), colors))
    drawn = []
    for i, (label, values) in enumerate(curves.items()):
        values = np.atleast_2d(_array(values).astype(float))
        if values.ndim != 2 or values.size == 0 or not np.isfinite(values).all():
            raise ValueError(f"losses must be finite numbers of shape (steps,) or (seeds, steps); {label or 'they'} "
                             f"have shape {values.shape}")
        if average > 1:
            sums = np.cumsum(np.pad(values, ((0, 0), (1, 0))), axis=1)
            steps = np.arange(1, values.shape[1] + 1)
            first = np.maximum(steps - average, 0)
            values = (sums[:, steps] - sums[:, first]) / (steps - first)
        look, color = looks[i % len(looks)]
        steps = np.arange(1, values.shape[1] + 1)
        if len(values) > 1:
            ax.fill_between(steps, values.min(axis=0), values.max(axis=0), color=PALETTE[color], alpha=0.15, lw=0)
        ax.plot(steps, np.median(values, axis=0), look, color=PALETTE[color], lw=1.5, label=label)
        drawn.append(values)
    low, high = min(v.min() for v in drawn), max(v.max() for v in drawn)
    if scale == "auto":
        size = np.abs(np.concatenate([v.ravel() for v in drawn]))
        wide = high > 30 * np.quantile(size, 0.1)
        scale = "linear" if not wide else "log" if low > 0 else "symlog"
    if scale == "log" and low <= 0:
        raise ValueError(f"a logarithmic axis cannot show the value {low:.3g}; choose scale='symlog'")
    if scale == "symlog":
        ax.set_yscale("symlog", linthresh=10.0 ** np.floor(np.log10(max(high, -low, 1e-30) / 100)))
        ax.axhline(0, color=PALETTE["muted"], lw=0.8)
    else:
        ax.set_yscale(scale)
    if scale == "log" and high < 100 * low:  # less than two powers of ten: numbers between them, and room for each
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        ax.yaxis.set_minor_formatter(NullFormatter())
    if None not in curves:
        ax.legend(frameon=False)
    if cursor is not None:
        ax.axvline(cursor, color=PALETTE["muted"], lw=1.5)
    return finish(ax, xlabel="training step", ylabel="loss" if average == 1 else f"loss, mean of {average} steps")


def finish(ax, title=None, limits=None, xlabel=None, ylabel=None, equal=False, ticks=True):
    """`ax` with the common look: no box, the title at the left, fixed limits.

    limits: ((x low, x high), (y low, y high)), as in a target's `limits`; one pair sets x alone. equal: one
    unit is as long upwards as sideways. ticks=False: no ticks. Raises ValueError for bad limits.
    """
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(PALETTE["muted"])
    ax.tick_params(color=PALETTE["muted"], labelcolor=PALETTE["ink"])
    if title is not None:
        ax.set_title(title, loc="left", color=PALETTE["ink"])
    if xlabel is not None:
        ax.set_xlabel(xlabel, color=PALETTE["ink"])
    if ylabel is not None:
        ax.set_ylabel(ylabel, color=PALETTE["ink"])
    if limits is not None:
        pairs = np.atleast_2d(np.asarray(limits, dtype=float))
        if pairs.shape not in ((1, 2), (2, 2)) or not (pairs[:, 0] < pairs[:, 1]).all():
            raise ValueError(f"limits must be ((low, high), (low, high)) for x and y; got {limits}")
        ax.set_xlim(*pairs[0])
        if len(pairs) == 2:
            ax.set_ylim(*pairs[1])
    if equal:
        ax.set_aspect("equal")
    if not ticks:
        ax.set_xticks([])
        ax.set_yticks([])
        ax.spines[["left", "bottom"]].set_visible(False)
    return ax


def _array(x):
    """x as a NumPy array, whether it was a tensor (with or without gradient), an array or a list."""
    return x.detach().cpu().numpy() if isinstance(x, torch.Tensor) else np.asarray(x)
