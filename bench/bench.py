# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
"""Measures this library beside DPDK's librte_vhost, cell by cell and in turns.

Writes tables to standard output, and bench.json and bench.svg. Start it by "make bench", which
builds what it needs, or by bench/bench.
"""

import argparse
import collections
import filecmp
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import figures
import hosts
import matrix
import report

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BIN = os.path.join(ROOT, "build", "bench")
LIBRARY = "librtevhostswift.so.21"
VARIANTS = ("ours_dpdk_pool", "theirs", "ours")
# Seconds for one cell; under callgrind everything takes longer.
LIMIT, SLOW_LIMIT = 30, 300
# Times the budget after which a round is cut short.
PATIENCE = 1.5
# Profiles of so many cells are kept.
KEPT_PROFILES = 64

EPILOG = """
Variants: ours_dpdk_pool and theirs run in the same program with the same rte_mempool; ours has its
own pool, and is measured on the cells of --quick only unless asked for. THEIRS must be built for
the DPDK that pkg-config finds (PKG_CONFIG_PATH), as its EAL runs it. Filters and cells are words:
direction ring layout mergeable size event_index burst iommu log queues regions, as in
  --filter "ring=packed size=64,1518 burst=32"   --cell "direction=enqueue size=700 iommu=page"
Of up to 64 cells callgrind's profiles are kept in OUT/profiles, for callgrind_annotate.
Variables stand for options: QUICK=1, CALLGRIND=1, FLOOR=1, ROUNDS, EXTRA, FILTER, VARIANTS, THEIRS,
OURS, OUT, CPUS and the like.
"""


def options():
    """The command line; what is not on it may be in the environment."""
    def variable(name, otherwise=None):
        return os.environ.get(name) or otherwise

    parser = argparse.ArgumentParser(
        prog="bench/bench", epilog=EPILOG, description=__doc__.splitlines()[0],
        formatter_class=argparse.RawDescriptionHelpFormatter)

    def flag(name, text):
        parser.add_argument(f"--{name}", action="store_true", help=text,
                            default=variable(name.upper().replace("-", "_"), "0") == "1")

    def value(name, text, otherwise=None, kind=str):
        parser.add_argument(f"--{name}", help=text, type=kind,
                            default=variable(name.upper().replace("-", "_"), otherwise))

    parser.add_argument("--install", action="store_true", help="only install the tools, if need be")
    flag("quick", "a few cells, 3 rounds; no round begins after 100 s")
    flag("callgrind", "instructions a packet in place of time")
    flag("floor", "this library against itself: how far from 1 is noise")
    flag("summary", "measure nothing: tables and plot of what was measured before")
    value("filter", "only cells with these properties")
    parser.add_argument("--cell", action="append", default=[], help="this cell; may be repeated")
    for name, field in (("directions", "direction"), ("rings", "ring"), ("sizes", "size"),
                        ("burst", "burst")):
        value(name, f"short for a filter by {field}")
    parser.add_argument("--no-event-index", action="store_true",
                        default=variable("EVENT_INDEX") == "0", help="the same of event_index=0")
    value("rounds", "rounds (7)", None, int)
    value("extra", "more rounds for undecided cells (as many)", None, int)
    value("budget", "no round begins after so many seconds (2400)", None, float)
    value("variants", "of " + " ".join(VARIANTS))
    value("theirs", "librte_vhost to compare with (DPDK's)")
    value("ours", "library to measure", os.path.join(ROOT, "build", "lib", LIBRARY))
    value("lock-windows", "windows in lock-step", 8, int)
    value("free-windows", "windows free-running", 12, int)
    value("window", "milliseconds of each", 2, int)
    value("count", "packets under callgrind, at least", 1024, int)
    value("cpus", "CPUs of host and guest", "0,1")
    value("out", "where results go", BIN)
    value("publish", "write performance.md and performance.svg to this directory, too")
    return parser.parse_args()


def complete(choice):
    """What follows from options for those that were not given."""
    choice.rounds = choice.rounds or (3 if choice.quick else 7)
    if choice.extra is None:
        choice.extra = 0 if choice.quick or choice.floor else choice.rounds
    choice.budget = choice.budget or (100 if choice.quick else 2400)
    choice.all_variants = bool(choice.variants)
    choice.variants = (choice.variants or " ".join(VARIANTS)).split()
    if choice.floor:
        choice.variants, choice.theirs = ["ours_dpdk_pool", "theirs"], choice.ours
    if set(choice.variants) - set(VARIANTS):
        sys.exit(f"bench: variants are {' '.join(VARIANTS)}")
    if not choice.theirs:
        command = [os.environ.get("PKG_CONFIG") or "pkg-config", "--variable=libdir", "libdpdk"]
        directory = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        choice.theirs = os.path.join(directory.strip(), "librte_vhost.so")
    choice.theirs = os.path.realpath(choice.theirs)
    for path in (choice.ours, choice.theirs):
        if not os.path.isfile(path):
            sys.exit(f"bench: {path} is not there; run make library")


