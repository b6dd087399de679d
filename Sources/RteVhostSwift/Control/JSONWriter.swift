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

    /// Appends words as they are.
    private mutating func add(raw words: StaticString) {
        // SAFETY: a static string's storage holds utf8CodeUnitCount bytes.
        for index in 0..<words.utf8CodeUnitCount { unsafe add(byte: words.utf8Start[index]) }
    }

    /// Before a value: a comma where one stands in front of it, and its key.
    private mutating func begin(_ key: StaticString?) {
        if needsComma { add(byte: 0x2c) }
        needsComma = true
        guard let key else { return }
        add(byte: 0x22)
        add(raw: key)
        add(byte: 0x22)
        add(byte: 0x3a)
    }

    /// Opens an object.
    mutating func openObject(_ key: StaticString? = nil) {
        begin(key)
        add(byte: 0x7b)
        needsComma = false
    }

    /// Closes it.
    mutating func closeObject() {
        add(byte: 0x7d)
        needsComma = true
    }

    /// Opens an array.
    mutating func openArray(_ key: StaticString? = nil) {
        begin(key)
        add(byte: 0x5b)
        needsComma = false
    }

    /// Closes it.
    mutating func closeArray() {
        add(byte: 0x5d)
        needsComma = true
    }

    /// Ends the answer's line.
    mutating func endLine() {
        add(byte: 0x0a)
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
        if number < 0 { add(byte: 0x2d) }
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
        add(byte: 0x22)
        add(raw: words)
        add(byte: 0x22)
    }

    /// An address or a set of bits: a string in hexadecimal, because readers of JSON keep 53 bits.
    mutating func add(_ key: StaticString?, hex number: UInt64) {
        begin(key)
        add(raw: "\"0x")
        var shift = max(0, (63 - number.leadingZeroBitCount) / 4) * 4
        while shift >= 0 {
            add(byte: Self.digit(number >> UInt64(shift)))
            shift -= 4
        }
        add(byte: 0x22)
    }

    /// A path.
    mutating func add(_ key: StaticString?, _ path: borrowing SocketPath) {
        begin(key)
        add(byte: 0x22)
        for index in 0..<path.count { addEscaped(path[index]) }
        add(byte: 0x22)
    }

    /// An error in the words of the log.
    mutating func add(_ key: StaticString?, _ error: VhostError) {
        begin(key)
        add(byte: 0x22)
        var line = LogLine()
        line.add(error)
        for index in 0..<line.count { addEscaped(line[index]) }
        add(byte: 0x22)
    }

    /// A byte of a string. A path is bytes in no known coding: those beyond ASCII become the
    /// characters of the same numbers.
    private mutating func addEscaped(_ byte: UInt8) {
        if byte == 0x22 || byte == 0x5c {
            add(byte: 0x5c)
            add(byte: byte)
        } else if byte >= 0x20, byte < 0x7f {
            add(byte: byte)
        } else {
            add(raw: "\\u00")
            add(byte: Self.digit(UInt64(byte >> 4)))
            add(byte: Self.digit(UInt64(byte)))
        }
    }

    private mutating func addDigits(_ number: UInt64) {
        let digits = DecimalDigits(number)
        for index in 0..<digits.count { add(byte: digits[index]) }
    }

    private static func digit(_ number: UInt64) -> UInt8 {
        let digit = UInt8(truncatingIfNeeded: number & 0xf)
        return digit < 10 ? 0x30 + digit : 0x57 + digit
    }
}
