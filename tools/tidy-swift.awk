# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
#
# The rules of CONTRIBUTING.md for Swift: sizes, SAFETY lines, summaries, what hot folders may not contain, names. Reads what
# tidy-strip.awk wrote, twice: first for the names that protocols require, then for everything else.
# Variables: isSource (the library's own sources, else tests), hotList (tidy-hot.txt).

BEGIN {
    FS = "\001"
    while (isSource && (getline line < hotList) > 0) {
        if (line ~ /^#/ || line == "") continue
        split(line, part, /[ \t]+/)
        allowed[part[1], part[2]] = 1
        listed[part[1] " " part[2]] = 1
    }
}

function say(line, text) {
    printf "%s:%d: %s\n", file, line, text
    failed = 1
}

function bare(text) {
    sub(/^[ \t]+/, "", text)
    while (sub(/^@[A-Za-z_]+(\([^)]*\))?[ \t]*/, "", text) ||
        sub(/^(public|private|fileprivate|internal|static|mutating|nonmutating|borrowing|consuming|final|indirect|prefix|nonisolated|unowned|lazy)(\([a-z]*\))?[ \t]+/, "", text)) { }
    return text
}

# What a line declares: type, extension, function, value, or nothing.
function kindOf(text) {
    if (text ~ /^(struct|enum|class|protocol|actor) /) return "type"
    if (text ~ /^extension /) return "extension"
    if (text ~ /^(func |init[?<(]|deinit( |$)|subscript[<(])/) return "function"
    if (text ~ /^(let|var|typealias) /) return "value"
    return ""
}

function nameOf(text) {
    sub(/^(struct|enum|class|protocol|actor|extension|func|let|var|typealias) /, "", text)
    if (text ~ /^[=<>+*\/&|^-]/) return "operator"
    return match(text, /^[^ (<:={]+/) ? substr(text, RSTART, RLENGTH) : text
}

function relative(    path) {
    path = file
    sub(/^.*Sources\/RteVhostSwift\//, "", path)
    return path
}

# True when an `unsafe` stays after those that follow no pointer were taken away: `guard let x = unsafe x`, storing a
# pointer, returning a stored one, conversion to a number. In CABI only what indexes or rebinds needs a SAFETY line: one
# access through an argument is the header's contract.
function followsPointer(code) {
    gsub(/(let|var) [A-Za-z]+ = unsafe [A-Za-z]+[ ]*([,{]|$)/, "", code)
    gsub(/unsafe (self\.)?[A-Za-z]+ = [A-Za-z]+( })?$/, "", code)
    gsub(/\{ unsafe [A-Za-z]+ \}/, "", code)
    gsub(/^[ ]*(return )?unsafe [A-Za-z]+$/, "", code)
    gsub(/unsafe UInt\(bitPattern: [A-Za-z.]+\)/, "", code)
    if (folder == "CABI" && code !~ /\[|mem(cpy|set)|strn?cpy|MemoryBound|BitCast|withUnsafe|bitPattern|[+] /)
        return 0
    return code ~ /(^|[^A-Za-z0-9_])unsafe([^A-Za-z0-9_]|$)/
}

function endUnit(line,    size) {
    if (!unitLine) return
    size = line - unitLine + 1
    if (unitKind == "function" && size > 60)
        say(unitLine, "function " unitName " has " size " lines, more than 60")
    if (isSource && unsafeLine && !unitSafety && !(typeSafety[unitDepth] && size <= 4))
        say(unsafeLine, unitName " uses unsafe without a SAFETY line in it or above it")
    unitLine = 0
    unsafeLine = 0
}

function countParameters(text,    i, c, depth, commas, any) {
    depth = commas = any = 0
    for (i = index(text, "("); i <= length(text); i++) {
        c = substr(text, i, 1)
        if (c ~ /[(\[<]/) depth++
        else if (c == ">" && substr(text, i - 1, 1) == "-") continue
        else if (c ~ /[)\]>]/) { if (--depth == 0) break }
        else if (depth == 1 && c == ",") commas++
        else if (c != " ") any = 1
    }
    return depth > 0 ? -1 : any ? commas + 1 : 0
}

function startFile() {
    endUnit(lastLine)
    if (file != "" && lastLine > 400) say(400, "the file has " lastLine " lines, more than 400")
    file = $1
    folder = $2
    isHot = isSource && folder ~ /^(Memory|Ring|Net)$/
    depth = parens = 0
    stack[0] = "file"
    typeSafety[0] = isPrivate[0] = 0
    hasDoc = above = isC = groupDoc = 0
    pending = signature = ""
    typeCount = 0
}

function endType(line) {
    if (isSource && ++typeCount > 1 && line - typeLine > 25)
        printf "%s:%d: note: type %d of this file, %d lines\n", file, typeLine, typeCount, line - typeLine + 1
}

function requireDoc(kind, name, code) {
    if (!isSource || hasDoc || kind == "extension" || name == "deinit" || name in required) return
    if (name == "operator" || isPrivate[depth] || code ~ /(^|[ \t])(private|fileprivate)[ \t]/) return
    if (kind == "value" && groupDoc) return
    say($3, "no /// summary on " name)
}

function checkHot(code,    word) {
    if (code ~ /(^|[^A-Za-z0-9_.])class /) word = "class"
    else if (code ~ /(^|[^A-Za-z0-9_])any [A-Z]/) word = "any"
    else if (code ~ /@escaping/) word = "@escaping"
    else if (code ~ /(^|[^A-Za-z0-9_])Array[<(]|(->|:) \[[A-Z]|\[[A-Z][A-Za-z0-9]*\]\(| (in|=) \[/) word = "Array"
    else if (code ~ /(^|[^A-Za-z0-9_])String([^A-Za-z0-9_]|$)/) word = "String"
    else return
    if ((relative(), word) in allowed) used[relative() " " word] = 1
    else say($3, word " in hot code; an exception belongs into tools/tidy-hot.txt")
}

function checkName(name) {
    if (name !~ /Split|Packed|Async|split|packed|async/ || folder == "CABI") return
    if (relative() ~ /^Ring\/(Split|Packed)Ring|^Net\/(EngineCopy|QueueBurst[+]Engine)/) return
    if ((relative(), name) in allowed) { used[relative() " " name] = 1; return }
    say($3, "the name " name " tells a ring format or an engine apart")
}

function declare(kind, code, text,    name) {
    endUnit(lastCode)
    name = nameOf(text)
    requireDoc(kind, name, code)
    pending = kind
    pendingSafety = above
    pendingPrivate = isPrivate[depth] || code ~ /(^|[ \t])(private|fileprivate)[ \t]/
    if (kind == "type" && stack[depth] == "file") typeLine = $3
    if (kind == "function" || kind == "value") {
        unitLine = $3
        unitName = name
        unitKind = kind
        unitSafety = above
        unitDepth = depth
    }
    if (kind == "function") {
        signature = " "
        if (isSource) checkName(name)
    }
    groupDoc = hasDoc || groupDoc && kind == "value" ? kind == "value" : 0
}

function walk(code,    i, c) {
    for (i = 1; i <= length(code); i++) {
        c = substr(code, i, 1)
        if (c == "(" || c == "[") parens++
        else if (c == ")" || c == "]") parens--
        else if (c == "{") {
            depth++
            stack[depth] = parens > 0 || pending == "" ? "other" : pending
            typeSafety[depth] = pending == "type" || pending == "extension" ? pendingSafety : 0
            isPrivate[depth] = pendingPrivate
            pending = ""
        } else if (c == "}") {
            if (unitLine && depth == unitDepth) endUnit(lastCode)
            if (depth == 1 && stack[1] == "type") endType($3)
            depth--
            if (unitLine && depth == unitDepth && stack[depth + 1] == unitKind) endUnit($3)
        }
    }
}

FNR == 1 { pass++ }

pass == 1 {
    text = bare($4)
    if ($3 == 1) inProtocol = 0
    if (text ~ /^protocol /) inProtocol = 1
    else if ($4 ~ /^}/) inProtocol = 0
    if (inProtocol && kindOf(text) ~ /function|value/) required[nameOf(text)] = 1
    next
}

$3 == 1 { startFile() }

{
    lastLine = $3
    if ($6 > 120 || $6 > 100 && $4 != "") say($3, "the line has " $6 " columns")
    if ($4 == "") {
        if ($5 ~ /^\/\/\//) hasDoc = 1
        if ($5 ~ /SAFETY:/) above = 1
        if ($5 == "") groupDoc = hasDoc = 0
        next
    }
    text = bare($4)
    context = stack[depth]
    kind = context ~ /^(file|type|extension)$/ && parens == 0 ? kindOf(text) : ""
    if (text == "") {
        isC = isC || $4 ~ /@_cdecl/
        next
    }
    if (kind != "") declare(kind, $4, text)
    if (unitLine && (above || $5 ~ /SAFETY:/)) unitSafety = 1
    above = 0
    hasDoc = 0
    if (unitLine && !unsafeLine && followsPointer($4)) unsafeLine = $3
    if (isHot) checkHot($4)
    if (signature != "") {
        signature = signature $4
        parameters = countParameters(signature)
        if (parameters >= 0) {
            if (parameters > 5 && !isC) say($3, unitName " has " parameters " parameters, more than 5")
            signature = ""
            isC = 0
        }
    }
    walk($4)
    lastCode = $3
}

END {
    startFile()
    for (entry in listed) if (!(entry in used)) {
        printf "tools/tidy-hot.txt:1: %s is not needed any more\n", entry
        failed = 1
    }
    exit failed
}
