// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

struct DigitsTests {
    @Test(arguments: [0, 1, 9, 10, 15, 16, 0xabc, 0xfff_ffff, 1 << 63, UInt64.max])
    func numbersAreWrittenAsSwiftWritesThem(_ number: UInt64) {
        let decimal = DecimalDigits(number)
        let hexadecimal = HexadecimalDigits(number)
        #expect(text((0..<decimal.count).map { decimal[$0] }) == String(number))
        #expect(text((0..<hexadecimal.count).map { hexadecimal[$0] }) == String(number, radix: 16))
    }

    @Test func onlyDigitsHaveAValue() {
        for byte in UInt8.min...UInt8.max {
            let scalar = Unicode.Scalar(byte)
            let value =
                ("0"..."9").contains(scalar) ? UInt8(Character(scalar).wholeNumberValue!) : nil
            #expect(byte.decimalValue == value)
        }
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
