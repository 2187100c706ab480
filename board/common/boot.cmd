# U-Boot's boot script, the same for every board: chooses the slot, takes one of its tries off and starts its kernel.
# It runs from the boot partition of ${devtype} ${devnum}; make-disk.sh puts `board` and `console` in front of it.
#
# bootstate, 1 MiB: an environment of U-Boot's plain format (CRC32, then names and values), twice:
#   0x0000  0x4000 octets, what fw_setenv writes too
#   0x8000  0x4000 octets, the same again, written after the first: whole whenever the first is torn
# BOOT_ORDER names the slots, first choice first; BOOT_A_LEFT and BOOT_B_LEFT count the tries that are left. The running
# system sets a slot's tries to 3 when it has proved itself.

setenv bootstate_names "BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT"
setenv bootstate_read '${devtype} read ${kernel_addr_r} ${copy} 20 && env import -c ${kernel_addr_r} 4000 ${bootstate_names}'
setenv bootstate_write 'env export -c -s 4000 ${kernel_addr_r} ${bootstate_names}; ${devtype} write ${kernel_addr_r} ${first_copy} 20; ${devtype} write ${kernel_addr_r} ${second_copy} 20'

# Gives up, so that the next slot has its turn, when there is no kernel or booti refuses it.
setenv start_slot 'if part number ${devtype} ${devnum} kernel${number} kernel_part && load ${devtype} ${devnum}:${kernel_part} ${kernel_addr_r} /Image; then run start_kernel; fi; echo "Slot ${slot} has no kernel that starts."'
setenv start_kernel 'setenv initrd -; setenv fdt ${fdtcontroladdr}; run load_fdt; run load_initrd; setenv bootargs "root=PARTLABEL=system${number} ro rootfstype=squashfs rootwait rauc.slot=${slot} tunnelwerk.board=${board} panic=10 quiet console=${console} ${recovery}"; booti ${kernel_addr_r} ${initrd} ${fdt}'
setenv load_fdt 'if test -e ${devtype} ${devnum}:${kernel_part} /board.dtb; then load ${devtype} ${devnum}:${kernel_part} ${fdt_addr_r} /board.dtb && setenv fdt ${fdt_addr_r}; fi'
setenv load_initrd 'if test -e ${devtype} ${devnum}:${kernel_part} /initrd; then load ${devtype} ${devnum}:${kernel_part} ${ramdisk_addr_r} /initrd && setenv initrd ${ramdisk_addr_r}:${filesize}; fi'
setenv slot_numbers 'if test "${slot}" = A; then setenv number 0; setenv left ${BOOT_A_LEFT}; else setenv number 1; setenv left ${BOOT_B_LEFT}; fi'

${devtype} dev ${devnum}
part start ${devtype} ${devnum} bootstate first_copy
setexpr second_copy ${first_copy} + 40
setenv copy ${first_copy}
if run bootstate_read; then
  echo "Boot state: ${BOOT_ORDER}, A ${BOOT_A_LEFT}, B ${BOOT_B_LEFT}"
else
  setenv copy ${second_copy}
  if run bootstate_read; then
    echo "Boot state from its second copy: ${BOOT_ORDER}, A ${BOOT_A_LEFT}, B ${BOOT_B_LEFT}"
  else
    echo "No boot state yet."
    setenv BOOT_ORDER "A B"
    setenv BOOT_A_LEFT 3
    setenv BOOT_B_LEFT 3
  fi
fi

setenv recovery
for slot in ${BOOT_ORDER}; do
  run slot_numbers
  if test "${left}" -gt 0; then
    setexpr left ${left} - 1
    setenv BOOT_${slot}_LEFT ${left}
    run bootstate_write
    run start_slot
  fi
done

echo "No slot has a try left: recovery."
setenv recovery tunnelwerk.recovery
for slot in ${BOOT_ORDER}; do
  run slot_numbers
  run start_slot
done
echo "Nothing here can be started: write the image to the disk again."
