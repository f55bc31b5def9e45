// SPDX-License-Identifier: LGPL-2.1-or-later
// qubes.xml: any text gives volumes whose sources are among them and lead to an end, or mistakes.
#include "orchestrator/qubes_xml/adoptable.h"
#include "tests/fuzz/require.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string_view>

namespace {

using varve::base::VolumePath;
using varve::fuzz::require;

void check(const varve::qubes_xml::Adoptable& found) {
    using varve::qubes_xml::Kind;
    std::map<VolumePath, const varve::qubes_xml::Volume*> all;
    for (const auto& volume : found.volumes) {
        require(all.emplace(volume.volume, &volume).second, "no two volumes have one path");
        require(volume.size.whole_sectors(), "sizes are whole sectors");
        require(!volume.ephemeral || volume.kind == Kind::Volatile, "only volatile volumes are ephemeral");
        const bool starts = volume.kind == Kind::Snapshot || volume.kind == Kind::OriginSnapshot;
        require(volume.source.has_value() == starts, "the kinds that start from a source have one");
    }
    for (const auto& volume : found.volumes) {
        std::size_t steps = 0;
        for (const auto* at = &volume; at->source; at = all.at(*at->source)) require(++steps <= all.size(), "sources lead to an end");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto document = varve::qubes_xml::read_document({reinterpret_cast<const char*>(data), size});
    if (!document) {
        require(!document.error().empty() && !document.error().front().what.empty(), "a refusal names at least one mistake");
        return 0;
    }
    for (const auto& pool : document->pools) {
        const auto found = varve::qubes_xml::adoptable(*document, pool.name);
        if (found)
            check(*found);
        else
            require(!found.error().empty(), "a refusal names at least one mistake");
    }
    return 0;
}
