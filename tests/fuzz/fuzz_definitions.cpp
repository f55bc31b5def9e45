// SPDX-License-Identifier: LGPL-2.1-or-later
// Definitions of VMs: any text gives a definition, which is read back from its own text, or mistakes.
#include "orchestrator/definitions/definition_text.h"
#include "tests/fuzz/require.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using varve::fuzz::require;
    const auto name = varve::base::VmName::parse("work");
    const auto vm = varve::definitions::parse(*name, {reinterpret_cast<const char*>(data), size});
    if (!vm) {
        require(!vm.error().empty() && !vm.error().front().what.empty(), "a refusal names at least one mistake");
        return 0;
    }
    const auto again = varve::definitions::parse(*name, varve::definitions::to_toml(*vm));
    require(again && *again == *vm, "a definition is read back as it was");
    return 0;
}
