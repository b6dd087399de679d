#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
"""What a packet costs the data-plane core: synchronous calls, asynchronous ones, and memcpy().

  --callgrind        CALLGRIND=1   instructions a packet in the asynchronous calls, and no times
  --sizes "N …"      SIZES         bytes
  --turns N          TURNS         turns under callgrind (300)
"""

import math
import os
import re
import sys
from statistics import median

sys.dont_write_bytecode = True
import more  # noqa: E402 (no folder of compiled files)

SIZES = (64, 128, 256, 512, 1024, 1518, 2036, 4096, 9000, 65535)
QUICK_SIZES = (1518, 9000)
THRESHOLDS = (0, 256, 1024, 4096)
OURS_WAYS = ["sync", "copy", "asleep:0"] + [
    f"{engine}:{limit}" for engine in ("software", "own") for limit in THRESHOLDS]
QUICK_WAYS = ["sync", "copy", "asleep:0", "software:0", "software:4096", "own:0"]
# Bursts of 64 KiB would not find room in a second-level cache.
LARGE, LARGE_BURST = 20000, 8
FUNCTIONS = {
    "dequeue": ["rte_vhost_async_try_dequeue_burst*"],
    "enqueue": ["rte_vhost_submit_enqueue_burst*", "rte_vhost_poll_enqueue_completed*"],
}
SYNC_FUNCTIONS = {"dequeue": ["rte_vhost_dequeue_burst*"], "enqueue": ["rte_vhost_enqueue_burst*"]}
GOALS = {1518: 0.9, 9000: 0.5}
COPY_GOAL = 1.10


def arguments_of(key, ways):
    """Of the host, for a cell and one library."""
    direction, ring, size = key
    burst = LARGE_BURST if size > LARGE else 32

    def build(label):
        chosen = ways if label == "ours" else ["sync", "dmadev"]
        return ["--release", "21.08" if label == "ours" else "22.11", "--ways", " ".join(chosen),
                "--direction", direction, "--ring", ring, "--size", size, "--burst", burst]
    return build


def by_place(row, way):
    """{placement: nanoseconds a packet} of one process."""
    groups = {}
    for window in more.windows(row["ways"][way]):
        if window["typical"] <= 0:
            continue
        groups.setdefault("any", []).append(window["typical"])
        place = more.placement(window["ping_before"], window["ping_after"])
        if place and window["lost"] <= more.LOST_SHARE:
            groups.setdefault(place, []).append(window["typical"])
    return {place: median(times) * 1e9 for place, times in groups.items()
            if len(times) >= more.LEAST_WINDOWS or place == "any"}


def against(row, way, base):
    """How a way's windows compare with the base's next to them: time over time."""
    clean, every = [], []
    pairs = zip(*(more.windows(row["ways"][name]) for name in (way, base)))
    for one, other in pairs:
        if one["typical"] <= 0 or other["typical"] <= 0:
            continue
        value = one["typical"] / other["typical"]
        every.append(value)
        places = {more.placement(w["ping_before"], w["ping_after"]) for w in (one, other)}
        if (len(places) == 1 and None not in places and
                max(one["lost"], other["lost"]) <= more.LOST_SHARE):
            clean.append(value)
    chosen = clean if len(clean) >= more.LEAST_WINDOWS else every
    return median(chosen) if chosen else None


class Cell:
    """One direction, ring format and size."""

    def __init__(self, key, rows):
        self.direction, self.ring, self.size = key
        self.rows = {}
        for row in rows:
            if row["ok"]:
                self.rows.setdefault(row["label"], {})[row["round"]] = row

    def times(self, label, way):
        """By round and placement."""
        return {number: by_place(row, way) for number, row in self.rows.get(label, {}).items()
                if way in row["ways"]}

    def way(self, label, way):
        """Time of a way in the placement that most rounds have, and against the synchronous call
        of the same process."""
        times = self.times(label, way)
        best = None
        for place in ("near", "far", "any"):
            result = more.summarize(values.get(place) for values in times.values())
            if result and (best is None or place != "any" and result["rounds"] > best["rounds"]):
                best = {"placement": place, "nanoseconds": result["median"],
                        "spread": result["spread"], "rounds": result["rounds"]}
        if best is None:
            return None
        for base in ("sync", "copy"):
            rows = self.rows[label].values()
            best["to_" + base] = more.summarize(
                against(row, way, base) for row in rows if base in row["ways"])
        return best

    def summary(self):
        """The cell for async.json."""
        labels = {"ours": "ours", "ours_2211": "ours_2211", "theirs": "theirs"}
        ways = {label: list(next(iter(self.rows[label].values()))["ways"])
                for label in labels if self.rows.get(label)}
        return {
            "direction": self.direction, "ring": self.ring, "size": self.size,
            "ways": {f"{label} {way}": self.way(label, way)
                     for label, names in ways.items() for way in names},
            "dmadev": more.compare_places(
                self.times("ours_2211", "dmadev"), self.times("theirs", "dmadev")),
            "sync": more.compare_places(self.times("ours", "sync"), self.times("theirs", "sync")),
        }


