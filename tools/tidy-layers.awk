# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
#
# A folder uses only folders below it (docs/architecture.md). Reads what tidy-strip.awk wrote, twice: first for the names
# that each folder declares at top level or adds to a type of another folder, then for their uses.

BEGIN {
    FS = "\001"
    rank["Base"] = 1
    rank["Memory"] = 2
    rank["Ring"] = 3
    rank["Device"] = 4
    rank["Net"] = rank["VhostUser"] = rank["Vdpa"] = 5
    rank["Socket"] = 6
    rank["Control"] = 7
    rank["CABI"] = 8
}

# Removes what may stand in front of a declaration's keyword.
function bare(text) {
    sub(/^[ \t]+/, "", text)
    while (sub(/^@[A-Za-z_]+(\([^)]*\))?[ \t]*/, "", text) ||
        sub(/^(public|private|fileprivate|internal|static|mutating|nonmutating|borrowing|consuming|final|indirect|nonisolated)(\([a-z]*\))?[ \t]+/, "", text)) { }
    return text
}

function firstWord(text) {
    return match(text, /^[A-Za-z_][A-Za-z0-9_]*/) ? substr(text, RSTART, RLENGTH) : ""
}

function braces(code,    open, shut) {
    open = gsub(/{/, "{", code)
    shut = gsub(/}/, "}", code)
    return open - shut
}

FNR == 1 { pass++; depth = 0 }

$3 == 1 {
    depth = 0
    if (pass == 1 && !($2 in rank)) {
        printf "%s:1: folder %s is not in the table of layers\n", $1, $2
        failed = 1
    }
}

pass == 1 {
    text = bare($4)
    isPrivate = $4 ~ /(^|[ \t])(private|fileprivate)[ \t]/
    if (depth == 0) {
        extended = ""
        if (text ~ /^extension /) {
            sub(/^extension /, "", text)
            extended = firstWord(text)
        } else if (!isPrivate && match(text, /^(struct|enum|class|protocol|typealias|actor|func|let|var) /)) {
            keyword = substr(text, 1, RLENGTH - 1)
            name = firstWord(substr(text, RLENGTH + 1))
            if (name != "") {
                home[name] = $2
                isFunction[name] = keyword == "func"
            }
        }
    } else if (depth == 1 && match(text, /^func /)) {
        name = firstWord(substr(text, RLENGTH + 1))
        if (name != "") {
            if (name in member && member[name] != $2) isShared[name] = 1
            member[name] = $2
            if (extended != "" && !isPrivate) added[name] = extended
        }
    }
    depth += braces($4)
    next
}

function forbidden(from, to) {
    return rank[to] > rank[from] || rank[to] == rank[from] && to != from
}

function complain(name, to) {
    printf "%s:%d: %s uses %s of %s, which lies below or beside it\n", $1, $3, $2, name, to
    failed = 1
}

{
    rest = $4
    before = ""
    while (match(rest, /[A-Za-z_][A-Za-z0-9_]*/)) {
        name = substr(rest, RSTART, RLENGTH)
        if (RSTART > 1) before = substr(rest, RSTART - 1, 1)
        rest = substr(rest, RSTART + RLENGTH)
        if (before != ".") {
            if (name in home && forbidden($2, home[name]) && (!isFunction[name] || rest ~ /^\(/))
                complain(name, home[name])
        } else if (name in added && !(name in isShared) && added[name] in home \
            && home[added[name]] != member[name] && rest ~ /^[ ]*[({]/ \
            && forbidden($2, member[name])) {
            complain("." name "()", member[name])
        }
        before = ""
    }
}

END { exit failed }
