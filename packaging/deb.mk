# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
#
# Included by the root Makefile: packages for Debian, and the tarball for machines without Swift.
#
#   make deb                      build/deb/*.deb from what is built, checked by lintian
#   make deb FROM_SOURCE=1        the same, everything compiled anew in a copy of the tree
#   make tarball                  build/rtevhostswift-VERSION-linux-ARCHITECTURE.tar.gz and its SHA-256
#   make check-tarball            builds programs from the unpacked tarball, which has been moved
#   make check-bare CHROOT=       installs the packages in a bare Debian 12 and builds programs there
#
# Times in packages are those of debian/changelog, or of SOURCE_DATE_EPOCH.

.PHONY: deb tarball check-tarball

deb: $(if $(FROM_SOURCE),,library flavour-22.11 static docs $(TOOLS:%=build/bin/%))
	@tools/need build-essential debhelper doxygen dpkg-dev lintian python3 systemtap-sdt-dev
	FROM_SOURCE=$(FROM_SOURCE) tools/deb build/deb

tarball: library flavour-22.11 static
	VERSION=$(VERSION) tools/tarball build

check-tarball: tarball build/bin/guest-traffic
	VERSION=$(VERSION) tools/check-tarball build

# By hand, as root: needs a network of Debian's packages, or CHROOT=, a bare Debian 12.
.PHONY: check-bare
check-bare: deb
	tools/check-bare $(CHROOT)
