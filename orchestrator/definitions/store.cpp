// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/definitions/store.h"

#include "drivers/settings/text_file.h"
#include "drivers/settings/toml_document.h"
#include "orchestrator/definitions/intent.h"
#include "orchestrator/definitions/scalars.h"

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

namespace varve::definitions {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using base::VmName;

constexpr std::string_view suffix = ".toml";

struct Rename {
    VmName from;
    VmName to;
};

std::string rename_text(const Rename& rename) {
    return "from = " + settings::toml_string(rename.from.str()) + "\nto = " + settings::toml_string(rename.to.str()) + "\n";
}

std::optional<Rename> rename_in(settings::TableReader& reader) {
    const auto from = reader.required("from", name_in<VmName>);
    const auto to = reader.required("to", name_in<VmName>);
    if (!from || !to) return {};
    return Rename{*from, *to};
}

Result<bool> is_there(const std::filesystem::path& file) {
    std::error_code error;
    const auto status = std::filesystem::symlink_status(file, error);
    if (status.type() == std::filesystem::file_type::not_found) return false;
    if (error) return base::fail_errno(error.value(), "cannot look at " + file.string());
    return true;
}

}  // namespace

Result<std::unique_ptr<DefinitionStore>> DefinitionStore::open(const std::filesystem::path& state_directory) {
    auto directory = state_directory / "vms";
    TRY(settings::make_directory(directory));
    std::unique_ptr<DefinitionStore> store(new DefinitionStore(std::move(directory)));
    store->remakes_ = TRY(Remakes::open(state_directory / "remakes"));
    TRY(store->load());
    TRY(store->finish_rename());
    for (const auto& [name, vm] : store->definitions_) {
        const auto wrong = wrong_references(store->definitions_, vm);
        for (const auto& what : wrong) store->troubles_.push_back({store->file_of(name), what, true});
    }
    return store;
}

Result<> DefinitionStore::load() {
    for (const auto& file : TRY(settings::files_in(directory_, suffix))) load_file(file);
    return {};
}

void DefinitionStore::load_file(const std::filesystem::path& file) {
    const auto name = VmName::parse(file.stem().string());
    if (!name) return troubles_.push_back({file, name.error().message()});
    const auto text = settings::read_text(file);
    if (!text) return troubles_.push_back({file, text.error().message()});
    auto vm = parse(*name, *text);
    if (!vm) return troubles_.push_back({file, settings::in_one_line(vm.error())});
    definitions_.emplace(*name, *std::move(vm));
}

std::vector<VmDefinition> DefinitionStore::all() const {
    const std::scoped_lock lock(mutex_);
    std::vector<VmDefinition> list;
    list.reserve(definitions_.size());
    for (const auto& [name, vm] : definitions_) list.push_back(vm);
    return list;
}

Definitions DefinitionStore::snapshot() const {
    const std::scoped_lock lock(mutex_);
    return definitions_;
}

Result<VmDefinition> DefinitionStore::find_locked(const VmName& vm) const {
    const auto found = definitions_.find(vm);
    if (found == definitions_.end()) return fail(Errc::NotFound, "there is no VM '" + vm.str() + "'");
    return found->second;
}

Result<VmDefinition> DefinitionStore::find(const VmName& vm) const {
    const std::scoped_lock lock(mutex_);
    return find_locked(vm);
}

std::vector<Trouble> DefinitionStore::troubles() const { return troubles_; }

Result<bool> DefinitionStore::is_taken(const VmName& vm) const {
    const std::scoped_lock lock(mutex_);
    if (definitions_.contains(vm)) return true;
    return is_there(file_of(vm));
}

Result<bool> DefinitionStore::is_rename_begun() const {
    const std::scoped_lock lock(mutex_);
    return is_there(rename_intent());
}

Result<> DefinitionStore::check_free(const VmName& vm) const {
    // A file that is no definition is somebody's work, too.
    if (definitions_.contains(vm) || TRY(is_there(file_of(vm)))) return fail(Errc::Exists, "there is a VM '" + vm.str() + "' already");
    return {};
}

Result<> DefinitionStore::write(const VmDefinition& vm) {
    TRY(settings::write_text(file_of(vm.name), to_toml(vm)));
    definitions_.insert_or_assign(vm.name, vm);
    return {};
}

