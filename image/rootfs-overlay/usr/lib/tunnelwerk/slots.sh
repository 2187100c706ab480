# What the programs of the root helper and the console share: the slots of the disk. A is kernel0 and system0, B is kernel1
# and system1; the boot state says how many tries each has left.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
BOOTSTATE=/dev/disk/by-partlabel/bootstate

booted_slot() {
  sed -n 's/.*rauc\.slot=\([AB]\).*/\1/p' /proc/cmdline
}

tries_left() {
  fw_printenv -n "BOOT_$1_LEFT" 2>/dev/null || echo 0
}

# Also the copy that U-Boot reads when the first is torn.
write_boot_state() {
  fw_setenv "$@" >/dev/null 2>&1 || return 1
  dd if=$BOOTSTATE of=$BOOTSTATE bs=16384 count=1 seek=2 conv=notrunc,fsync 2>/dev/null
}
