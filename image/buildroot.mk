# Images for boards, made by Buildroot from source. Included by the Makefile.
.PHONY: image image-lint buildroot
image: buildroot build ## a board's disk image and update bundle; BOARD=qemu-aarch64|nanopi-r2s, BUILDROOT=<folder> a Buildroot 2026.02
	@image/scripts/make-image.sh "$(BOARD)" "$(BUILDROOT)" dist/image

image-lint: buildroot ## the image's configuration against BUILDROOT=<folder>, without building it
	@image/scripts/lint.sh "$(BUILDROOT)" dist/image-lint

buildroot:
	@image/scripts/check-buildroot.sh "$(BUILDROOT)"
