# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
"""The page docs/performance.md."""

import matrix
import report

INTRODUCTION = """# Performance

This library beside DPDK's own `librte_vhost`: same program, same guest, same mbuf pool (an
`rte_mempool`), same buffers, only the library differs. `make bench` measures it again,
`bench/bench --help` tells how to measure other cells or another library.

**What is measured.** A *cell* is a kind of guest, packets and calls: direction (*dequeue* is from
the guest), ring format, layout of descriptors, mergeable buffers, size, event index, packets a
call. *Direct*: header and data in one descriptor; *chained*: the header in one, the data in
others of up to 4 KiB; *indirect*: the same in a table of its own. With mergeable buffers packets
to the guest go to buffers of 2 KiB. 65,535 bytes are TCP packets to be segmented by whoever gets
them, with the offloads negotiated. Mbufs have 2 KiB. Rings have 256 descriptors, or as many as 64
packets need.

**How.** One process a library, and another one in every round, because where a process's memory
lies is worth some percent for as long as it lives. They are asked in turns, which of them first
changes, and set each cell's device and guest up anew. Before the first round every payload, the order, virtio-net headers and
the pool's level are checked. Then, in windows of {window}: *free-running*, host and guest on a
core each, packets per second; *lock-step*, guest and host taking turns on a full ring, time per
packet in the library's calls; and under callgrind, which noise cannot touch, instructions per
packet between entry and return of the burst functions. Windows in which a thread lost more than 2
% of its CPU do not count. The distance between two virtual cores changes: round trips between
them are measured around each window, and windows compared with windows of the same distance only.

**Ratios** are above 1 where this library is better, and medians of all rounds. Each has an
interval, in which the median is with a certainty of 95 %. Cells whose interval is wider than a
quarter are *undecided* (`?`); those are measured twice as often. *Surely below* 1.00 is a cell
whose whole interval is.
"""


def table(rows):
    """A table in Markdown; the first column is text."""
    lines = ["| " + " | ".join(rows[0]) + " |",
             "|---" + "|--:" * (len(rows[0]) - 1) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows[1:]]) + "\n"


def bold(figure):
    """A ratio; below 1 it catches the eye."""
    text = report.ratio(figure)
    return f"**{text}**" if figure.get("ratio") and figure["ratio"] < 1 else text


def pivot(summaries, measure):
    """Rows: all cells of the cross by one measure, bursts and event index side by side."""
    columns = [(e, b) for e in matrix.CROSS["event_index"] for b in matrix.CROSS["burst"]]
    fields = ("direction", "ring", "layout", "mergeable", "size")
    found = {tuple(s[f] for f in fields + ("event_index", "burst")): s for s in summaries
             if report.is_cross(s)}
    rows = [["direction, ring, layout, mergeable, size"] +
            [f"{'event index' if e else 'flags'}, {b}" for e, b in columns] +
            ["ours", "theirs"]]
    for key in dict.fromkeys(key[:5] for key in found):
        cells = [found.get(key + column) for column in columns]
        # Absolute figures of one column are enough to see what the ratios are of.
        figure = (found.get(key + (1, 32)) or next(filter(None, cells)))[measure]
        direction, ring, layout, mergeable, size = key
        scale, digits = (1e-6, 2) if measure == "rate" else (1, 1)
        rows.append([f"{direction} {ring} {layout} {'mergeable' if mergeable else '-'} {size}"] +
                    [bold(cell[measure]) if cell else "-" for cell in cells] +
                    [report.number(figure[side] and figure[side] * scale, digits)
                     for side in ("ours", "theirs")])
    return rows


def folded(title, body):
    """A part that opens on demand."""
    return f"<details><summary>{title}</summary>\n\n{body}\n</details>\n"


UNITS = {"rate": "million packets a second", "lock": "nanoseconds a packet",
         "instructions": "instructions a packet"}


def write(summaries, noise, where):
    """The whole page."""
    cross = [s for s in summaries if report.is_cross(s)]
    others = [s for s in summaries if not report.is_cross(s)]
    measures = [(m, t) for m, t in report.MEASURES if report.is_measured(summaries, m)]
    parts = [INTRODUCTION.replace("{window}", "two milliseconds"), "## Where\n",
             table([["", ""]] + [[key, text] for key, text in where.items()]).replace(
                 "|---|--:|", "|---|---|"),
             "## The whole matrix\n", table(report.totals(summaries))]
    if noise:
        parts.append(report.noise_row(noise) + "\n")
    parts += ["![Ratios of all cells](performance.svg)\n", "## By axis\n",
              "Geometric means of the ratios of all cells of the full cross that have the value.\n",
              table(report.by_axis(summaries))]
    if others:
        parts += ["## IOMMU, dirty log, queues, regions\n",
                  "Mergeable buffers, event index, bursts of 32. IOMMU: IOTLB entries of a whole "
                  "region, or of a page each, all known before.\nDirty log: its bits are set "
                  "already, as they mostly are between two rounds of a migration. Queues are "
                  "served in turn\nby one core. To the right: the same cells of the cross, "
                  "without.\n", table(report.by_extra(summaries)),
                  folded("Each of these cells", table(report.every_cell(others)))]
    parts.append("## The worst cells\n")
    for measure, title in measures:
        parts += [f"By {title}; {'packets/s' if measure == 'rate' else UNITS[measure]}:\n",
                  table(report.worst(summaries, measure))]
    parts.append("## All cells\n")
    parts += [folded(f"Ratios, {title}; at the right {UNITS[measure]} with event index, bursts "
                     "of 32", table(pivot(cross, measure))) for measure, title in measures]
    return "\n".join(parts)
