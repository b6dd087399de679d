# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
#
# Walks a demangled disassembly from the burst functions. Variables: list (check-hot.txt), verbose.

BEGIN {
    while ((getline line < list) > 0) {
        if (line ~ /^#/ || line == "") continue
        kind = line
        sub(/ .*/, "", kind)
        sub(/^[a-z]+ /, "", line)
        rules[kind, ++ruleCount[kind]] = line
    }
}

function matches(kind, name,    i) {
    for (i = 1; i <= ruleCount[kind]; i++) if (name ~ rules[kind, i]) { fired[kind, i] = 1; return 1 }
    return 0
}

function isRoot(name,    i) {
    for (i = 1; i <= ruleCount["root"]; i++) if (name == rules["root", i]) return 1
    return 0
}

function isExternal(name,    i) {
    for (i = 1; i <= ruleCount["external"]; i++)
        if (name ~ "^(" rules["external", i] ")$") { fired["external", i] = 1; return 1 }
    return 0
}

# "0000000000003980 <name>:"
/^[0-9a-f]+ <.*>:$/ {
    address = $1
    sub(/^0+/, "", address)
    current = address
    label = $0
    sub(/^[0-9a-f]+ </, "", label)
    sub(/>:$/, "", label)
    name[current] = label
    if (isRoot(label)) root[label] = current
    if (!(current in lineCount)) lineCount[current] = 0
    next
}

# A second symbol of the same address: "alias <hexadecimal address> <name>", from nm.
$1 == "alias" {
    address = $2
    sub(/^0+/, "", address)
    if (isRoot($3)) root[$3] = address
    next
}

/^ +[0-9a-f]+:\t/ && current != "" { text[current, ++lineCount[current]] = $0 }

function bad(where, what, line) {
    gsub(/^ +/, "", line)
    gsub(/\t/, " ", line)
    printf "check-hot: %s: %s\n    %s\n", name[where], what, line
    failures++
}

function visit(target) {
    if (target in seen) return
    seen[target] = 1
    queue[++queueEnd] = target
}

# An indirect jump is a switch when its table's entry was fetched by movslq just before.
function isSwitch(where, line,    back) {
    for (back = 1; back <= 8 && line - back > 0; back++)
        if (text[where, line - back] ~ /movslq +\(.*,4\)/) return 1
    return 0
}

function follow(where, line,    target, label, stem) {
    if (!match(line, /[0-9a-f]+ <[^\t]*>[ \t]*$/)) return
    target = substr(line, RSTART, RLENGTH)
    label = target
    sub(/ <.*$/, "", target)
    sub(/^[0-9a-f]+ </, "", label)
    sub(/>[ \t]*$/, "", label)
    if (label ~ /@plt$/) {
        stem = label
        sub(/@plt$/, "", stem)
        if (line ~ /lea /) return
        if (stem == "__stack_chk_fail") return
        if (!isExternal(stem)) bad(where, "calls " stem, line)
        return
    }
    if (!(target in name) || target == where) return
    if (name[target] ~ /^_?swift_/) {
        bad(where, "calls the runtime's " name[target], line)
        return
    }
    if (matches("cold", name[target])) { cold[target] = 1; return }
    visit(target)
}

function scan(where,    i, line) {
    for (i = 1; i <= lineCount[where]; i++) {
        line = text[where, i]
        if (line ~ /\t(call|jmp) +[*]/) {
            if (line ~ /\tjmp/ && isSwitch(where, i)) continue
            if (!matches("indirect", name[where])) bad(where, "an indirect call", line)
        } else if (line ~ /\t(call|j[a-z]+) / || line ~ /\tlea .*[(]%rip[)]/) {
            sub(/^.*# /, "", line)
            follow(where, line)
        }
    }
}

END {
    for (i = 1; i <= ruleCount["root"]; i++) {
        if (!(rules["root", i] in root)) {
            printf "check-hot: %s is not in the library\n", rules["root", i]
            failures++
        } else visit(root[rules["root", i]])
    }
    while (queueStart < queueEnd) scan(queue[++queueStart])
    if (verbose) {
        for (i = 1; i <= queueEnd; i++) print "hot  " name[queue[i]]
        for (target in cold) print "cold " name[target]
    }
    printf "check-hot: %d functions of bursts, %d cold ones not followed, %d faults\n",
        queueEnd, sizeOf(cold), failures
    exit failures > 0
}

function sizeOf(array,    n, key) {
    n = 0
    for (key in array) n++
    return n
}
