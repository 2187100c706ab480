################################################################################
#
# tunnelwerk
#
################################################################################

# `make image` has compiled the firmware and the page, and has fetched the npm
# packages for the board, checked by package-lock.json: nothing is fetched here.
# One of them has code that the board's toolchain compiles.
TUNNELWERK_VERSION = $(shell sed -n 's/^  "version": "\(.*\)",$$/\1/p' \
	$(TUNNELWERK_PROJECT)/package.json)
TUNNELWERK_SITE = $(TUNNELWERK_PROJECT)/dist/image/modules
TUNNELWERK_SITE_METHOD = local
TUNNELWERK_LICENSE = MIT
TUNNELWERK_LICENSE_FILES = LICENSE
TUNNELWERK_DEPENDENCIES = node-prebuilt

define TUNNELWERK_BUILD_CMDS
	$(TARGET_MAKE_ENV) $(TUNNELWERK_PROJECT)/image/scripts/compile-modules.sh \
		$(@D) $(STAGING_DIR)/usr $(TARGET_CROSS)
endef

define TUNNELWERK_INSTALL_TARGET_CMDS
	$(TARGET_MAKE_ENV) $(TUNNELWERK_PROJECT)/image/scripts/install-firmware.sh \
		$(@D)/node_modules $(TARGET_DIR)
endef

$(eval $(generic-package))
