# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
"""Draws the ratios of all cells: maps by ring, direction, layout and size, and sorted curves."""

from math import log

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402 - the backend comes first

import matrix  # noqa: E402
import report  # noqa: E402

# Ratios from its inverse to it have a colour of their own.
DARKEST = 2.0
TICKS = (0.5, 0.7, 0.85, 1, 1.2, 1.4, 2, 3, 5)
LICENCE = ("<!-- SPDX-License-Identifier: BSD-3-Clause -->\n"
           "<!-- Copyright (c) 2026 The librtevhostswift authors -->\n")
COLUMNS = [(e, b) for e in matrix.CROSS["event_index"] for b in matrix.CROSS["burst"]]
ROWS = [(layout, mergeable, size) for layout in matrix.CROSS["layout"]
        for mergeable in matrix.CROSS["mergeable"] for size in matrix.CROSS["size"]]


def draw_map(axes, cells, measure, direction, ring):
    """One map: a row a layout and size, a column a burst."""
    picked = {(s["layout"], s["mergeable"], s["size"], s["event_index"], s["burst"]): s[measure]
              for s in cells if s["direction"] == direction and s["ring"] == ring}
    shades = [[log(picked[row + column]["ratio"]) if picked.get(row + column, {}).get("ratio")
               else float("nan") for column in COLUMNS] for row in ROWS]
    image = axes.imshow(shades, cmap="RdBu", vmin=-log(DARKEST), vmax=log(DARKEST),
                        aspect="auto", interpolation="nearest")
    for y in range(len(matrix.CROSS["size"]), len(ROWS), len(matrix.CROSS["size"])):
        axes.axhline(y - 0.5, color="black", linewidth=0.6)
    axes.set_xticks(range(len(COLUMNS)), [f"{'e' if e else '-'}\n{b}" for e, b in COLUMNS],
                    fontsize=6)
    names = [f"{layout} {'mergeable' if m else '-'} {size}" for layout, m, size in ROWS]
    axes.set_yticks(range(len(ROWS)), names, fontsize=5)
    axes.label_outer()
    axes.set_title(f"{direction}, {ring}", fontsize=8)
    return image


def draw_curves(axes, cells, measure, title):
    """Sorted ratios of each kind of ring and direction."""
    for direction in matrix.CROSS["direction"]:
        for ring in matrix.CROSS["ring"]:
            values = sorted(s[measure]["ratio"] for s in cells
                            if s["direction"] == direction and s["ring"] == ring
                            and s[measure].get("ratio"))
            if values:
                axes.plot([(i + 0.5) / len(values) for i in range(len(values))], values,
                          linewidth=1, label=f"{direction}, {ring}")
    axes.axhline(1, color="black", linewidth=0.6)
    axes.set_yscale("log")
    axes.set_yticks(TICKS, [f"{tick:g}" for tick in TICKS], fontsize=6)
    axes.minorticks_off()
    axes.set_xticks((0, 0.5, 1), ("worst", "", "best"), fontsize=6)
    axes.grid(axis="y", linewidth=0.2)
    axes.set_title(f"{title}: all cells, sorted", fontsize=8)
    axes.legend(fontsize=6)


def draw(summaries, path):
    """The whole plot as an SVG."""
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "bench",
                                "font.sans-serif": ["DejaVu Sans"]})
    cells = [s for s in summaries if report.is_cross(s)]
    measures = [(m, t) for m, t in report.MEASURES if report.is_measured(summaries, m)]
    if not measures:
        return
    maps = [(m, t) for m, t in measures if report.is_measured(cells, m)]
    figure = plt.figure(figsize=(14, 5.5 * len(maps) + 3.5), layout="constrained")
    parts = figure.subfigures(len(maps) + 1, 1, height_ratios=[5.5] * len(maps) + [3.5])
    parts = list(parts) if maps else [parts]
    kinds = [(d, r) for d in matrix.CROSS["direction"] for r in matrix.CROSS["ring"]]
    for part, (measure, title) in zip(parts, maps):
        part.suptitle(f"{title}: ratio, above 1 (blue) this library is better; columns: event "
                      "index (e) or not, packets a call", fontsize=9)
        every = part.subplots(1, len(kinds))
        for axes, (direction, ring) in zip(every, kinds):
            image = draw_map(axes, cells, measure, direction, ring)
        ticks = [tick for tick in TICKS if 1 / DARKEST <= tick <= DARKEST]
        bar = part.colorbar(image, ax=every, ticks=[log(tick) for tick in ticks], pad=0.01)
        bar.ax.set_yticklabels([f"{tick:g}" for tick in ticks], fontsize=6)
    rows = parts[-1].subplots(1, len(measures), squeeze=False)[0]
    for axes, (measure, title) in zip(rows, measures):
        draw_curves(axes, summaries, measure, title)
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    plt.close(figure)
    with open(path, encoding="utf-8") as file:
        head, _, rest = file.read().partition("\n")
    with open(path, "w", encoding="utf-8") as file:
        file.write(head + "\n" + LICENCE + rest)
