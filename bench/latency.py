#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
"""How long a packet takes from the guest to the host's application and back: p50, p99, p99.9.

  --sizes "N …"      SIZES         bytes (64 1518)
"""

import os
import sys
from statistics import median

sys.dont_write_bytecode = True
import more  # noqa: E402 (no folder of compiled files)

PERCENTILES = (50, 99, 99.9)
SAMPLES = {"polled": 20000, "kick": 4000}
QUICK_SAMPLES = {"polled": 4000, "kick": 600}


def percentile(values, share):
    """Of a sorted list: the least value that so many per cent are not above."""
    return values[min(len(values) - 1, int(len(values) * share / 100))]


def percentiles(row):
    """{placement: {percentile: nanoseconds}} of one process."""
    groups = {}
    size = row["window"]
    for i, (before, after, lost) in enumerate(row["windows"]):
        times = row["nanoseconds"][i * size:(i + 1) * size]
        groups.setdefault("any", []).extend(times)
        place = more.placement(before, after)
        if place and lost <= more.LOST_SHARE:
            groups.setdefault(place, []).extend(times)
    result = {}
    for place, times in groups.items():
        if place == "any" or len(times) >= more.LEAST_WINDOWS * size:
            times.sort()
            result[place] = {share: percentile(times, share) for share in PERCENTILES}
    return result


def summary(key, rows):
    """A cell for latency.json."""
    mode, ring, size = key
    sides = {label: {row["round"]: percentiles(row) for row in rows
                     if row["ok"] and row["label"] == label} for label in ("ours", "theirs")}
    cell = {"mode": mode, "ring": ring, "size": size, "percentiles": {}}
    for share in PERCENTILES:
        pick = [{number: {place: values[share] for place, values in places.items()}
                 for number, places in side.items()} for side in sides.values()]
        if mode == "kick":
            # The host sleeps: where the cores are is the least of it.
            pick = [{number: {"any": places["any"]} for number, places in side.items()}
                    for side in pick]
        result = more.compare_places(*pick)
        if result and mode == "kick":
            result["decided"] = (result["rounds"] >= more.LEAST_ROUNDS and
                                 result["spread"] <= more.SPREAD_LIMIT)
        cell["percentiles"][str(share)] = result
    kicks = [row["kicks"] / max(row["verified"], 1) for row in rows if row["ok"]]
    cell["kicks_per_packet"] = median(kicks) if kicks else None
    return cell


def report(cells, rounds):
    """The Markdown section."""
    text = "## Latency\n\n" + f"""From just before the guest publishes a packet (and kicks, where the host wants that) until it sees
the packet back in its receive ring; the host takes it with `rte_vhost_dequeue_burst()` and sends it back with
`rte_vhost_enqueue_burst()`. One packet at a time, every one compared. *polled*: both sides look at their rings all the
time. *kick*: the host is blocked in `epoll_wait()` on the kick eventfd, the guest in `poll()` on the call eventfd, so that
the kernel wakes each once. Microseconds; medians of {rounds} rounds in turns; a ratio above 1 is in our favour, with a
question mark where rounds differ by more than 25 %.

"""
    rows = []
    for cell in cells:
        row = [f"{cell['mode']} {cell['ring']} {cell['size']}"]
        for share in PERCENTILES:
            result = cell["percentiles"][str(share)] or {}
            for side in ("ours", "theirs"):
                value = result.get(side)
                row.append(more.number(value and value / 1e3, 2))
            row.append(more.ratio(result))
        first = cell["percentiles"]["50"] or {}
        row += [more.number(first.get("spread"), 2), first.get("placement", "–")]
        rows.append(row)
    heads = ["cell"]
    for share in PERCENTILES:
        heads += [f"p{share} ours", "theirs", "ratio"]
    return text + more.table(heads + ["spread p50", "placement"], rows)


def main():
    """Reads the command line."""
    options = more.parser(__doc__ + "\n" + more.__doc__)
    options.add_argument("--sizes", default=os.environ.get("SIZES"))
    options = options.parse_args()
    sizes = [int(word) for word in (options.sizes or "").split()]
    sizes = sizes or ((64,) if options.quick else (64, 1518))
    samples = QUICK_SAMPLES if options.quick else SAMPLES
    keys = [(mode, ring, size) for mode in ("polled", "kick") for ring in ("split", "packed")
            for size in sizes]
    bench = more.Bench("latency", options)
    bench.run([{
        "key": key, "labels": ["ours", "theirs"],
        "arguments": (lambda label, key=key: [
            "--mode", key[0], "--ring", key[1], "--size", key[2], "--samples", samples[key[0]]]),
    } for key in keys])
    cells = [summary(key, [r for r in bench.rows if r["key"] == key]) for key in keys]
    return bench.write({"machine": more.machine(), "rounds": bench.rounds, "cells": cells},
                       report(cells, bench.rounds))


if __name__ == "__main__":
    sys.exit(main())
