# SPDX-License-Identifier: LGPL-2.1-or-later
message(FATAL_ERROR "packages need manual pages, and this build has none: install pandoc (contrib/install-dependencies --all), and configure again")
