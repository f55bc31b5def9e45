// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/reference.h"

#include "fs/protocol/names.h"

#include <vector>

namespace varve::mount_client {
namespace {

using base::Errc;
using base::fail;
using base::Result;

std::vector<std::string_view> split(std::string_view text) {
    std::vector<std::string_view> parts;
    while (true) {
        const auto slash = text.find('/');
        parts.push_back(text.substr(0, slash));
        if (slash == std::string_view::npos) return parts;
        text.remove_prefix(slash + 1);
    }
}

Result<StateReference> parse_state(base::PoolName pool, base::VmName vm, std::string_view text) {
    const auto at = text.find(protocol::revision_separator);
    auto volume = TRY(base::VolumeName::parse(text.substr(0, at)));
    StateReference state{{std::move(pool), std::move(vm), std::move(volume)}, {}};
    if (at == std::string_view::npos) return state;
    const auto revision = text.substr(at + 1);
    if (revision != protocol::current_alias) state.revision = TRY(base::RevisionId::parse(revision));
    return state;
}

}  // namespace

std::string shown(std::string_view text) {
    constexpr std::size_t longest = 300;
    return text.size() <= longest ? std::string(text) : std::string(text.substr(0, longest)) + "...";
}

std::string to_string(const Reference& reference) {
    return std::visit([](const auto& named) { return named.str(); }, reference);
}

Result<Reference> parse_reference(std::string_view text) {
    auto parts = split(text);
    if (parts.size() == 2 || parts.size() == 3)
        if (parts.back().empty()) parts.pop_back();  // as completion leaves directories
    if (parts.size() > 3)
        return fail(Errc::InvalidName, "'" + shown(text) + "' is neither POOL/VM/VOLUME[@REVISION] nor a path inside the mount");
    auto pool = TRY(base::PoolName::parse(parts[0]));
    if (parts.size() == 1) return PoolReference{std::move(pool)};
    auto vm = TRY(base::parse_place(parts[1]));
    if (parts.size() == 2) return VmReference{std::move(pool), std::move(vm)};
    return TRY(parse_state(std::move(pool), std::move(vm), parts[2]));
}

std::string pool_directory(const base::PoolName& pool) { return std::string(protocol::pools_directory) + "/" + pool.str(); }

std::string vm_directory(const VmReference& vm) { return pool_directory(vm.pool) + "/" + vm.vm.str(); }

std::string state_name(const StateReference& state) {
    auto name = state.volume.volume.str() + std::string(protocol::volume_suffix);
    if (state.revision) name += protocol::revision_separator + state.revision->str();
    return name;
}

std::string state_path(const StateReference& state) { return vm_directory(state.vm()) + "/" + state_name(state); }

std::string root_control(std::string_view file) { return std::string(protocol::control_directory) + "/" + std::string(file); }

std::string pool_control(const base::PoolName& pool, std::string_view file) { return pool_directory(pool) + "/" + root_control(file); }

std::string vm_control(const VmReference& vm, std::string_view file) { return vm_directory(vm) + "/" + root_control(file); }

std::string volume_control(const base::VolumeId& volume, std::string_view file) {
    return vm_control({volume.pool, volume.vm}, volume.volume.str()) + "/" + std::string(file);
}

}  // namespace varve::mount_client
