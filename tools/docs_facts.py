# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
"""What the documentation names has to exist: links, files, make targets, functions, features, log lines, causes."""

import functools
import re
import subprocess

# Written by programs from what they measured or counted.
GENERATED = {"bounds.md", "unsafe.md", "performance.md", "performance-epyc.md", "performance-async.md",
             "performance-async-epyc.md", "performance-latency.md", "performance-scale.md"}
NAME = re.compile(
    r"\b((?:rte_vhost|rte_vdpa|rte_pktmbuf|rtevhostswift|RTE_VHOST|RTEVHOSTSWIFT|VIRTIO_F|VIRTIO_NET_F|VIRTIO_RING_F|VHOST_USER|VHOST_F"
    r"|dropped|engine|iotlb|notifications|rarp|pool)_\w+)([*…]?)")
FOLDERS = ("tools", "docs", "include", "examples", "ctests", "bench", "fuzz", "interop", "packaging", "abi", "debian", "Tests",
           "Sources", ".ci")


def pages(root):
    """The pages that are checked."""
    return [root / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")] + sorted(
        page for page in (root / "docs").glob("*.md") if page.name not in GENERATED)


def slugs(page):
    """Anchors of a page's headings, as forges make them."""
    found = set()
    for title in re.findall(r"^#+ (.+)$", page.read_text(), re.M):
        text = re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", title).lower())
        found.add(text.replace(" ", "-"))
    return found


@functools.cache
def targets(root):
    """Every target that make knows."""
    text = subprocess.run(["make", "-pqrR"], cwd=root, capture_output=True, text=True).stdout
    return set(re.findall(r"^([\w./-]+):", text, re.M))


@functools.cache
def sources(root):
    """All text in which a name may be declared, and all words of it."""
    parts = []
    for pattern in ("include/**/*.h", "Sources/**/*.swift", "Sources/**/*.h", "*.map", "examples/*", "debian/*",
                    "packaging/*", "ctests/**/*.[ch]"):
        parts += [path.read_text(errors="replace") for path in sorted(root.glob(pattern)) if path.is_file()]
    text = "\n".join(parts)
    return text, set(re.findall(r"\w+", text))


def check_links(root, page, text):
    """Relative links, their anchors included."""
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"\w+:", target):
            continue
        path, _, anchor = target.partition("#")
        place = (page.parent / path).resolve() if path else page
        if not place.exists():
            yield f"the link {target} leads nowhere"
        elif anchor and place.suffix == ".md" and anchor not in slugs(place):
            yield f"the link {target} has no such heading"


def check_spans(root, text, known):
    """Files and targets in `code`."""
    for span in re.findall(r"`([^`\n]+)`", text):
        words = span.split()
        for at, word in enumerate(words[:-1]):
            if word == "make" and at == 0 or words[at - 1] == "nice":
                for target in words[at + 1:]:
                    if re.fullmatch(r"[a-z][\w./-]*", target) and target not in known:
                        yield f"`{span}`: make knows no {target}"
                    if not re.match(r"[\w.-]+", target) or target in ("&&", "|"):
                        break
        first = words[0] if words else ""
        if first.split("/")[0] in FOLDERS and "/" in first and not re.search(r"[A-Z]{3,}|[…{<]", first):
            # What an install has there is the packaging's to check.
            if first.startswith("include/rtevhostswift"):
                continue
            if not list(root.glob(first.rstrip("/:,"))):
                yield f"`{span}`: no {first}"


def check_names(text, words):
    """Functions, flags, features and counters."""
    for name, more in set(NAME.findall(text)):
        # docs/abi.md tells of a node that may come.
        if name in words or name == "RTEVHOSTSWIFT_2" or any(word.startswith(name) for word in words if more or name.endswith("_")):
            continue
        yield f"nothing is called {name}{more}"


@functools.cache
def string_literals(root):
    """All string literals of the library and its tool."""
    text = "\n".join(path.read_text() for path in sorted((root / "Sources").rglob("*.swift")))
    return re.findall(r'"((?:[^"\\\n]|\\.)*)"', text)


def check_log_lines(root, text):
    """Log lines: what stands between the places for names and numbers is in the sources."""
    literals = string_literals(root)
    joined = "\n".join(literals)
    for line in re.findall(r"`vhost: ([^`\n]+)`", text):
        for part in re.split(r"…|: ", line):
            part = part.strip(" :")
            # "request NAME refused" is made of three.
            for piece in re.split(r"(?<=request) | (?=refused)", part):
                if piece and piece not in joined:
                    yield f"no log line has \"{piece}\""


def check_causes(root):
    """What rtevhostctl check can say, and what its page lists."""
    code = (root / "Sources" / "VhostControl" / "Diagnosis.swift").read_text()
    said = set(re.findall(r'\.(?:problem|warning), "([a-z-]+)"', code))
    table = (root / "docs" / "rtevhostctl.md").read_text().split("## What `check` finds")[1]
    listed = set()
    for row in re.findall(r"^\| (`.+?) \|", table, re.M):
        listed |= set(re.findall(r"`([a-z-]+)`", row))
    for name in sorted(said ^ listed):
        yield f"docs/rtevhostctl.md: {name} is {'not listed' if name in said else 'never said'}"
    trouble = (root / "docs" / "troubleshooting.md").read_text()
    for row in re.findall(r"^\|.*\|$", trouble, re.M):
        cells = row.split(" | ")
        for name in re.findall(r"`([a-z]+(?:-[a-z]+)+)`", cells[1]) if len(cells) == 3 else ():
            if name not in said:
                yield f"docs/troubleshooting.md: check never says {name}"


def check(root, chosen):
    """All that is wrong, in words."""
    known = targets(root)
    _, words = sources(root)
    found = []
    for page in chosen:
        text = page.read_text()
        prose = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
        wrong = [*check_links(root, page, prose), *check_spans(root, prose, known), *check_names(text, words),
                 *check_log_lines(root, prose)]
        found += [f"{page.relative_to(root)}: {words_of_it}" for words_of_it in wrong]
    return found + list(check_causes(root))
