# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
#
# Linux guests in QEMU, for the scripts that have them; to be read after common.sh. Debian's kernel
# with its own virtio-net driver, under software emulation: needs neither KVM nor huge pages.
# Guests are named a (descriptor 3 goes to it), b (4) and c (5).

boot_seconds=90
kernel_arguments="console=ttyS0 panic=-1 ipv6.disable=1 mitigations=off no_timer_check loglevel=5"

MODULES="drivers/virtio/virtio_ring drivers/virtio/virtio drivers/virtio/virtio_pci_modern_dev
drivers/virtio/virtio_pci_legacy_dev drivers/virtio/virtio_pci net/core/failover
drivers/net/net_failover drivers/net/virtio_net"

find_packages() {
	[ "$(uname -m)" = x86_64 ] || die "only for x86-64"
	need qemu-system-x86_64 qemu-system-x86
	need cpio cpio
	need md5sum coreutils
	if ! busybox --list 2>/dev/null | grep -qx nc || ! is_static; then
		need /nonexistent busybox-static
	fi
	need '/boot/vmlinuz-*-cloud-amd64' linux-image-cloud-amd64
	for kernel in /boot/vmlinuz-*-cloud-amd64; do :; done
	modules=/lib/modules/${kernel#/boot/vmlinuz-}/kernel
	[ -r "$kernel" ] || die "$kernel cannot be read"
	[ -d "$modules" ] || die "$modules is not there; as root: apt-get install linux-image-cloud-amd64"
}

# Names its ELF header no loader?
is_static() {
	! head -c 4096 "$(command -v busybox)" | grep -qa ld-linux
}

# make_guest [COMMAND]: the file system of the guests; the command adds to $root. Its first process
# takes numbered commands from the second serial port.
make_guest() {
	root=$work/root
	mkdir -p "$root/bin" "$root/proc" "$root/sys" "$root/dev" "$root/modules"
	cp "$(command -v busybox)" "$root/bin/busybox"
	for module in $MODULES; do
		if [ -r "$modules/$module.ko" ]; then
			cp "$modules/$module.ko" "$root/modules/"
		elif [ -r "$modules/$module.ko.xz" ]; then
			xz -dc "$modules/$module.ko.xz" >"$root/modules/${module##*/}.ko"
		else
			die "$modules/$module.ko is not there"
		fi
		echo "${module##*/}.ko" >>"$root/modules/order"
	done
	# A megabyte that does not repeat itself.
	awk 'BEGIN {
		state = 20210800
		for (i = 0; i < 131072; i++) {
			state = (state * 16807) % 2147483647
			printf "%08x", state
		}
	}' >"$root/block"
	cat >"$root/bin/stream" <<'EOF'
#!/bin/sh
# A deterministic stream of $1 megabytes; the numbers keep blocks from falling on packets' limits.
i=0
while [ "$i" -lt "$1" ]; do
	echo "block $i"
	cat "${BLOCK:-/block}"
	i=$((i + 1))
done
EOF
	cat >"$root/bin/sum" <<'EOF'
#!/bin/sh
md5sum >/sum.new
mv /sum.new /sum
EOF
	cat >"$root/init" <<'EOF'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
stty raw -echo </dev/ttyS1
exec </dev/ttyS1 >/dev/ttyS1 2>&1
for module in $(cat /modules/order); do
	insmod "/modules/$module"
done
echo "=0 $?"
# The shell that reads has no children but those it waits for: busybox's read, interrupted by the
# end of another child, begins anew and loses what it has of a line. What is left of one may even
# be a syntax error, which ends the shell, and with it all. So commands run in shells of their own,
# and what they leave in the background is the first process's.
/bin/commands </dev/ttyS1 &
wait $!
poweroff -f
EOF
	cat >"$root/bin/commands" <<'EOF'
#!/bin/sh
while read -r number command; do
	echo ">$number"
	(eval "$command") </dev/null
	echo "=$number $?"
done
EOF
	chmod +x "$root/init" "$root/bin/commands" "$root/bin/stream" "$root/bin/sum"
	[ $# -eq 0 ] || "$1"
	(cd "$root" && find . | cpio -o -H newc --quiet) >"$work/initramfs" || die "cpio"
}

expected_sum() {
	BLOCK=$root/block sh "$root/bin/stream" "$1" | md5sum | cut -d ' ' -f 1
}

# begin_guests: forgets those of the last cell.
begin_guests() {
	number=0
	stuck=
	for guest in a b c; do
		eval "pid_$guest="
		rm -f "$work/$guest".*
	done
}

# boot GUEST OPTION…: with its vhost-user socket at $chardev_$GUEST or $work/GUEST.sock, and a
# device of the arguments $device. Monitor commands go to $work/GUEST.monitor.in.
boot() {
	guest=$1
	shift
	mkfifo "$work/$guest.in" "$work/$guest.monitor.in" "$work/$guest.monitor.out" || die "no fifo"
	: >"$work/$guest.out"
	memory=memory-backend-memfd,id=memory,size=$guest_memory,share=on
	cat "$work/$guest.monitor.out" >"$work/$guest.monitor" 2>/dev/null 3>&- 4>&- 5>&- &
	pids="$pids $!"
	# shellcheck disable=SC2086
	qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot \
		-accel tcg,thread=multi -machine q35 -cpu max -smp "$cpus" -m "$guest_memory" \
		-object "$memory" -machine memory-backend=memory \
		-kernel "$kernel" -initrd "$work/initramfs" \
		-append "$kernel_arguments $kernel_options" \
		$machine_options -chardev "socket,id=vhost,path=$work/$guest.sock$chardev_options" \
		-netdev "vhost-user,id=net,chardev=vhost,queues=$queues" -device "$device" \
		-serial "file:$work/$guest.console" -serial stdio \
		-chardev "pipe,id=monitor,path=$work/$guest.monitor" \
		-mon chardev=monitor,mode=control "$@" \
		<"$work/$guest.in" >"$work/$guest.out" 2>"$work/$guest.err" 3>&- 4>&- 5>&- &
	eval "pid_$guest=$!"
	pids="$pids $!"
	case $guest in
	a) exec 3>"$work/a.in" ;;
	b) exec 4>"$work/b.in" ;;
	c) exec 5>"$work/c.in" ;;
	esac
	# From then on QEMU tells of events, among them why it ends. One that did not even start
	# never opens its end.
	echo '{"execute":"qmp_capabilities"}' >"$work/$guest.monitor.in" 3>&- 4>&- 5>&- &
	pids="$pids $!"
}

