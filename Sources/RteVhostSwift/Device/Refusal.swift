// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Why a message of a frontend was refused. Each has its counter; the raw value is its place among
/// them.
enum Refusal: Int {
    case malformed
    case descriptors
    case tooManyDescriptors
    case unclosedFiles
    case unknownRequest
    case queueIndex
    case badValue
    case badState
    case byApplication
    case unmapped
    case slowFile
    case memoryGone
    case declined
    case noAnswer
    case busy
    case outOfMemory
    case system
    case other

    /// How many there are.
    static let count = 18

    /// The reason behind an error.
    init(_ error: VhostError) {
        switch error {
        case .frontend(let fault): self.init(fault)
        case .busy: self = .busy
        case .outOfMemory: self = .outOfMemory
        case .system: self = .system
        default: self = .other
        }
    }

    private init(_ fault: FrontendFault) {
        switch fault {
        case .malformed: self = .malformed
        case .descriptors: self = .descriptors
        case .tooManyDescriptors: self = .tooManyDescriptors
        case .unclosedFiles: self = .unclosedFiles
        case .unknownRequest: self = .unknownRequest
        case .queueIndex: self = .queueIndex
        case .badValue: self = .badValue
        case .badState: self = .badState
        case .refused: self = .byApplication
        case .unmapped: self = .unmapped
        case .slowFile: self = .slowFile
        case .memoryGone: self = .memoryGone
        case .declined: self = .declined
        case .noAnswer: self = .noAnswer
        case .disconnected: self = .other
        }
    }

    /// The counter's public name.
    var name: StaticString {
        switch self {
        case .malformed: "refused_malformed"
        case .descriptors: "refused_descriptors"
        case .tooManyDescriptors: "refused_too_many_descriptors"
        case .unclosedFiles: "refused_unclosed_files"
        case .unknownRequest: "refused_unknown_request"
        case .queueIndex: "refused_queue_index"
        case .badValue: "refused_bad_value"
        case .badState: "refused_bad_state"
        case .byApplication: "refused_by_application"
        case .unmapped: "refused_unmapped"
        case .slowFile: "refused_slow_file"
        case .memoryGone: "refused_memory_gone"
        case .declined: "refused_declined"
        case .noAnswer: "refused_no_answer"
        case .busy: "refused_busy"
        case .outOfMemory: "refused_out_of_memory"
        case .system: "refused_system"
        case .other: "refused_other"
        }
    }
}
