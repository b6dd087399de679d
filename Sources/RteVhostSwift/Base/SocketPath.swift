// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// The path of a Unix socket: what names a driver in the API. At most 107 bytes, which is what
/// `sockaddr_un` holds besides the closing zero.
struct SocketPath: Equatable {
    private var bytes = InlineArray<108, UInt8>(repeating: 0)

    /// Length in bytes.
    private(set) var count = 0

    /// No path; `==` to no path that can be registered.
    init() {}

    /// Copies a C string. Nil when it is NULL, empty, or longer than a socket's address can hold.
    init?(_ string: UnsafePointer<CChar>?) {
        guard let string = unsafe string else { return nil }
        // SAFETY: reads up to and including the closing zero, at most 108 bytes.
        while unsafe string[count] != 0 {
            guard count < 107 else { return nil }
            unsafe bytes[count] = UInt8(bitPattern: string[count])
            count += 1
        }
        guard count > 0 else { return nil }
    }

    /// Appends a byte; false when no socket's address holds one more.
    mutating func append(_ byte: UInt8) -> Bool {
        guard count < 107 else { return false }
        bytes[count] = byte
        count += 1
        return true
    }

    /// The byte at `index`; zero from `count` on.
    subscript(index: Int) -> UInt8 { bytes[index] }

    /// FNV-1a, for tables of paths.
    var hash: UInt32 {
        var hash: UInt32 = 0x811c_9dc5
        for index in 0..<count { hash = (hash ^ UInt32(bytes[index])) &* 0x0100_0193 }
        return hash
    }

    /// The path with a suffix; nil when no socket's address holds it.
    func appending(_ suffix: StaticString) -> SocketPath? {
        var path = self
        guard count + suffix.utf8CodeUnitCount <= 107 else { return nil }
        for index in 0..<suffix.utf8CodeUnitCount {
            // SAFETY: a static string's storage holds utf8CodeUnitCount bytes.
            path.bytes[count + index] = unsafe suffix.utf8Start[index]
        }
        path.count += suffix.utf8CodeUnitCount
        return path
    }

    static func == (left: SocketPath, right: SocketPath) -> Bool {
        guard left.count == right.count else { return false }
        for index in 0..<left.count where left.bytes[index] != right.bytes[index] { return false }
        return true
    }

    /// The path as `sockaddr_un`.
    var address: sockaddr_un {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let length = count
        let source = bytes
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { path in
            // SAFETY: both arrays have 108 bytes; count is below that.
            for index in 0..<length { unsafe path[index] = source[index] }
        }
        return address
    }

    /// Writes the path as a C string into `buffer`, cut to `size` with its closing zero.
    func write(to buffer: UnsafeMutablePointer<CChar>, size: Int) {
        guard size > 0 else { return }
        let length = min(count, size - 1)
        // SAFETY: the caller's buffer has `size` bytes; length + 1 of them are written.
        for index in 0..<length { unsafe buffer[index] = CChar(bitPattern: bytes[index]) }
        unsafe buffer[length] = 0
    }
}
