# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
#
# Reads what tidy-strip.awk wrote. Prints the table of `unsafe`: with `counts` set, one row a file, which stays as it is
# when lines move; otherwise one row a use, with its line, the declaration that it is in, and the SAFETY line that covers
# it: the one before it in the declaration, or above that, or above the type.
#
# Declarations are told by indentation, which swift format makes.

BEGIN { FS = "\001" }

function usesOf(code,    n) {
    n = 0
    code = " " code " "
    gsub(/nonisolated\(unsafe\)|@unsafe/, "", code)
    while (match(code, "[^A-Za-z0-9_.]unsafe[^A-Za-z0-9_]")) { n++; code = substr(code, RSTART + RLENGTH - 1) }
    return n
}

function attributesOf(code,    n) {
    n = 0
    while (match(code, "@safe|@unsafe|@unchecked|nonisolated\\(unsafe\\)")) { n++; code = substr(code, RSTART + RLENGTH) }
    return n
}

function indentation(code) {
    match(code, /^ */)
    return RLENGTH
}

# What a line declares, or "".
function declared(code, isMember) {
    gsub(/@[A-Za-z_]+(\([^)]*\))? */, "", code)
    sub(/^ */, "", code)
    while (sub(/^(public|private|fileprivate|internal|static|mutating|nonmutating|consuming|borrowing|override|final|convenience|nonisolated\(unsafe\)|private\(set\)) +/, "", code));
    kind = ""
    if (match(code, /^(struct|enum|class|protocol|actor|extension) +/)) kind = "type"
    else if (match(code, /^(func) +/)) kind = "function"
    else if (match(code, /^(init|deinit|subscript)/)) { kind = "function"; RLENGTH = 0 }
    else if (isMember && match(code, /^(let|var|typealias|case) +/)) kind = "value"
    if (kind == "") return ""
    code = substr(code, RLENGTH + 1)
    match(code, /^[^ (<:={?!]+/)
    return RLENGTH > 0 ? substr(code, 1, RLENGTH) : "operator"
}

# The rows of the declaration that ends: without a SAFETY line before them they have its first.
function flush(    i) {
    for (i = 1; i <= rows; i++) {
        if (rowSafety[i] == "") rowSafety[i] = firstSafety
        if (rowSafety[i] == "") rowSafety[i] = "(follows no pointer, or only the caller's)"
        if (!counts) print rowStart[i] " | " rowSafety[i] " |"
    }
    rows = 0
    firstSafety = ""
}

function endFile() {
    flush()
    if (counts && uses + attributes > 0)
        printf "| %s | %d | %d | %d | %d |\n", path, uses, declarations, attributes, safeties
    uses = attributes = safeties = declarations = depth = 0
    above = safety = ""
    inSafety = 0
}

$3 == 1 {
    endFile()
    path = $1
    sub(/^.*Sources\/RteVhostSwift\//, "", path)
}

# A comment: a SAFETY line goes on in the lines below it.
$4 == "" {
    text = $5
    sub(/^[ \/]*/, "", text)
    if (text ~ /^SAFETY:/) { inSafety = 1; safeties++; sub(/^SAFETY: */, "", text); above = text }
    else if ($5 ~ /^\/\/\// || $5 == "") inSafety = 0
    else if (inSafety) above = above " " text
    next
}

{
    inSafety = 0
    if ($5 ~ /SAFETY:/) { safeties++; above = $5; sub(/^.*SAFETY: */, "", above) }
    indent = indentation($4)
    while (depth > 0 && stackIndent[depth] >= indent && $4 !~ /^ *[)}\]]/) {
        if (stackKind[depth] != "type") flush()
        depth--
    }
    isMember = depth == 0 || stackKind[depth] == "type"
    name = declared($4, isMember)
    if (name != "" && (isMember || kind == "type")) {
        depth++
        stackIndent[depth] = indent
        stackKind[depth] = kind
        stackName[depth] = (depth > 1 ? stackName[depth - 1] "." : "") name
        stackSafety[depth] = above
        if (kind != "type") { firstSafety = ""; safety = above; lastCounted = "" }
        above = ""
    } else if (above != "") {
        safety = above
        if (firstSafety == "") firstSafety = above
        above = ""
    }
    n = usesOf($4)
    attributes += attributesOf($4)
    uses += n
    if (n == 0) next
    where = depth > 0 ? stackName[depth] : "(file)"
    if (where != lastCounted) { declarations++; lastCounted = where }
    used = depth > 0 && stackKind[depth] != "type" ? safety : ""
    for (i = depth; i > 0 && used == ""; i--) if (i < depth || stackKind[i] == "type") used = stackSafety[i]
    code = $4
    sub(/^ */, "", code)
    gsub(/\|/, "\\|", code)
    rows++
    rowStart[rows] = sprintf("| %s:%d | %s | `%s`", path, $3, where, code)
    rowSafety[rows] = used
    total += n
}

END { endFile() }
