# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
#
# Takes Swift files apart: one record a line, fields separated by \001:
#   file, folder, line number, code without comments and string contents, comment, columns of the raw line.

function columns(text) {
    # A byte of the form 10xxxxxx continues a character.
    gsub(/[\200-\277]/, "", text)
    return length(text)
}

FNR == 1 {
    inBlock = 0
    inText = 0
    # A folder within one of the table's belongs to that.
    folder = FILENAME
    if (sub(/^.*Sources\/RteVhostSwift\//, "", folder)) {
        sub(/\/.*$/, "", folder)
    } else {
        sub(/\/[^\/]*$/, "", folder)
        sub(/^.*\//, "", folder)
    }
}

{
    code = ""
    comment = ""
    rest = $0
    while (rest != "") {
        if (inBlock) {
            at = index(rest, "*/")
            if (at == 0) { comment = comment rest; break }
            comment = comment substr(rest, 1, at - 1)
            rest = substr(rest, at + 2)
            inBlock = 0
            continue
        }
        if (inText) {
            at = index(rest, "\"\"\"")
            if (at == 0) break
            rest = substr(rest, at + 3)
            code = code "\"\""
            inText = 0
            continue
        }
        if (!match(rest, /"|\/\/|\/\*/)) { code = code rest; break }
        code = code substr(rest, 1, RSTART - 1)
        token = substr(rest, RSTART, RLENGTH)
        rest = substr(rest, RSTART)
        if (token == "//") { comment = comment rest; break }
        if (token == "/*") { inBlock = 1; rest = substr(rest, 3); continue }
        if (substr(rest, 1, 3) == "\"\"\"") { inText = 1; rest = substr(rest, 4); continue }
        rest = substr(rest, 2)
        while (rest != "" && substr(rest, 1, 1) != "\"") {
            rest = substr(rest, substr(rest, 1, 1) == "\\" ? 3 : 2)
        }
        rest = substr(rest, 2)
        code = code "\"\""
    }
    sub(/[ \t]+$/, "", code)
    printf "%s\001%s\001%d\001%s\001%s\001%d\n", FILENAME, folder, FNR, code, comment, columns($0)
}
