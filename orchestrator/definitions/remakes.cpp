// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/definitions/remakes.h"

#include "drivers/settings/text_file.h"
#include "drivers/settings/toml_document.h"
#include "orchestrator/definitions/intent.h"
#include "orchestrator/definitions/scalars.h"

#include <string>
#include <string_view>
#include <utility>

namespace varve::definitions {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using base::VmName;
using What = Remake::What;

constexpr std::string_view file_suffix = ".toml";
constexpr std::string_view rename_word = "rename";
constexpr std::string_view clone_word = "clone";

Result<What> what_in(const settings::Value& value) {
    constexpr std::string_view expected = "\"rename\" or \"clone\"";
    const auto text = TRY(settings::text_of(value, expected));
    if (text == rename_word) return What::Rename;
    if (text == clone_word) return What::Clone;
    return settings::unexpected(expected, value);
}

Result<std::vector<base::PoolName>> pools_in(const settings::Value& value) {
    std::vector<base::PoolName> pools;
    const auto texts = TRY(settings::texts_of(value, "a list of pools"));
    pools.reserve(texts.size());
    for (const auto& text : texts) pools.push_back(TRY(base::PoolName::parse(text)));
    return pools;
}

std::string remake_text(const Remake& remake) {
    std::string pools;
    for (const auto& pool : remake.pools) pools += (pools.empty() ? "" : ", ") + settings::toml_string(pool.str());
    return "what = " + settings::toml_string(remake.what == What::Rename ? rename_word : clone_word) +
           "\nfrom = " + settings::toml_string(remake.from.str()) + "\nto = " + settings::toml_string(remake.to.str()) + "\npools = [" +
           pools + "]\n";
}

std::optional<Remake> remake_in(settings::TableReader& reader) {
    const auto what = reader.required("what", what_in);
    const auto from = reader.required("from", name_in<VmName>);
    const auto to = reader.required("to", name_in<VmName>);
    const auto pools = reader.required("pools", pools_in);
    if (!what || !from || !to || !pools) return {};
    return Remake{*what, *from, *to, *pools};
}

}  // namespace

Result<std::unique_ptr<Remakes>> Remakes::open(const std::filesystem::path& directory) {
    TRY(settings::make_directory(directory));
    std::unique_ptr<Remakes> remakes(new Remakes(directory));
    TRY(remakes->load());
    return remakes;
}

Result<> Remakes::load() {
    for (const auto& file : TRY(settings::files_in(directory_, file_suffix))) {
        auto remake = TRY(read_intent(file, remake_in));
        if (file_of(remake.to) != file) return fail(Errc::Corrupt, file.string() + " is about another VM");
        remakes_.insert_or_assign(remake.to, std::move(remake));
    }
    return {};
}

Result<> Remakes::note(const Remake& remake) {
    const std::scoped_lock lock(mutex_);
    TRY(settings::write_text(file_of(remake.to), remake_text(remake)));
    remakes_.insert_or_assign(remake.to, remake);
    return {};
}

Result<> Remakes::forget(const Remake& remake) {
    const std::scoped_lock lock(mutex_);
    if (!remakes_.contains(remake.to)) return {};
    TRY(settings::remove_file(file_of(remake.to)));
    remakes_.erase(remake.to);
    return {};
}

std::vector<Remake> Remakes::all() const {
    const std::scoped_lock lock(mutex_);
    std::vector<Remake> list;
    list.reserve(remakes_.size());
    for (const auto& [name, remake] : remakes_) list.push_back(remake);
    return list;
}

std::optional<Remake> Remakes::of(const VmName& vm) const {
    const std::scoped_lock lock(mutex_);
    for (const auto& [name, remake] : remakes_)
        if (name == vm || (remake.what == What::Rename && remake.from == vm)) return remake;
    return {};
}

}  // namespace varve::definitions
