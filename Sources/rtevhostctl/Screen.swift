// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

#if canImport(Glibc)
    import Glibc
#endif

/// The terminal while `top` has it: a screen of its own and keys without a line's end; all as it
/// was when it is given back.
final class Screen {
    private var saved = termios()
    private let isRaw: Bool

    /// Takes the terminal.
    init() {
        isRaw = tcgetattr(0, &saved) == 0
        Interrupt.watch()
        var raw = saved
        raw.c_lflag &= ~tcflag_t(ICANON | ECHO)
        if isRaw { tcsetattr(0, TCSANOW, &raw) }
        // The alternate screen, no cursor.
        _ = Self.put("\u{1b}[?1049h\u{1b}[?25l")
    }

    /// Gives it back.
    func restore() {
        _ = Self.put("\u{1b}[?25h\u{1b}[?1049l")
        if isRaw { tcsetattr(0, TCSANOW, &saved) }
    }

    /// Columns and lines.
    var size: (columns: Int, lines: Int) {
        var window = winsize()
        guard ioctl(1, UInt(TIOCGWINSZ), &window) == 0, window.ws_col > 0, window.ws_row > 0 else {
            return (80, 24)
        }
        return (Int(window.ws_col), Int(window.ws_row))
    }

    /// Waits; false when the user wants to end, or the terminal is gone.
    func wait(milliseconds: Int32) -> Bool {
        let end = Self.milliseconds() + Int(milliseconds)
        while true {
            guard !Interrupt.hasCome else { return false }
            let left = end - Self.milliseconds()
            guard left > 0 else { return true }
            var entry = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
            guard poll(&entry, 1, Int32(min(left, 1000))) > 0 else { continue }
            var key: UInt8 = 0
            guard read(0, &key, 1) == 1 else { return false }
            // q, Q, and the end of input.
            if key == 0x71 || key == 0x51 || key == 0x04 { return false }
        }
    }

    /// Draws lines from the top, and clears what was below. False when nobody sees it.
    func draw(_ lines: [String]) -> Bool {
        Self.put(
            "\u{1b}[H" + lines.map { $0 + "\u{1b}[K" }.joined(separator: "\r\n") + "\u{1b}[J")
    }

    /// Writes all of a text; false when it cannot be written.
    static func put(_ text: String, to number: Int32 = 1) -> Bool {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { write(number, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR, !Interrupt.hasCome { continue }
            guard count > 0 else { return false }
            bytes = bytes.dropFirst(count)
        }
        return true
    }

    private static func milliseconds() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
    }
}
