"""The common look of the lessons' figures. Functions draw on `ax`, return `ax`, set nothing global."""

import numpy as np
import torch
from matplotlib.collections import LineCollection

# One meaning for each colour through the whole series. Okabe and Ito's palette: real and generated stay far
# apart under all simulated colour-vision deficiencies; a marker or a label says the same as the colour.
PALETTE = {
    "real": "#0072B2",
    "generated": "#D55E00",
    "discriminator": "#444444",
    "noise": "#009E73",
    "extra": "#CC79A7",
    "muted": "#999999",
    "ink": "#222222",
}
_MARKERS = {"real": ("o", 4.0), "generated": ("^", 4.5), "noise": ("s", 3.0), "extra": ("D", 3.5)}


def scatter_samples(ax, x, kind="real", label=None, size=None, alpha=0.6):
    """`ax` with a cloud of points: real ones as circles, generated as triangles, noise as small squares.

    x: (n, 2) samples. kind: "real", "generated", "noise" or "extra". size: of a marker, in points.
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
            markeredgewidth=0, alpha=alpha, label=label)
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


def warped_grid_lines(transform, low=0.0, high=1.0, lines=21, points=101):
    """The regular grid of the square [low, high] x [low, high], mapped: an array (2, lines, points, 2).

    First the lines along which the first coordinate stays fixed, then those along which the second does.
    transform: maps (n, 2) tensors to (n, 2). Raises ValueError when it returns another shape.
    """
    if not low < high or lines < 2 or points < 2:
        raise ValueError("warped_grid needs low < high, at least 2 lines and at least 2 points on a line; "
                         f"got low={low}, high={high}, lines={lines}, points={points}")
    places = torch.linspace(low, high, lines), torch.linspace(low, high, points)
    fixed, along = torch.meshgrid(*places, indexing="ij")
    square = torch.stack([torch.stack([fixed, along], dim=-1), torch.stack([along, fixed], dim=-1)])
    with torch.no_grad():
        mapped = _array(transform(square.reshape(-1, 2)))
    if mapped.shape != (2 * lines * points, 2):
        raise ValueError("transform must map points (n, 2) to points (n, 2); "
                         f"for ({2 * lines * points}, 2) it returned shape {mapped.shape}")
    return mapped.reshape(2, lines, points, 2)


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
