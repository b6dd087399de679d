# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
#
# What the interop scripts share: a directory for their files, the switch, and how a check is
# reported. To be read with "." by a script that has set name, its own name.

LC_ALL=C
export LC_ALL
umask 077
bin=${BIN:-$(cd "$(dirname "$0")/.." && pwd)/build/bin}

work=$(mktemp -d) || exit 1
pids=
switch_pid=
checks=0
failed=0

# Ends what was started here, and nothing else.
end_all() {
	for pid in $pids $switch_pid; do
		kill -TERM "$pid" 2>/dev/null || continue
		await_end "$pid" 5 || kill -KILL "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	pids=
	switch_pid=
}

finish() {
	trap '' HUP INT TERM
	end_all
	[ -n "${KEEP-}" ] && echo "$name: files are in $work" >&2 || rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

die() {
	echo "interop: $name: $*: FAILED"
	exit 1
}

# Is the process over? A zombie is.
is_over() {
	case $(sed -n 's/^State:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null) in
	'' | Z* | X*) return 0 ;;
	esac
	return 1
}

# Waits until the process $1 is over, at most $2 seconds.
await_end() {
	tries=$(($2 * 10))
	until is_over "$1"; do
		[ "$tries" -gt 0 ] || return 1
		tries=$((tries - 1))
		sleep 0.1
	done
}

uptime_ms() {
	read -r now _ </proc/uptime
	echo "${now%.*}${now#*.}0"
}

# A cell begins: $cell, the words that name it.
begin_cell() {
	cell_began=$(uptime_ms)
	cell_failed=$failed
}

# And ends: a row for the table, of cell, result, seconds, and the command that repeats it.
end_cell() {
	took=$(($(uptime_ms) - cell_began))
	result=ok
	if [ "$failed" != "$cell_failed" ]; then
		result=FAILED
	fi
	if [ -n "${KEEP-}" ]; then
		mkdir -p "$work/$result.$cell"
		cp "$work"/*.console "$work"/*.err "$work"/?.out "$work"/*.monitor \
			"$work"/switch* "$work"/testpmd "$work/$result.$cell" 2>/dev/null
	fi
	printf '%s\t%s\t%s\t%s\n' "$name $cell" "$result" "$((took / 1000)).$((took / 100 % 10))" \
		"interop/$name $cell" >>"${RESULTS:-/dev/null}"
}

# A cell that cannot be shown here, and why: says so in the table, too.
not_shown() {
	echo "interop: $name $1: NOT SHOWN: $2"
	printf '%s\t%s\t%s\t%s\n' "$name $1" "not shown" - "$2" >>"${RESULTS:-/dev/null}"
}

# A check: what it is, and the problems that it met, "" for none.
report() {
	checks=$((checks + 1))
	if [ -z "$2" ]; then
		echo "interop: $name $1: ok"
	else
		echo "interop: $name $1: FAILED: ${2#, }"
		failed=$((failed + 1))
	fi
}

# The last line; the script's status.
conclude() {
	echo "interop: $name: $((checks - failed)) of $checks checks passed"
	[ "$failed" = 0 ] && [ "$checks" -gt 0 ]
	exit
}

# Adds to problems unless both are the same.
same() {
	[ "$2" = "$3" ] || problems="$problems, $1: $2 and $3"
}

# The value of KEY=VALUE in the words of a line.
field() {
	printf '%s\n' "$1" | tr ' ' '\n' | sed -n "s/^$2=//p" | head -n 1
}

# Installs packages ($2…) unless the command or file $1 is there.
need() {
	thing=$1
	shift
	case $thing in
	/*) set -- "$@" && ls $thing >/dev/null 2>&1 && return ;;
	*) command -v "$thing" >/dev/null && return ;;
	esac
	[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null ||
		die "$thing is missing; as root: apt-get install $*"
	if [ -z "${updated-}" ]; then
		apt-get update >&2 || die "apt-get update"
		updated=yes
	fi
	DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >&2 ||
		die "apt-get install $*"
}

# testpmd with its drivers, which are packages of their own.
need_testpmd() {
	need dpdk-testpmd dpdk-dev
	for driver in mempool-ring net-virtio net-vhost net-pcap; do
		need "/usr/lib/*/dpdk/pmds-*/librte_$(echo $driver | tr - _).so*" "librte-${driver}23"
	done
}

# Adds to problems unless the engine copied when copy is async, and did not when it is sync.
check_engine() {
	[ -z "${BACKEND-}" ] || return
	share=$(field "$summary" engine_share)
	case $copy,$share in
	async,0.0 | sync,[!0]* | sync,0.[!0]) problems="$problems, an engine share of $share %" ;;
	esac
}

# await_socket SOCKET PID: until the process listens.
await_socket() {
	tries=200
	until [ -S "$1" ]; do
		is_over "$2" && return 1
		[ "$tries" -gt 0 ] || return 1
		tries=$((tries - 1))
		sleep 0.05
	done
}

# start_switch SOCKET… -- OPTION…; SWITCH_OPTIONS from the environment are added.
start_switch() {
	sockets=
	arguments=
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		sockets="$sockets $1"
		arguments="$arguments --socket $1"
		shift
	done
	[ $# -eq 0 ] || shift
	listens=yes
	case " $* " in *" --client "*) listens= ;; esac
	# shellcheck disable=SC2086
	[ -z "$listens" ] || rm -f $sockets
	if [ -n "${BACKEND-}" ]; then
		# shellcheck source=interop/reference.sh
		. "$(dirname "$0")/reference.sh"
		# shellcheck disable=SC2086
		start_reference "$@" -- $sockets
	else
		[ -x "$bin/vhost-switch" ] || die "$bin/vhost-switch is not there; run make"
		# shellcheck disable=SC2086
		"$bin/vhost-switch" $arguments "$@" ${SWITCH_OPTIONS-} \
			>"$work/switch" 2>>"$work/switch.log" 3>&- 4>&- 5>&- &
		switch_pid=$!
	fi
	[ -n "$listens" ] || return 0
	for socket in $sockets; do
		await_socket "$socket" "$switch_pid" && continue
		problems="$problems, vhost-switch did not start: $(tail -n 3 "$work/switch.log")"
		return 1
	done
}

# Ends the switch; sets summary, its line, and adds to problems what is wrong with it.
stop_switch() {
	[ -z "${BACKEND-}" ] || stop_reference
	kill -TERM "$switch_pid" 2>/dev/null
	if ! await_end "$switch_pid" 15; then
		problems="$problems, vhost-switch does not end"
		kill -KILL "$switch_pid" 2>/dev/null
	fi
	wait "$switch_pid"
	same "status of vhost-switch" "$?" 0
	switch_pid=
	summary=$(sed -n 's/^vhost-switch: rx=/rx=/p' "$work/switch")
	[ -n "$summary" ] || problems="$problems, vhost-switch said nothing at its end"
	for key in inflight leaked malformed; do
		same "the switch's $key" "$(field "$summary" $key)" 0
	done
}