void DefinitionStore::on_change(std::function<void()> listener) {
    const std::scoped_lock lock(telling_);
    changed_ = std::move(listener);
}

void DefinitionStore::tell() const {
    const std::scoped_lock lock(telling_);
    if (changed_) changed_();
}

Result<> DefinitionStore::create(const VmDefinition& vm) {
    const Telling telling(*this);
    const std::scoped_lock lock(mutex_);
    TRY(finish_rename());
    TRY(check_free(vm.name));
    if (remakes_->of(vm.name))
        return fail(Errc::Busy,
                    "a rename or clone of a VM called '" + vm.name.str() + "' is not done yet: wait for it, or take another name");
    TRY(check_change(definitions_, vm));
    return write(vm);
}

Result<> DefinitionStore::replace(const VmDefinition& vm) {
    const Telling telling(*this);
    const std::scoped_lock lock(mutex_);
    (void)TRY(find_locked(vm.name));
    TRY(check_change(definitions_, vm));
    return write(vm);
}

Result<VmDefinition> DefinitionStore::set(const VmName& vm, const std::vector<Change>& changes) {
    const Telling telling(*this);
    const std::scoped_lock lock(mutex_);
    auto changed = TRY(with_changes(TRY(find_locked(vm)), changes));
    TRY(check_change(definitions_, changed));
    TRY(write(changed));
    return changed;
}

Result<> DefinitionStore::set_interfaces(const VmName& vm, const std::vector<Interface>& interfaces) {
    const Telling telling(*this);
    const std::scoped_lock lock(mutex_);
    auto changed = TRY(find_locked(vm));
    changed.interfaces = interfaces;
    return write(changed);
}

Result<> DefinitionStore::remove(const VmName& vm) {
    const Telling telling(*this);
    const std::scoped_lock lock(mutex_);
    (void)TRY(find_locked(vm));
    TRY(check_removable(definitions_, vm));
    TRY(settings::remove_file(file_of(vm)));
    definitions_.erase(vm);
    return {};
}

Result<> DefinitionStore::rename(const VmName& vm, const VmName& to) {
    const Telling telling(*this);
    const std::scoped_lock lock(mutex_);
    TRY(finish_rename());
    (void)TRY(find_locked(vm));
    TRY(check_free(to));
    // Point of no return: what fails or dies behind it is finished by the next open().
    TRY(settings::write_text(rename_intent(), rename_text({vm, to})));
    return carry_out_rename(vm, to);
}

// Idempotent.
Result<> DefinitionStore::carry_out_rename(const VmName& vm, const VmName& to) {
    if (const auto found = definitions_.find(vm); found != definitions_.end()) {
        if (TRY(is_there(file_of(vm)))) TRY(settings::rename_file(file_of(vm), file_of(to)));
        auto definition = renamed(std::move(found->second), vm, to);
        definitions_.erase(found);
        definitions_.insert_or_assign(to, std::move(definition));
    }
    for (auto& [name, definition] : definitions_) {
        auto after = renamed(definition, vm, to);
        if (after != definition || name == to) TRY(settings::write_text(file_of(name), to_toml(after)));
        definition = std::move(after);
    }
    return settings::remove_file(rename_intent());
}

// Of a crash, or of an earlier call that failed behind its point of no return: nothing may take the names before.
Result<> DefinitionStore::finish_rename() {
    if (!TRY(is_there(rename_intent()))) return {};
    const auto rename = TRY(read_intent(rename_intent(), rename_in));
    return carry_out_rename(rename.from, rename.to);
}

Result<VmDefinition> DefinitionStore::clone(const VmName& vm, const VmName& to) {
    const Telling telling(*this);
    const std::scoped_lock lock(mutex_);
    auto copy = TRY(find_locked(vm));
    TRY(check_free(to));
    copy.name = to;
    copy.uuid = TRY(random_uuid());
    for (auto& interface : copy.interfaces) interface.mac.reset();
    if (auto* app = std::get_if<AppVm>(&copy.vm_class); app != nullptr && app->disposables) app->disposables = DisposableSettings{};
    TRY(check_change(definitions_, copy));
    TRY(write(copy));
    return copy;
}

}  // namespace varve::definitions
