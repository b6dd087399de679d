# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
#
# What testpmd said to "show port stats" and "show port xstats" of a net_vhost port: prints what does
# not fit, each with ", " before it. Variables: phase, a word for the messages; queues, pairs of them;
# rx_sizes and tx_sizes, the bytes of the packets, in turn on each queue, "" if nobody knows; rx_to
# and tx_to, whom they are for: unicast, multicast or broadcast.

BEGIN {
	count = split("undersize size_64 size_65_127 size_128_255 size_256_511 size_512_1023 " \
		"size_1024_1518 size_1519_max", class, " ")
	split("0 64 65 128 256 512 1024 1519", from, " ")
}

# A line of several is one of the plain statistics.
NF == 2 && $1 ~ /^[rt]x_.*:$/ { value[substr($1, 1, length($1) - 1)] = $2; next }
{ for (i = 1; i < NF; i++) if ($i ~ /^[RT]X-[a-z]+:$/) value[tolower($i)] = $(i + 1) }

function differ(what, one, other) {
	if (one != other)
		printf ", %s: %s: %s and %s", phase, what, one, other
}

function known(name) {
	if (!(name in value))
		printf ", %s: no %s", phase, name
	return value[name] + 0
}

# The class of a packet of that many bytes.
function class_of(bytes,    i) {
	for (i = count; bytes < from[i]; i--)
		;
	return i
}

function check_queue(queue, sizes, to,    i, packets, sum, cycle, size, expected) {
	packets = known(queue "_good_packets")
	for (i = 1; i <= count; i++)
		sum += known(queue "_" class[i] "_packets")
	differ(queue " classes and packets", sum, packets)
	differ(queue " driver's packets", known(queue "_packets"), packets)
	differ(queue " driver's bytes", known(queue "_bytes"), known(queue "_good_bytes"))
	differ(queue " multicast", known(queue "_multicast_packets"), to == "multicast" ? packets : 0)
	differ(queue " broadcast", known(queue "_broadcast_packets"), to == "broadcast" ? packets : 0)
	if (sizes == "")
		return
	if (packets == 0)
		printf ", %s: nothing on %s", phase, queue
	cycle = split(sizes, size, " ")
	for (i = 1; i <= cycle; i++)
		expected[class_of(size[i])] += int((packets + cycle - i) / cycle)
	for (i = 1; i <= count; i++)
		differ(queue "_" class[i], value[queue "_" class[i] "_packets"] + 0, expected[i] + 0)
}

function check_port(way, sizes, to,    queue, packets, bytes) {
	for (queue = 0; queue < queues; queue++) {
		check_queue(way "_q" queue, sizes, to)
		packets += value[way "_q" queue "_good_packets"]
		bytes += value[way "_q" queue "_good_bytes"]
	}
	differ(way " packets of queues and port", packets, known(way "-packets:"))
	differ(way " bytes of queues and port", bytes, known(way "-bytes:"))
	differ(way "_good_packets", known(way "_good_packets"), packets)
}

END {
	check_port("rx", rx_sizes, rx_to)
	check_port("tx", tx_sizes, tx_to)
}