def break_even(cells, way):
    """Size from which on an asynchronous packet is cheaper than a synchronous one, in words."""
    points = []
    for cell in cells:
        result = (cell["ways"].get(way) or {}).get("to_sync")
        if result:
            points.append((cell["size"], result["median"]))
    points.sort()
    if not points or points[-1][1] >= 1:
        return "none"
    size, value = points[-1]
    for below, worse in reversed(points[:-1]):
        if worse >= 1:
            share = (worse - 1) / (worse - value)
            return f"{math.exp(math.log(below) + share * math.log(size / below)):.0f} bytes"
        size, value = below, worse
    return f"{points[0][0]} bytes or less"


def relative(cell, way, name="to_sync"):
    """Of a table: nanoseconds, and how that compares."""
    result = cell["ways"].get(way)
    if not result:
        return "–"
    text = more.number(result["nanoseconds"], 0 if result["nanoseconds"] >= 100 else 1)
    other = result.get(name)
    if not other or way.endswith(name[3:]):
        return text
    return f"{text} ({other['median']:.2f}{'' if other['decided'] else '?'})"


def section(cells, direction, ring):
    """Tables of one direction and ring format."""
    mine = [c for c in cells if c["direction"] == direction and c["ring"] == ring]
    ways = [w for w in OURS_WAYS if any(f"ours {w}" in c["ways"] for c in mine)]
    rows = [[c["size"]] + [relative(c, f"ours {w}") for w in ways] for c in mine]
    text = f"### {direction}, {ring} rings\n\n" + more.table(["bytes"] + ways, rows)
    places = sorted({(c["ways"].get("ours sync") or {}).get("placement", "–") for c in mine})
    text += f"\nNanoseconds a packet (times our synchronous call's); placement: {', '.join(places)}."
    for way in ("ours software:0", "ours asleep:0", "ours own:0", "ours_2211 dmadev"):
        if any(way in c["ways"] for c in mine):
            text += f"\nBreak-even of {way}: {break_even(mine, way)}."
    rows = []
    for cell in mine:
        pair = cell["dmadev"] or {}
        rows.append([
            cell["size"], more.number(pair.get("ours")), more.number(pair.get("theirs")),
            more.ratio(pair), more.number(pair.get("spread"), 2), pair.get("placement", "–"),
            relative(cell, "ours_2211 dmadev"), relative(cell, "theirs dmadev")])
    text += "\n\nDPDK 22.11's functions with `dma_skeleton`:\n\n" + more.table(
        ["bytes", "ours ns", "theirs ns", "theirs/ours", "spread", "placement",
         "ours (to own sync)", "theirs (to own sync)"], rows)
    return text + "\n"


def copies(cells):
    """Large synchronous copies against memcpy() of the same bytes."""
    rows = []
    for cell in cells:
        result = cell["ways"].get("ours sync")
        if cell["size"] < 4096 or not result or not result["to_copy"]:
            continue
        plain = cell["ways"]["ours copy"]["nanoseconds"]
        value = result["to_copy"]
        rows.append([f"{cell['direction']} {cell['ring']} {cell['size']}",
                     more.number(result["nanoseconds"], 0), more.number(plain, 0),
                     f"{value['median']:.2f}{'' if value['decided'] else '?'}",
                     more.number(value["spread"], 2),
                     "yes" if value["median"] <= COPY_GOAL else "no"])
    return more.table(["cell", "library ns", "memcpy ns", "library/memcpy", "spread",
                       "at most 1.10"], rows)


def goals(cells):
    """What the goal says of two sizes."""
    rows = []
    for cell in cells:
        goal = GOALS.get(cell["size"])
        if goal is None or cell["direction"] != "dequeue":
            continue
        for way in ("ours software:0", "ours asleep:0", "ours own:0", "ours_2211 dmadev"):
            value = (cell["ways"].get(way) or {}).get("to_sync")
            if value:
                rows.append([f"{cell['ring']} {cell['size']} {way}", more.ratio(value, "median"),
                             f"{goal:.1f}", "yes" if value["median"] <= goal else "no"])
    return more.table(["cell", "asynchronous/synchronous", "at most", "reached"], rows)


