# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
"""The cells of the benchmark: which guests, packets and calls are measured."""

from itertools import product
from typing import NamedTuple

# 64 KiB are the longest packets that there are: 65,535 bytes, to be segmented as TCP.
LARGE = 65535

# The full cross.
CROSS = {
    "direction": ("dequeue", "enqueue"),
    "ring": ("split", "packed"),
    "layout": ("direct", "chained", "indirect"),
    "mergeable": (1, 0),
    "size": (64, 128, 256, 512, 1024, 1518, 9000, LARGE),
    "event_index": (1, 0),
    "burst": (1, 8, 32, 64),
}


class Cell(NamedTuple):
    """One cell. The order of the fields is that of the tables."""

    direction: str = "dequeue"
    ring: str = "split"
    layout: str = "direct"
    mergeable: int = 1
    size: int = 64
    event_index: int = 1
    burst: int = 32
    iommu: str = "off"
    log: int = 0
    queues: int = 1
    regions: int = 1

    @property
    def name(self):
        """As short as it can be read: e1 is with the event index, m0 not mergeable."""
        words = [self.direction, self.ring, self.layout, f"m{self.mergeable}", str(self.size),
                 f"e{self.event_index}", f"b{self.burst}"]
        words += [f"{field}={getattr(self, field)}" for field in EXTRAS
                  if getattr(self, field) != Cell._field_defaults[field]]
        return " ".join(words)

    @property
    def base(self):
        """The cell of the cross that this one is a variant of, or itself."""
        return self._replace(**{field: Cell._field_defaults[field] for field in EXTRAS})

    @property
    def request(self):
        """The words that a host understands."""
        words = [f"{field}={value}" for field, value in self._asdict().items()]
        return " ".join(words + [f"offloads={int(self.size == LARGE)}"])


# Axes that are measured on a part of the cross only.
EXTRAS = ("iommu", "log", "queues", "regions")


def cross():
    """All combinations, in the order of the tables."""
    return [Cell(*values) for values in product(*CROSS.values())]


def extras():
    """IOMMU, dirty log, many queues, many regions: mergeable, event index, bursts of 32."""
    plain = [Cell(direction, ring, layout, 1, size)
             for direction, ring, layout, size in
             product(CROSS["direction"], CROSS["ring"], CROSS["layout"], (64, 1518, 9000))]
    cells = [cell._replace(iommu=iommu) for iommu in ("region", "page") for cell in plain]
    cells += [cell._replace(log=1) for cell in plain]
    cells += [cell._replace(queues=queues) for queues in (2, 8, 64) for cell in plain
              if cell.layout != "chained" and cell.size != 9000]
    cells += [cell._replace(regions=8) for cell in plain]
    return cells


def spread():
    """A few cells from all corners, for a quick look."""
    corners = (("direct", 1, 64, 1, 32), ("direct", 1, 64, 0, 1), ("chained", 0, 256, 1, 8),
               ("direct", 1, 1518, 1, 32), ("indirect", 0, 1518, 0, 64),
               ("chained", 1, 9000, 1, 32), ("direct", 0, LARGE, 1, 8))
    cells = [Cell(direction, ring, *corner) for direction in CROSS["direction"]
             for ring in CROSS["ring"] for corner in corners]
    for direction, ring in (("dequeue", "split"), ("enqueue", "packed")):
        plain = Cell(direction, ring)
        cells += [plain._replace(size=1518, iommu="region"), plain._replace(iommu="page"),
                  plain._replace(log=1), plain._replace(queues=8),
                  plain._replace(size=1518, regions=8)]
    return cells


def parse(words, allow_lists):
    """Words of the form name=value[,value...] as a dictionary of lists of values."""
    chosen = {}
    for word in words.split():
        name, equals, text = word.partition("=")
        if not equals or name not in Cell._fields:
            raise ValueError(f"not understood: {word}; names are {', '.join(Cell._fields)}")
        kind = type(Cell._field_defaults[name])
        values = [LARGE if value.upper() == "64K" else kind(value) for value in text.split(",")]
        if len(values) > 1 and not allow_lists:
            raise ValueError(f"one value, please: {word}")
        chosen[name] = values
    return chosen


def chosen(cells, words):
    """The cells that a filter lets through."""
    wanted = parse(words, True)
    return [cell for cell in cells
            if all(getattr(cell, name) in values for name, values in wanted.items())]


def single(words):
    """A cell of any kind, whether the matrix has it or not."""
    return Cell(**{name: values[0] for name, values in parse(words, False).items()})
