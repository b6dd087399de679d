// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Users of the system, by number.
struct UserList: Equatable {
    /// Most users of one list.
    static let maximumCount = 16

    private var users = InlineArray<16, UInt32>(repeating: 0)
    /// How many there are.
    private(set) var count = 0

    /// Nobody.
    init() {}

    /// Adds a user. Throws `limitReached`; `invalidArgument` for the number that stands for no user.
    mutating func add(_ user: UInt32) throws(VhostError) {
        guard user != .max else { throw .invalidArgument }
        guard count < Self.maximumCount else { throw .limitReached }
        users[count] = user
        count += 1
    }

    /// True when the user is one of them.
    func contains(_ user: UInt32) -> Bool {
        for index in 0..<count where users[index] == user { return true }
        return false
    }

    /// Users as text, decimal numbers with commas between them, byte by byte up to a zero. Throws
    /// `invalidArgument` for anything else, `limitReached`.
    init(parsing byte: (Int) -> UInt8) throws(VhostError) {
        var index = 0
        repeat {
            var number: UInt32 = 0
            let start = index
            while let digit = byte(index).decimalValue {
                let (ten, isTooLarge) = number.multipliedReportingOverflow(by: 10)
                let (sum, isLarger) = ten.addingReportingOverflow(UInt32(digit))
                guard !isTooLarge, !isLarger else { throw .invalidArgument }
                number = sum
                index += 1
            }
            guard index > start else { throw .invalidArgument }
            try add(number)
            index += 1
        } while byte(index - 1) == UInt8(ascii: ",")
        guard byte(index - 1) == 0 else { throw .invalidArgument }
    }

    static func == (left: UserList, right: UserList) -> Bool {
        guard left.count == right.count else { return false }
        for index in 0..<left.count where left.users[index] != right.users[index] { return false }
        return true
    }
}
