# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
#
# BACKEND=testpmd: Debian's net_vhost in the place of vhost-switch, for common.sh. With --echo it
# swaps addresses on one socket, otherwise it joins two. It knows no engine and no hashes.

# start_reference OPTION… -- SOCKET…
start_reference() {
	need_testpmd
	reference_mode=io
	client=0
	while [ "$1" != -- ]; do
		case $1 in
		--echo) reference_mode=macswap ;;
		--client) client=1 ;;
		esac
		shift
	done
	shift
	topology=paired
	[ "$reference_mode" = io ] || topology=loop
	count=0
	vdevs=
	for socket; do
		vdevs="$vdevs --vdev eth_vhost$count,iface=$socket,queues=${queues:-1},client=$client"
		[ -z "${reference_arguments-}" ] || vdevs=$vdevs,$reference_arguments
		count=$((count + 1))
	done
	rm -f "$work/reference.in"
	mkfifo "$work/reference.in" || die "no fifo"
	# shellcheck disable=SC2086
	stdbuf -oL dpdk-testpmd --no-huge -m 512 --no-pci --no-telemetry --file-prefix "reference$$" \
		--lcores '0@(0-1),1@(0-1)' $vdevs -- -i --port-topology=$topology \
		--forward-mode=$reference_mode --no-flush-rx --total-num-mbufs=32768 \
		--rxq="${queues:-1}" --txq="${queues:-1}" \
		<"$work/reference.in" >"$work/switch.log" 2>&1 3>&- 4>&- 5>&- &
	switch_pid=$!
	exec 9>"$work/reference.in"
	printf 'set fwd %s retry\nset burst tx delay 10 retry 1000\nstart\n' $reference_mode >&9
}

# Its counters as a line of vhost-switch's.
stop_reference() {
	printf 'stop\nshow port stats all\nquit\n' >&9
	exec 9>&-
	await_end "$switch_pid" 10
	awk '/NIC statistics/ { split("", seen); inside = 1 }
		/Throughput/ { inside = 0 }
		inside { for (i = 1; i < NF; i++) if ($i ~ /^[RT]X-(packets|bytes):$/ && !($i in seen)) {
			sum[$i] += $(i + 1); seen[$i] } }
		END { printf "vhost-switch: rx=%d tx=%d dropped=%d inflight=0 leaked=0 rx_bytes=%d " \
			"tx_bytes=%d changed=0 malformed=0\n", sum["RX-packets:"], sum["TX-packets:"],
			sum["RX-packets:"] - sum["TX-packets:"], sum["RX-bytes:"], sum["TX-bytes:"] }' \
		"$work/switch.log" >"$work/switch"
}
