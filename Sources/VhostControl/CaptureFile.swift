// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The file that packets are written to: never longer than it may be, and of whole blocks even
/// where the disk is full, so that it can be read.
public final class CaptureFile {
    /// Its name; "-" is standard output.
    public let path: String
    /// Bytes in it.
    public private(set) var byteCount = 0
    private let number: Int32
    private let limit: Int
    private var pending: [UInt8] = []

    /// Makes it anew, for its user alone: packets are nobody else's. Throws `ControlFault`.
    public init(path: String, limit: Int) throws {
        self.path = path
        self.limit = limit
        number = path == "-" ? 1 : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard number >= 0 else {
            throw ControlFault.system(String(cString: strerror(errno)), path: path)
        }
    }

    deinit { if number > 2 { close(number) } }

    /// Adds a block; false, and it is not in the file, when the file would be longer than it may be,
    /// with `reserve` bytes for what has to follow.
    public func add(_ block: [UInt8], reserve: Int = 0) -> Bool {
        guard byteCount + pending.count + block.count + reserve <= limit else { return false }
        pending.append(contentsOf: block)
        return true
    }

    /// Writes what was added. Throws `ControlFault`; what cannot be written is left out then, from
    /// the first block that is not whole.
    public func flush() throws {
        var done = 0
        while done < pending.count {
            let count = pending[done...].withUnsafeBytes { write(number, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let code = errno
                cut(done)
                throw ControlFault.system(
                    "\(String(cString: strerror(code))); \(byteCount) bytes of whole packets are in it",
                    path: path)
            }
            done += count
        }
        byteCount += done
        pending.removeAll(keepingCapacity: true)
    }

    /// Takes half a block at the end back.
    private func cut(_ done: Int) {
        let whole = Pcapng.wholeByteCount(pending[...], within: done)
        byteCount += whole
        pending.removeAll()
        // A pipe has what it has.
        if number > 2 { _ = ftruncate(number, off_t(byteCount)) }
    }
}
