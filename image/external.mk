# Buildroot reads the packages from here. What they share: the project that this external tree is a folder of.
TUNNELWERK_PROJECT = $(abspath $(BR2_EXTERNAL_TUNNELWERK_PATH)/..)

include $(sort $(wildcard $(BR2_EXTERNAL_TUNNELWERK_PATH)/package/*/*.mk))
