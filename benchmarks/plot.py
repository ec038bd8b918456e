"""Panels of lines over time as one SVG, readable on light and on dark pages: the plotting that docs/ needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from math import ceil, floor, isfinite, log10
from typing import Literal

WIDTH, LEFT, RIGHT = 880, 64, 84
HEIGHT_OF_NAME = 15.0
TOP, PANEL, GAP, BOTTOM = 80, 104, 40, 40

STYLE = """
  svg { background: #fff; color: #24292f; font: 12px system-ui, "Segoe UI", Helvetica, Arial, sans-serif }
  text { fill: currentColor } .title { font-size: 17px; font-weight: 600 } .panel { font-weight: 600 }
  .quiet { fill: #656d76; font-weight: 400 } .grid { stroke: #d8dee4 } .mark { stroke: #8c959f; stroke-dasharray: 3 3 }
  .line { fill: none; stroke-width: 1.8; stroke-linejoin: round } .name { font-weight: 600 }
  .s0 { stroke: #c2410c } .t0 { fill: #c2410c } .s1 { stroke: #0969a8 } .t1 { fill: #0969a8 }
  @media (prefers-color-scheme: dark) {
    svg { background: #0d1117; color: #e6edf3 } .quiet { fill: #8d96a0 }
    .grid { stroke: #2a313a } .mark { stroke: #6e7681 }
    .s0 { stroke: #f0883e } .t0 { fill: #f0883e } .s1 { stroke: #58a6ff } .t1 { fill: #58a6ff }
  }
"""


@dataclass(frozen=True, slots=True)
class Panel:
    """One diagram: a line a name, each with one value a second; nan leaves a gap.

    `scale`: "log" for values that differ by powers of ten. `low`, `high`: ends of the axis, where they are not to
    follow from the values.
    """

    title: str
    unit: str
    lines: Sequence[Sequence[float]]
    scale: Literal["linear", "log"] = "linear"
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Axis:
    """Values from `low` to `high` on a scale; both ends are ticks."""

    low: float
    high: float
    scale: Literal["linear", "log"]

    def share(self, value: float) -> float:
        """Where a value stands: 0 at the low end, 1 at the high one; what lies beyond stands at the end."""
        low, high = self.low, self.high
        if self.scale == "log":
            low, high, value = log10(low), log10(high), log10(max(value, low))
        return min(max((value - low) / (high - low), 0.0), 1.0)

    def ticks(self) -> list[float]:
        if self.scale == "log":
            return [10.0**power for power in range(round(log10(self.low)), round(log10(self.high)) + 1)]
        return [self.low + (self.high - self.low) * part / 2 for part in range(3)]


def axis_of(panel: Panel) -> Axis:
    """Round ends around all values of a panel."""
    values = [
        value for line in panel.lines for value in line if isfinite(value) and (value > 0 or panel.scale != "log")
    ]
    least, most = min(values, default=0.0), max(values, default=1.0)
    if panel.scale == "log":
        low = panel.low or 10.0 ** floor(log10(least or 1.0))
        return Axis(low, panel.high or max(10.0 ** ceil(log10(most or 1.0)), low * 10), "log")
    return Axis(panel.low or 0.0, panel.high or _round_up(most), "linear")


def _round_up(value: float) -> float:
    """The next of 1, 2, 4, 5, 6, 8 times a power of ten: halves of these are short numbers."""
    if value <= 0:
        return 1.0
    power = 10.0 ** floor(log10(value))
    return next(step * power for step in (1, 2, 4, 5, 6, 8, 10) if value <= step * power * (1 + 1e-9))


def svg(
    title: str, subtitle: str, names: Sequence[str], panels: Sequence[Panel], marks: Sequence[tuple[float, str]]
) -> str:
    """The whole picture. `names`: of the lines. `marks`: seconds, and what happened then."""
    seconds = max(len(line) for panel in panels for line in panel.lines)
    height = TOP + len(panels) * (PANEL + GAP) - GAP + BOTTOM
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{escape(title)}">',
        f"<style>{STYLE}</style>",
        f'<text class="title" x="{LEFT}" y="26">{escape(title)}</text>',
        f'<text class="quiet" x="{LEFT}" y="45">{escape(subtitle)}</text>',
    ]
    for number, panel in enumerate(panels):
        parts += _panel(panel, names, TOP + number * (PANEL + GAP), seconds, marks)
    bottom = height - BOTTOM
    step = next(step for step in (1, 5, 10, 15, 30, 60, 300) if seconds / step <= 8 or step == 300)
    for second in range(0, seconds + 1, step):
        at = f'x="{_x(second, seconds):.1f}" y="{bottom + 18}"'
        parts.append(f'<text class="quiet" {at} text-anchor="middle">{second} s</text>')
    return "\n".join([*parts, "</svg>", ""])


def _panel(panel: Panel, names: Sequence[str], top: int, seconds: int, marks: Sequence[tuple[float, str]]) -> list[str]:
    axis, head = axis_of(panel), 14
    floor_ = top + PANEL

    def y(value: float) -> float:
        return floor_ - axis.share(value) * (PANEL - head)

    unit = f'<tspan class="quiet"> {escape(panel.unit)}</tspan>'
    parts = [f'<text class="panel" x="{LEFT}" y="{top + 2}">{escape(panel.title)}{unit}</text>']
    for tick in axis.ticks():
        parts.append(f'<path class="grid" d="M{LEFT} {y(tick):.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text class="quiet" x="{LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:,.6g}</text>')
    ends = []
    for number, line in enumerate(panel.lines):
        points = [
            (_x(second + 0.5, seconds), y(value)) if isfinite(value) else None for second, value in enumerate(line)
        ]
        path = "".join(
            f"{'L' if before else 'M'}{point[0]:.1f} {point[1]:.1f}"
            for before, point in pairwise([None, *points])
            if point is not None
        )
        parts.append(f'<path class="line s{number}" d="{path}"/>')
        last = next((point for point in reversed(points) if point is not None), None)
        if last is not None:
            ends.append((last[1], number))
    for number, at in apart(ends, floor_).items():
        parts.append(
            f'<text class="name t{number}" x="{WIDTH - RIGHT + 8}" y="{at + 4:.1f}">{escape(names[number])}</text>'
        )
    for moment, what in marks:
        at = _x(moment, seconds)
        parts.append(f'<path class="mark" d="M{at:.1f} {top + head}V{floor_}"/>')
        if top == TOP:
            parts.append(f'<text class="quiet" x="{at + 6:.1f}" y="{top + head + 12}">{escape(what)}</text>')
    return parts


def _x(second: float, seconds: int) -> float:
    return LEFT + (WIDTH - RIGHT - LEFT) * second / seconds


def apart(ends: Sequence[tuple[float, int]], lowest: float) -> dict[int, float]:
    """Heights of names beside the ends of their lines (height, name), moved until none covers another."""
    placed: dict[int, float] = {}
    at = float("-inf")
    for height, number in sorted(ends):
        at = max(height, at + HEIGHT_OF_NAME)
        placed[number] = at
    beyond = max(0.0, at - lowest)
    return {number: height - beyond for number, height in placed.items()}
