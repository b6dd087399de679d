# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
#
# Open vSwitch from Debian's package, with DPDK's librte_vhost.so.23 or ours in the place of it.
# To be read after common.sh. All of its files are in $work, its interfaces in a network namespace
# of its own; needs no huge pages. Variables: iommu and segments (on or off), and library, the
# directory of the library, empty for Debian's.

vswitchd=/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk
schema=/usr/share/openvswitch/vswitch.ovsschema
vhost_library=librte_vhost.so.23
database_pid=
vswitchd_pid=
# The counters of a port, as the guest behind it has them.
COUNTERS="rx_bytes rx_packets tx_bytes tx_packets"

need_ovs() {
	need $vswitchd openvswitch-switch-dpdk
	need ovs-vsctl openvswitch-switch
	export OVS_RUNDIR="$work" OVS_LOGDIR="$work" OVS_DBDIR="$work" OVS_SYSCONFDIR="$work"
	# EAL's files, too.
	export RUNTIME_DIRECTORY="$work"
	system_library=$(dirname "$(ldd $vswitchd | sed -n "s/.*$vhost_library => \(.*\) (.*/\1/p")")
	for isolate in "unshare --net" "unshare --user --map-root-user --net" ""; do
		$isolate true 2>/dev/null && break
	done
}

# Configures, and waits until that is done.
configure() {
	ovs-vsctl --db="unix:$work/database.sock" -t 20 "$@" 2>>"$work/ovs.err"
}

# Asks ovs-vswitchd.
ask_ovs() {
	ovs-appctl -t "$work/vswitchd.ctl" -T 20 "$@" 2>>"$work/ovs.err"
}

# The processors that this process may use, as a mask of the last $1 of them.
last_processors() {
	sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status | tr , '\n' |
		awk -F - -v count="$1" '{ for (i = $1; i <= $NF; i++) cpu[n++] = i }
			END { for (i = n - 1; i >= 0 && i >= n - count; i--) mask += 2 ^ cpu[i]
				printf "0x%x\n", mask }'
}

truth() {
	[ "$1" = on ] && echo true || echo false
}

start_database() {
	rm -f "$work/database" "$work/.database.~lock~"
	ovsdb-tool create "$work/database" $schema || return 1
	ovsdb-server "$work/database" --remote="punix:$work/database.sock" \
		--unixctl="$work/database.ctl" >"$work/database.log" 2>&1 3>&- 4>&- 5>&- &
	database_pid=$!
	switch_pid=$database_pid
	await_socket "$work/database.sock" "$database_pid" || return 1
	configure --no-wait init
	# Without huge pages DPDK wants its old memory mode, which Open vSwitch has to be told, or it
	# asks for the one that excludes it. A poll that finds nothing is followed by a sleep: there
	# are more threads than processors.
	configure --no-wait set Open_vSwitch . other_config:dpdk-init=true \
		other_config:dpdk-extra="--no-huge --legacy-mem -m 512 --no-pci --no-telemetry" \
		other_config:pmd-cpu-mask="$(last_processors "$queues")" other_config:pmd-maxsleep=100 \
		other_config:per-port-memory=true \
		other_config:userspace-tso-enable="$(truth "$segments")" \
		other_config:vhost-iommu-support="$(truth "$iommu")"
}

# Starts ovs-vswitchd; what is in the database comes back with it.
start_vswitchd() {
	rm -f "$work/vswitchd.ctl"
	for port in $(configure --no-wait list-ports "$bridge"); do
		configure --no-wait clear interface "$port" link_state
	done
	# shellcheck disable=SC2086
	env ${library:+"LD_LIBRARY_PATH=$library"} $isolate $vswitchd "unix:$work/database.sock" \
		--unixctl="$work/vswitchd.ctl" --log-file="$work/switch.log" -vconsole:off \
		>>"$work/switch.out" 2>&1 3>&- 4>&- 5>&- &
	vswitchd_pid=$!
	switch_pid="$vswitchd_pid $database_pid"
	await_socket "$work/vswitchd.ctl" $vswitchd_pid && return
	problems="$problems, ovs-vswitchd did not start: $(tail -n 3 "$work/switch.out")"
	return 1
}

add_port() {
	configure add-port "$bridge" "$1" -- set interface "$1" type=dpdkvhostuserclient \
		options:vhost-server-path="$work/$1.sock" ||
		problems="$problems, port $1 cannot be added: $(tail -n 1 "$work/ovs.err")"
}

start_ovs() {
	bridge=ovs$$
	: >"$work/ovs.err"
	rm -f "$work"/switch.*
	if ! start_database; then
		problems="$problems, ovsdb-server: $(tail -n 3 "$work/database.log")"
		return 1
	fi
	start_vswitchd || return 1
	configure add-br "$bridge" -- set bridge "$bridge" datapath_type=netdev ||
		problems="$problems, no bridge: $(tail -n 3 "$work/switch.log")"
	add_port a
	add_port b
	[ -z "$problems" ]
}

# Waits until the devices of both ports are there. Not by dpctl/show -s, and not before: Open
# vSwitch 3.1 keeps a port of which that has no statistics, and get-mempool-info ends it.
await_ports() {
	for port in a b; do
		tries=200
		until [ "$(configure --no-wait get interface $port link_state)" = up ]; do
			tries=$((tries - 1))
			if [ "$tries" -le 0 ] || is_over "$vswitchd_pid"; then
				problems="$problems, port $port does not come up"
				return 1
			fi
			sleep 0.1
		done
	done
}

# Ends ovs-vswitchd as its service does.
stop_vswitchd() {
	ask_ovs exit >"$work/exit"
	if ! await_end "$vswitchd_pid" 15; then
		problems="$problems, ovs-vswitchd does not end"
		kill -KILL "$vswitchd_pid"
	fi
	wait "$vswitchd_pid"
	same "status of ovs-vswitchd" $? 0
	switch_pid=$database_pid
}

kill_vswitchd() {
	kill -KILL "$vswitchd_pid"
	wait "$vswitchd_pid" 2>/dev/null
	switch_pid=$database_pid
}

# Which library does the process use? Adds to problems unless it is that of the variable library,
# and no other; sets text.
check_library() {
	wanted=$(readlink -f "${library:-$system_library}/$vhost_library")
	found=$(LD_LIBRARY_PATH=$library ldd $vswitchd | sed -n "s/.*$vhost_library => \(.*\) (.*/\1/p")
	same "ldd" "$(readlink -f "$found")" "$wanted"
	mapped=$(sed -n 's/.*[[:space:]]\(\/.*\/librte_vhost\.so.*\)$/\1/p' "/proc/$vswitchd_pid/maps" |
		sort -u)
	same "/proc/$vswitchd_pid/maps" "$mapped" "$wanted"
	text="$(basename "$(dirname "$wanted")")/$(basename "$wanted")"
}

# What the datapath counted of ports a and b: for each what their guests received and sent, then
# errors and drops, in the order of read_counters.
read_ports() {
	ports=$(ask_ovs dpctl/show -s | tr ':' ' ' | awk '
		$1 == "port" { port = $3 }
		port != "a" && port != "b" { next }
		/RX packets/ { rx[port] = $3; rx_errors[port] = $5; rx_dropped[port] = $7 }
		/TX packets/ { tx[port] = $3; tx_errors[port] = $5; tx_dropped[port] = $7 }
		/RX bytes/ { rx_bytes[port] = $3; for (i = 4; i < NF; i++) if ($i == "TX")
			tx_bytes[port] = $(i + 2) }
		END { for (i = 1; i <= 2; i++) { p = substr("ab", i, 1)
			printf "%s %s %s %s %s %s %s %s ", tx_bytes[p], tx[p], rx_bytes[p], rx[p],
				tx_errors[p], rx_errors[p], tx_dropped[p], rx_dropped[p] } }')
}

# Packets that the polling threads received since pmd-stats-clear.
read_polled() {
	ask_ovs dpif-netdev/pmd-stats-show | awk '/^pmd thread/ { pmd = 1 } /^main thread/ { pmd = 0 }
		pmd && /packets received:/ { sum += $3 } END { print sum + 0 }'
}

# statistic PORT KEY…: the sum of the last figures that Open vSwitch put into its database.
statistic() {
	port=$1
	shift
	configure --no-wait get interface "$port" statistics | tr -d '{},"' | tr ' ' '\n' |
		awk -F = -v keys="$*" 'BEGIN { split(keys, list, " "); for (i in list) wanted[list[i]] }
			$1 in wanted { sum += $2; found = 1 } END { if (found) printf "%.0f\n", sum }'
}

# pool PORT: the name, size and free packets of its pool, the caches of the processors included.
pool() {
	ask_ovs netdev-dpdk/get-mempool-info "$1" | awk '
		$1 == "mempool" { name = $2 }
		{ split($1, part, "=") }
		part[1] == "size" { size = part[2] }
		part[1] == "common_pool_count" || part[1] == "total_cache_count" { free += part[2] }
		END { print name, size, free + 0 }'
}
