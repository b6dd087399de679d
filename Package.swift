// swift-tools-version:6.2
// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import PackageDescription

// One set of sources, two builds: ordinary Swift for tests, sanitizers and fuzzers; Embedded Swift, which needs no
// runtime, for the library that ships. `make` sets the variable; plain `swift build` does not.
let isShipped = Context.environment["RTEVHOSTSWIFT_EMBEDDED"] != nil
let root = Context.packageDirectory

// The release of DPDK whose ABI the library has; what only another one has is left out.
let release = Context.environment["RTEVHOSTSWIFT_FLAVOUR"] ?? "21.08"
let otherRelease = release == "22.11" ? "Release2108" : "Release2211"
let includes =
    (release == "22.11" ? ["-I\(root)/include/dpdk-22.11"] : [])
    + ["-I\(root)/include", "-I\(root)/include/standalone"]

// `rtevhostctl`: the one thing that needs another package. Only `make rtevhostctl` sets the variable, so that
// nothing else waits for it.
let hasTool = Context.environment["RTEVHOSTSWIFT_TOOL"] != nil

let headers = ["-Xcc", "-D_GNU_SOURCE"] + includes.flatMap { ["-Xcc", $0] }
let shipped: [SwiftSetting] = [
    .enableExperimentalFeature("Embedded"),
    .unsafeFlags([
        "-wmo", "-enforce-exclusivity=unchecked", "-Xllvm",
        "-swiftmergefunc-threshold=0", "-Xcc", "-fvisibility=hidden",
        // Debug information, and so the build ID, is the same wherever the tree lies.
        "-file-prefix-map", "\(root)=.", "-Xfrontend", "-no-clang-module-breadcrumbs",
    ]),
]

// What rtevhostctl knows, and its tests; the program itself is little more than options.
let control: [Target] = [
    .target(name: "VhostControl", swiftSettings: [.treatAllWarnings(as: .error)]),
    .testTarget(name: "VhostControlTests", dependencies: ["VhostControl"]),
]
let tool = Target.executableTarget(
    name: "rtevhostctl",
    dependencies: [
        "VhostControl", .product(name: "ArgumentParser", package: "swift-argument-parser"),
    ],
    swiftSettings: [.treatAllWarnings(as: .error)])

let package = Package(
    name: "RteVhostSwift",
    products: [
        .library(name: "RteVhostSwift", type: .static, targets: ["RteVhostSwift"])
    ],
    dependencies: hasTool
        ? [.package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")] : [],
    targets: [
        .target(
            name: "CRteVhost",
            // The valgrind of Debian 12 reads DWARF 4.
            cSettings: [
                .unsafeFlags(includes + ["-O2", "-gdwarf-4", "-ffile-prefix-map=\(root)=."])
            ]),
        .target(
            name: "RteVhostSwift",
            dependencies: ["CRteVhost"],
            exclude: ["CABI/\(otherRelease)"],
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
    ] + (isShipped ? [] : control) + (hasTool ? [tool] : [])
)
