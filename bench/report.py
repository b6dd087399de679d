# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
"""Tables of a benchmark: plain text for a terminal, and a page in Markdown."""

import os
import platform
import subprocess
from datetime import date

import matrix
from figures import geometric_mean, ratios

MEASURES = (("rate", "free-running, packets/s"), ("lock", "lock-step, time in calls"),
            ("instructions", "instructions in calls"))
# Cells in a list of the worst.
WORST = 15
# Cells of which each is listed in plain text.
FEW = 64


def position(cell):
    """Where a cell stands in tables."""
    order = [values.index(value) if value in (values := matrix.CROSS[name]) else len(values)
             for name, value in zip(matrix.CROSS, cell)]
    extras = [(field, getattr(cell, field) != matrix.Cell._field_defaults[field])
              for field in matrix.EXTRAS]
    kind = [number for number, (_, is_set) in enumerate(extras) if is_set]
    return kind, [str(getattr(cell, f)).zfill(4) for f, is_set in extras if is_set], order, cell


def is_cross(summary):
    """Whether a cell belongs to the full cross."""
    return (all(summary[field] in values for field, values in matrix.CROSS.items()) and
            all(summary[field] == matrix.Cell._field_defaults[field] for field in matrix.EXTRAS))


def number(value, digits=2):
    """A figure of a table."""
    return "-" if value is None else f"{value:.{digits}f}"


def ratio(figure):
    """A ratio of a table; a question mark says that rounds disagree."""
    if not figure or figure.get("ratio") is None:
        return "-"
    return f"{figure['ratio']:.2f}{'' if figure.get('decided', True) else '?'}"


def is_measured(summaries, measure):
    """Whether there are figures of this kind."""
    return bool(ratios(summaries, measure))


def totals(summaries):
    """Rows: a measure, and what it says of the whole matrix."""
    rows = []
    for measure, title in MEASURES:
        every = [s[measure] for s in summaries if s[measure].get("ratio")]
        if not every:
            continue
        below = [f for f in every if f["ratio"] < 1]
        rows.append([
            title, str(len(every)), number(geometric_mean([f["ratio"] for f in every]), 3),
            number(min(f["ratio"] for f in every)), str(len(below)),
            str(sum(f.get("high", f["ratio"]) < 1 for f in below)),
            str(sum(not f["decided"] for f in every)),
        ])
    return [["measure", "cells", "geometric mean", "least", "below 1.00", "surely below",
             "undecided"]] + rows


def means(name, value, group, measures):
    """A row: the geometric means of a group of cells."""
    return [name, str(value), str(len(group))] + [
        number(geometric_mean(ratios(group, measure)), 3) for measure in measures]


def by_axis(summaries):
    """Rows: an axis and a value of it, and geometric means of the cross."""
    cells = [s for s in summaries if is_cross(s)]
    measures = [m for m, _ in MEASURES if is_measured(cells, m)]
    rows = [["axis", "value", "cells"] + [t for m, t in MEASURES if m in measures]]
    for axis, values in matrix.CROSS.items():
        for value in values:
            group = [s for s in cells if s[axis] == value]
            if group:
                rows.append(means(axis, value, group, measures))
    small = [s for s in cells if s["size"] <= 256]
    if small:
        rows.append(means("size", "up to 256", small, measures))
    return rows


def by_extra(summaries):
    """Rows: what is beyond the cross, beside the same cells of the cross."""
    cells = {matrix.Cell(*(s[field] for field in matrix.Cell._fields)): s for s in summaries}
    measures = [m for m, _ in MEASURES if is_measured(summaries, m)]
    rows = [["axis", "value", "cells"] + [t for m, t in MEASURES if m in measures] +
            [f"the same without, {m}" for m in measures]]
    for axis in matrix.EXTRAS:
        default = matrix.Cell._field_defaults[axis]
        for value in sorted({getattr(cell, axis) for cell in cells} - {default}, key=str):
            group = [cell for cell in cells if getattr(cell, axis) == value]
            row = means(axis, value, [cells[cell] for cell in group], measures)
            base = [cells[cell.base] for cell in group if cell.base in cells]
            rows.append(row + means("", "", base, measures)[3:])
    return rows


def worst(summaries, measure):
    """Rows: the cells that do worst by a measure."""
    every = sorted((s for s in summaries if s[measure].get("ratio")),
                   key=lambda s: s[measure]["ratio"])
    digits = 0 if measure == "rate" else 1
    return [["cell", "ours", "theirs", "ratio", "from", "to"]] + [
        [s["name"], number(s[measure]["ours"], digits), number(s[measure]["theirs"], digits),
         ratio(s[measure]), number(s[measure].get("low")), number(s[measure].get("high"))]
        for s in every[:WORST]]


