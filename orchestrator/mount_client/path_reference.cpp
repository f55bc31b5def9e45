// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/path_reference.h"

#include "fs/protocol/names.h"

#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

namespace varve::mount_client {
namespace {

namespace stdfs = std::filesystem;
using base::Errc;
using base::fail;
using base::Result;

// "root.img@x" as "root" and "@x"; the first is empty when the name is no volume's.
std::pair<std::string_view, std::string_view> split_state(std::string_view name) {
    const auto at = name.find(protocol::revision_separator);
    const auto file = name.substr(0, at);
    if (!file.ends_with(protocol::volume_suffix)) return {};
    return {file.substr(0, file.size() - protocol::volume_suffix.size()), at == std::string_view::npos ? "" : name.substr(at)};
}

std::string_view last_component(std::string_view path) {
    const auto slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

bool is_inside(const stdfs::path& path, const stdfs::path& directory) {
    const auto relative = path.lexically_relative(directory);
    return !relative.empty() && *relative.begin() != "..";
}

// The components below `directory`; none for the directory itself.
std::vector<std::string> components_below(const stdfs::path& path, const stdfs::path& directory) {
    std::vector<std::string> parts;
    for (const auto& part : path.lexically_relative(directory))
        if (part != "." && !part.empty()) parts.push_back(part.string());
    return parts;
}

// The path with every directory link followed, but not a link in its last component; what does not exist is taken as it stands.
Result<stdfs::path> real_parent(const stdfs::path& absolute) {
    auto path = absolute.lexically_normal();
    if (!path.has_filename()) path = path.parent_path();
    std::error_code error;
    const auto parent = stdfs::weakly_canonical(path.parent_path(), error);
    if (error) return base::Failure(base::error_from_errno(error.value(), "cannot follow the path '" + shown(absolute.string()) + "'"));
    return parent / path.filename();
}

}  // namespace

ReferenceResolver::ReferenceResolver(std::string mount, std::string working_directory)
    : mount_(std::move(mount)), working_directory_(std::move(working_directory)) {}

Result<Reference> ReferenceResolver::resolve(std::string_view text) const {
    return is_path(text) ? resolve_path(text) : parse_reference(text);
}

bool ReferenceResolver::is_path(std::string_view text) const {
    if (text.starts_with('/') || text.starts_with("./") || text.starts_with("../") || text == "." || text == "..") return true;
    return !split_state(last_component(text)).first.empty() && is_inside(working_directory_, mount_);
}

Result<Reference> ReferenceResolver::resolve_path(std::string_view text) const {
    const auto path = TRY(real_parent(stdfs::path(working_directory_) / stdfs::path(text)));
    if (!is_inside(path, mount_)) return fail(Errc::InvalidName, "'" + shown(text) + "' is not inside the mount " + mount_);
    const auto parts = components_below(path, mount_);
    const auto refuse = [&] { return fail(Errc::InvalidName, "'" + shown(text) + "' is not the path of a pool, a VM or a volume"); };
    if (parts.size() < 2 || parts.size() > 4) return refuse();
    const auto [volume, revision] = parts.size() >= 3 ? split_state(parts.back()) : decltype(split_state("")){};

    if (parts[0] == protocol::vms_directory && parts.size() == 3 && !volume.empty()) {
        const auto link = path.parent_path() / (std::string(volume) + std::string(protocol::volume_suffix));
        std::error_code error;
        const auto target = stdfs::read_symlink(link, error);
        if (error) return base::Failure(base::error_from_errno(error.value(), "cannot follow '" + shown(link.string()) + "'"));
        // One step only: the next link would be a snapshot volume's own.
        const auto home = TRY(real_parent(link.parent_path() / target));
        const auto found = components_below(home, mount_);
        if (!is_inside(home, mount_) || found.size() != 4 || found[0] != protocol::pools_directory) return refuse();
        return parse_reference(found[1] + "/" + found[2] + "/" + std::string(volume) + std::string(revision));
    }
    if (parts[0] != protocol::pools_directory) return refuse();
    if (parts.size() == 2) return parse_reference(parts[1]);
    if (parts.size() == 3) return parse_reference(parts[1] + "/" + parts[2]);
    if (volume.empty()) return refuse();
    return parse_reference(parts[1] + "/" + parts[2] + "/" + std::string(volume) + std::string(revision));
}

}  // namespace varve::mount_client
