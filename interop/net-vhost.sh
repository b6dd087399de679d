# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
#
# testpmd with a net_vhost port as host, on the library that $library says. For scripts that have
# read common.sh and testpmd.sh.

soname=librte_vhost.so.23
answer=$work/switch.answer

# The file that the loader must take.
expected_library() {
	if [ "$library" = debian ]; then
		readlink -f /usr/lib/*/"$soname"
	else
		readlink -f "$library/$soname"
	fi
}

# All that makes an application run on this library.
take_library() {
	[ "$library" = debian ] ||
		export LD_LIBRARY_PATH="$library${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
}

# Does the loader find our file for the driver, and in it all that the driver needs?
check_loader() {
	problems=
	driver=$(readlink -f /usr/lib/*/dpdk/pmds-23.*/librte_net_vhost.so.23)
	(take_library && ldd -r "$driver") >"$work/ldd" 2>&1
	same "ldd" "$(readlink -f "$(sed -n "s/.*$soname => \([^ ]*\) .*/\1/p" "$work/ldd")")" \
		"$file"
	problems="$problems$(sed -n 's/^\(undefined symbol\|.*version.*not \)/, &/p' "$work/ldd")"
	report "ldd of $(basename "$driver") with ${file##*/build/}" "$problems"
}

start_host() {
	rm -f "$work/host.in"
	mkfifo "$work/host.in" || die "no fifo"
	(take_library && exec stdbuf -oL dpdk-testpmd --no-huge -m 512 --no-pci --no-telemetry \
		--file-prefix "host$$" --lcores '0@(0-1),1@(0-1)' \
		--log-level=lib.vhost.config:warning \
		--vdev "net_vhost0,iface=$work/vhost.sock,queues=$queues,client=$client$buffers" \
		-- -i --port-topology=loop --no-flush-rx --total-num-mbufs=32768 \
		--rxq="$queues" --txq="$queues") \
		<"$work/host.in" >"$work/switch.host" 2>&1 3>&- 4>&- 5>&- &
	switch_pid=$!
	exec 9>"$work/host.in"
	[ "$client" = 1 ] || await_socket "$work/vhost.sock" "$switch_pid" ||
		problems="$problems, the host does not listen"
	[ "$life" != log ] || ask "set log lib.vhost.config 7"
	ask "$host_patience"
}

# Tells the host commands, and waits until it has done them; what it said is in $answer then.
ask() {
	asked=$((asked + 1))
	before=$(wc -l <"$work/switch.host")
	is_over "$switch_pid" || printf '%s\n' "$@" "mark$asked" >&9
	tries=400
	until grep -q "mark$asked" "$work/switch.host"; do
		is_over "$switch_pid" && problems="$problems, the host ended" && return 1
		[ "$tries" -gt 0 ] || { problems="$problems, the host does not do $*"; return 1; }
		tries=$((tries - 1))
		sleep 0.05
	done
	sed "1,${before}d" "$work/switch.host" >"$answer"
}

# A number that the host answered with: KEY: NUMBER.
answered() {
	awk -v key="$1:" '{ for (i = 1; i < NF; i++) if ($i == key) value = $(i + 1) }
		END { printf "%d\n", value }' "$answer"
}

# Waits until the host has received $1 packets.
await_host() {
	asks=100
	while ask "show port stats 0" && [ "$(answered RX-packets)" != "$1" ]; do
		[ "$asks" -gt 0 ] || return
		asks=$((asks - 1))
		sleep 0.05
	done
}

# Has the process our file mapped, and no other?
check_maps() {
	same "/proc/$switch_pid/maps" "$file" \
		"$(sed -n 's/.* \(\/.*librte_vhost\.so.*\)/\1/p' "/proc/$switch_pid/maps" | sort -u |
			tr '\n' ' ' | sed 's/ $//')"
}

# Is each packet of the host's pool back, in the pool or in an lcore's cache?
check_pool() {
	ask "dump_mempool mb_pool_0" || return 1
	pool=$(awk -F = '/populated_size=/ { size = $2 }
		/total_cache_count=|common_pool_count=/ { free += $2 }
		END { printf "%d/%d\n", free, size }' "$answer")
	same "packets in the host's pool" "${pool%/*}" 32768
	same "size of the host's pool" "${pool#*/}" 32768
}

stop_host() {
	ask stop && check_pool
	is_over "$switch_pid" || echo quit >&9
	exec 9>&-
	await_end "$switch_pid" 15 || problems="$problems, the host does not end"
	kill -KILL "$switch_pid" 2>/dev/null
	wait "$switch_pid"
	same "status of the host" "$?" 0
	switch_pid=
}

# Nothing in the host's log says that something went wrong.
check_log() {
	expected='[RT]X-errors:|^[rt]x_.*errors: 0$'
	case $life in
	# A ring goes on where another process left it.
	reattach | kill-host | end-host) expected="$expected|mismatch" ;;
	# As DPDK's own library it tells DPDK's log what it does, at the level that is set there.
	log)
		expected="$expected|VHOST_CONFIG: "
		grep -q 'VHOST_CONFIG: .*vhost.sock' "$work/switch.host" ||
			problems="$problems, nothing about the socket in DPDK's log"
		;;
	esac
	said=$(cat "$work/switch.first" "$work/switch.host" 2>/dev/null | grep -Ev "$expected" |
		grep -Ei 'VHOST_|rtevhostswift|error|fail|invalid|cannot|panic' | head -n 1)
	[ -z "$said" ] || problems="$problems, the host's log: $said"
}
