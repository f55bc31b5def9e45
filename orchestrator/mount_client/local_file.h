// SPDX-License-Identifier: LGPL-2.1-or-later
// A file outside the mount that appears complete, in one step.
#pragma once

#include "drivers/base/result.h"
#include "drivers/base/unique_fd.h"

#include <functional>
#include <string>

namespace varve::mount_client {

enum class Overwrite { No, Yes };

// Written in its directory (mode 0600) without a name, so that it goes with the process, however that ends. Where the file system has no such files it is
// called `.varve-export-XXXXXX`, which is removed when this goes without having been installed.
class LocalFile {
public:
    // NotFound when its directory is missing; Exists when the file is there and may not be overwritten; InvalidArgument when a directory, a device
    // or a pipe has that name, whatever `overwrite` says.
    [[nodiscard]] static base::Result<LocalFile> create(const std::string& path, Overwrite overwrite);

    LocalFile(LocalFile&& other) noexcept;
    LocalFile& operator=(LocalFile&&) = delete;
    LocalFile(const LocalFile&) = delete;
    LocalFile& operator=(const LocalFile&) = delete;
    ~LocalFile();

    [[nodiscard]] int fd() const { return fd_.get(); }

    // Makes the content durable, then its name.
    [[nodiscard]] base::Result<> install();

private:
    LocalFile(std::string path, std::string name, Overwrite overwrite)
        : path_(std::move(path)), name_(std::move(name)), overwrite_(overwrite) {}

    [[nodiscard]] base::Result<> check_place() const;
    [[nodiscard]] base::Result<> open_temporary();
    [[nodiscard]] base::Result<> take_temporary_name(const std::function<bool(const char* name)>& take);
    [[nodiscard]] std::string handle() const;
    [[nodiscard]] bool link_to(const char* name) const;
    [[nodiscard]] int rename_to_place() const;
    [[nodiscard]] int give_name() const;

    std::string path_;  // for messages
    std::string name_;  // in directory_
    Overwrite overwrite_;
    base::UniqueFd directory_;
    base::UniqueFd fd_;
    std::string temporary_;  // in directory_; empty when it has no name, and when there is nothing to remove
};

}  // namespace varve::mount_client
