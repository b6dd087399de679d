# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
#
# Every text file, patches among them: an SPDX line near its top, no path of one machine. C: lines up to 100 columns
# with tabs of 8, files up to 400 lines, functions up to 60, except the headers under include/, which keep DPDK's form.

function say(line, text) {
    printf "%s:%d: %s\n", file, line, text
    failed = 1
}

function columns(text,    i, width, c) {
    gsub(/[\200-\277]/, "", text)
    if (index(text, "\t") == 0) return length(text)
    width = 0
    for (i = 1; i <= length(text); i++) {
        c = substr(text, i, 1)
        width += c == "\t" ? 8 - width % 8 : 1
    }
    return width
}

function endFile() {
    if (file == "") return
    if (needsHeader && !hasHeader) say(1, "no SPDX-License-Identifier in the first five lines")
    if (isC && lastLine > 400) say(400, "the file has " lastLine " lines, more than 400")
}

FNR == 1 {
    endFile()
    file = FILENAME
    hasHeader = functionLine = 0
    needsHeader = file !~ /\.(md|tsv|json|txt|in|map|modulemap)$|(^|\/)(LICENSE|\.git[a-z]*|\.swift-format)$/
    # Formats of dpkg's; debian/copyright speaks for them.
    if (file ~ /^debian\// && file != "debian/rules") needsHeader = 0
    isC = file ~ /\.[ch]$/ && file !~ /^(\.\/)?include\//
}

{ lastLine = FNR }

FNR <= 5 && /SPDX-License-Identifier/ { hasHeader = 1 }

# Makefile's and scripts' defaults (`?=`, `:-`, `|| echo`) are documented ones; tidy has to name what it looks for.
/\/work\/|\/opt\/swift|\/root\/|\/home\/[a-z]/ && !/[?]=|:-|\|\| echo/ && file !~ /tools\/tidy/ {
    say(FNR, "a path of one machine")
}

# What a patch is about lies in this tree.
file ~ /\.patch$/ && /^(---|\+\+\+) \// && !/^(---|\+\+\+) \/dev\/null/ { say(FNR, "a path of one machine") }

!/^[ \t]*([*#]|\/\/)/ && /["'= ]\/tmp\// && file ~ /(\.(swift|c|h|awk|sh)|Makefile)$|tools\// && !/:-|XXXXXX/ && file !~ /tools\/tidy/ {
    printf "%s:%d: note: a fixed path under /tmp\n", file, FNR
}

isC {
    if (length($0) > 60 && columns($0) > 100) say(FNR, "the line has " columns($0) " columns")
    if (/^{/) functionLine = FNR
    if (/^}/ && functionLine) {
        if (FNR - functionLine - 1 > 60) say(functionLine, "a function of " FNR - functionLine - 1 " lines, more than 60")
        functionLine = 0
    }
}

END {
    endFile()
    exit failed
}
