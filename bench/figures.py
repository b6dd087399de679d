# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
"""What windows and rounds come to: medians, ratios and how sure they are."""

from math import comb, exp, log
from statistics import median

# Cross-core round trips are either shorter or much longer, by where the two CPUs are.
NEAR_SECONDS = 300e-9
# A thread that lost more of its CPU than this spoils its window.
LOST_SHARE = 0.02
# Ratios of a cell that differ by more leave it undecided.
SPREAD_LIMIT = 0.25
# Windows and rounds that a median needs.
LEAST_WINDOWS = 3
LEAST_ROUNDS = 3
# Chance at most that the median lies outside of its interval.
DOUBT = 0.05

OURS = ("ours_dpdk_pool", "ours")
THEIRS = "theirs"
PLACEMENTS = ("near", "far", "near, disturbed", "far, disturbed", "any")


def windows(result, kind):
    """A host's windows as dictionaries."""
    names, *values = result.get(kind, [[]])
    return [w for w in (dict(zip(names, v)) for v in values) if w["packets"] > 0]


def lock_step(result):
    """Nanoseconds a packet in the library's calls with both sides taking turns."""
    every = windows(result, "lock_step")
    clean = [w for w in every if w["lost_host"] <= LOST_SHARE]
    chosen = clean if len(clean) >= LEAST_WINDOWS else every
    times = [w["typical"] * 1e9 for w in chosen if w["typical"] > 0]
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


def free_running(result):
    """By placement: packets a second and nanoseconds a packet in the library's calls."""
    groups = {}
    for window in windows(result, "free"):
        for name in placements(window):
            groups.setdefault(name, []).append(window)
    return {
        where: [
            median(w["packets"] / w["seconds"] for w in group),
            median(w["call_seconds"] / w["packets"] for w in group) * 1e9,
        ]
        for where, group in groups.items()
        if len(group) >= LEAST_WINDOWS
    }


def reduce(result):
    """A host's answer without its windows."""
    if not result["ok"]:
        return result
    kept = {key: value for key, value in result.items() if key not in ("lock_step", "free")}
    return {**kept, "lock": lock_step(result), "free": free_running(result)}


def interval(values):
    """Where the median is: as many values are left off at both ends as the doubt allows."""
    values = sorted(values)
    count, left_off, chance = len(values), 0, 2 / 2 ** len(values)
    while chance + 2 * comb(count, left_off + 1) / 2 ** count <= DOUBT:
        left_off += 1
        chance += 2 * comb(count, left_off) / 2 ** count
    return values[left_off], values[count - 1 - left_off]


def compare(ours, theirs, more_is_better):
    """Two dictionaries of figures by round: both medians, their ratio and its interval."""
    common = [r for r in ours if ours[r] and theirs.get(r)]
    if not common:
        return {"ours": None, "theirs": None, "ratio": None, "rounds": 0, "decided": False}
    ratios = [ours[r] / theirs[r] if more_is_better else theirs[r] / ours[r] for r in common]
    ratio, (low, high) = median(ratios), interval(ratios)
    return {
        "ours": median(ours[r] for r in common),
        "theirs": median(theirs[r] for r in common),
        "ratio": ratio,
        "low": low,
        "high": high,
        "rounds": len(common),
        "decided": len(common) >= LEAST_ROUNDS and (high - low) / ratio <= SPREAD_LIMIT,
    }


def compare_free(ours, theirs):
    """Rate and time in calls, in the placement that most rounds of both were in."""
    best = None
    for where in PLACEMENTS:
        pick = [[{r: free[where][i] for r, free in side.items() if where in free}
                 for side in (ours, theirs)] for i in (0, 1)]
        rate, calls = compare(*pick[0], True), compare(*pick[1], False)
        if where not in ("near", "far"):
            # Better than nothing and no more.
            if best["rounds"] >= LEAST_ROUNDS:
                break
            rate["decided"] = calls["decided"] = False
        if best is None or rate["rounds"] > best["rounds"]:
            rate["placement"] = where
            best, best_calls = rate, calls
    return best, best_calls


def summarize(cell, lines, counts):
    """All that is known of a cell, from its result lines and its counts of instructions."""
    good = [line for line in lines if line["ok"]]
    sides = {variant: ({line["round"]: line["lock"] for line in good
                        if line["variant"] == variant},
                       {line["round"]: line["free"] for line in good
                        if line["variant"] == variant})
             for variant in {line["variant"] for line in good}}
    nothing = ({}, {})
    summary = {"name": cell.name, **cell._asdict()}
    if good:
        summary.update(ring_size=good[0]["ring_size"], features=good[0]["features"])
    summary["errors"] = [f"{line['variant']}: {line['error']}" for line in lines + counts
                         if not line["ok"]]
    labels = [label for label in OURS if label in sides] or [OURS[0]]
    for position, label in enumerate(labels):
        ours, theirs = sides.get(label, nothing), sides.get(THEIRS, nothing)
        rate, calls = compare_free(ours[1], theirs[1])
        figures = {"variant": label, "rate": rate, "calls": calls,
                   "lock": compare(ours[0], theirs[0], False)}
        if position == 0:
            summary.update(figures)
        else:
            summary["own_pool"] = figures
    each = {line["variant"]: line["instructions"] for line in counts if line["ok"]}
    ours = next((each[label] for label in OURS if label in each), None)
    theirs = each.get(THEIRS)
    summary["instructions"] = {"ours": ours, "theirs": theirs, "own_pool": each.get("ours"),
                               "ratio": theirs / ours if ours and theirs else None,
                               "decided": True}
    return summary


def is_undecided(summary):
    """Whether more rounds would help: rounds disagree, or only just say that it is slower."""
    for figure in (summary["rate"], summary["lock"]):
        if figure["ratio"] is None:
            continue
        if not figure["decided"] or figure["ratio"] < 1 <= figure["high"]:
            return True
    return False


def ratios(summaries, measure):
    """The ratios of these cells by one measure, as far as there are any."""
    return [s[measure]["ratio"] for s in summaries if s.get(measure, {}).get("ratio")]


def geometric_mean(values):
    """Of positive numbers, or None."""
    return exp(sum(log(value) for value in values) / len(values)) if values else None
