#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
"""Makes bench.json and a table of the windows that the hosts measured.

usage: summary.py [--undecided] DIRECTORY

DIRECTORY holds bench.jsonl and, if instructions were counted, callgrind.jsonl: a line a process.
--undecided prints the cells that need more rounds, and nothing else.
"""

import json
import os
import sys
from statistics import median

# Cross-core round trips are either shorter or much longer, by where the two CPUs are.
NEAR_SECONDS = 300e-9
# A thread that lost more of its CPU than this spoils its window.
LOST_SHARE = 0.02
# Rounds whose ratios differ by more leave a cell undecided.
SPREAD_LIMIT = 0.25
# Windows and rounds that a median needs.
LEAST_WINDOWS = 5
LEAST_ROUNDS = 3

OURS = ("ours_dpdk_pool", "ours")
THEIRS = "theirs"


def read_lines(path):
    """Result lines of a file, or none."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def windows(row, kind):
    """A process's windows as dictionaries."""
    names, *values = row[kind]
    return [w for w in (dict(zip(names, v)) for v in values) if w["packets"] > 0]


def lock_step(row):
    """Seconds a packet in the library's calls with both sides taking turns."""
    every = windows(row, "lock_step")
    clean = [w for w in every if w["lost_host"] <= LOST_SHARE]
    chosen = clean if len(clean) >= LEAST_WINDOWS else every
    times = [w["typical"] for w in chosen if w["typical"] > 0]
    return median(times) if times else None


def placements(window):
    """Groups that a window is in: by where the CPUs were, and by whether anything disturbed it."""
    groups = ["any"]
    near = [window[end] < NEAR_SECONDS for end in ("ping_before", "ping_after")]
    if near[0] == near[1]:
        where = "near" if near[0] else "far"
        groups.append(f"{where}, disturbed")
        if max(window["lost_host"], window["lost_guest"]) <= LOST_SHARE:
            groups.append(where)
    return groups


def free_running(row):
    """By placement: packets a second and seconds a packet in the library's calls."""
    groups = {}
    for window in windows(row, "free"):
        for name in placements(window):
            groups.setdefault(name, []).append(window)
    return {
        where: (
            median(w["packets"] / w["seconds"] for w in group),
            median(w["call_seconds"] / w["packets"] for w in group),
        )
        for where, group in groups.items()
        if len(group) >= LEAST_WINDOWS
    }


def compare(ours, theirs, more_is_better):
    """Two dictionaries of figures by round: both medians, their ratio and its spread."""
    common = [r for r in ours if r in theirs and ours[r] and theirs[r]]
    result = {
        "ours": median(ours[r] for r in common) if common else None,
        "theirs": median(theirs[r] for r in common) if common else None,
        "ratio": None,
        "spread": None,
        "rounds": len(common),
        "decided": False,
    }
    if common:
        ratios = [ours[r] / theirs[r] if more_is_better else theirs[r] / ours[r] for r in common]
        ratio = median(ratios)
        spread = (max(ratios) - min(ratios)) / ratio
        decided = len(common) >= LEAST_ROUNDS and spread <= SPREAD_LIMIT
        result.update(ratio=ratio, spread=spread, decided=decided)
    return result


class Cell:
    """One ring format, direction and packet size."""

    def __init__(self, rows):
        self.first = rows[0]
        self.errors = [f"{r['label']}: {r['error']}" for r in rows if not r["ok"]]
        self.lock = {}
        self.free = {}
        for row in rows:
            if row["ok"]:
                label, number = row["label"], row["round"]
                self.lock.setdefault(label, {})[number] = lock_step(row)
                self.free.setdefault(label, {})[number] = free_running(row)

    def compare_free(self, label):
        """Rate and time in calls, in the placement that most rounds of both were in."""
        sides = self.free.get(label, {}), self.free.get(THEIRS, {})
        best = None
        for where in ("near", "far", "near, disturbed", "far, disturbed", "any"):
            pick = [[{r: v[where][i] for r, v in side.items() if where in v} for side in sides]
                    for i in (0, 1)]
            rate, time = compare(*pick[0], True), compare(*pick[1], False)
            if where not in ("near", "far"):
                # Better than nothing and no more.
                rate["decided"] = time["decided"] = False
                if best["rounds"] >= LEAST_ROUNDS:
                    break
            if best is None or rate["rounds"] > best["rounds"]:
                best, best_time, best_where = rate, time, where
        return best, best_time, best_where

    def summary(self):
        """The cell for bench.json."""
        row = self.first
        cell = {
            "name": f"{row['ring']} {row['direction']} {row['size']}",
            "mode": "sync",
            "ring": row["ring"],
            "direction": row["direction"],
            "size": row["size"],
            "burst": row.get("burst"),
            "ring_size": row.get("ring_size"),
            "errors": self.errors,
        }
        labels = [label for label in OURS if label in self.lock] or [OURS[0]]
        for position, label in enumerate(labels):
            rate, time, where = self.compare_free(label)
            figures = {"variant": label, "unit": "packets/s", "placement": where, **rate}
            figures["in_calls_ns"] = in_nanoseconds(time)
            figures["lock_step_ns"] = in_nanoseconds(
                compare(self.lock.get(label, {}), self.lock.get(THEIRS, {}), False))
            if position == 0:
                cell.update(figures)
            else:
                cell["own_pool"] = figures
        return cell

    def is_undecided(self):
        """Whether more rounds would help."""
        cell = self.summary()
        return not (cell["decided"] and cell["lock_step_ns"]["decided"])


