// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// A whole message as DPDK 21.08 shows it to an application's handlers: request, flags, size (12
/// bytes), a payload as large as its largest member, the parameters of a crypto session (632
/// bytes), eight descriptors and their number, without padding (680 bytes in all). Also the form in
/// which answers are sent that have more to say than a number.
struct MessageBuffer: BitwiseCopyable {
    /// Largest payload.
    static let payloadLimit = 632
    /// Most descriptors.
    static let descriptorLimit = 8

    private static let descriptorOffset = 644
    private static let countOffset = 676
    private var words = InlineArray<85, UInt64>(repeating: 0)

    /// An empty message without descriptors.
    init() {
        for index in 0..<Self.descriptorLimit { setDescriptor(-1, at: index) }
    }

    /// A message with this header.
    init(request: UInt32, flags: UInt32, payloadByteCount: UInt32) {
        self.init()
        setWord(request, at: 0)
        setWord(flags, at: 4)
        self.payloadByteCount = payloadByteCount
    }

    /// VHOST_USER_…
    var request: UInt32 { word(at: 0) }
    /// Version, REPLY, NEED_REPLY.
    var flags: UInt32 {
        get { word(at: 4) }
        set { setWord(newValue, at: 4) }
    }
    /// Bytes of payload that count.
    var payloadByteCount: UInt32 {
        get { word(at: 8) }
        set { setWord(newValue, at: 8) }
    }
    /// Descriptors that count.
    var descriptorCount: Int32 {
        get { Int32(bitPattern: word(at: Self.countOffset)) }
        set { setWord(UInt32(bitPattern: newValue), at: Self.countOffset) }
    }

    /// A descriptor's number; -1 for none.
    func descriptor(at index: Int) -> Int32 {
        precondition(index >= 0 && index < Self.descriptorLimit)
        return Int32(bitPattern: word(at: Self.descriptorOffset + index * 4))
    }

    /// Names a descriptor, which the message does not own.
    mutating func setDescriptor(_ number: Int32, at index: Int) {
        precondition(index >= 0 && index < Self.descriptorLimit)
        setWord(UInt32(bitPattern: number), at: Self.descriptorOffset + index * 4)
    }

    /// A byte of the payload.
    subscript(index: Int) -> UInt8 {
        get {
            precondition(index >= 0 && index < Self.payloadLimit)
            let place = 12 + index
            return UInt8(truncatingIfNeeded: words[place / 8] >> UInt64(place % 8 * 8))
        }
        set {
            precondition(index >= 0 && index < Self.payloadLimit)
            let place = 12 + index
            let shift = UInt64(place % 8 * 8)
            words[place / 8] = words[place / 8] & ~(0xff << shift) | UInt64(newValue) << shift
        }
    }

    /// Writes 32 bits of the payload at a multiple of 4.
    mutating func setPayload(_ value: UInt32, at offset: Int) {
        precondition(offset >= 0 && offset <= Self.payloadLimit - 4)
        setWord(value, at: 12 + offset)
    }

    /// Writes 64 bits of the payload at a multiple of 4.
    mutating func setPayload(_ value: UInt64, at offset: Int) {
        setPayload(UInt32(truncatingIfNeeded: value), at: offset)
        setPayload(UInt32(truncatingIfNeeded: value >> 32), at: offset + 4)
    }

    // Fields lie at multiples of 4; little-endian, as vhost-user and the processors are.
    private func word(at offset: Int) -> UInt32 {
        UInt32(truncatingIfNeeded: words[offset / 8] >> UInt64(offset % 8 * 8))
    }

    private mutating func setWord(_ value: UInt32, at offset: Int) {
        let shift = UInt64(offset % 8 * 8)
        words[offset / 8] =
            words[offset / 8] & ~(0xffff_ffff << shift) | UInt64(value) << shift
    }
}

extension MessageBuffer {
    /// Sends header, payload and descriptors in one piece. Throws `system`; `invalidArgument` for
    /// a size or a number of descriptors that no message has.
    func send(_ socket: borrowing FileDescriptor) throws(VhostError) {
        guard payloadByteCount <= Self.payloadLimit, descriptorCount >= 0,
            descriptorCount <= Self.descriptorLimit
        else { throw .invalidArgument }
        let byteCount = 12 + Int(payloadByteCount)
        let span = words.span
        // SAFETY: 680 bytes, of which header and payload were checked to lie in the first 644 and
        // the descriptors behind.
        let result = unsafe span.withUnsafeBytes { buffer in
            unsafe crte_send_descriptors(
                socket.number, buffer.baseAddress, byteCount,
                buffer.baseAddress! + Self.descriptorOffset, UInt32(descriptorCount))
        }
        guard try System.check(result) == byteCount else { throw .frontend(.disconnected) }
    }

    /// Shows the message to an application's handler, which may change all of it.
    mutating func show(to handler: MessageHandler, vid: Int32) -> Int32 {
        var span = words.mutableSpan
        // SAFETY: the handler gets 680 bytes, aligned to 8, for the call.
        return unsafe span.withUnsafeMutableBytes { buffer in
            unsafe handler.call(vid, buffer.baseAddress)
        }
    }
}