def report(cells):
    """The Markdown section."""
    text = "## Asynchronous calls\n\n" + """Time of the data-plane core in the library's calls, a packet. There are two cores and three
roles: guest and data plane alternate, the guest writes (or reads) every cache line of a burst on its own core, the data
plane's calls alone are timed, and between the calls the engine copies on the guest's core until nothing is left, so
that each asynchronous call finds a burst of new packets and one of finished ones. What the application pays later, when it
first touches a packet that was copied on another core, is in no figure. *software:N* is the library's engine with threshold
N and its worker awake, *asleep* with a worker that each burst has to wake by a system call, *own:N* an engine of the
program's own whose `transfer_data` only queues. *copy* is a loop of `memcpy()` over the same buffers and mbufs. Bursts
of 32, of 8 at 64 KiB; guest buffers and mbufs of 2 KiB. A question mark: rounds differ by more than 25 %.
DPDK 22.11's library reports at most 128 copies a call, so long packets come back a few at a time.

""" + goals(cells) + "\n"
    for direction in ("dequeue", "enqueue"):
        for ring in ("split", "packed"):
            if any((c["direction"], c["ring"]) == (direction, ring) for c in cells):
                text += section(cells, direction, ring)
    return text + "## Large copies\n\nSynchronous calls against `memcpy()` of the same bytes.\n\n" + \
        copies(cells)


def count_instructions(bench, keys, turns):
    """Instructions a packet in the calls, by callgrind."""
    rows, data = [], []
    variants = [("ours", "own:0"), ("ours", "software:0"), ("ours_2211", "dmadev"),
                ("theirs", "dmadev"), ("ours", "sync"), ("theirs", "sync")]
    for key in keys:
        counts = {}
        for label, way in variants:
            table = SYNC_FUNCTIONS if way == "sync" else FUNCTIONS
            profile = os.path.join(bench.out, f"async.{label}.{way}.{'.'.join(map(str, key))}.cg")
            before = ["valgrind", "--tool=callgrind", "--fair-sched=yes",
                      f"--callgrind-out-file={profile}"]
            before += [f"--toggle-collect={name}" for name in table[key[0]]]
            arguments = arguments_of(key, [way])(label) + ["--turns", turns]
            arguments[3] = way
            row = bench.execute(label, arguments, 600, before)
            if not row["ok"] or not row["counted"]:
                continue
            with open(profile, encoding="utf-8", errors="replace") as file:
                total = re.search(r"^totals: *(\d+)", file.read(), re.M)
            counts[f"{label} {way}"] = int(total.group(1)) / row["counted"] if total else None
        ours, theirs = counts.get("ours_2211 dmadev"), counts.get("theirs dmadev")
        share = ours / theirs if ours and theirs else None
        data.append({"direction": key[0], "ring": key[1], "size": key[2], "instructions": counts,
                     "dmadev_ours_to_theirs": share})
        rows.append([" ".join(map(str, key))] +
                    [more.number(counts.get(f"{a} {b}"), 0) for a, b in variants] +
                    [more.number(share, 2)])
        print(f"bench: {' '.join(map(str, key))} {counts}", file=sys.stderr)
    text = "## Instructions a packet in asynchronous calls\n\n" + more.table(
        ["cell"] + [f"{a} {b}" for a, b in variants] + ["dmadev ours/theirs"], rows)
    return data, text


def main():
    """Reads the command line."""
    options = more.parser(__doc__ + "\n" + more.__doc__)
    options.add_argument("--callgrind", action="store_true",
                         default=os.environ.get("CALLGRIND", "0") not in ("0", ""))
    options.add_argument("--turns", type=int, default=os.environ.get("TURNS") or 300)
    options.add_argument("--sizes", default=os.environ.get("SIZES"))
    options = options.parse_args()
    sizes = [int(word) for word in (options.sizes or "").split()]
    sizes = sizes or (QUICK_SIZES if options.quick else SIZES)
    rings = ("split",) if options.quick else ("split", "packed")
    keys = [(direction, ring, size) for direction in ("dequeue", "enqueue") for ring in rings
            for size in sizes]
    bench = more.Bench("async", options)
    if options.callgrind:
        data, text = count_instructions(bench, keys, options.turns)
        bench.name = "async-instructions"
        return bench.write(data, text)
    ways = QUICK_WAYS if options.quick else OURS_WAYS
    length = ["--windows", 4 if options.quick else 10, "--window", 3 if options.quick else 4]
    bench.run([{
        "key": key, "labels": ["ours", "ours_2211", "theirs"],
        "arguments": (lambda label, key=key: arguments_of(key, ways)(label) + length),
    } for key in keys])
    cells = [Cell(key, [r for r in bench.rows if r["key"] == key]).summary() for key in keys]
    return bench.write({"machine": more.machine(), "rounds": bench.rounds, "cells": cells},
                       report(cells))


if __name__ == "__main__":
    sys.exit(main())
