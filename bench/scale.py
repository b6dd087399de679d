#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
"""Packets of one core by queues and regions; memory and set-up time of devices."""

import sys
from statistics import median

sys.dont_write_bytecode = True
import more  # noqa: E402 (no folder of compiled files)

QUEUES = (1, 2, 8, 32, 64, 128, 256, 512, 1024)
QUICK_QUEUES = (1, 64, 1024)
REGIONS = (1, 2, 4, 8, 16, 64, 256, 509)
QUICK_REGIONS = (1, 8, 509)
# DPDK 22.11 has no CONFIGURE_MEM_SLOTS: a table has 8 regions.
THEIR_REGIONS = 8
# As many buffers as there are regions.
REGIONS_RING = 512
DEVICES = {1: 200, 128: 16}
QUICK_DEVICES = {1: 32, 128: 4}
# Queues with nothing in them, polled in turn.
EMPTY = (1, 64)
# Of the goal: what is left of the ratio at 64 queues, or 8 regions.
KEPT = 0.90


def time_of(row):
    """Nanoseconds a packet in the library's calls of one process."""
    clean = [w for w in row["windows"] if w[3] <= more.LOST_SHARE and w[2] > 0]
    chosen = clean if len(clean) >= more.LEAST_WINDOWS else row["windows"]
    return median(w[2] for w in chosen) * 1e9


def rate(key, rows):
    """A cell of packets for scale.json."""
    kind, direction, ring, count = key
    sides = {label: {r["round"]: time_of(r) for r in rows if r["ok"] and r["label"] == label}
             for label in ("ours", "theirs")}
    result = more.compare(*sides.values()) or {}
    if not result and sides["ours"]:
        result = {"ours": median(sides["ours"].values()), "theirs": None, "ratio": None,
                  "decided": False}
    return {"kind": kind, "direction": direction, "ring": ring, "count": count, **result}