def cells_of(choice):
    """The cells that were asked for."""
    words = [choice.filter or ""]
    words += [f"{field}={','.join(text.split())}" for field, text in
              (("direction", choice.directions), ("ring", choice.rings), ("size", choice.sizes),
               ("burst", choice.burst)) if text]
    words += ["event_index=0"] if choice.no_event_index else []
    try:
        if choice.cell:
            return [matrix.single(text) for text in choice.cell]
        few = choice.quick or (choice.floor and not any(words))
        everything = matrix.spread() if few else matrix.cross() + matrix.extras()
        return matrix.chosen(everything, " ".join(words))
    except (TypeError, ValueError) as error:
        sys.exit(f"bench: {error}")


class Bench:
    """A run: processes, cells and what came out so far."""

    def __init__(self, choice, work):
        self.choice = choice
        self.out = os.path.abspath(choice.out)
        self.began = time.monotonic()
        # FLOOR is another measurement and not to be mixed with the others.
        self.names = {"time": "floor.jsonl" if choice.floor else "bench.jsonl",
                      "count": "callgrind.jsonl"}
        self.few = {cell for cell in matrix.spread()}
        self.bad = 0
        library = self.copy_library()
        environment = dict(os.environ, LC_ALL="C")
        environment["LD_LIBRARY_PATH"] = os.pathsep.join(
            [os.path.dirname(library)] + environment.get("LD_LIBRARY_PATH", "").split(os.pathsep))
        kind = hosts.CountingHost if choice.callgrind else hosts.Host
        self.hosts = []
        for variant in choice.variants:
            program = os.path.join(BIN, "host-own" if variant == "ours" else "host-dpdk")
            if not os.path.exists(program):
                sys.exit(f"bench: {program} is not there; run make bench-hosts")
            command = [program, "--cpus", choice.cpus]
            if variant != "ours":
                path = choice.theirs if variant == figures.THEIRS and not choice.floor else library
                command += ["--library", path]
            self.hosts.append(kind(variant, command, environment, work))

    def copy_library(self):
        """Measures a copy, lest a build beside it changes what is measured. Results are shown
        together, so they must be of one library; those of another one are put aside."""
        directory = os.path.join(self.out, "lib")
        os.makedirs(directory, exist_ok=True)
        path = os.path.join(directory, LIBRARY)
        if self.choice.summary:
            return path
        if not os.path.exists(path) or not filecmp.cmp(self.choice.ours, path, shallow=False):
            for name in ("bench.jsonl", "callgrind.jsonl", "floor.jsonl", "floor.json"):
                old = os.path.join(self.out, name)
                if os.path.exists(old):
                    os.replace(old, old + ".old")
            shutil.copy(self.choice.ours, path + ".new")
            os.replace(path + ".new", path)
        return path

    def read(self, kind):
        """Result lines by cell."""
        lines = collections.OrderedDict()
        path = os.path.join(self.out, self.names[kind])
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                for line in map(json.loads, file):
                    cell = matrix.Cell(**line["cell"])
                    lines.setdefault(cell, []).append(line)
        return lines

    def begin(self, kind, cells):
        """Makes way for new results of these cells; those of others stay."""
        kept = [line for cell, lines in self.read(kind).items() if cell not in set(cells)
                for line in lines]
        path = os.path.join(self.out, self.names[kind])
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in kept)
        os.replace(path + ".new", path)
        return path

    def write(self, file, cell, host, number, result):
        """One result line."""
        if not result["ok"]:
            self.bad += 1
            print(f"bench: {cell.name}, {host.variant}: {result['error']}", *result.get(
                "stderr", []), sep="\n\t", file=sys.stderr)
        line = {"cell": cell._asdict(), "variant": host.variant, "round": number, **result}
        file.write(json.dumps(line) + "\n")

    def hosts_for(self, cell):
        """Those that measure it."""
        everything = self.choice.all_variants or self.choice.cell
        return [host for host in self.hosts
                if everything or host.variant != "ours" or cell in self.few]

    def run_rounds(self, cells, first, last):
        """Every cell once a round, by one library after the other, first the one, then the other."""
        choice = self.choice
        settings = (f"lock={choice.lock_windows} free={choice.free_windows} "
                    f"window={choice.window}")
        with open(os.path.join(self.out, self.names["time"]), "a", encoding="utf-8") as file:
            for number in range(first, last + 1):
                seconds = time.monotonic() - self.began
                if seconds > choice.budget:
                    print(f"bench: no time for round {number}", file=sys.stderr)
                    return
                print(f"bench: round {number} of {last}, {len(cells)} cells, {seconds:.0f} s",
                      file=sys.stderr)
                # Where a process's memory lies is worth some percent for as long as it lives:
                # each round has others, or that would be in all of them.
                self.finish()
                for cell in cells:
                    if time.monotonic() - self.began > PATIENCE * choice.budget:
                        print("bench: this machine is too busy", file=sys.stderr)
                        return
                    for host in self.hosts_for(cell)[::1 if number % 2 else -1]:
                        request = f"{cell.request} {settings} verify={int(number == 1)}"
                        result = host.ask(request, LIMIT)
                        self.write(file, cell, host, number, figures.reduce(result))
                file.flush()

    def measure(self, cells):
        """All rounds, and more of them for cells that need it."""
        self.begin("time", cells)
        rounds, extra = self.choice.rounds, self.choice.extra
        self.run_rounds(cells, 1, rounds)
        if not extra:
            return
        lines = self.read("time")
        undecided = [cell for cell in cells
                     if figures.is_undecided(figures.summarize(cell, lines.get(cell, []), []))]
        print(f"bench: {len(undecided)} cells are undecided", file=sys.stderr)
        if undecided:
            self.run_rounds(undecided, rounds + 1, rounds + extra)

    def count(self, cells):
        """Instructions of each cell."""
        profiles = os.path.join(self.out, "profiles")
        shutil.rmtree(profiles, ignore_errors=True)
        os.makedirs(profiles)
        with open(self.begin("count", cells), "a", encoding="utf-8") as file:
            for number, cell in enumerate(cells):
                if number % 50 == 0:
                    print(f"bench: cell {number} of {len(cells)}, "
                          f"{time.monotonic() - self.began:.0f} s", file=sys.stderr)
                # Large packets differ less from each other and take longer.
                packets = max(self.choice.count // (1 + cell.size // 4096), 4 * cell.burst)
                for host in self.hosts_for(cell):
                    keep = os.path.join(profiles, f"{host.variant} {cell.name}".replace(" ", "."))
                    result = host.count(f"{cell.request} count={packets} verify=0", SLOW_LIMIT,
                                        keep if len(cells) <= KEPT_PROFILES else None)
                    self.write(file, cell, host, 0, result)
                file.flush()

    def summaries(self):
        """All that is known of each cell."""
        times = self.read("time")
        counts = collections.OrderedDict() if self.choice.floor else self.read("count")
        cells = list(times) + [cell for cell in counts if cell not in times]
        return [figures.summarize(cell, times.get(cell, []), counts.get(cell, []))
                for cell in sorted(cells, key=report.position)]

    def finish(self):
        """Ends all processes."""
        for host in self.hosts:
            host.finish()


def show(bench, cells):
    """Tables of these cells; bench.json and the plot of all that there are."""
    choice, summaries = bench.choice, bench.summaries()
    names = {cell.name for cell in cells}
    now = [s for s in summaries if s["name"] in names]
    if not now:
        sys.exit("bench: nothing was measured")
    name = os.path.join(bench.out, "floor.json" if choice.floor else "bench.json")
    machine = report.machine(choice.ours, choice.theirs)
    with open(name, "w", encoding="utf-8") as file:
        json.dump({"machine": machine, "cells": summaries}, file, indent="\t")
        file.write("\n")
    floor = os.path.join(bench.out, "floor.json")
    if choice.floor or not os.path.exists(floor):
        noise = None
    else:
        with open(floor, encoding="utf-8") as file:
            noise = json.load(file)["cells"]
    print(report.text(now, noise))
    if choice.floor:
        return
    paths = [os.path.join(bench.out, "bench.svg")]
    if choice.publish:
        paths.append(os.path.join(choice.publish, "performance.svg"))
        with open(os.path.join(choice.publish, "performance.md"), "w", encoding="utf-8") as file:
            file.write(report.page(summaries, noise, machine))
    import plot  # matplotlib takes a second to load
    for path in paths:
        plot.draw(summaries, path)


def main():
    """From options to tables; fails when a cell could not be measured, never on a figure."""
    # Hosts are taken along when a time-out ends this.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    choice = options()
    complete(choice)
    cells = cells_of(choice)
    if not cells:
        sys.exit("bench: no such cell")
    with tempfile.TemporaryDirectory() as work:
        bench = Bench(choice, work)
        try:
            if choice.callgrind:
                bench.count(cells)
            elif not choice.summary:
                bench.measure(cells)
        except KeyboardInterrupt:
            print("bench: interrupted", file=sys.stderr)
            bench.bad += 1
        finally:
            bench.finish()
        show(bench, cells)
    if bench.bad:
        sys.exit(f"bench: {bench.bad} measurements failed, see above")


if __name__ == "__main__":
    main()
