// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// JSON over a buffer that is sent in pieces: what is put in must fit into the room that there is,
/// and `hasOverflowed` says when it did not, so that no half of an answer is taken for a whole one.
struct JSONWriter: FactWriter, ~Copyable {
    /// Bytes of the buffer.
    static let capacity = 16_384

    private let bytes: FixedBuffer<UInt8>
    private var start = 0
    private var end = 0
    private var needsComma = false
    /// More was put in than there was room for.
    private(set) var hasOverflowed = false

    /// An empty one. Throws `outOfMemory`.
    init() throws(VhostError) { bytes = try FixedBuffer(count: Self.capacity, repeating: 0) }

    /// Bytes that still fit in.
    var room: Int { Self.capacity - end }
    /// Bytes that are to be sent.
    var pending: FixedView<UInt8> { bytes.view(from: start, count: end - start) }

    /// The first `count` of them were sent.
    mutating func drop(_ count: Int) {
        precondition(count >= 0 && count <= end - start)
        start += count
        if start == end { (start, end) = (0, 0) }
    }

    /// Forgets all.
    mutating func removeAll() {
        (start, end) = (0, 0)
        needsComma = false
        hasOverflowed = false
    }

    /// Appends a byte as it is.
    mutating func add(byte: UInt8) {
        guard end < Self.capacity else {
            hasOverflowed = true
            return
        }
        bytes[end] = byte
        end += 1
    }

    /// Appends a character of ASCII as it is.
    private mutating func add(_ character: Unicode.Scalar) { add(byte: UInt8(ascii: character)) }

    /// Appends words as they are.
    private mutating func add(raw words: StaticString) {
        // SAFETY: a static string's storage holds utf8CodeUnitCount bytes.
        for index in 0..<words.utf8CodeUnitCount { unsafe add(byte: words.utf8Start[index]) }
    }

    /// Before a value: a comma where one stands in front of it, and its key.
    private mutating func begin(_ key: StaticString?) {
        if needsComma { add(",") }
        needsComma = true
        guard let key else { return }
        add("\"")
        add(raw: key)
        add("\"")
        add(":")
    }

    private mutating func open(_ key: StaticString?, _ bracket: Unicode.Scalar) {
        begin(key)
        add(bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: Unicode.Scalar) {
        add(bracket)
        needsComma = true
    }

    /// Opens an object.
    mutating func openObject(_ key: StaticString? = nil) { open(key, "{") }

    /// Closes it.
    mutating func closeObject() { close("}") }

    /// Opens an array.
    mutating func openArray(_ key: StaticString? = nil) { open(key, "[") }

    /// Closes it.
    mutating func closeArray() { close("]") }

    /// Ends the answer's line.
    mutating func endLine() {
        add("\n")
        needsComma = false
    }
}

extension JSONWriter {
    /// A number.
    mutating func add(_ key: StaticString?, _ number: UInt64) {
        begin(key)
        addDigits(number)
    }

    /// A number.
    mutating func add(_ key: StaticString?, _ number: Int) {
        begin(key)
        if number < 0 { add("-") }
        addDigits(UInt64(number.magnitude))
    }

    /// True or false.
    mutating func add(_ key: StaticString?, _ value: Bool) {
        begin(key)
        add(raw: value ? "true" : "false")
    }

    /// Nothing.
    mutating func addNull(_ key: StaticString?) {
        begin(key)
        add(raw: "null")
    }

    /// Words of ours, which hold nothing that needs an escape.
    mutating func add(_ key: StaticString?, words: StaticString) {
        begin(key)
        add("\"")
        add(raw: words)
        add("\"")
    }

    /// An address or a set of bits: a string in hexadecimal, because readers of JSON keep 53 bits.
    mutating func add(_ key: StaticString?, hex number: UInt64) {
        begin(key)
        add(raw: "\"0x")
        let digits = HexadecimalDigits(number)
        for index in 0..<digits.count { add(byte: digits[index]) }
        add("\"")
    }

    /// A path.
    mutating func add(_ key: StaticString?, _ path: borrowing SocketPath) {
        begin(key)
        add("\"")
        for index in 0..<path.count { addEscaped(path[index]) }
        add("\"")
    }

    /// An error in the words of the log.
    mutating func add(_ key: StaticString?, _ error: VhostError) {
        begin(key)
        add("\"")
        var line = LogLine()
        line.add(error)
        for index in 0..<line.count { addEscaped(line[index]) }
        add("\"")
    }

    /// A byte of a string. A path is bytes in no known coding: those beyond ASCII become the
    /// characters of the same numbers.
    private mutating func addEscaped(_ byte: UInt8) {
        if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
            add("\\")
            add(byte: byte)
        } else if byte >= 0x20, byte < 0x7f {
            add(byte: byte)
        } else {
            add(raw: "\\u00")
            add(byte: HexadecimalDigits.lowest(of: UInt64(byte >> 4)))
            add(byte: HexadecimalDigits.lowest(of: UInt64(byte)))
        }
    }

    private mutating func addDigits(_ number: UInt64) {
        let digits = DecimalDigits(number)
        for index in 0..<digits.count { add(byte: digits[index]) }
    }
}
