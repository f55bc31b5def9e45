// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/records/intent.h"

#include "drivers/records/json_reader.h"
#include "drivers/records/record_file.h"

namespace varve::records {
namespace {

using base::Errc;
using base::Result;

// A VM's record is at most 1 MiB; a pool of many VMs has many children.
constexpr base::Bytes largest_intent{std::uint64_t{16} << 20};

Json to_json(const std::vector<base::VolumePath>& children) {
    auto json = Json::array();
    for (const auto& child : children) json.push_back(child.str());
    return json;
}

Result<std::vector<base::VolumePath>> read_children(const ObjectReader& reader) {
    std::vector<base::VolumePath> children;
    for (const auto& child : *TRY(reader.array("children"))) {
        if (!child.is_string()) return reader.wrong("children", "is not an array of strings");
        children.push_back(TRY(parse_volume_path(child.get_ref<const std::string&>())));
    }
    return children;
}

Result<Intent> intent_of(const ObjectReader& reader) {
    TRY(check_version(reader));
    TRY(reader.only({"version", "operation", "from", "to", "children"}));
    const auto operation = TRY(reader.text("operation"));
    const auto from = TRY(reader.text("from"));
    const auto to = TRY(reader.text("to"));
    auto children = TRY(read_children(reader));
    if (operation == "rename volume") {
        auto old_path = TRY(parse_volume_path(from));
        auto new_path = TRY(parse_volume_path(to));
        return RenameVolume{std::move(old_path), std::move(new_path), std::move(children)};
    }
    if (operation != "rename vm") return reader.wrong("operation", "is neither 'rename volume' nor 'rename vm'");
    auto old_name = TRY(base::VmName::parse(from));
    auto new_name = TRY(base::VmName::parse(to));
    return RenameVm{std::move(old_name), std::move(new_name), std::move(children)};
}

}  // namespace

std::string format_intent(const Intent& intent) {
    Json json{{"version", format_version}};
    if (const auto* volume = std::get_if<RenameVolume>(&intent)) {
        json.update({{"operation", "rename volume"}, {"from", volume->from.str()}, {"to", volume->to.str()}});
        json["children"] = to_json(volume->children);
    } else {
        const auto& vm = std::get<RenameVm>(intent);
        json.update({{"operation", "rename vm"}, {"from", vm.from.str()}, {"to", vm.to.str()}});
        json["children"] = to_json(vm.children);
    }
    return json.dump(2) + "\n";
}

Result<Intent> parse_intent(std::string_view text) {
    const auto json = TRY(parse_object(text));
    auto intent = intent_of(TRY(ObjectReader::of(json, "")));
    if (!intent) return base::fail(Errc::Corrupt, intent.error().context);
    return intent;
}

Result<std::optional<Intent>> read_intent(const kernel::FileSystem& files, int top) {
    const std::string name(intent_name);
    const auto text = TRY(read_small(files, top, name, largest_intent));
    if (!text) return std::optional<Intent>();
    auto intent = parse_intent(*text);
    if (!intent) return base::Failure(base::with_context(intent.error(), "the intent '" + name + "' cannot be understood"));
    return std::optional<Intent>(std::move(*intent));
}

Result<> write_intent(kernel::FileSystem& files, int top, const Intent& intent, const std::string& temporary) {
    return write_atomically(files, top, std::string(intent_name), format_intent(intent), temporary);
}

Result<> drop_intent(kernel::FileSystem& files, int top) {
    if (auto removed = files.unlink(top, std::string(intent_name)); !removed && removed.error().code != Errc::NotFound) return removed;
    return files.sync(top);
}

}  // namespace varve::records
