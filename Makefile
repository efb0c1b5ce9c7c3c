# Oriel. The building itself is meson's; this file is the way in. `make help` says what there is.
#
#   ORIEL_STATE  folder of all state (./state)       ORIEL_PORT  port of the gateway (8443)
#   PREFIX, DESTDIR  for `make install`

PREFIX ?= /usr/local
INSTALL_BUILD = build-install

.PHONY: help up down build packages check bench install deb clean

help:
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

up: packages ## install what is missing, build, start, and print the address
	@scripts/up

down: ## stop machines and daemons
	@scripts/down

packages: ## install the Debian packages that building and running need
	@scripts/packages build web run

build: ## build everything into ./build
	@scripts/packages build web
	@scripts/build

check: packages ## all tests, or those of SUITES="NAME ..." (tests/run --list)
	@scripts/packages test bench package
	@scripts/build all
	@tests/run $(SUITES)

bench: packages ## all benchmarks, into build/bench.json
	@scripts/packages bench
	@scripts/build all
	@bench/run

install: ## install under PREFIX (DESTDIR is honoured): programs, pages, recipes, systemd units, man page, completion
	@scripts/packages build web
	@scripts/web
	@scripts/install-build $(INSTALL_BUILD) "$(PREFIX)"
	meson install -C $(INSTALL_BUILD) --no-rebuild

deb: ## a Debian package in build/
	@scripts/packages build web package
	@scripts/deb

clean: ## remove what was built; state stays
	rm -rf build $(INSTALL_BUILD) web/dist
