// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/preloading/records.h"

#include "drivers/settings/text_file.h"
#include "orchestrator/mount_client/json_fields.h"

#include <array>
#include <string_view>
#include <system_error>

namespace varve::preloading {
namespace {

using base::Errc;
using base::Result;
using Phase = Record::Phase;

constexpr std::string_view suffix = ".json";
constexpr std::string_view begun_file = ".begun";
constexpr std::array<std::pair<Phase, std::string_view>, 4> phases{
    {{Phase::Creating, "creating"}, {Phase::Ready, "ready"}, {Phase::Requested, "requested"}, {Phase::Used, "used"}}};

std::string text_of(const Record& record) {
    std::string_view phase;
    for (const auto& [known, name] : phases)
        if (known == record.phase) phase = name;
    return nlohmann::json{{"template", record.template_vm.str()}, {"phase", phase}, {"content", record.content}}.dump() + "\n";
}

Result<Record> parse(base::VmName vm, const std::string& text) {
    const auto object = nlohmann::json::parse(text, nullptr, false);
    auto template_vm = TRY(base::VmName::parse(mount_client::text_field(object, "template")));
    const auto word = mount_client::text_field(object, "phase");
    for (const auto& [phase, name] : phases)
        if (name == word) return Record{std::move(vm), std::move(template_vm), phase, mount_client::text_field(object, "content")};
    return base::fail(Errc::Corrupt, "a preload's record is in no known phase");
}

}  // namespace

Result<Records> Records::open(const std::filesystem::path& directory) {
    TRY(settings::make_directory(directory));
    return Records(directory);
}

Result<std::vector<Record>> Records::all() const {
    std::vector<Record> found;
    for (const auto& file : TRY(settings::files_in(directory_, suffix))) {
        auto vm = base::VmName::parse(file.stem().string());
        if (!vm) continue;
        const auto text = settings::read_text(file);
        if (!text) continue;
        if (auto record = parse(*std::move(vm), *text)) found.push_back(*std::move(record));
    }
    return found;
}

Result<> Records::put(const Record& record) const {
    return settings::write_text(directory_ / (record.vm.str() + std::string(suffix)), text_of(record));
}

Result<> Records::remove(const base::VmName& vm) const {
    auto removed = settings::remove_file(directory_ / (vm.str() + std::string(suffix)));
    if (!removed && removed.error().code != Errc::NotFound) return removed;
    return {};
}

bool Records::begun() const {
    std::error_code error;  // what cannot be looked at has not begun
    return std::filesystem::exists(directory_ / begun_file, error);
}

Result<> Records::set_begun() const { return settings::write_text(directory_ / begun_file, ""); }

}  // namespace varve::preloading
