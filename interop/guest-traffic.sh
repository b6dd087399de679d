# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
#
# Traffic between Linux guests, and what they say of their devices: for the scripts that join two
# of them, to be read after guest.sh. What check_features expects is in variables: mergeable,
# event_index, offloads, segments, indirect, packed, iommu (on or off), mtu and queues.
# transfer_seconds is how long one may take.

# Numbers of feature bits.
MTU=3
GUEST_TSO4=7
HOST_TSO4=11
MRG_RXBUF=15
MQ=22
INDIRECT_DESC=28
EVENT_IDX=29
VERSION_1=32
ACCESS_PLATFORM=33
RING_PACKED=34

check_features() {
	problems=
	for guest in a b; do
		ask $guest 10 'cat /sys/bus/virtio/devices/virtio0/features; echo'
		same "guest $guest, version 1" "$(has_feature $VERSION_1)" on
		same "guest $guest, mergeable buffers" "$(has_feature $MRG_RXBUF)" "$mergeable"
		same "guest $guest, event index" "$(has_feature $EVENT_IDX)" "$event_index"
		same "guest $guest, segments to the guest" "$(has_feature $GUEST_TSO4)" "$offloads"
		same "guest $guest, segments from the guest" "$(has_feature $HOST_TSO4)" "$segments"
		same "guest $guest, indirect" "$(has_feature $INDIRECT_DESC)" "$indirect"
		same "guest $guest, packed rings" "$(has_feature $RING_PACKED)" "$packed"
		same "guest $guest, platform's addresses" "$(has_feature $ACCESS_PLATFORM)" "$iommu"
		same "guest $guest, MTU" "$(has_feature $MTU)" "$([ "$mtu" = 1500 ] && echo off || echo on)"
		[ "$queues" = 1 ] || same "guest $guest, queues" "$(has_feature $MQ)" on
		ask $guest 10 'ls -d /sys/class/net/eth0/queues/tx-* | wc -l'
		same "guest $guest, transmit queues" "$reply" "$queues"
	done
	report "features $cell" "$problems"
}

# ping_both SIZE
ping_both() {
	problems=
	text=
	for guest in a b; do
		[ $guest = a ] && peer=2 || peer=1
		ask $guest 40 "ping -c 20 -i 0.05 -w 15 -s $1 10.0.0.$peer" ||
			problems="$problems, guest $guest: $(echo "$reply" | grep received)"
		received=$(echo "$reply" | sed -n 's/.* \([0-9]*\) packets received.*/\1/p')
		same "replies to guest $guest" "$received" 20
		text="$text $(echo "$reply" | sed -n 's/^round-trip.*= [^/]*\/\([^/]*\)\/.*/\1/p')"
	done
	# shellcheck disable=SC2086
	set -- "$1" $text
	report "ping$1 $cell, 20 of 20 each way, ${2-?} and ${3-?} ms on average" "$problems"
}

# transfer FROM TO ADDRESS MEGABYTES SUM [COMMAND]: the command runs when some of it is there.
transfer() {
	problems=
	tell "$2" 20 'rm -f /sum; nc -l -p 5000 -e sum &'\
' until netstat -ltn | grep -q :5000; do sleep 0.1; done'
	began=$(uptime_ms)
	send "$1" "nc -w 10 $3 5000 -e stream $4"
	sending=$number
	[ $# -lt 6 ] || { await_bytes "$2" $(($4 * 100000)) && $6; }
	answer "$1" "$sending" "$transfer_seconds" || problems="$problems, guest $1 cannot send"
	ask "$2" 60 'i=0; while [ ! -e /sum ] && [ $i -lt 300 ]; do sleep 0.1;'\
' i=$((i + 1)); done; cat /sum'
	ended=$(uptime_ms)
	same checksum "${reply%% *}" "$5"
	took=$((ended - began))
	text="$((took / 1000)).$((took / 100 % 10)) s, $(($4 * 8 * 1000 / took)) Mbit/s"
	report "transfer $cell, $4 MB from $1 to $2${6+ with $6}, md5 ${reply%% *}, $text" "$problems"
}

# Waits until a guest has received some bytes more than now.
await_bytes() {
	rounds=200
	first=
	while [ "$rounds" -gt 0 ]; do
		ask "$1" 20 'cat /sys/class/net/eth0/statistics/rx_bytes; [ ! -e /sum ] || echo over'
		[ -z "$stuck" ] || return 1
		case $reply in
		*over*)
			problems="$problems, the transfer was over before"
			return 1
			;;
		esac
		[ -n "$first" ] || first=$reply
		[ $((reply - first)) -lt "$2" ] || return 0
		rounds=$((rounds - 1))
	done
	problems="$problems, the transfer does not begin"
	return 1
}

# The counters of a guest's interface: bytes and packets received, then sent.
read_counters() {
	ask "$1" 10 'cd /sys/class/net/eth0/statistics; cat rx_bytes rx_packets tx_bytes tx_packets'\
' rx_errors tx_errors rx_dropped tx_dropped'
	# shellcheck disable=SC2086
	reply=$(echo $reply)
}

# What a guest has sent is counted when its driver looks at the ring again, so until then the
# figures may change.
settle() {
	rounds=10
	before=
	while [ "$rounds" -gt 0 ]; do
		read_counters a
		counted_a=$reply
		read_counters b
		[ "$counted_a $reply" != "$before" ] || break
		before="$counted_a $reply"
		rounds=$((rounds - 1))
		sleep 0.5
	done
	[ "$rounds" -gt 0 ] || problems="$problems, the guests' counters do not come to rest"
}
