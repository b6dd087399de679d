// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Glibc
import Testing

@testable import RteVhostSwift

/// What a line writes, caught by putting a file in the place of standard error.
@Suite("Base: log line", .serialized)
struct LogLineTests {
    /// Runs `body` and gives the line that holds `marker` from what went to standard error.
    private func capture(_ marker: String, _ body: () -> Void) throws -> String? {
        let file = try MockMemory.makeFile(byteCount: 0)
        let saved = dup(2)
        dup2(file, 2)
        body()
        dup2(saved, 2)
        close(saved)
        // Other tests' lines may still be on their way into the file: its offset is left alone.
        var bytes = [UInt8](repeating: 0, count: 65536)
        let count = pread(file, &bytes, bytes.count, 0)
        close(file)
        let text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        return text.split(separator: "\n").map(String.init).first { $0.contains(marker) }
    }

    @Test("numbers in decimal and hexadecimal, at their limits")
    func numbers() throws {
        let line = try capture("<n>") {
            var line = LogLine()
            line.add("<n> ")
            for number in [0, 9, 10, -1, Int.max, Int.min] {
                line.add(number)
                line.add(" ")
            }
            for number: UInt64 in [0, 9, 0xa, 0xf0, 0x1234, UInt64.max] {
                line.add(hex: number)
                line.add(" ")
            }
            line.write()
        }
        #expect(
            line == "<n> 0 9 10 -1 9223372036854775807 -9223372036854775808 "
                + "0x0 0x9 0xa 0xf0 0x1234 0xffffffffffffffff ")
    }

    @Test("a line longer than its room is cut and still ends")
    func long() throws {
        let line = try capture("<long>") {
            var line = LogLine()
            line.add("<long>")
            for _ in 0..<600 { line.add(byte: UInt8(ascii: "x")) }
            line.write()
        }
        #expect(line?.utf8.count == 510)
    }

    @Test("every error and fault has words of its own")
    func words() throws {
        let faults: [FrontendFault] = [
            .malformed, .descriptors, .unknownRequest, .queueIndex, .badValue, .badState,
            .unmapped, .disconnected,
        ]
        let errors: [VhostError] =
            [
                .invalidArgument, .notFound, .exists, .busy, .outOfMemory, .limitReached,
                .unsupported, .system(5),
            ] + faults.map { .frontend($0) }
        var texts: Set<String> = []
        for error in errors {
            let text = try capture("<e>") {
                var line = LogLine()
                line.add("<e>")
                line.add(error)
                line.write()
            }
            texts.insert(try #require(text))
        }
        #expect(texts.count == errors.count)
        #expect(texts.contains("<e>system error 5"))
        #expect(texts.contains("<e>address outside the memory table"))
    }

    @Test("a path is written as it is")
    func path() throws {
        let line = try capture("<p>") {
            var line = LogLine()
            line.add("<p>")
            line.add(SocketPath("/run/vhost0")!)
            line.write()
        }
        #expect(line == "<p>/run/vhost0")
    }
}
