#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
"""What async.py, latency.py and scale.py share: runs in turns, and figures made of them.

Options, each also by a variable of the environment:
  --quick            QUICK=1     fewer cells, 3 rounds (none begins after 18 s), shorter
  --rounds N         ROUNDS      rounds (7)
  --cpus HOST,GUEST  CPUS        CPUs (0,1)
  --ours PATH        OURS        library to measure (build/lib)
  --ours-2211 PATH   OURS_2211   its flavour of DPDK 22.11
  --theirs PATH      THEIRS      librte_vhost of DPDK 22.11 to compare with (Debian's)
  --out DIRECTORY    OUT         where results go (build/bench)
"""

import argparse
import datetime
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from statistics import median

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BIN = os.path.join(ROOT, "build", "bench")

# Cross-core round trips are either shorter or much longer, by where the two CPUs are.
NEAR_SECONDS = 300e-9
# A thread that lost more of its CPU than this spoils its window.
LOST_SHARE = 0.02
# Rounds whose ratios differ by more leave a cell undecided.
SPREAD_LIMIT = 0.25
LEAST_ROUNDS = 3
LEAST_WINDOWS = 3
# Seconds after which no round of a quick run begins.
QUICK_SECONDS = 18


def parser(text):
    """The options that all have."""
    def variable(name, default):
        return os.environ.get(name) or default

    arguments = argparse.ArgumentParser(
        description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--quick", action="store_true",
                           default=variable("QUICK", "0") not in ("0", ""))
    arguments.add_argument("--rounds", type=int, default=variable("ROUNDS", None))
    arguments.add_argument("--cpus", default=variable("CPUS", "0,1"))
    arguments.add_argument("--ours", default=variable(
        "OURS", os.path.join(ROOT, "build/lib/librtevhostswift.so.21")))
    arguments.add_argument("--ours-2211", default=variable(
        "OURS_2211", os.path.join(ROOT, "build/lib/dpdk-22.11/librte_vhost.so.23")))
    arguments.add_argument("--theirs", default=variable("THEIRS", None))
    arguments.add_argument("--out", default=variable("OUT", BIN))
    arguments.add_argument("--publish", default=variable("PUBLISH", None),
                           help="write performance-NAME.md to this directory, too")
    return arguments


def find_theirs():
    """Debian's library: the one that the dynamic linker would take."""
    tool = shutil.which("ldconfig") or "/sbin/ldconfig"
    text = subprocess.run([tool, "-p"], capture_output=True, text=True, check=True).stdout
    for line in text.splitlines():
        if line.strip().startswith("librte_vhost.so.23 "):
            return line.split("=>")[1].strip()
    sys.exit("bench: there is no librte_vhost.so.23; install librte-vhost23")


class Bench:
    """One run: libraries, rounds, raw results."""

    def __init__(self, name, options):
        self.name = name
        self.options = options
        self.quick = options.quick
        self.rounds = int(options.rounds or (3 if self.quick else 7))
        self.out = os.path.abspath(options.out)
        self.publish = options.publish and os.path.abspath(options.publish)
        self.work = tempfile.mkdtemp(prefix="bench-")
        self.failures = []
        self.rows = []
        os.makedirs(self.out, exist_ok=True)
        self.libraries = {
            "ours": self.copy(options.ours, "ours"),
            "ours_2211": self.copy(options.ours_2211, "ours_2211"),
            "theirs": os.path.realpath(options.theirs or find_theirs()),
        }

    def copy(self, path, label):
        """Measures a copy, lest a build beside it changes what is measured."""
        folder = os.path.join(self.work, label)
        os.mkdir(folder)
        if not os.path.isfile(path):
            self.end()
            sys.exit(f"bench: {path} is not there; run make library flavour-22.11")
        return shutil.copy(path, folder)

    def end(self):
        """Leaves nothing behind."""
        shutil.rmtree(self.work, ignore_errors=True)

    def execute(self, label, arguments, limit=120, before=()):
        """One process; its line of JSON as a dictionary, with what it printed otherwise."""
        program = os.path.join(BIN, self.name + "-host")
        command = list(before) + [
            program, "--library", self.libraries[label],
            "--socket", os.path.join(self.work, "vhost.sock"), "--cpus", self.options.cpus]
        command += [str(word) for word in arguments]
        try:
            result = subprocess.run(command, capture_output=True, timeout=limit, check=False)
            lines = result.stdout.decode(errors="replace").splitlines()
            lines = [line for line in lines if line.startswith('{"ok":')]
            row = json.loads(lines[-1]) if lines else {
                "ok": False, "error": f"status {result.returncode}: " +
                result.stderr.decode(errors="replace")[-200:]}
        except subprocess.TimeoutExpired:
            row = {"ok": False, "error": "time-out"}
        if not row["ok"]:
            text = f"{label} {' '.join(str(word) for word in arguments)}: {row['error']}"
            self.failures.append(text)
            print(f"bench: {text}", file=sys.stderr)
        row["label"] = label
        return row

    def run(self, cells):
        """Rounds of all cells; a cell is a dictionary with "key", "labels" and "arguments"."""
        began = time.monotonic()
        for number in range(1, self.rounds + 1):
            if self.quick and number > 1 and time.monotonic() - began > QUICK_SECONDS:
                print(f"bench: no time for round {number}", file=sys.stderr)
                break
            print(f"bench: round {number} of {self.rounds}", file=sys.stderr)
            for cell in cells:
                for label in cell["labels"]:
                    row = self.execute(label, cell["arguments"](label))
                    row.update(key=cell["key"], round=number)
                    self.rows.append(row)

    def page(self, markdown):
        """A report as a page of its own."""
        where = machine()
        return (f"# Performance: {self.name}\n\n"
                f"`make bench-{self.name}` measures it again; [performance.md](performance.md) is "
                "about synchronous calls.\n"
                f"Here: {datetime.date.today().isoformat()}, {where['processor']}, "
                f"{where['cpus']} virtual processors, Linux {where['kernel'].split('-')[0]}, "
                f"{self.rounds} rounds in turns.\n\n" + markdown.rstrip() + "\n")

    def write(self, data, markdown):
        """The results, and the exit status: only what broke is a failure."""
        for suffix, text in (
                (".json", json.dumps(data, indent="\t") + "\n"), (".md", markdown)):
            path = os.path.join(self.out, self.name + suffix)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            print(f"bench: {path}", file=sys.stderr)
        print(markdown)
        if self.publish:
            path = os.path.join(self.publish, f"performance-{self.name}.md")
            with open(path, "w", encoding="utf-8") as file:
                file.write(self.page(markdown))
        self.end()
        if self.failures:
            print(f"bench: {len(self.failures)} measurements failed, see above", file=sys.stderr)
        return 1 if self.failures else 0


