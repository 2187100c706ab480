################################################################################
#
# tunnelwerk-root
#
################################################################################

TUNNELWERK_ROOT_VERSION = 1
TUNNELWERK_ROOT_SITE = $(BR2_EXTERNAL_TUNNELWERK_PATH)/package/tunnelwerk-root/src
TUNNELWERK_ROOT_SITE_METHOD = local
TUNNELWERK_ROOT_LICENSE = MIT

define TUNNELWERK_ROOT_BUILD_CMDS
	$(TARGET_CC) $(TARGET_CFLAGS) -std=c11 -Wall -Wextra -Werror \
		$(TARGET_LDFLAGS) -o $(@D)/tunnelwerk-root $(@D)/tunnelwerk-root.c
endef

define TUNNELWERK_ROOT_INSTALL_TARGET_CMDS
	$(INSTALL) -D -m 0755 $(@D)/tunnelwerk-root \
		$(TARGET_DIR)/usr/sbin/tunnelwerk-root
endef

$(eval $(generic-package))
