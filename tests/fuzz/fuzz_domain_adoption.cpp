// SPDX-License-Identifier: LGPL-2.1-or-later
// Descriptions of domains: any text gives a definition that can be written and read again, and its disks, or reasons.
#include "orchestrator/definitions/definition_text.h"
#include "orchestrator/domain_adoption/plan.h"
#include "tests/fuzz/require.h"

#include <cstddef>
#include <cstdint>
#include <set>
#include <string_view>

namespace {

using varve::domain_adoption::Plan;
using varve::domain_adoption::Wish;
using varve::fuzz::require;

void check(const Plan& plan) {
    require(plan.disks.size() == plan.vm.volumes.size(), "each disk that is copied is a volume");
    std::set<varve::base::VolumeName> volumes;
    std::set<varve::definitions::TargetName> targets;
    for (const auto& volume : plan.vm.volumes) {
        require(volumes.insert(volume.volume).second, "no two volumes have one name");
        require(volume.target && targets.insert(*volume.target).second, "no two disks have one name");
    }
    for (const auto& disk : plan.disks) require(disk.source.is_absolute() && volumes.contains(disk.volume), "disks come from somewhere");
    require(plan.left_out.size() <= varve::domain_adoption::most_left_out + 1, "what is left out has bounds");
    const auto again = varve::definitions::parse(plan.vm.name, varve::definitions::to_toml(plan.vm));
    require(again && *again == plan.vm, "the definition reads back as it was written");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto pool = varve::base::PoolName::parse("fast").value();
    static const auto name = varve::base::VmName::parse("vm").value();
    const std::string_view xml(reinterpret_cast<const char*>(data), size);
    for (const bool takes_over : {false, true}) {
        Wish wish{.pool = pool};
        wish.takes_over = takes_over;
        if (!takes_over) {
            wish.name = name;
            wish.formats.emplace("vda", varve::image_formats::Format::Qcow2);
            wish.skip.insert("vdb");
        }
        const auto plan = make_plan(xml, wish);
        if (plan)
            check(*plan);
        else
            require(!plan.error().empty() && !plan.error().front().empty(), "a refusal names at least one reason");
    }
    return 0;
}
