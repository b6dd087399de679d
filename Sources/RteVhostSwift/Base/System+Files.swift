// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// The files that sockets are bound to.
extension System {
    /// What tells the file at a path apart from any other.
    struct FileIdentity: Equatable {
        /// st_dev
        var device: UInt
        /// st_ino
        var inode: UInt
    }

    /// What lstat says of the file at `path`; nil when there is none.
    private static func status(_ path: SocketPath) -> stat? {
        var status = stat()
        var address = path.address
        // SAFETY: sun_path holds the path with a closing zero.
        let result = unsafe withUnsafePointer(to: &address.sun_path) { bytes in
            unsafe lstat(UnsafeRawPointer(bytes).assumingMemoryBound(to: CChar.self), &status)
        }
        return result == 0 ? status : nil
    }

    /// True when `path` is a socket in the file system.
    static func isSocket(_ path: SocketPath) -> Bool {
        // S_IFMT, S_IFSOCK
        status(path).map { $0.st_mode & 0o170000 == 0o140000 } ?? false
    }

    /// Identity of the file at `path`; nil when there is none.
    static func identity(_ path: SocketPath) -> FileIdentity? {
        status(path).map {
            FileIdentity(device: UInt($0.st_dev), inode: UInt($0.st_ino))
        }
    }

    /// When the socket at `path` was made, in seconds and nanoseconds: an inode's number may be given
    /// to the next file, and renaming a file leaves this alone.
    static func modificationTime(_ path: SocketPath) -> (Int, Int)? {
        status(path).map { ($0.st_mtim.tv_sec, $0.st_mtim.tv_nsec) }
    }

    /// Gives the file at `path` another name, which must be free. Throws `system`.
    static func rename(_ path: SocketPath, to other: SocketPath) throws(VhostError) {
        var from = path.address
        var to = other.address
        // SAFETY: both addresses live through the call.
        _ = try check(unsafe crte_rename(&from, &to))
    }

    /// Removes `path`; an error is of no consequence.
    static func unlink(_ path: SocketPath) {
        var address = path.address
        // SAFETY: as in isSocket.
        unsafe withUnsafePointer(to: &address.sun_path) { bytes in
            _ = unsafe CRteVhost.unlink(
                UnsafeRawPointer(bytes).assumingMemoryBound(to: CChar.self))
        }
    }
}
