#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
"""Draws bench.json.

usage: plot.py bench.json bench.svg
"""

import json
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402 - the backend comes first

PANELS = (
    ("Free-running", lambda cell: cell),
    ("Inside the calls, free-running", lambda cell: cell.get("in_calls_ns", {})),
    ("Lock-step", lambda cell: cell.get("lock_step_ns", {})),
    ("Instructions", lambda cell: cell.get("instructions", {})),
)


def draw(axes, title, cells, pick):
    """One panel: a bar a cell, pale where the rounds disagree."""
    picked = [pick(cell) for cell in cells]
    ratios = [entry.get("ratio") or 0 for entry in picked]
    bars = axes.bar(range(len(cells)), ratios, color="#3b6ea5")
    for bar, entry, value in zip(bars, picked, ratios):
        if not entry.get("decided", True):
            bar.set_alpha(0.4)
        axes.annotate(f"{value:.2f}" if value else "-", (bar.get_x() + bar.get_width() / 2, value),
                      ha="center", va="bottom", fontsize=7)
    axes.axhline(1, color="#a53b3b", linewidth=1)
    axes.set_xticks(range(len(cells)))
    axes.set_xticklabels([cell["name"] for cell in cells], rotation=60, ha="right", fontsize=7)
    axes.set_title(title, fontsize=9)


def main():
    """Reads the command line."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        cells = json.load(file)
    panels = [(title, pick) for title, pick in PANELS
              if any(pick(cell).get("ratio") for cell in cells)]
    if not panels:
        sys.exit("plot.py: nothing to draw")
    width = max(3.0, 0.45 * len(cells))
    figure, rows = plt.subplots(1, len(panels), figsize=(width * len(panels), 4.2), squeeze=False)
    for axes, (title, pick) in zip(rows[0], panels):
        draw(axes, title, cells, pick)
    rows[0][0].set_ylabel("this library / DPDK's librte_vhost\n(above 1: faster; pale: undecided)")
    figure.tight_layout()
    figure.savefig(sys.argv[2])


if __name__ == "__main__":
    main()
