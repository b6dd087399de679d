// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// The functions of DPDK's telemetry library, found in the process by name. DPDK 21.08 and 22.11
/// have them with the same types, and later releases keep them.
@safe
struct TelemetryLibrary {
    private typealias Answer = UnsafeMutableRawPointer
    /// A command.
    typealias Command =
        @convention(c) (
            UnsafePointer<CChar>?, UnsafePointer<CChar>?, UnsafeMutableRawPointer?
        ) -> Int32

    private typealias Register =
        @convention(c) (UnsafePointer<CChar>?, Command?, UnsafePointer<CChar>?) -> Int32
    private typealias Make = @convention(c) () -> Answer?
    private typealias Destroy = @convention(c) (Answer?) -> Void
    private typealias StartArray = @convention(c) (Answer?, UInt32) -> Int32
    private typealias StartDictionary = @convention(c) (Answer?) -> Int32
    private typealias AddElement = @convention(c) (Answer?, UnsafePointer<CChar>?) -> Int32
    private typealias AddNumberElement = @convention(c) (Answer?, Int32) -> Int32
    private typealias AddString =
        @convention(c) (Answer?, UnsafePointer<CChar>?, UnsafePointer<CChar>?) -> Int32
    private typealias AddNumber =
        @convention(c) (Answer?, UnsafePointer<CChar>?, UInt64) -> Int32
    private typealias AddContainer =
        @convention(c) (Answer?, UnsafePointer<CChar>?, Answer?, Int32) -> Int32

    private let registerCommand: Register
    private let make: Make
    private let destroy: Destroy
    private let startArrayOf: StartArray
    private let startDictionaryOf: StartDictionary
    private let addElement: AddElement
    private let addNumberElement: AddNumberElement
    private let addString: AddString
    private let addNumber: AddNumber
    private let addContainer: AddContainer

    /// Looks for all of them; nil without DPDK's telemetry.
    init?() {
        guard let register = unsafe crte_find_symbol("rte_telemetry_register_cmd"),
            let make = unsafe crte_find_symbol("rte_tel_data_alloc"),
            let destroy = unsafe crte_find_symbol("rte_tel_data_free"),
            let array = unsafe crte_find_symbol("rte_tel_data_start_array"),
            let dictionary = unsafe crte_find_symbol("rte_tel_data_start_dict"),
            let element = unsafe crte_find_symbol("rte_tel_data_add_array_string"),
            let numberElement = unsafe crte_find_symbol("rte_tel_data_add_array_int"),
            let string = unsafe crte_find_symbol("rte_tel_data_add_dict_string"),
            let number = unsafe crte_find_symbol("rte_tel_data_add_dict_u64"),
            let container = unsafe crte_find_symbol("rte_tel_data_add_dict_container")
        else { return nil }
        // SAFETY: rte_telemetry.h of DPDK 20.11 to 22.11 declares them so.
        unsafe registerCommand = unsafeBitCast(register, to: Register.self)
        unsafe self.make = unsafeBitCast(make, to: Make.self)
        unsafe self.destroy = unsafeBitCast(destroy, to: Destroy.self)
        unsafe startArrayOf = unsafeBitCast(array, to: StartArray.self)
        unsafe startDictionaryOf = unsafeBitCast(dictionary, to: StartDictionary.self)
        unsafe addElement = unsafeBitCast(element, to: AddElement.self)
        unsafe addNumberElement = unsafeBitCast(numberElement, to: AddNumberElement.self)
        unsafe addString = unsafeBitCast(string, to: AddString.self)
        unsafe addNumber = unsafeBitCast(number, to: AddNumber.self)
        unsafe addContainer = unsafeBitCast(container, to: AddContainer.self)
    }

    /// Registers a command; the texts stay for ever. Old releases take at most 55 bytes of a name and
    /// 63 of a help text, and refuse a command that has more.
    func register(_ name: StaticString, _ command: Command, help: StaticString) {
        // SAFETY: static strings end with a zero byte and are never freed.
        _ = unsafe registerCommand(Self.text(name), command, Self.text(help))
    }

    /// Makes an answer one of names and values.
    func startDictionary(_ answer: TelemetryAnswer) {
        // SAFETY: the library's own structure, here and below.
        _ = unsafe startDictionaryOf(answer.pointer)
    }

    /// Makes an answer a list of texts: RTE_TEL_STRING_VAL.
    func startTexts(_ answer: TelemetryAnswer) {
        // SAFETY: as above.
        _ = unsafe startArrayOf(answer.pointer, 0)
    }

    /// Makes an answer a list of numbers: RTE_TEL_INT_VAL.
    func startNumbers(_ answer: TelemetryAnswer) {
        // SAFETY: as above.
        _ = unsafe startArrayOf(answer.pointer, 1)
    }

    /// Another answer, to put into one; nil without memory.
    func makeAnswer() -> TelemetryAnswer? {
        // SAFETY: takes nothing.
        unsafe TelemetryAnswer(make())
    }

    /// Appends a text.
    func append(_ text: TelemetryText, to answer: TelemetryAnswer) {
        // SAFETY: the library copies the text, here and below.
        unsafe text.withPointer { _ = unsafe addElement(answer.pointer, $0) }
    }

    /// Appends a number.
    func append(_ number: Int32, to answer: TelemetryAnswer) {
        // SAFETY: as above.
        _ = unsafe addNumberElement(answer.pointer, number)
    }

    /// Adds a text by name.
    func add(_ name: TelemetryText, _ text: TelemetryText, to answer: TelemetryAnswer) {
        // SAFETY: as above.
        unsafe name.withPointer { name in
            unsafe text.withPointer { _ = unsafe addString(answer.pointer, name, $0) }
        }
    }

    /// Adds a number by name.
    func add(_ name: TelemetryText, _ number: UInt64, to answer: TelemetryAnswer) {
        // SAFETY: as above.
        unsafe name.withPointer { _ = unsafe addNumber(answer.pointer, $0, number) }
    }

    /// Adds another answer by name, which is freed with this one; at once where it cannot be added.
    func add(_ name: TelemetryText, _ other: TelemetryAnswer, to answer: TelemetryAnswer) {
        // SAFETY: `other` is from makeAnswer() and nobody else's.
        unsafe name.withPointer { name in
            if unsafe addContainer(answer.pointer, name, other.pointer, 0) < 0 {
                unsafe destroy(other.pointer)
            }
        }
    }

    private static func text(_ text: StaticString) -> UnsafePointer<CChar> {
        // SAFETY: bytes of a C string are its characters.
        unsafe UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
    }
}