# Adds to problems how the QEMU of a guest, which is over, came to its end, and its last words.
tell_end() {
	wait "$(guest_pid "$1")" 2>/dev/null
	problems="$problems, QEMU of guest $1 ended, status $?, reason $(
		sed -n 's/.*"reason": "\([^"]*\)".*/\1/p' "$work/$1.monitor" | tail -n 1): $(
		tail -n 3 "$work/$1.err" "$work/$1.console")"
}

guest_pid() {
	eval "echo \${pid_$1}"
}

# send GUEST COMMAND: gives the guest a command, the number of which is then in number.
send() {
	number=$((number + 1))
	is_over "$(guest_pid "$1")" && return
	case $1 in
	a) printf '%s %s\n' "$number" "$2" >&3 ;;
	b) printf '%s %s\n' "$number" "$2" >&4 ;;
	c) printf '%s %s\n' "$number" "$2" >&5 ;;
	esac
}

# answer GUEST NUMBER SECONDS: waits for the end of a command; its status; prints nothing.
answer() {
	tries=$(($3 * 10))
	# Said once; nothing is waited for again.
	if [ -n "$stuck" ]; then
		case $problems in
		*"does not answer"* | *"QEMU of guest"*) ;;
		*) problems="$problems, guest $1 does not answer" ;;
		esac
		return 1
	fi
	until grep -q "^=$2 " "$work/$1.out"; do
		if is_over "$(guest_pid "$1")"; then
			stuck=yes
			tell_end "$1"
			return 1
		fi
		if [ "$tries" -le 0 ]; then
			stuck=yes
			problems="$problems, guest $1 does not answer"
			return 1
		fi
		tries=$((tries - 1))
		sleep 0.1
	done
	return "$(sed -n "s/^=$2 \([0-9]*\).*/\1/p" "$work/$1.out")"
}

# ask GUEST SECONDS COMMAND: its output in reply.
ask() {
	send "$1" "$3"
	answer "$1" "$number" "$2"
	status=$?
	reply=$(sed -n "/^>$number\$/,/^=$number /p" "$work/$1.out" | sed '/^[>=]/d')
	return "$status"
}

# tell GUEST SECONDS COMMAND: a command that must succeed.
tell() {
	send "$1" "$3"
	answer "$1" "$number" "$2" || problems="$problems, guest $1: $3"
}

has_feature() {
	[ "$(printf '%s' "$reply" | cut -c $(($1 + 1)))" = 1 ] && echo on || echo off
}

# Waits until the guest's first process speaks, and gives it an address: start_guest GUEST HOST.
start_guest() {
	answer "$1" 0 "$boot_seconds"
	# Neighbours stay known, so that nobody asks for them again while counters are read.
	tell "$1" 20 "echo 3600000 >/proc/sys/net/ipv4/neigh/eth0/base_reachable_time_ms"
	tell "$1" 20 "ifconfig eth0 10.0.0.$2 netmask 255.255.255.0 mtu $mtu up"
}

# Adds to problems what the guests' kernels complain about.
check_complaints() {
	complaint='not a head|is not ok|bad gso|csum|timed out|warning|bug:|oops|panic|dmar.*fault'
	complaint=$(grep -hiE "$complaint" "$work"/?.console | head -n 3)
	[ -z "$complaint" ] || problems="$problems, a guest's kernel: $complaint"
}

close_guests() {
	exec 3>&- 4>&- 5>&-
}

# Ends what is left of the guests, and not the switch.
end_all_guests() {
	keep=$switch_pid
	switch_pid=
	end_all
	switch_pid=$keep
}
