// SPDX-License-Identifier: LGPL-2.1-or-later
// The port's real version.
#pragma once

#include "drivers/kernel/block_access.h"

namespace varve::kernel {

// Stateless.
class PosixBlockAccess final : public BlockAccess {
public:
    [[nodiscard]] base::Result<OpenDevice> open(const std::filesystem::path& path) const override;
    [[nodiscard]] base::Result<> zero_start(const std::filesystem::path& device, base::Bytes count) override;
};

}  // namespace varve::kernel
