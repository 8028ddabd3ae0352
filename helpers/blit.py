"""The picture of a figure, drawn over and over: only what moved, and what lies above it, is drawn again.

The figure is made once. After a change, matplotlib's `stale` flags tell which artists moved; all the others are
kept as a background (blitting). Used by `helpers.widgets`.
"""

import itertools

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.spines import Spine
from matplotlib.text import Annotation
from PIL import Image

DPI = 120  # dots drawn per inch; shown at 100 for crisper text. 140 takes a third more time for each picture


class Blit:
    """The picture of a figure, drawn over and over; a change costs what moved and what lies above it."""

    def __init__(self, fig):
        plt.close(fig)  # pyplot must neither show it a second time nor redraw it at every set_data
        fig.stale_callback = None
        self.fig, self.canvas = fig, FigureCanvasAgg(fig)
        # called in a learner's `draw`, these would clear the flags by which the moved artists are known
        self.canvas.draw = self.canvas.draw_idle = lambda *_: None
        self.size = [round(100 * inches) for inches in fig.get_size_inches()]
        fig.set_dpi(DPI)
        self.laid_out = False
        self.forget()

    def forget(self):
        """None; the next picture will be drawn from scratch."""
        self.structure, self.background, self.moving, self.inner = None, None, set(), {}

    def image(self):
        """The figure as it is now, an RGB Pillow image."""
        if not self.laid_out:  # once and for all, so that nothing jumps while a slider moves
            self.fig.draw_without_rendering()
            self.fig.set_layout_engine("none")
            self.laid_out = True
        groups = _groups(self.fig)
        structure = groups, [(*ax.get_xlim(), *ax.get_ylim(), *ax.bbox.bounds) for ax in self.fig.axes]
        whole = any(ax.name == "3d" for ax in self.fig.axes)  # depth is sorted while drawing
        if whole or structure != self.structure or getattr(self.fig, "_drawn_by", None) is not self:
            self.forget()
            FigureCanvasAgg.draw(self.canvas)
        else:
            # an annotation's xy can be set without leaving a stale flag, so annotations count as moved
            moved = {part for part, artists in self.inner.items()
                     if isinstance(part, Annotation) or any(artist.stale for artist in artists)}
            if not moved <= self.moving:
                self.moving |= moved
                self._take_background(groups)
            elif moved:
                self.canvas.restore_region(self.background)
                pixels = np.asarray(self.canvas.buffer_rgba()).reshape(-1, 4)[:, :3]
                for part in self.above:
                    if isinstance(part, tuple):
                        where, keep, add = part
                        pixels[where] = pixels[where] * keep + add
                    else:
                        part.draw(self.canvas.get_renderer())
                self._settle()
                return self._copy()
        self.structure, self.fig._drawn_by = structure, self
        self.inner = {part: part.findobj() for _, parts in groups for part in parts}
        self._settle()
        return self._copy()

    def _settle(self):
        """None; nothing counts as moved any more (what is invisible or empty would stay stale for ever)."""
        for artists in self.inner.values():
            for artist in artists:
                artist.stale = False

    def _copy(self):
        size = self.canvas.get_width_height()
        return Image.frombytes("RGB", size, bytes(self.canvas.buffer_rgba()), "raw", "RGBX")

    def _take_background(self, groups):
        """None; keeps a picture of what lies below the moving parts, and a list of what to draw upon it."""
        above, regions, renderer = [], [], self.canvas.get_renderer()
        for owner, parts in groups:
            first = next((i for i, part in enumerate(parts) if part in self.moving), len(parts))
            extent = owner.get_tightbbox(renderer)
            extent = self.fig.bbox if extent is None else extent
            if any(extent.overlaps(region) for region in regions):
                first = 0
            if first < len(parts):
                regions.append(extent)
                above += parts[first:]
        # not by set_animated: matplotlib 3.10 paints animated images into the background
        visible = [part for part in above if part.get_visible()]
        try:
            for part in visible:
                part.set_visible(False)
            FigureCanvasAgg.draw(self.canvas)
        finally:
            for part in visible:
                part.set_visible(True)
        self.background = self.canvas.copy_from_bbox(self.fig.bbox)
        FigureCanvasAgg.draw(self.canvas)  # again, with all in place: titles move when the axes are hidden
        self.above = []
        for moves, parts in itertools.groupby(above, lambda part: part in self.moving):
            parts = list(parts)
            self.above += parts if moves else [self._layer(parts)]

    def _layer(self, parts):
        """Parts that stay still above moving ones, as pixels: places, what they let through and add."""
        on = []
        for shade in (0, 255):  # on black they show what they add, and on white also what they let through
            renderer = RendererAgg(*self.canvas.get_width_height(), DPI)
            pixels = np.asarray(renderer.buffer_rgba()).reshape(-1, 4)
            pixels[:] = (shade, shade, shade, 255)
            for part in parts:
                part.draw(renderer)
            on.append(pixels[:, :3].astype(np.float32))
        keep = (on[1] - on[0]) / 255
        where = np.flatnonzero((keep < 1).any(axis=1))
        return where, keep[where], on[0][where] + 0.5  # 0.5: pixels are cut to whole numbers, not rounded


def _groups(fig):
    """The parts of a figure in the order in which matplotlib draws them: a list of (owner, list of parts)."""
    def ordered(artists):
        return sorted((a for a in artists if not a.get_animated()), key=lambda a: a.get_zorder())

    groups = [(fig.patch, [fig.patch])]
    for top in ordered(artist for artist in fig.get_children() if artist is not fig.patch):
        parts = [top]
        if isinstance(top, Axes) and top.get_visible():
            frame = top.axison and top.get_frame_on()
            parts = ordered(part for part in top.get_children() if part is not top.patch
                            and (frame or not isinstance(part, Spine))
                            and (top.axison or not isinstance(part, Axis)))
            parts = [top.patch, *parts] if frame else parts
        groups.append((top, parts))
    return groups