def in_nanoseconds(result):
    """Seconds of both sides as nanoseconds."""
    for side in ("ours", "theirs"):
        if result[side]:
            result[side] *= 1e9
    return result


def group(rows):
    """Rows by cell, in order of appearance."""
    cells = {}
    for row in rows:
        cells.setdefault((row["ring"], row["direction"], row["size"]), []).append(row)
    return cells


def add_instructions(cells, rows):
    """Instructions a packet, as a part of each cell."""
    for key, group_rows in group(rows).items():
        counts = {r["label"]: r["instructions"] / r["counted"] for r in group_rows
                  if r["ok"] and r.get("instructions")}
        ours = next((counts[label] for label in OURS if label in counts), None)
        theirs = counts.get(THEIRS)
        entry = {"ours": ours, "theirs": theirs, "own_pool": counts.get("ours"),
                 "ratio": theirs / ours if ours and theirs else None}
        name = "%s %s %d" % key
        cell = next((c for c in cells if c["name"] == name), None)
        if cell is None:
            cell = {"name": name, "mode": "sync", "ring": key[0], "direction": key[1],
                    "size": key[2]}
            cells.append(cell)
        cell["instructions"] = entry


def number(value, scale=1.0, digits=1):
    """A figure of the table."""
    return "-" if value is None else f"{value * scale:.{digits}f}"


def ratio(result):
    """A ratio of the table; a question mark says that it is undecided."""
    if not result or result.get("ratio") is None:
        return "-"
    return f"{result['ratio']:.2f}{'' if result.get('decided', True) else '?'}"


def print_table(cells):
    """All cells; the header says what is what."""
    heads = ["cell", "Mpps", "theirs", "ratio", "spread", "call ns", "theirs", "ratio",
             "lock ns", "theirs", "ratio", "spread", "own pool", "ratio", "instr", "theirs",
             "ratio"]
    table = [heads]
    for cell in cells:
        calls, lock = cell.get("in_calls_ns", {}), cell.get("lock_step_ns", {})
        own = cell.get("own_pool", {}).get("lock_step_ns", {})
        count = cell.get("instructions", {})
        where = cell.get("placement")
        table.append([
            cell["name"] + (f" ({where})" if where else ""),
            number(cell.get("ours"), 1e-6, 2), number(cell.get("theirs"), 1e-6, 2), ratio(cell),
            number(cell.get("spread"), 1, 2),
            number(calls.get("ours")), number(calls.get("theirs")), ratio(calls),
            number(lock.get("ours")), number(lock.get("theirs")), ratio(lock),
            number(lock.get("spread"), 1, 2),
            number(own.get("ours")), ratio(own),
            number(count.get("ours")), number(count.get("theirs")), ratio(count),
        ])
    widths = [max(len(row[i]) for row in table) for i in range(len(heads))]
    for row in table:
        print(row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:])))
    print("Ours, theirs, ratio (above 1: ours is better) of: packets a second free-running; "
          "time a packet in the\nlibrary's calls in that run; time a packet in calls in "
          "lock-step; instructions a packet in calls. \"?\": undecided.")
    print("Placement of the CPUs: near, far, or any; disturbed: other threads had them at times.")


def main():
    """Reads the command line."""
    arguments = [a for a in sys.argv[1:] if a != "--undecided"]
    if len(arguments) != 1:
        sys.exit(__doc__)
    directory = arguments[0]
    cells = [Cell(rows) for rows in
             group(read_lines(os.path.join(directory, "bench.jsonl"))).values()]
    if "--undecided" in sys.argv[1:]:
        for cell in cells:
            if cell.is_undecided():
                row = cell.first
                print(row["ring"], row["direction"], row["size"])
        return
    summaries = [cell.summary() for cell in cells]
    add_instructions(summaries, read_lines(os.path.join(directory, "callgrind.jsonl")))
    with open(os.path.join(directory, "bench.json"), "w", encoding="utf-8") as file:
        json.dump(summaries, file, indent="\t")
        file.write("\n")
    print_table(summaries)


if __name__ == "__main__":
    main()
