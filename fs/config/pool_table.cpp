// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/config/pool_table.h"

#include "drivers/settings/accounts.h"
#include "drivers/settings/scalars.h"
#include "drivers/settings/text.h"

#include <algorithm>
#include <cctype>

namespace varve::config {
namespace {

using settings::Entry;
using settings::Integer;
using settings::Mistakes;
using settings::quote;
using settings::Table;
using settings::text_of;
using settings::unexpected;
using settings::Value;

constexpr std::string_view lower_case = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view lower_case_and_digits = "abcdefghijklmnopqrstuvwxyz0123456789_-";

bool is_identifier(std::string_view text) {
    constexpr std::size_t longest = 64;
    return !text.empty() && text.size() <= longest && lower_case.find(text.front()) != std::string_view::npos &&
           text.find_first_not_of(lower_case_and_digits) == std::string_view::npos;
}

base::Result<base::PoolName> pool_name(const Value& value) { return base::PoolName::parse(TRY(text_of(value, "a pool's name"))); }

base::Result<std::string> driver(const Value& value) {
    constexpr std::string_view expected = "the name of a driver such as \"file-reflink\"";
    auto text = TRY(text_of(value, expected));
    // A shared object's path is checked by who loads it; here that it is one line.
    const bool plugin =
        text.starts_with("plugin:/") && std::ranges::none_of(text, [](unsigned char letter) { return std::iscntrl(letter) != 0; });
    if (!plugin && !is_identifier(text)) return unexpected(expected, value);
    return text;
}

base::Result<api::RevisionsToKeep> revisions_to_keep(const Value& value) {
    return api::RevisionsToKeep::from(TRY(settings::integer_of(value, "a number of revisions: -1, 0 or more")));
}

base::Result<api::Schedule> schedule(const Value& value) {
    return api::Schedule::parse(TRY(text_of(value, "a schedule such as \"24h 7d 4w 12m\", or \"none\"")));
}

base::Result<std::string> parameter(std::string_view key, const Value& value) {
    if (key == directory_parameter) return TRY(settings::absolute_path(value)).string();
    if (const auto* integer = std::get_if<Integer>(&value)) return std::to_string(integer->value);
    if (const auto* on = std::get_if<bool>(&value)) return std::string(*on ? "true" : "false");
    return text_of(value, "a string, a whole number, true or false");
}

// Reads one key after the other, then the defaults that depend on several.
class Reader {
public:
    Reader(const Table& table, Mistakes& mistakes) : table_(table), mistakes_(mistakes) {}

    ReadPool read(const ProblemsOf& problems_of) {
        for (const auto& entry : table_.entries) read(entry);
        require(name_key);
        require(driver_key);
        const auto gid = group_or_default();
        if (name_ && driver_ && problems_of) ask(problems_of);
        ReadPool result{name_, std::nullopt};
        if (!failed_ && name_ && driver_ && gid)
            result.config =
                PoolConfig{{*name_, *driver_, std::move(parameters_), keep_}, {uid_.value_or(0), *gid, mode_}, schedule_, prune_below_};
        return result;
    }

private:
    void read(const Entry& entry) {
        const auto& [key, value, line] = entry;
        if (key == name_key)
            name_ = check(entry, pool_name(value));
        else if (key == driver_key)
            driver_ = check(entry, driver(value));
        else if (key == "revisions_to_keep")
            keep_ = check(entry, revisions_to_keep(value)).value_or(keep_);
        else if (key == "schedule")
            schedule_ = check(entry, schedule(value)).value_or(schedule_);
        else if (key == "prune_below")
            prune_below_ = check(entry, settings::minimum_free(value));
        else if (key == "owner")
            uid_ = check(entry, settings::user(value));
        else if (key == "group")
            gid_ = check(entry, settings::group(value));
        else if (key == "mode")
            mode_ = check(entry, settings::mode(value)).value_or(mode_);
        else
            read_parameter(entry);
    }

    void read_parameter(const Entry& entry) {
        if (std::ranges::find(top_level_keys, entry.key) != top_level_keys.end())
            return note(entry.line, "'" + entry.key + "' is not a key of a pool: it stands in the file, above the first [[pool]]");
        if (!is_identifier(entry.key))
            return note(entry.line, quote(entry.key) + " is not a key: lower-case letters, digits, '_' and '-', the first a letter");
        if (auto text = check(entry, parameter(entry.key, entry.value))) parameters_.emplace(entry.key, *std::move(text));
    }

    // Nothing is said twice: what could not be read is missing for the driver.
    void ask(const ProblemsOf& problems_of) {
        for (const auto& [parameter, what] : problems_of({*name_, *driver_, parameters_, keep_})) {
            if (find(parameter) == nullptr)
                note(find(driver_key)->line, what);
            else if (parameters_.contains(parameter))
                note(find(parameter)->line, what);
        }
    }

    void require(std::string_view key) {
        if (find(key) == nullptr) note(table_.line, "the pool has no '" + std::string(key) + "'");
    }

    // The owner's primary group, unless the table says another. No second mistake when the owner is one already.
    std::optional<gid_t> group_or_default() {
        const auto* owner = find("owner");
        if (find("group") != nullptr || (owner != nullptr && !uid_)) return gid_;
        return owner == nullptr ? std::optional<gid_t>(0) : check(*owner, settings::primary_group(*uid_));
    }

    const Entry* find(std::string_view key) const { return table_.find(key); }

    template <class T>
    std::optional<T> check(const Entry& entry, base::Result<T> result) {
        if (!result) failed_ = true;
        return mistakes_.check(entry.line, entry.key, std::move(result));
    }

    void note(std::size_t line, std::string what) {
        failed_ = true;
        mistakes_.add(line, std::move(what));
    }

    const Table& table_;
    Mistakes& mistakes_;
    bool failed_ = false;
    std::optional<base::PoolName> name_;
    std::optional<std::string> driver_;
    std::map<std::string, std::string> parameters_;
    api::RevisionsToKeep keep_ = api::RevisionsToKeep::standard();
    api::Schedule schedule_;
    std::optional<base::Portion> prune_below_;
    std::optional<uid_t> uid_;
    std::optional<gid_t> gid_;
    mode_t mode_ = api::Ownership{}.mode;
};

}  // namespace

ReadPool read_pool(const Table& table, Mistakes& mistakes, const ProblemsOf& problems_of) {
    return Reader(table, mistakes).read(problems_of);
}

}  // namespace varve::config
