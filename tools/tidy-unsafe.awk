# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
#
# Reads what tidy-strip.awk wrote. `unsafe` only where the list (variable `list`) allows it.

BEGIN {
    FS = "\001"
    while ((getline line < list) > 0) {
        lineNumber++
        if (line ~ /^#/ || line == "") continue
        allowed[line] = lineNumber
    }
}

function count(code, word,    n) {
    n = 0
    while (match(code, word)) { n++; code = substr(code, RSTART + RLENGTH) }
    return n
}

{
    path = $1
    sub(/^.*Sources\/RteVhostSwift\//, "", path)
    code = " " $4 " "
    attributes = count(code, "@safe|@unsafe|@unchecked|nonisolated\\(unsafe\\)")
    gsub(/nonisolated\(unsafe\)|@unsafe/, "", code)
    uses = count(code, "[^A-Za-z0-9_.]unsafe[^A-Za-z0-9_]")
    if (uses + attributes == 0) next
    whole = $2 "/*"
    if (path in allowed) isUsed[path] = 1
    else if (whole in allowed) isUsed[whole] = 1
    else if (!(path in reported)) {
        reported[path] = 1
        printf "%s:%d: unsafe code in a file that tools/tidy-unsafe.txt does not list\n", $1, $3
        failed = 1
    }
}

END {
    for (path in allowed) if (!(path in isUsed)) {
        printf "tools/tidy-unsafe.txt:%d: %s has no unsafe code\n", allowed[path], path
        failed = 1
    }
    exit failed
}
