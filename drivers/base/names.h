// SPDX-License-Identifier: LGPL-2.1-or-later
// The names users give, as types that exist only when the name is legal (docs/names.md has the grammar).
#pragma once

#include "drivers/base/result.h"

#include <compare>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace varve::base {

// A checked name. `Rules::check` says whether a text is legal; there is no other way to make one.
template <class Rules>
class Name {
public:
    [[nodiscard]] static Result<Name> parse(std::string_view text) {
        TRY(Rules::check(text));
        return Name(std::string(text));
    }

    [[nodiscard]] const std::string& str() const { return text_; }
    friend auto operator<=>(const Name&, const Name&) = default;

private:
    friend Rules;
    explicit Name(std::string text) : text_(std::move(text)) {}
    std::string text_;
};

struct PoolNameRules {
    static Result<> check(std::string_view text);
};
struct KernelVersionRules {
    static Result<> check(std::string_view text);
};
struct VmNameRules {
    static Result<> check(std::string_view text);
    // In the driver linux-kernel's pools a kernel stands where others have a VM. Nobody can make a VM of such a name.
    static Name<VmNameRules> of_kernel(const Name<KernelVersionRules>& version);
};
struct VolumeNameRules {
    static Result<> check(std::string_view text);
};
struct LabelRules {
    static Result<> check(std::string_view text);
};

using PoolName = Name<PoolNameRules>;            // [A-Za-z0-9][A-Za-z0-9_.-]{0,63}
using KernelVersion = Name<KernelVersionRules>;  // [A-Za-z0-9][A-Za-z0-9_.+-]{0,63}; not reserved as for VMs
using VmName = Name<VmNameRules>;                // [A-Za-z][A-Za-z0-9_.-]{0,30}; not none, default, Domain-0; not ending in -dm
using VolumeName = Name<VolumeNameRules>;        // [a-z][a-z0-9]{0,31}; not ctl
using Label = Name<LabelRules>;                  // [A-Za-z0-9][A-Za-z0-9_.:-]{0,63}; not beginning like a time, not `current`

// The name of a directory in a pool: a VM's or a kernel's. For looking up and asking; VMs are made by VmName::parse.
[[nodiscard]] Result<VmName> parse_place(std::string_view text);

// A volume within its pool, and across pools.
struct VolumePath {
    VmName vm;
    VolumeName volume;
    friend auto operator<=>(const VolumePath&, const VolumePath&) = default;
    [[nodiscard]] std::string str() const { return vm.str() + "/" + volume.str(); }
};

struct VolumeId {
    PoolName pool;
    VmName vm;
    VolumeName volume;
    friend auto operator<=>(const VolumeId&, const VolumeId&) = default;
    [[nodiscard]] VolumePath path() const { return {vm, volume}; }
    [[nodiscard]] std::string str() const { return pool.str() + "/" + vm.str() + "/" + volume.str(); }
};

}  // namespace varve::base
