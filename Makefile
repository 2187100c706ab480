# tunnelwerk: what a person types. `make` alone lists it.
SEEDS ?= 1000
SECONDS ?= 60
CUTS ?= 20
SOAK_SECONDS = $(if $(filter command line environment,$(origin SECONDS)),$(SECONDS),3600)
BIN = node_modules/.bin
GUEST = dist/guest-kernel
export ONCE ENCAP PROXY IMAGE MEMORY PAGE_PORT L2TP_PORT WAN_TAP LAN_TAP

.PHONY: help build run test check sim fuzz soak bench scale lab clean packages root emulate keys test-emulator soak-image
.DEFAULT_GOAL := help

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile image/buildroot.mk | expand -t 16

node_modules/.package-lock.json: package-lock.json
	npm ci --no-fund --no-audit --loglevel=error
	@touch $@

build: node_modules/.package-lock.json ## dependencies, compiler and web page, into dist/
	@$(BIN)/tsc
	@$(BIN)/vite build web-ui --logLevel warn

run: root packages build ## a lab with a call in it, until Ctrl-C; ENCAP=udp2|udp3|ip, PROXY=chap|trust|renegotiate; ONCE=1 ends it
	@node dist/test/lab/run.js

test: packages $(GUEST)/initramfs build check ## everything: unit, vectors, properties, simulator, lab, real peers
	@node dist/test/lab/run-tests.js

test-emulator: root packages $(GUEST)/initramfs emulator ## the image on the emulated ARM board: calls, power cuts, updates, factory settings
	@node dist/test/lab/run-tests.js emulator

soak-image: root packages emulator ## CUTS=n power cuts in the middle of updates of the emulated board; SEED=n replays
	@node dist/test/emulator/soak.js $(CUTS) $(SEED)

check: node_modules/.package-lock.json ## format, lint, types, import directions
	@$(BIN)/biome check --error-on-warnings
	@$(BIN)/depcruise --config .dependency-cruiser.cjs firmware
	@$(BIN)/tsc --noEmit
	@$(BIN)/tsc -p web-ui

sim: build ## SEEDS=n seeds of the simulator
	@node dist/test/simulation/run.js $(SEEDS)

fuzz: build ## SECONDS=n of mutated and random input against every parser; SEED=n replays
	@node dist/test/fuzz/run.js $(SECONDS) $(SEED)

soak: root packages build ## redials and traffic for an hour (SECONDS=n), then what leaked
	@node dist/test/lab/soak.js $(SOAK_SECONDS)

bench: root packages build ## TCP, UDP, latency, call set-up, memory, idle beside l2tpns, PPPoE calls at the LAC; ONLY=tcp,udp,latency,calls,memory,idle,pppoe; OUT=<file>
	@node dist/test/bench/run.js

scale: root packages build ## 65,000 sessions on one LNS: that they come up and carry packets, memory and processor time; OUT=<file>
	@node dist/test/bench/scale.js

lab: root packages build ## the lab alone, with a shell in it
	@node dist/test/lab/shell.js

emulate: emulator ## an emulated ARM board, on this terminal; IMAGE=<file> a disk that Buildroot made, MEMORY=<MiB>, WAN_TAP= and LAN_TAP=<name>
	@sh image/emulator/emulate.sh $(EMULATOR)

clean: ## removes what was built
	rm -rf dist node_modules

packages:
	@sh test/lab/install-packages.sh

$(GUEST)/initramfs: test/lab/build-guest-kernel.sh test/lab/guest-kernel-init.sh | packages
	@sh test/lab/build-guest-kernel.sh $(GUEST)

keys: | packages ## the key by which updates are signed, in keys/, where there is none
	@image/scripts/make-keys.sh keys

include image/emulator/emulator.mk image/buildroot.mk

root:
	@[ "$$(id -u)" = 0 ] || { echo "needs root, for network namespaces and TUN: sudo make $(firstword $(MAKECMDGOALS))"; exit 1; }
