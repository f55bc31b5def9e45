// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mount-helpers/mount_request.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

namespace varve::mount_helpers {
namespace {

using base::Errc;
using base::fail;
using base::Result;

// Meant for mount(8), fstab or systemd; or what varvefs does always. Permissions are the files' own.
constexpr std::array harmless{
    "defaults",
    "rw",
    "auto",
    "noauto",
    "nofail",
    "user",
    "nouser",
    "users",
    "owner",
    "group",
    "_netdev",
    "nosuid",
    "nodev",
    "exec",
    "noexec",
    "async",
    "relatime",
    "norelatime",
    "noatime",
    "diratime",
    "nodiratime",
    "atime",
    "strictatime",
    "lazytime",
    "nolazytime",
    "silent",
    "loud",
    "allow_other",
    "default_permissions",
};
constexpr std::array harmless_prefixes{"x-", "X-", "comment="};

bool is_harmless(std::string_view option) {
    return option.empty() || std::ranges::find(harmless, option) != harmless.end() ||
           std::ranges::any_of(harmless_prefixes, [&](const char* prefix) { return option.starts_with(prefix); });
}

Result<> check_option(std::string_view option, bool sloppy) {
    const std::string name(option);
    if (option == "ro")
        return fail(Errc::InvalidArgument,
                    "a Varve mount cannot be read-only (ro): who may write is a matter of the VM directories' permissions");
    if (option == "remount" || option == "bind" || option == "move")
        return fail(Errc::InvalidArgument,
                    "'" + name + "' is not for a Varve mount; to read the configuration again: echo reload > MOUNTPOINT/.varve/ctl");
    if (is_harmless(option) || sloppy) return {};
    return fail(Errc::InvalidArgument,
                "unknown mount option '" + name + "': Varve's settings are in its configuration file, see varve.toml(5)");
}

Result<> check_options(std::string_view all, bool sloppy) {
    while (!all.empty()) {
        const auto comma = all.find(',');
        TRY(check_option(all.substr(0, comma), sloppy));
        all.remove_prefix(comma == std::string_view::npos ? all.size() : comma + 1);
    }
    return {};
}

// The arguments as mount(8) gives them: single letters in one word, values in a word of their own.
class Parser {
public:
    explicit Parser(std::span<const std::string> arguments) : left_(arguments) {}

    Result<MountRequest> parse() {
        while (!left_.empty()) TRY(parse_word(take()));
        if (places_.size() != 2) return fail(Errc::InvalidArgument, "mount.varve needs a configuration file and a directory");
        TRY(check_options(options_, sloppy_));
        const auto& spec = places_.front();
        if (spec != "varve" && spec != "none") request_.config = spec;
        request_.directory = places_.back();
        return request_;
    }

private:
    std::string take() {
        auto word = left_.front();
        left_ = left_.subspan(1);
        return word;
    }

    Result<> parse_word(const std::string& word) {
        if (!word.starts_with('-') || word == "-") {
            places_.push_back(word);
            return {};
        }
        for (const char letter : word.substr(1)) TRY(parse_letter(letter));
        return {};
    }

    Result<> parse_letter(char letter) {
        switch (letter) {
            case 's': sloppy_ = true; return {};
            case 'f': request_.fake = true; return {};
            case 'v': request_.verbose = true; return {};
            case 'n': return {};  // there is no mtab to leave alone
            case 'o': options_ += (options_.empty() ? "" : ",") + TRY(value_of(letter)); return {};
            case 't': TRY(value_of(letter)); return {};
            case 'N': TRY(value_of(letter)); return fail(Errc::Unsupported, "mount.varve cannot enter another mount namespace (-N)");
            default: return fail(Errc::InvalidArgument, std::string("unknown option -") + letter);
        }
    }

    Result<std::string> value_of(char letter) {
        if (left_.empty()) return fail(Errc::InvalidArgument, std::string("-") + letter + " needs a value");
        return take();
    }

    std::span<const std::string> left_;
    std::vector<std::string> places_;
    std::string options_;
    bool sloppy_ = false;
    MountRequest request_;
};

}  // namespace

Result<MountRequest> parse_mount_request(std::span<const std::string> arguments) { return Parser(arguments).parse(); }

}  // namespace varve::mount_helpers
