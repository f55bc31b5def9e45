// SPDX-License-Identifier: LGPL-2.1-or-later
// What bash offers behind a line that begins so.
#pragma once

#include "tests/mount/cli/cli_test.h"

#include <string>

namespace varve::test_support {

class CliCompletionTest : public CliTest {
protected:
    // The candidates, sorted, and what was asked of readline (compopt). In a bash without anything else, in the VM's directory.
    [[nodiscard]] Names complete(const std::string& line, const std::string& mount_variable) const;
    [[nodiscard]] Names complete(const std::string& line) const { return complete(line, mount().string()); }
};

}  // namespace varve::test_support
