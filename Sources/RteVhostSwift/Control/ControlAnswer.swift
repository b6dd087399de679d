// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// An answer on its way: where it stands. It is made step by step as the client takes it, so that
/// a thousand devices need no more memory than one. Sockets and devices may come and go meanwhile:
/// each is told as it is when its step comes.
struct ControlAnswer {
    /// What comes next.
    private enum Step {
        case head
        case socket(Int)
        case device(Int)
        case features(Int)
        case region(Int, Int)
        case queue(Int, Int)
        case messages(Int)
        case done
    }

    /// Room that each step needs; what one step puts in is less.
    static let stepRoom = 8192

    private let request: ControlRequest
    private var step = Step.head

    /// The answer to a request.
    init(_ request: ControlRequest) { self.request = request }

    /// True when all of it was put in.
    var isDone: Bool {
        if case .done = step { true } else { false }
    }

    /// Puts one more step in.
    mutating func advance(_ writer: inout JSONWriter, _ inspector: borrowing Inspector) {
        switch step {
        case .head:
            writer.addHead()
            writer.openArray("sockets")
            step = .socket(0)
        case .socket(let index): addSocket(index, &writer)
        case .device(let vid): addDevice(vid, &writer, inspector)
        case .features(let vid):
            if let device = inspector.device(vid) { writer.addNegotiation(device) }
            beginRegions(vid, &writer, inspector)
        case .region(let vid, let index): addRegions(vid, index, &writer, inspector)
        case .queue(let vid, let index): addQueue(vid, index, &writer, inspector)
        case .messages(let vid):
            if let device = inspector.device(vid) { writer.addMessages(device.history) }
            writer.closeObject()
            step = .device(vid + 1)
        case .done: break
        }
    }

    /// True for what is asked for.
    private func wants(_ path: SocketPath) -> Bool { request.path.map { $0 == path } ?? true }

    private mutating func addSocket(_ index: Int, _ writer: inout JSONWriter) {
        guard let (found, driver) = DriverFacts.next(from: index) else {
            writer.closeArray()
            writer.openArray("devices")
            step = .device(0)
            return
        }
        if wants(driver.path) { writer.addSocket(driver) }
        step = .socket(found + 1)
    }

    private mutating func addDevice(
        _ vid: Int, _ writer: inout JSONWriter, _ inspector: borrowing Inspector
    ) {
        // So many that closed ones cost next to nothing.
        for vid in vid..<DeviceTable.maximumCount {
            guard let device = inspector.device(vid), wants(device.path) else { continue }
            writer.openObject()
            writer.addDevice(device)
            if case .list = request.command {
                writer.closeObject()
                step = .device(vid + 1)
            } else {
                step = .features(vid)
            }
            return
        }
        writer.closeArray()
        writer.closeObject()
        writer.endLine()
        step = .done
    }

    /// A system may forbid the kernel's looks; then it is not known what memory there is.
    private mutating func beginRegions(
        _ vid: Int, _ writer: inout JSONWriter, _ inspector: borrowing Inspector
    ) {
        if inspector.memory(of: vid, { inspector.regionCount($0) }) != nil {
            writer.openArray("memory")
            step = .region(vid, 0)
        } else {
            writer.addNull("memory")
            writer.openArray("rings")
            step = .queue(vid, 0)
        }
    }

    private mutating func addRegions(
        _ vid: Int, _ first: Int, _ writer: inout JSONWriter, _ inspector: borrowing Inspector
    ) {
        let count = inspector.memory(of: vid) { inspector.regions($0, from: first) } ?? 0
        for index in 0..<count { writer.addRegion(inspector.region(index)) }
        if count == Inspector.regionsAtOnce {
            step = .region(vid, first + count)
            return
        }
        writer.closeArray()
        writer.openArray("rings")
        step = .queue(vid, 0)
    }

    private mutating func addQueue(
        _ vid: Int, _ index: Int, _ writer: inout JSONWriter, _ inspector: borrowing Inspector
    ) {
        guard let device = inspector.device(vid), let cell = inspector.queue(vid, index) else {
            writer.closeArray()
            step = .messages(vid)
            return
        }
        writer.openObject()
        inspector.tell(cell, of: device, &writer)
        writer.closeObject()
        step = .queue(vid, index + 1)
    }
}
