// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Facts as names and values of DPDK's telemetry. Old releases know no dictionary within another:
/// what lies in an object has the object's name in front of its own. Arrays of texts are there,
/// others are left out.
struct TelemetryWriter: FactWriter, ~Copyable {
    private let library: TelemetryLibrary
    private let answer: TelemetryAnswer
    private var list: TelemetryAnswer?
    private var name = TelemetryText()
    private var ends = InlineArray<4, Int>(repeating: 0)
    private var depth = 0
    private var arrayDepth = 0

    /// Makes an answer a dictionary.
    init(_ library: TelemetryLibrary, _ answer: TelemetryAnswer) {
        self.library = library
        self.answer = answer
        library.startDictionary(answer)
    }

    /// Objects in arrays are left out.
    mutating func openObject(_ key: StaticString?) {
        guard arrayDepth == 0 else { return arrayDepth += 1 }
        precondition(depth < 4)
        ends[depth] = name.count
        depth += 1
        if let key { append(key) }
    }

    mutating func closeObject() {
        guard arrayDepth == 0 else { return arrayDepth -= 1 }
        depth -= 1
        name.cut(to: ends[depth])
    }

    mutating func openArray(_ key: StaticString?) {
        arrayDepth += 1
        guard arrayDepth == 1, let key, let made = library.makeAnswer() else { return }
        library.startTexts(made)
        list = made
        ends[3] = name.count
        append(key)
    }

    mutating func closeArray() {
        arrayDepth -= 1
        guard arrayDepth == 0, let made = list else { return }
        library.add(name, made, to: answer)
        name.cut(to: ends[3])
        list = nil
    }

    mutating func add(_ key: StaticString?, _ number: UInt64) {
        guard arrayDepth == 0, let key else { return }
        library.add(full(key), number, to: answer)
    }

    /// A negative one is a text: the libraries have 32 bits for it.
    mutating func add(_ key: StaticString?, _ number: Int) {
        guard number < 0 || arrayDepth > 0 else { return add(key, UInt64(number)) }
        var line = LogLine()
        line.add(number)
        put(key, line)
    }

    mutating func add(_ key: StaticString?, _ value: Bool) {
        put(key, TelemetryText(value ? "true" : "false"))
    }

    mutating func add(_ key: StaticString?, words: StaticString) {
        put(key, TelemetryText(words))
    }

    mutating func add(_ key: StaticString?, hex number: UInt64) {
        var text = TelemetryText("0x")
        let digits = HexadecimalDigits(number)
        for index in 0..<digits.count { text.append(digits[index]) }
        put(key, text)
    }

    mutating func add(_ key: StaticString?, _ path: borrowing SocketPath) {
        put(key, Self.text(path))
    }

    mutating func add(_ key: StaticString?, _ error: VhostError) {
        var line = LogLine()
        line.add(error)
        put(key, line)
    }

    /// A path as a text.
    static func text(_ path: borrowing SocketPath) -> TelemetryText {
        var text = TelemetryText()
        for index in 0..<path.count { text.append(path[index]) }
        return text
    }

    private mutating func put(_ key: StaticString?, _ line: borrowing LogLine) {
        var text = TelemetryText()
        for index in 0..<line.count { text.append(line[index]) }
        put(key, text)
    }

    private mutating func put(_ key: StaticString?, _ text: TelemetryText) {
        if arrayDepth == 0, let key {
            library.add(full(key), text, to: answer)
        } else if arrayDepth == 1, let list = list {
            library.append(text, to: list)
        }
    }

    /// DPDK 22.11: letters, digits, "_" and "/" may be in a name.
    private func full(_ key: StaticString) -> TelemetryText {
        var full = name
        if full.count > 0 { full.append(0x5f) }
        full.append(key)
        return full
    }

    private mutating func append(_ key: StaticString) { name = full(key) }
}
