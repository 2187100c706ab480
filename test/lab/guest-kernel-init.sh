#!/bin/busybox sh
# Process 1 of the guest that build-guest-kernel.sh makes. A line that it reads is a command, answered by what the command
# prints and `@done <status>`; what the guest says of itself begins with `@event`.
/bin/busybox --install -s /bin 2>/dev/null
export PATH=/bin HOME=/
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
# This shell runs busybox's own applet of a name before a program, but a function before either.
ip() { /bin/ip "$@"; }
ping() { /bin/ping "$@"; }
while read -r module; do
  insmod "/modules/$module" || echo "@event failed insmod $module"
done </modules/order
ip link set lo up
stty -echo -icanon -opost
echo "@event ready"
# Its loop is in a subshell, since the end of process 1 is a panic.
(while IFS= read -r line; do eval "$line"; echo "@done $?"; done)
poweroff -f