def every_cell(summaries):
    """Rows: all figures of each cell."""
    rows = [["cell", "Mpps", "theirs", "ratio", "call ns", "theirs", "ratio", "lock ns", "theirs",
             "ratio", "own pool", "ratio", "instr", "theirs", "ratio"]]
    for s in summaries:
        rate, calls, lock, count = s["rate"], s["calls"], s["lock"], s["instructions"]
        own = s.get("own_pool", {}).get("lock", {})
        where = rate.get("placement")
        rows.append([
            s["name"] + (f" ({where})" if rate["ratio"] else ""),
            number(rate["ours"] and rate["ours"] / 1e6), number(rate["theirs"] and
                                                               rate["theirs"] / 1e6), ratio(rate),
            number(calls["ours"], 1), number(calls["theirs"], 1), ratio(calls),
            number(lock["ours"], 1), number(lock["theirs"], 1), ratio(lock),
            number(own.get("ours"), 1), ratio(own),
            number(count["ours"], 1), number(count["theirs"], 1), ratio(count)])
    return rows


def noise_row(noise):
    """What the same code against itself comes to, as a sentence."""
    parts = []
    for measure, title in MEASURES[:2]:
        every = sorted(abs(value - 1) for value in ratios(noise, measure))
        if every:
            parts.append(f"{title}: geometric mean "
                         f"{geometric_mean(ratios(noise, measure)):.3f}, 9 of 10 cells within "
                         f"{100 * every[len(every) * 9 // 10]:.0f} % of 1, all within "
                         f"{100 * every[-1]:.0f} %")
    return f"This library against itself, {len(noise)} cells: " + "; ".join(parts) + "."


def plain(rows):
    """A table for a terminal."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(" ".join([row[0].ljust(widths[0])] +
                              [c.rjust(w) for c, w in zip(row[1:], widths[1:])]).rstrip()
                     for row in rows) + "\n"


def text(summaries, noise):
    """All tables that fit a terminal."""
    parts = []
    if len(summaries) <= FEW:
        parts += [plain(every_cell(summaries)),
                  "Ours, theirs, ratio (above 1: ours is better) of: packets a second "
                  "free-running; time a packet in the\nlibrary's calls in that run; time a packet "
                  "in calls in lock-step, also with the own pool; instructions\na packet in calls. "
                  '"?": undecided. m1: mergeable, e1: event index, b32: bursts of 32. In '
                  "brackets: where\nthe two CPUs were while running free.\n"]
    else:
        parts += [f"Worst, {title}:\n" + plain(worst(summaries, measure))
                  for measure, title in MEASURES if is_measured(summaries, measure)]
    parts += [plain(by_axis(summaries))]
    if any(not is_cross(s) for s in summaries):
        parts.append(plain(by_extra(summaries)))
    parts.append(plain(totals(summaries)))
    parts.append("Ratios: theirs / ours in time and instructions, ours / theirs in packets a "
                 "second. Surely below: at the upper\nend of its interval, too.")
    if noise:
        parts.append(noise_row(noise))
    return "\n".join(parts)


def output_of(*command):
    """First line that a command prints, or nothing."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return (done.stdout.splitlines() or [""])[0].strip()


def machine(ours, theirs):
    """Where this was measured; nothing that tells one machine of a kind from another."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.partition(":")[2].strip() for line in file
                      if line.startswith("model name")), platform.processor())
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        is_guest = " hypervisor" in file.read()
    package = output_of("dpkg-query", "-W", "-f", "${Package} ${Version}",
                        os.path.basename(theirs).replace("_", "-").split(".so")[0] +
                        os.path.basename(theirs).partition(".so.")[2].partition(".")[0])
    swift = os.environ.get("SWIFT") or "swift"
    return {
        "date": date.today().isoformat(),
        "CPU": f"{model}, {os.cpu_count()} cores" + (", virtual" if is_guest else ""),
        "kernel": f"{platform.system()} {platform.release().partition('-')[0]}",
        "compilers": ", ".join(filter(None, (output_of("gcc", "--version"),
                                             output_of(swift, "--version")))),
        "libc": " ".join(platform.libc_ver()),
        "ours": os.path.basename(ours),
        "theirs": os.path.basename(theirs) + (f" ({package})" if package else ""),
    }


def page(summaries, noise, where):
    """docs/performance.md."""
    import page as writer
    return writer.write(summaries, noise, where)