def windows(table):
    """Rows below a row of names, as dictionaries."""
    names, *rows = table
    return [dict(zip(names, row)) for row in rows]


def placement(before, after):
    """Where the cores were during a window: near, far, or it changed."""
    near = [value < NEAR_SECONDS for value in (before, after)]
    return None if near[0] != near[1] else "near" if near[0] else "far"


def summarize(values):
    """Median and spread of what rounds gave."""
    values = [value for value in values if value is not None]
    if not values:
        return None
    middle = median(values)
    spread = (max(values) - min(values)) / middle if middle else 0
    return {"median": middle, "spread": spread, "rounds": len(values),
            "decided": len(values) >= LEAST_ROUNDS and spread <= SPREAD_LIMIT}


def compare(ours, theirs):
    """Costs by round, {round: value}: both medians and the ratio theirs/ours, above 1 is better."""
    common = [number for number in ours if ours[number] and theirs.get(number)]
    if not common:
        return None
    result = summarize(theirs[number] / ours[number] for number in common)
    return {"ours": median(ours[number] for number in common),
            "theirs": median(theirs[number] for number in common),
            "ratio": result.pop("median"), **result}


def compare_places(ours, theirs):
    """As compare(), of {round: {placement: value}}, in the placement that most rounds have."""
    best = None
    for place in ("near", "far", "any"):
        sides = [{number: values.get(place) for number, values in side.items()}
                 for side in (ours, theirs)]
        result = compare(*sides)
        if result and (best is None or place != "any" and result["rounds"] > best["rounds"]):
            best = {"placement": place, **result}
            if place == "any":
                best["decided"] = False
    return best


def number(value, digits=1):
    """A figure of a table."""
    return "–" if value is None else f"{value:,.{digits}f}"


def ratio(result, name="ratio"):
    """A ratio of a table; a question mark says that its rounds differ too much."""
    if not result or result.get(name) is None:
        return "–"
    return f"{result[name]:.2f}{'' if result.get('decided', True) else '?'}"


def table(heads, rows):
    """A Markdown table that is readable as text: first column left, others right."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [heads] + rows) for i in range(len(heads))]
    lines = ["| " + " | ".join(
        cell.ljust(width) if i == 0 else cell.rjust(width)
        for i, (cell, width) in enumerate(zip(row, widths))) + " |" for row in [heads] + rows]
    rule = "|" + "|".join(
        "-" * (width + 2) if i == 0 else "-" * (width + 1) + ":"
        for i, width in enumerate(widths)) + "|"
    return "\n".join([lines[0], rule] + lines[1:]) + "\n"


def machine():
    """What it was measured on."""
    model = "unknown"
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {"processor": model, "cpus": os.cpu_count(), "kernel": os.uname().release}
