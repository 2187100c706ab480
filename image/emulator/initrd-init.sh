#!/bin/busybox sh
# The emulated board's first program: Debian's kernel has the disk's and the root's drivers as modules. Loads them, mounts
# the root that the kernel command line names by its partition's label, and hands over to it.
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
while read -r module; do /bin/busybox insmod "/modules/$module"; done </modules/order

read -r line </proc/cmdline
for word in $line; do
  case $word in root=PARTLABEL=*) label=${word#root=PARTLABEL=} ;; esac
done
tries=0
while [ $tries -lt 100 ]; do
  for file in /sys/class/block/*/uevent; do
    disk=${file%/uevent}
    disk=${disk##*/}
    while read -r word; do
      [ "$word" = "PARTNAME=$label" ] || continue
      if /bin/busybox mount -t squashfs -o ro "/dev/$disk" /root; then
        /bin/busybox mount -o move /dev /root/dev
        /bin/busybox umount /proc
        /bin/busybox umount -l /sys
        exec /bin/busybox switch_root /root /sbin/init
      fi
    done <"$file"
  done
  tries=$((tries + 1))
  /bin/busybox usleep 100000
done
echo "no partition $label with a root in it"
# The kernel panics, which starts the machine again, and the boot script counts the try.
exit 1
