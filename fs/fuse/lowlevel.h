// SPDX-License-Identifier: LGPL-2.1-or-later
// libfuse's low-level header with the API version that all of fs/fuse is written to.
#pragma once

#define FUSE_USE_VERSION 314
#include <fuse3/fuse_lowlevel.h>
