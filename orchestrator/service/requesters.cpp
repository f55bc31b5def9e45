// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/service/requesters.h"

#include "drivers/settings/text_file.h"
#include "orchestrator/mount_client/json_fields.h"

#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varve::service {
namespace {

using base::Result;
using base::VmName;

std::optional<uid_t> uid_in(const nlohmann::json& object) {
    const auto found = object.is_object() ? object.find("uid") : object.end();
    if (found == object.end() || !found->is_number_unsigned()) return std::nullopt;
    const auto uid = found->get<std::uint64_t>();
    // The last one is nobody's (chown(2)).
    if (uid >= std::numeric_limits<uid_t>::max()) return std::nullopt;
    return static_cast<uid_t>(uid);
}

}  // namespace

Result<std::unique_ptr<Requesters>> Requesters::open(const std::filesystem::path& directory, const definitions::DefinitionStore& store) {
    TRY(settings::make_directory(directory));
    std::unique_ptr<Requesters> requesters(new Requesters(directory));
    TRY(requesters->read(store));
    return requesters;
}

Result<> Requesters::read(const definitions::DefinitionStore& store) {
    for (const auto& file : TRY(settings::files_in(directory_, ".json"))) {
        const auto vm = VmName::parse(file.stem().string());
        if (!vm) continue;
        const auto text = settings::read_text(file);
        const auto object = text ? nlohmann::json::parse(*text, nullptr, false) : nlohmann::json();
        const auto uuid = definitions::Uuid::parse(mount_client::text_field(object, "uuid"));
        const auto uid = uid_in(object);
        const auto definition = store.find(*vm);
        if (uuid && uid && definition && definition->uuid == *uuid)
            known_.insert_or_assign(*vm, Known{*uuid, *uid});
        else
            forget(*vm);
    }
    return {};
}

void Requesters::remember(const definitions::VmDefinition& vm, uid_t requester) {
    if (!vm.uuid) return;
    const std::scoped_lock lock(mutex_);
    known_.insert_or_assign(vm.name, Known{*vm.uuid, requester});
}

Result<> Requesters::save(const VmName& vm) {
    nlohmann::json object;
    {
        const std::scoped_lock lock(mutex_);
        const auto found = known_.find(vm);
        if (found == known_.end()) return {};
        object = {{"uuid", found->second.vm.str()}, {"uid", found->second.requester}};
    }
    return settings::write_text(file_of(vm), object.dump() + "\n");
}

void Requesters::forget(const VmName& vm) {
    {
        const std::scoped_lock lock(mutex_);
        known_.erase(vm);
    }
    (void)settings::remove_file(file_of(vm));  // one that stays speaks of a UUID that is gone
}

bool Requesters::is_requester(uid_t uid, const definitions::VmDefinition& vm) const {
    const std::scoped_lock lock(mutex_);
    const auto found = known_.find(vm.name);
    return found != known_.end() && vm.uuid == found->second.vm && found->second.requester == uid;
}

}  // namespace varve::service
