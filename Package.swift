// swift-tools-version:6.2
// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import PackageDescription

// One set of sources, two builds: ordinary Swift for tests, sanitizers and fuzzers; Embedded Swift, which needs no
// runtime, for the library that ships. `make` sets the variable; plain `swift build` does not.
let isShipped = Context.environment["RTEVHOSTSWIFT_EMBEDDED"] != nil
let root = Context.packageDirectory

let headers = [
    "-Xcc", "-D_GNU_SOURCE", "-Xcc", "-I\(root)/include", "-Xcc", "-I\(root)/include/standalone",
]
let shipped: [SwiftSetting] = [
    .enableExperimentalFeature("Embedded"),
    .unsafeFlags([
        "-wmo", "-enforce-exclusivity=unchecked", "-Xllvm",
        "-swiftmergefunc-threshold=0", "-Xcc", "-fvisibility=hidden",
    ]),
]

let package = Package(
    name: "RteVhostSwift",
    products: [
        .library(name: "RteVhostSwift", type: .static, targets: ["RteVhostSwift"])
    ],
    targets: [
        .target(
            name: "CRteVhost",
            cSettings: [
                .unsafeFlags([
                    "-I\(root)/include", "-I\(root)/include/standalone", "-O2",
                ])
            ]),
        .target(
            name: "RteVhostSwift",
            dependencies: ["CRteVhost"],
            swiftSettings: [
                .strictMemorySafety(),
                .treatAllWarnings(as: .error),
                .enableExperimentalFeature("Lifetimes"),
                .unsafeFlags(headers),
            ] + (isShipped ? shipped : [])),
        .testTarget(
            name: "RteVhostSwiftTests",
            dependencies: ["RteVhostSwift", "CRteVhost"],
            path: "Tests/RteVhostSwiftTests",
            swiftSettings: [.unsafeFlags(headers)]),
    ]
)
