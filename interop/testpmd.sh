# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
#
# testpmd with a virtio-user port (0) as guest, and a pcap port (1) that feeds it with frames that
# know who they are and takes what comes back. For scripts that have read common.sh.

PATHS="mergeable nonmergeable inorder-mergeable inorder-nonmergeable vectorised"
ring_size=256

# Numbers of feature bits.
MRG_RXBUF=15
RING_PACKED=34
IN_ORDER=35

# What $ring and $path mean: the device's arguments, and what its driver says that it uses.
set_path() {
	mergeable=0
	in_order=0
	vectorised=0
	send=standard
	receive=standard
	case $path in
	mergeable) mergeable=1 receive="mergeable buffer" ;;
	inorder-*) in_order=1 receive=inorder send=inorder ;;
	vectorised) vectorised=1 receive=vectorized ;;
	esac
	[ "$path" != inorder-mergeable ] || mergeable=1
	# Of packed rings DPDK's driver has no path of its own for in-order, but it tells the
	# feature; and it is vectorised only with that, on a processor with AVX-512.
	case $ring,$path in
	packed,vectorised) in_order=1 send=vectorized ;;
	packed,inorder-*) receive=standard send=standard ;;
	esac
	[ "$ring,$mergeable" != packed,1 ] || receive="mergeable buffer"
}

# make_frames COUNT: of each queue.
make_frames() {
	rm -f "$work"/*.pcap
	sent_count=$1
	queue=0
	while [ "$queue" -lt "$queues" ]; do
		# shellcheck disable=SC2086
		"$bin/frames" make "$work/in$queue.pcap" "$queue" "$1" $sizes || die "frames"
		queue=$((queue + 1))
	done
	name_files "$queues"
}

# The arguments of a pcap port of $1 queues.
name_files() {
	files=
	queue=0
	while [ "$queue" -lt "$1" ]; do
		files=$files,rx_pcap=in$queue.pcap,tx_pcap=out$queue.pcap
		queue=$((queue + 1))
	done
}

# A number of the last "show port stats all": port_stat PORT KEY.
port_stat() {
	awk -v port="$1" -v key="$2:" '
		/NIC statistics for port/ { at = $(NF - 1) }
		/Throughput/ { at = "" }
		at == port { for (i = 1; i < NF; i++) if ($i == key) value = $(i + 1) }
		END { printf "%d\n", value }' "$work/testpmd"
}

# Sends testpmd commands.
tell() {
	is_over "$testpmd" || printf '%s\n' "$@" >&3
}

# Waits for a number of lines $1 in what testpmd prints.
await_lines() {
	tries=200
	until [ "$(grep -c "$1" "$work/testpmd")" -ge "$2" ]; do
		is_over "$testpmd" && problems="$problems, testpmd ended: $(tail -n 3 "$work/testpmd")" &&
			return 1
		[ "$tries" -gt 0 ] || { problems="$problems, testpmd does not say $1"; return 1; }
		tries=$((tries - 1))
		sleep 0.05
	done
}

# Asks for statistics.
show() {
	shown=$((shown + 2))
	tell "show port stats all"
	await_lines 'TX-bytes:' "$shown"
}

# Waits until testpmd has read $1 frames.
await_start() {
	asks=600
	while show && [ "$(port_stat 1 RX-packets)" -lt "$1" ]; do
		[ "$asks" -gt 0 ] || { problems="$problems, traffic does not start"; return 1; }
		asks=$((asks - 1))
	done
}

# Waits until testpmd has read all frames and the switch's answers to them: until nothing comes
# any more, and until as much came as went, if nothing may be lost.
await_frames() {
	total=$((sent_count * active))
	asks=100
	still=0
	last=
	while [ "$still" -lt 3 ]; do
		sleep 0.1
		show || return 1
		now="$(port_stat 1 RX-packets) $(port_stat 0 TX-packets) $(port_stat 0 RX-packets)"
		case $now in
		"$last") still=$((still + 1)) ;;
		*) still=0 asks=100 ;;
		esac
		last=$now
		# shellcheck disable=SC2086
		set -- $now
		[ "$1" = "$total" ] || still=0
		[ -n "$lossy" ] || [ "$2" = "$3" ] || still=0
		[ "$asks" -gt 0 ] || { problems="$problems, no more packets after $now"; return 1; }
		asks=$((asks - 1))
	done
}

start_testpmd() {
	device=path=$work/vhost.sock,queues=$queues,queue_size=$ring_size,mrg_rxbuf=$mergeable
	device=$device,in_order=$in_order,vectorized=$vectorised
	[ "$ring" = split ] || device=$device,packed_vq=1
	[ -z "$server" ] || device=$device,server=1
	mbufs=24576
	set --
	# Without mergeable buffers a frame needs one that holds it.
	if [ "$jumbo,$mergeable" = yes,0 ]; then
		mbufs=8192
		set -- --mbuf-size=9728
	fi
	# One that was killed leaves its socket.
	[ -z "$server" ] || rm -f "$work/vhost.sock"
	rm -f "$work/commands"
	mkfifo "$work/commands" || die "no fifo"
	# Threads are not bound to CPUs: there may be fewer of these than busy threads.
	(cd "$work" && exec stdbuf -oL dpdk-testpmd --no-huge -m 256 --no-pci --no-telemetry \
		--file-prefix "interop$$" \
		--lcores '0@(0-1),1@(0-1)' --log-level=pmd.net.virtio.init:debug \
		--force-max-simd-bitwidth=512 --vdev "net_virtio_user0,$device" \
		--vdev "net_pcap0$files" -- -i --no-flush-rx --total-num-mbufs="$mbufs" \
		--rxq="$queues" --txq="$queues" "$@") \
		<"$work/commands" >"$work/testpmd" 2>&1 4>&- 9>&- &
	testpmd=$!
	pids=$testpmd
	exec 3>"$work/commands"
	shown=0
}

# Is the feature bit $1 of the last negotiation set, as $2 says?
check_feature() {
	bits=$(sed -n 's/.*features after negotiate = \([0-9a-f]*\).*/\1/p' "$work/testpmd" |
		tail -n 1)
	same "feature $1" "$(((0x${bits:-0} >> $1) & 1))" "$2"
}

check_path() {
	kind=
	[ "$ring" = split ] || kind="packed ring "
	grep -q "using $kind$receive Rx path" "$work/testpmd" ||
		problems="$problems, receive path: $(
			sed -n 's/.*using \(.*\) Rx path.*/\1/p' "$work/testpmd" | head -n 1)"
	grep -q "using $kind$send Tx path" "$work/testpmd" ||
		problems="$problems, transmit path: $(
			sed -n 's/.*using \(.*\) Tx path.*/\1/p' "$work/testpmd" | head -n 1)"
	check_feature $MRG_RXBUF "$mergeable"
	check_feature $IN_ORDER "$in_order"
	check_feature $RING_PACKED "$([ "$ring" = packed ]; echo $((1 - $?)))"
}

# Each frame sent is there, but for $1. Sets found.
check_files() {
	set -- "$1"
	queue=0
	while [ "$queue" -lt "$active" ]; do
		set -- "$@" "$work/out$queue.pcap"
		queue=$((queue + 1))
	done
	found=$("$bin/frames" check "$sent_count" "$@") ||
		problems="$problems, $active queues: ${found:-no frames}"
}