def devices(key, rows):
    """A cell of devices for scale.json."""
    cell = {"kind": "devices", "pairs": key[1], "count": key[2]}
    for label in ("ours", "theirs"):
        mine = [row for row in rows if row["ok"] and row["label"] == label]
        if not mine:
            continue
        cell[label] = {name: median(row[name] for row in mine) for name in (
            "resident_kib", "anonymous_kib", "mapped_kib", "mappings", "end_nanoseconds")}
        cell[label]["set_up_nanoseconds"] = median(median(r["nanoseconds"]) for r in mine)
        # The last ones: whether each costs more than the one before.
        cell[label]["last_nanoseconds"] = median(
            median(r["nanoseconds"][-max(1, len(r["nanoseconds"]) // 4):]) for r in mine)
    sides = [{r["round"]: median(r["nanoseconds"]) for r in rows
              if r["ok"] and r["label"] == label} for label in ("ours", "theirs")]
    cell["set_up"] = more.compare(*sides)
    return cell


def rate_table(cells, kind, mark):
    """Packets by count; what became of the ratio since the first row."""
    text = ""
    for direction in ("dequeue", "enqueue"):
        for ring in ("split", "packed"):
            mine = [c for c in cells if (c["kind"], c.get("direction"), c.get("ring")) ==
                    (kind, direction, ring)]
            if not mine:
                continue
            rows = []
            first = mine[0].get("ratio")
            for cell in mine:
                kept = cell["ratio"] / first if cell.get("ratio") and first else None
                note = ""
                if kept and cell["count"] == mark:
                    note = " (goal kept)" if kept >= KEPT else " (goal missed)"
                rows.append([
                    cell["count"],
                    *(more.number(cell.get(side) and 1e3 / cell[side], 2)
                      for side in ("ours", "theirs")),
                    *(more.number(cell.get(side)) for side in ("ours", "theirs")),
                    more.ratio(cell), more.number(cell.get("spread"), 2),
                    more.number(kept, 2) + note])
            text += f"### {kind}: {direction}, {ring} rings\n\n" + more.table(
                [kind, "Mpps ours", "theirs", "ns ours", "theirs", "ratio", "spread",
                 "of the first ratio"], rows) + "\n"
    return text


def device_table(cells):
    """Memory and time of devices."""
    rows, by_pairs = [], {}
    for cell in cells:
        if cell["kind"] != "devices":
            continue
        for label in ("ours", "theirs"):
            if label not in cell:
                continue
            use = cell[label]
            by_pairs.setdefault(label, {})[cell["pairs"]] = use["resident_kib"]
            rows.append([
                f"{cell['pairs']} pairs, {label}", more.number(use["resident_kib"]),
                more.number(use["anonymous_kib"]), more.number(use["mapped_kib"]),
                more.number(use["mappings"]), more.number(use["set_up_nanoseconds"] / 1e3, 0),
                more.number(use["last_nanoseconds"] / 1e3, 0),
                more.number(use["end_nanoseconds"] / 1e3, 0),
                more.ratio(cell["set_up"]) if label == "ours" else ""])
    text = more.table(["device", "resident KiB", "anonymous KiB", "mapped KiB", "mappings",
                       "set-up µs", "last ones µs", "end µs", "set-up theirs/ours"], rows)
    for label, sizes in by_pairs.items():
        if len(sizes) == 2:
            (few, small), (many, large) = sorted(sizes.items())
            text += f"\nA queue of {label}: {(large - small) / (2 * (many - few)):.1f} KiB."
    return text + "\n"


def report(cells):
    """The Markdown section."""
    return "## Cost of scale\n\n" + """One core serves all queues in turn with bursts of 32 packets of 64 bytes, in lock-step: the
library's call, which alone is timed, then the guest's turn in the same thread. Packets a second are those of the time in
calls. Rings of 256 (regions: 512) descriptors, a buffer in each region in turn; more than 128 queues are several devices.
DPDK 22.11 has 8 regions at most. A ratio above 1 is in our favour; the last column says what is left of the ratio of the
first row.

""" + rate_table(cells, "queues", 64) + rate_table(cells, "regions", 8) + \
        "Polls of queues that have nothing, in turn; millions of polls and nanoseconds a poll.\n\n" + \
        rate_table(cells, "empty queues", None) + \
        "### Devices\n\n" + """Growth of the process's memory a device, guest memory left out, and the time from `connect()` until the
last queue is enabled, all frontends being in the same process; rings of 64 descriptors with eventfds. Resident memory
counts DPDK's heap, which is shared memory here. *end*: from hanging up to `destroy_device()`.

""" + device_table(cells)


def make_cells(quick):
    """What is measured, and how."""
    cells = []
    rings = ("split",) if quick else ("split", "packed")
    length = ["--windows", 5 if quick else 20, "--window", 2 if quick else 4]
    for direction in ("dequeue",) if quick else ("dequeue", "enqueue"):
        for ring in rings:
            common = ["--direction", direction, "--ring", ring] + length
            for count in QUICK_QUEUES if quick else QUEUES:
                cells.append({
                    "key": ("queues", direction, ring, count), "labels": ["ours", "theirs"],
                    "arguments": (lambda _, words=common + ["--queues", count]: words)})
            if direction == "dequeue":
                for count in EMPTY:
                    cells.append({
                        "key": ("empty queues", direction, ring, count),
                        "labels": ["ours", "theirs"],
                        "arguments": (lambda _, words=common + ["--queues", count, "--empty"]:
                                      words)})
            for count in QUICK_REGIONS if quick else REGIONS:
                words = common + ["--regions", count, "--ring-size", REGIONS_RING]
                cells.append({
                    "key": ("regions", direction, ring, count),
                    "labels": ["ours", "theirs"] if count <= THEIR_REGIONS else ["ours"],
                    "arguments": (lambda _, words=words: words)})
    for pairs, count in (QUICK_DEVICES if quick else DEVICES).items():
        cells.append({
            "key": ("devices", pairs, count), "labels": ["ours", "theirs"],
            "arguments": (lambda _, words=("--devices", count, "--pairs", pairs): words)})
    return cells


def main():
    """Reads the command line."""
    options = more.parser(__doc__ + "\n" + more.__doc__).parse_args()
    bench = more.Bench("scale", options)
    wanted = make_cells(options.quick)
    bench.run(wanted)
    cells = []
    for cell in wanted:
        rows = [row for row in bench.rows if row["key"] == cell["key"]]
        cells.append((devices if cell["key"][0] == "devices" else rate)(cell["key"], rows))
    return bench.write({"machine": more.machine(), "rounds": bench.rounds, "cells": cells},
                       report(cells))


if __name__ == "__main__":
    sys.exit(main())
