// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/fuse/passthrough.h"

#include "drivers/base/unique_fd.h"

#include <spdlog/spdlog.h>

#include <sys/mman.h>

#include <cerrno>

namespace varve::fuse {
namespace {

// Whether the kernel takes backing files from us at all: tried on a file in memory.
base::Result<> try_out(BackingFiles& files) {
    const base::UniqueFd probe(::memfd_create("varve-passthrough-probe", MFD_CLOEXEC));
    if (!probe.valid()) return base::fail_errno(errno, "cannot make a file to try passthrough with");
    files.close(TRY(files.open(probe.get())));
    return {};
}

std::string reason_of(const base::Error& error) {
    if (error.cause == std::error_code(EPERM, std::generic_category())) return "it needs CAP_SYS_ADMIN";
    return error.message();
}

}  // namespace

Passthrough::~Passthrough() {
    for (const auto& [node, use] : uses_)
        if (use.backing) files_.close(*use.backing);
}

void Passthrough::begin(const std::optional<std::string>& refused) {
    const std::lock_guard lock(mutex_);
    off_ = refused;
    if (!off_)
        if (const auto tried = try_out(files_); !tried) off_ = reason_of(tried.error());
    log_.info("kernel passthrough is {}", off_ ? "off: " + *off_ : "on");
}

std::string Passthrough::status() const {
    const std::lock_guard lock(mutex_);
    return off_ ? "off: " + *off_ : "on";
}

std::optional<BackingId> Passthrough::choose(int fd) {
    if (off_) return std::nullopt;
    auto id = files_.open(fd);
    if (id) return *id;
    const auto number = id.error().cause.value();
    if (told_.insert(number).second) log_.warn("a file is read through varvefs, since {}", id.error().message());
    return std::nullopt;
}

std::optional<BackingId> Passthrough::opened(NodeId node, int fd) {
    const std::lock_guard lock(mutex_);
    auto& use = uses_[node];
    if (use.opens == 0) use.backing = choose(fd);
    ++use.opens;
    return use.backing;
}

void Passthrough::released(NodeId node) {
    const std::lock_guard lock(mutex_);
    const auto found = uses_.find(node);
    if (found == uses_.end() || --found->second.opens > 0) return;
    if (found->second.backing) files_.close(*found->second.backing);
    uses_.erase(found);
}

}  // namespace varve::fuse
