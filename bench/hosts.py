# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
"""Processes that measure cells: one a variant, replaced when it hangs or dies."""

import glob
import json
import os
import selectors
import subprocess
import time


def failure(text):
    """What a host prints when it cannot measure a cell."""
    return {"ok": False, "error": text}


class Host:
    """A process that serves cells of one variant."""

    def __init__(self, variant, command, environment, directory):
        self.variant = variant
        self.command = command + ["--socket", os.path.join(directory, f"{variant}.sock")]
        self.environment = environment
        self.errors = os.path.join(directory, f"{variant}.stderr")
        self.process = None

    def start(self):
        """Starts the process, if there is none."""
        if self.process and self.process.poll() is None:
            return
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                env=self.environment)

    def stop(self):
        """Ends the process, whatever it does."""
        if not self.process:
            return
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.process = None

    def finish(self):
        """Lets the process end by itself."""
        if not self.process:
            return
        try:
            self.process.stdin.close()
            self.process.wait(timeout=20)
        except (OSError, subprocess.TimeoutExpired):
            pass
        self.stop()

    def last_errors(self):
        """The end of what library and EAL had to say."""
        with open(self.errors, encoding="utf-8", errors="replace") as file:
            return file.read().strip().splitlines()[-3:]

    def ask(self, request, limit):
        """Has a cell measured in so many seconds. Returns what the host printed."""
        self.start()
        try:
            self.process.stdin.write(request.encode() + b"\n")
            self.process.stdin.flush()
            line = self.read_line(time.monotonic() + limit)
        except OSError as error:
            line = None
            result = failure(str(error))
        else:
            result = failure(f"no answer in {limit} s") if line is None else failure("it died")
        if line:
            try:
                result = json.loads(line)
            except ValueError:
                result = failure(f"no JSON: {line[:80]!r}")
        if not result["ok"]:
            if self.process.poll() is not None:
                result["error"] += f" (status {self.process.returncode})"
            self.stop()
            result["stderr"] = self.last_errors()
        return result

    def read_line(self, deadline):
        """A line of output, b"" when the process has ended, None when the time is up."""
        line = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                left = deadline - time.monotonic()
                if left <= 0 or not selector.select(left):
                    return None
                part = os.read(self.process.stdout.fileno(), 1 << 16)
                if not part:
                    return b""
                line += part
        return line


class CountingHost(Host):
    """A host under callgrind, which counts between entry and return of the burst functions."""

    def __init__(self, variant, command, environment, directory):
        self.dumps = os.path.join(directory, f"callgrind.{variant}")
        valgrind = ["valgrind", "--quiet", "--tool=callgrind", "--instr-atstart=no",
                    f"--callgrind-out-file={self.dumps}"]
        valgrind += [f"--toggle-collect=rte_vhost_{direction}_burst*"
                     for direction in ("dequeue", "enqueue")]
        super().__init__(variant, valgrind + command, environment, directory)

    def count(self, request, limit, keep):
        """Has a cell counted. A profile is kept at the path `keep`, if there is one."""
        for path in glob.glob(self.dumps + "*"):
            os.remove(path)
        result = self.ask(request, limit)
        if not result["ok"]:
            return result
        total, profile = 0, None
        for path in glob.glob(self.dumps + "*"):
            with open(path, encoding="utf-8") as file:
                events = sum(int(line.split()[1]) for line in file if line.startswith("totals:"))
            if events > total:
                total, profile = events, path
        if not total:
            return failure("callgrind counted nothing")
        if keep:
            os.replace(profile, keep)
        result["instructions"] = total / result["counted"]
        return result
