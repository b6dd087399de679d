// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// One line of the log, built in place: no String, no allocation.
struct LogLine: ~Copyable {
    /// How a line names what it is about.
    enum Form {
        /// "path: what happened"
        case standalone
        /// DPDK 22.11: "(path) what happened"
        case dpdk
    }

    private var bytes = InlineArray<512, UInt8>(repeating: 0)
    /// Bytes of the line so far.
    private(set) var count = 0
    private let form: Form

    /// An empty line.
    init(form: Form = .standalone) { self.form = form }

    /// The byte at `index`.
    subscript(index: Int) -> UInt8 { bytes[index] }

    /// Begins a line about a socket or its device.
    mutating func begin(_ path: borrowing SocketPath) {
        add(form == .dpdk ? "(" : "")
        add(path)
        add(form == .dpdk ? ") " : ": ")
    }

    /// Begins a line about a call that names a socket.
    mutating func begin(_ function: StaticString, _ path: borrowing SocketPath) {
        if form == .dpdk { begin(path) }
        add(function)
        add(": ")
        if form == .standalone { begin(path) }
    }

    /// Begins a line about a call that names a device, whose socket is known or not.
    mutating func begin(_ function: StaticString, device: Int, _ path: SocketPath?) {
        if form == .dpdk, let path { begin(path) }
        add(function)
        add(": device ")
        add(device)
        if form == .standalone, let path {
            add(" (")
            add(path)
            add(")")
        }
        add(" ")
    }

    /// Appends a byte; what does not fit is cut.
    mutating func add(byte: UInt8) {
        guard count < 510 else { return }
        bytes[count] = byte
        count += 1
    }

    /// Appends words.
    mutating func add(_ words: StaticString) {
        for index in 0..<words.utf8CodeUnitCount {
            // SAFETY: a static string's storage holds utf8CodeUnitCount bytes.
            unsafe add(byte: words.utf8Start[index])
        }
    }

    /// Appends a decimal number.
    mutating func add(_ number: Int) {
        if number < 0 { add("-") }
        let digits = DecimalDigits(UInt64(number.magnitude))
        for index in 0..<digits.count { add(byte: digits[index]) }
    }

    /// Appends a number in hexadecimal with its prefix.
    mutating func add(hex number: UInt64) {
        add("0x")
        let digits = HexadecimalDigits(number)
        for index in 0..<digits.count { add(byte: digits[index]) }
    }

    /// Appends a path.
    mutating func add(_ path: borrowing SocketPath) {
        for index in 0..<path.count { add(byte: path[index]) }
    }

    /// Appends what went wrong in words.
    mutating func add(_ error: VhostError) {
        switch error {
        case .foreignUser(let user):
            add("uid ")
            add(Int(user))
            add(" is not allowed")
        case .system(let code):
            add(error.words)
            add(" ")
            add(Int(code))
        default: add(error.words)
        }
    }

    /// Copies the line as a C string, cut to `size` bytes; what is left of them becomes zero.
    func write(to buffer: UnsafeMutableRawPointer, size: Int) {
        // SAFETY: the caller's buffer has `size` bytes.
        for index in 0..<size {
            unsafe buffer.storeBytes(
                of: index < min(count, size - 1) ? bytes[index] : 0, toByteOffset: index,
                as: UInt8.self)
        }
    }

    /// Hands the line to DPDK, or writes it to standard error in one call, so that lines of threads
    /// do not mix.
    mutating func write(_ level: Log.Level = .error, _ topic: Log.Topic = .config) {
        bytes[count] = form == .dpdk ? 0 : UInt8(ascii: "\n")
        let length = count + 1
        // SAFETY: the span covers `bytes`, of which `length` bytes are set; for DPDK the last of
        // them ends a C string.
        let span = bytes.span
        unsafe span.withUnsafeBytes { buffer in
            guard form == .standalone else {
                guard let base = buffer.baseAddress else { return }
                return unsafe DPDKLog.write(
                    level, topic, base.assumingMemoryBound(to: CChar.self))
            }
            _ = unsafe CRteVhost.write(2, buffer.baseAddress, length)
        }
    }
}
