# The emulated ARM board: what `make emulate` starts and the tests of test/emulator boot. Included by the Makefile.
EMULATOR = dist/emulator
EMULATED = qemu-aarch64
# By which its updates are signed: of a release where there is one, else a key of its own.
EMULATOR_KEYS = $(if $(wildcard keys/key.pem),keys,$(EMULATOR)/keys)
EMULATOR_PACKAGES = $(addprefix image/emulator/,packages packages-left-out)

$(EMULATOR)/packages/wanted: $(EMULATOR_PACKAGES) image/scripts/fetch-packages.sh | packages
	@image/scripts/fetch-packages.sh $(EMULATOR)/packages

$(EMULATOR)/modules/node_modules/.package-lock.json: package-lock.json \
		$(addprefix image/scripts/,make-modules.sh fetch-node.sh fetch-modules.sh compile-modules.sh) \
		$(wildcard image/package/node-prebuilt/*) | packages
	@image/scripts/make-modules.sh $(EMULATOR)/modules
	@touch $@

$(EMULATOR)/kernel.ext2: $(EMULATOR)/packages/wanted $(addprefix image/emulator/,kernel-modules initrd-init.sh) \
		image/scripts/make-kernel.sh
	@image/scripts/make-kernel.sh $(EMULATOR)

dist/firmware/.built: $(shell find firmware web-ui -type f) package.json tsconfig.json
	@$(MAKE) --no-print-directory build
	@touch $@

$(EMULATOR)/system.squashfs: $(EMULATOR)/kernel.ext2 $(EMULATOR)/modules/node_modules/.package-lock.json \
		image/emulator/files-left-out board/$(EMULATED)/meta \
		$(addprefix image/scripts/,make-root.sh install-firmware.sh describe-board.sh bundle-firmware.js) \
		image/emulator/start-once.sh dist/firmware/.built $(EMULATOR_KEYS)/certificate.pem board/common/rauc/system.conf \
		$(shell find image/rootfs-overlay image/package -type f)
	@image/scripts/make-root.sh $(EMULATED) $(EMULATOR) $(EMULATOR_KEYS)

$(EMULATOR)/keys/certificate.pem: image/scripts/make-keys.sh | packages
	@image/scripts/make-keys.sh $(EMULATOR)/keys >/dev/null

# The same system as a bundle, which a board with an older one takes.
$(EMULATOR)/update.raucb: $(EMULATOR)/system.squashfs $(EMULATOR)/kernel.ext2 image/scripts/make-bundle.sh
	@image/scripts/make-bundle.sh $(EMULATED) "$$(sed -n 's/^  "version": "\(.*\)",$$/\1/p' package.json)" \
		$(EMULATOR) $(EMULATOR_KEYS) $@

$(EMULATOR)/disk.img: $(EMULATOR)/system.squashfs $(EMULATOR)/kernel.ext2 image/scripts/make-disk.sh \
		$(wildcard board/common/* board/$(EMULATED)/*)
	@image/scripts/make-disk.sh $(EMULATED) $(EMULATOR)

$(EMULATOR)/u-boot-env.img: image/emulator/u-boot.env | packages
	@mkdir -p $(EMULATOR)
	@mkenvimage -s 0x40000 -o $@ $<
	@truncate -s 64M $@

# What the emulated board is started from.
.PHONY: emulator
emulator: $(EMULATOR)/disk.img $(EMULATOR)/update.raucb $(EMULATOR)/u-boot-env.img
