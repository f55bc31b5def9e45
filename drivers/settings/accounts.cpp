// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/settings/accounts.h"

#include "drivers/settings/text.h"

#include <grp.h>
#include <pwd.h>

#include <cerrno>
#include <charconv>
#include <limits>
#include <optional>
#include <vector>

namespace varve::settings {
namespace {

// Calls one of the get*_r functions with a buffer that grows until the entry fits; absent: there is no such entry.
template <class Record, class Call>
base::Result<std::optional<Record>> look_up(const Call& call, const std::string& what, std::vector<char>& buffer) {
    constexpr std::size_t largest = std::size_t{1} << 20;
    for (buffer.resize(1024);; buffer.resize(buffer.size() * 2)) {
        Record record{};
        Record* found = nullptr;
        const int error = call(&record, buffer.data(), buffer.size(), &found);
        if (found != nullptr) return record;
        // "Not found" is 0, or one of these (getpwnam(3), NOTES).
        if (error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM) return std::nullopt;
        if ((error != ERANGE && error != EINTR) || buffer.size() >= largest) return base::fail_errno(error, "cannot look up " + what);
    }
}

base::Result<std::uint32_t> number_of(std::int64_t number, std::string_view what) {
    // The highest number means "leave unchanged" to chown(2).
    if (number < 0 || number >= std::numeric_limits<std::uint32_t>::max())
        return base::fail(base::Errc::InvalidArgument,
                          std::to_string(number) + " is not a " + std::string(what) + " number: 0 to 4294967294");
    return static_cast<std::uint32_t>(number);
}

// `find` gives the number of a name, if it has one.
template <class Find>
base::Result<std::uint32_t> account(const Value& value, const std::string& what, const Find& find) {
    const std::string expected = "the name or number of a " + what;
    if (const auto* integer = std::get_if<Integer>(&value)) return number_of(integer->value, what);
    const auto text = TRY(text_of(value, expected));
    if (text.empty()) return unexpected(expected, value);
    const std::optional<std::uint32_t> named = TRY(find(text));
    if (named) return *named;
    std::int64_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size()) return number_of(number, what);
    return base::fail(base::Errc::InvalidArgument, "there is no " + what + " " + quote(text) + " on this machine");
}

}  // namespace

base::Result<uid_t> user(const Value& value) {
    return account(value, "user", [](const std::string& name) -> base::Result<std::optional<uid_t>> {
        std::vector<char> buffer;
        const auto find = [&](passwd* record, char* space, std::size_t size, passwd** found) {
            return ::getpwnam_r(name.c_str(), record, space, size, found);
        };
        const auto record = TRY(look_up<passwd>(find, "the user " + quote(name), buffer));
        return record ? std::optional(record->pw_uid) : std::nullopt;
    });
}

base::Result<gid_t> group(const Value& value) {
    return account(value, "group", [](const std::string& name) -> base::Result<std::optional<gid_t>> {
        std::vector<char> buffer;
        const auto find = [&](::group* record, char* space, std::size_t size, ::group** found) {
            return ::getgrnam_r(name.c_str(), record, space, size, found);
        };
        const auto record = TRY(look_up<::group>(find, "the group " + quote(name), buffer));
        return record ? std::optional(record->gr_gid) : std::nullopt;
    });
}

base::Result<gid_t> primary_group(uid_t uid) {
    std::vector<char> buffer;
    const auto find = [&](passwd* record, char* space, std::size_t size, passwd** found) {
        return ::getpwuid_r(uid, record, space, size, found);
    };
    const auto record = TRY(look_up<passwd>(find, "user " + std::to_string(uid), buffer));
    if (!record)
        return base::fail(base::Errc::InvalidArgument,
                          "user " + std::to_string(uid) + " has no account here, so 'group' must be given too");
    return record->pw_gid;
}

}  // namespace varve::settings
