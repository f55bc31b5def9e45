// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/scratch_file.h"

#include <unistd.h>

#include <cerrno>
#include <random>
#include <utility>

namespace varve::mount_client {

using base::Errc;
using base::Result;

namespace {

constexpr std::string_view scratch_prefix = ".varve-copy-";

}  // namespace

std::string random_suffix() {
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz0123456789";
    std::random_device device;
    std::uniform_int_distribution<std::size_t> choose(0, letters.size() - 1);
    std::string suffix;
    while (suffix.size() < 6) suffix += letters[choose(device)];
    return suffix;
}

Result<ScratchFile> ScratchFile::create(const Mount& mount, const VmReference& vm) {
    constexpr int attempts = 8;
    for (int attempt = 1;; ++attempt) {
        auto path = vm_directory(vm) + "/" + std::string(scratch_prefix) + random_suffix();
        auto fd = mount.create_new(path);
        if (fd) return ScratchFile(mount, std::move(*fd), std::move(path));
        if (fd.error().code != Errc::Exists || attempt == attempts) return base::Failure(std::move(fd).error());
    }
}

Result<> remove_scratch_files(const Mount& mount, const VmReference& vm) {
    for (const auto& name : TRY(mount.list(vm_directory(vm))))
        if (name.starts_with(scratch_prefix)) TRY(mount.unlink(vm_directory(vm) + "/" + name));
    return {};
}

ScratchFile::ScratchFile(ScratchFile&& other) noexcept
    : mount_(other.mount_), fd_(std::move(other.fd_)), path_(std::exchange(other.path_, {})) {}

ScratchFile::~ScratchFile() {
    if (path_.empty()) return;
    fd_.reset();
    (void)mount_->unlink(path_);  // varvefs sweeps it otherwise
}

Result<> ScratchFile::install(const StateReference& state, Mount::Replace replace) {
    TRY(complete());
    return give_name(state, replace);
}

Result<> ScratchFile::complete() {
    if (::fsync(fd_.get()) != 0) return base::Failure(mount_->explain("fsync", errno, "cannot make the copy durable"));
    if (::close(fd_.release()) != 0) return base::Failure(mount_->explain("flush", errno, "cannot finish the copy"));
    return {};
}

Result<> ScratchFile::give_name(const StateReference& state, Mount::Replace replace) {
    TRY(mount_->rename(path_, state_path(state), replace));
    path_.clear();
    return {};
}

}  // namespace varve::mount_client
