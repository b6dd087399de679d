// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a process says of itself by its control socket: docs/control-socket.md. What this version of
/// the tool does not know is left alone, so that a later library may say more.
public struct Snapshot: Decodable, Sendable {
    /// The protocol's version.
    public var `protocol`: Int
    /// Why there is no answer.
    public var error: String?
    /// The library's version.
    public var library: String?
    /// The process.
    public var process: Int?
    /// When the answer was begun.
    public var timeNs: UInt64?
    /// Its sockets.
    public var sockets: [SocketState]?
    /// Its devices.
    public var devices: [DeviceState]?
    /// What is captured.
    public var capture: CaptureHead?

    /// Reads an answer. Throws what is wrong with it.
    public init(json: String) throws {
        guard json.hasSuffix("}\n") else { throw ControlFault.cut }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        do {
            self = try decoder.decode(Snapshot.self, from: Data(json.utf8))
        } catch {
            throw ControlFault.notUnderstood("\(error)")
        }
        guard self.protocol == 1 else { throw ControlFault.otherVersion(self.protocol) }
        if let error { throw ControlFault.refused(error) }
    }
}
