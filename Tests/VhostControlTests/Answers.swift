// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

@testable import VhostControl

/// Answers as a process gives them, with something changed.
enum Answers {
    /// A device that works, in the words of a library of this version.
    static func healthy(_ changes: [(String, String)] = [], time: Int = 1_000_000_000) -> String {
        var text = """
            {"protocol":1,"library":"0.1.0","process":7,"time_ns":\(time),"sockets":[{"path":"/s",\
            "state":"started","role":"server","flags":"0x0","offered_features":"0x1",\
            "offered_protocol_features":"0x1","queue_pairs":128,"hardware":false,"connections":1}],\
            "devices":[{"device":0,"socket":"/s","running":true,"draining":false,"net":true,\
            "hardware":false,"queues":2,"packed":false,"messages":20,"refused":0,\
            "features":{"bits":"0x1","offered":"0x1","names":["VIRTIO_F_VERSION_1",41],"missing":[]},\
            "protocol_features":{"bits":"0x1","offered":"0x1",\
            "names":["VHOST_USER_PROTOCOL_F_STATUS"],"missing":[]},"mtu":0,"status":7,\
            "backend_channel":false,"postcopy":false,"flags":"0x0","memory":[{"guest":"0x0",\
            "frontend":"0x1","host":"0x2","size":"0x1000"}],"rings":[\(ring(0)),\(ring(1))],\
            "last_messages":[{"name":"SET_STATUS","time_ns":5,"bytes":8}]}],"more":{"new":[1]}}

            """
        for (old, new) in changes { text = text.replacing(old, with: new) }
        return text
    }

    private static func ring(_ index: Int) -> String {
        """
        {"ring":\(index),"direction":"\(index == 0 ? "to" : "from") guest","format":"split",\
        "size":256,"header_bytes":12,"enabled":true,"started":true,"reported":true,\
        "paused":false,"engine_stuck":false,"awaits_translation":false,"broken":false,\
        "kick":"present","call":"present","wants_kicks":true,"frontend_addresses":\
        {"descriptors":"0x1","available":"0x2","used":"0x3"},"next_available":5,"next_used":5,\
        "available":\(index == 0 ? 250 : 0),"engine":{"attached":false,"in_flight":0,"copying":0},\
        "counters":{"packets":100,"bytes":6400,"dropped_short":0,"pool_empty":0,\
        "notifications":3,"engine_errors":0}}
        """
    }

    /// It, understood.
    static func look(_ changes: [(String, String)] = [], time: Int = 1_000_000_000) throws
        -> Snapshot
    {
        try Snapshot(json: healthy(changes, time: time))
    }
}
