// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Rates of all rings between two looks at a process, and the table that shows them.
public struct RateTable: Sendable {
    /// A row.
    public struct Row: Codable, Sendable, Equatable {
        /// The socket.
        public var socket: String
        /// The device.
        public var device: Int
        /// The ring.
        public var ring: Int
        /// "to guest" or "from guest".
        public var direction: String
        /// Packets a second.
        public var packets: Double
        /// Bits a second.
        public var bits: Double
        /// Packets dropped a second.
        public var dropped: Double
        /// Interrupts a second.
        public var interrupts: Double
        /// Packets in flight now.
        public var inFlight: Int
    }

    /// The rows, in the order of devices and rings.
    public private(set) var rows: [Row] = []

    /// The rates between two looks; a ring that is not in both has none, nor has one whose counters
    /// went back, because its connection is another one.
    public init(from before: Snapshot, to after: Snapshot) {
        let nanoseconds = Double((after.timeNs ?? 0) &- (before.timeNs ?? 0))
        guard nanoseconds > 0, nanoseconds < 1e15 else { return }
        for device in after.devices ?? [] {
            let past = before.devices?.first {
                $0.device == device.device && $0.socket == device.socket
            }
            for ring in device.rings ?? [] {
                guard let old = past?.rings?.first(where: { $0.ring == ring.ring }) else {
                    continue
                }
                func rate(_ now: UInt64, _ then: UInt64) -> Double {
                    now < then ? 0 : Double(now - then) * 1e9 / nanoseconds
                }
                func rate(_ name: String) -> Double { rate(ring.counter(name), old.counter(name)) }
                rows.append(
                    Row(
                        socket: device.socket, device: device.device, ring: ring.ring,
                        direction: ring.direction, packets: rate("packets"),
                        bits: rate("bytes") * 8, dropped: rate(ring.dropped, old.dropped),
                        interrupts: rate("notifications"), inFlight: ring.engine.inFlight))
            }
        }
    }

    /// The table for a screen of so many columns and lines; the bars are of the fastest ring.
    public func text(columns: Int, lines: Int) -> [String] {
        var result = [
            Self.columns(["DEV", "RING", "GUEST", "PKT/S", "BIT/S", "DROP/S", "INT/S", "FLIGHT"])
        ]
        let most = rows.map(\.packets).max() ?? 0
        for row in rows.prefix(max(lines - 1, 0)) {
            let cells = Self.columns([
                "\(row.device)", "\(row.ring)", row.direction == "to guest" ? "to" : "from",
                Self.short(row.packets), Self.short(row.bits), Self.short(row.dropped),
                Self.short(row.interrupts), "\(row.inFlight)",
            ])
            let room = max(min(columns - cells.count - 1, 30), 0)
            result.append(cells + " " + Self.bar(most > 0 ? row.packets / most : 0, width: room))
        }
        return result.map { String($0.prefix(max(columns, 0))) }
    }

    private static func columns(_ cells: [String]) -> String {
        let widths = [4, 5, 6, 8, 8, 8, 8, 7]
        return zip(cells, widths).map { cell, width in
            String(repeating: " ", count: max(width - cell.count, 0)) + cell
        }.joined()
    }

    /// A number with three digits that count, and a letter for the thousands.
    public static func short(_ number: Double) -> String {
        guard number.isFinite, number >= 0 else { return "-" }
        var rest = number
        for letter in ["", "k", "M", "G", "T"] {
            if rest < 999.5 {
                if letter.isEmpty || rest >= 99.95 { return "\(Int(rest.rounded()))\(letter)" }
                let tenths = Int((rest * 10).rounded())
                return "\(tenths / 10).\(tenths % 10)\(letter)"
            }
            rest /= 1000
        }
        return ">999T"
    }

    /// A bar in eighths of a column.
    public static func bar(_ part: Double, width: Int) -> String {
        guard part.isFinite, part > 0, width > 0 else { return "" }
        let eighths = Int((min(part, 1) * Double(width * 8)).rounded(.up))
        let whole = String(repeating: "█", count: eighths / 8)
        let parts = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
        return whole + parts[eighths % 8]
    }
}
