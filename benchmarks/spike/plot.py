"""Line charts over time in one SVG, which is readable on light and dark pages."""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

INK, QUIET, GRID, PAPER = "#24292f", "#656d76", "#d8dee4", "#ffffff"
LINES = ("#c2410c", "#0969a8")
DARK = {
    INK: "#e6edf3",
    QUIET: "#8d96a0",
    GRID: "#2a313a",
    PAPER: "#0d1117",
    LINES[0]: "#f0883e",
    LINES[1]: "#58a6ff",
}
"""Each colour on light pages, and the colour that replaces it on dark pages."""
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # keep text as text: the file is small and uses fonts of the reader
    "svg.hashsalt": "faunalens",  # so that the same data give the same file
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": GRID,
    "axes.facecolor": PAPER,
    "figure.facecolor": PAPER,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "grid.color": GRID,
}


@dataclass(frozen=True, slots=True)
class Panel:
    """One chart, whose lines have one value for each second; nan leaves a gap.

    `limits`: ends of the vertical axis; by default matplotlib chooses them.
    """

    title: str
    unit: str
    lines: Sequence[NDArray[Any]]
    scale: Literal["linear", "log"] = "linear"
    limits: tuple[float, float] | None = None


def svg(
    title: str, subtitle: str, names: Sequence[str], panels: Sequence[Panel], events: Sequence[tuple[float, str]]
) -> str:
    """Return the SVG of all panels. `names`: labels of the lines. `events`: moments in seconds and their labels."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 1.1 + 1.45 * len(panels)), layout="constrained")
        figure.suptitle(f"{title}\n\n", x=0.01, ha="left", fontsize=13, fontweight="bold")
        figure.text(0.01, 1 - 0.42 / figure.get_figheight(), subtitle, color=QUIET, va="top")
        all_axes = figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0]
        for panel, axes in zip(panels, all_axes, strict=True):
            _draw(panel, axes, names)
            for moment, _ in events:
                axes.axvline(moment, color=QUIET, linestyle=":", linewidth=1)
        for moment, label in events:
            all_axes[0].annotate(label, (moment, 1.06), (5, 0), ("data", "axes fraction"), "offset points", color=QUIET)
        all_axes[0].legend(loc="upper left", frameon=False)
        all_axes[-1].set_xlabel("seconds", color=QUIET)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return _themed(file.getvalue())


def _draw(panel: Panel, axes: Axes, names: Sequence[str]) -> None:
    axes.set_title(panel.title, loc="left", fontsize=9, fontweight="bold")
    axes.set_title(panel.unit, loc="right", fontsize=9, color=QUIET)
    for name, color, line in zip(names, LINES, panel.lines, strict=False):
        axes.plot(np.arange(len(line)) + 0.5, line, color=color, label=name)
    if panel.scale == "log" and any((line > 0).any() for line in panel.lines):
        axes.set_yscale("log")
    else:
        axes.set_ylim(0)
        axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    if panel.limits:
        axes.set_ylim(panel.limits)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
    axes.set_xlim(0, max(len(line) for line in panel.lines))
    axes.grid(visible=True, axis="y")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(length=0, which="both")


def _themed(drawing: str) -> str:
    """Return the drawing with rounded coordinates, and with colours that change on dark pages."""
    names = {color: f"--c{number}" for number, color in enumerate(DARK)}
    light = "; ".join(f"{name}: {color}" for color, name in names.items())
    dark = "; ".join(f"{name}: {DARK[color]}" for color, name in names.items())
    for color, name in names.items():
        drawing = drawing.replace(color, f"var({name})")
    drawing = re.sub(r"\d+\.\d{2,}", lambda number: f"{float(number[0]):.1f}", drawing)
    style = f"<style>svg {{ {light} }} @media (prefers-color-scheme: dark) {{ svg {{ {dark} }} }}</style>"
    return drawing.replace("<defs>", f"{style}\n <defs>", 1)
