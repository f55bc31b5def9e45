// SPDX-License-Identifier: LGPL-2.1-or-later
// A directory of plain files that looks like a mounted Varve. What is written to a ctl file stays in it.
#pragma once

#include "orchestrator/mount_client/mount.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace varve::mount_client::testing {

class FakeTree {
public:
    FakeTree() {
        std::string pattern = (std::filesystem::temp_directory_path() / "varve-tree-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
        root_ = std::filesystem::canonical(pattern);
        put(".varve/version", "varve 0.1.0\n");
        put(".varve/ctl", "");
        put(".varve/errors", "");
        std::filesystem::create_directory(root_ / "pools");
    }
    ~FakeTree() {
        std::error_code ignored;
        std::filesystem::remove_all(root_, ignored);
    }
    FakeTree(const FakeTree&) = delete;
    FakeTree& operator=(const FakeTree&) = delete;

    [[nodiscard]] std::string root() const { return root_.string(); }
    [[nodiscard]] std::string at(const std::string& file) const { return (root_ / file).string(); }
    [[nodiscard]] Mount mount() const { return std::move(*Mount::open(root())); }

    void put(const std::string& file, const std::string& text) {
        std::filesystem::create_directories((root_ / file).parent_path());
        std::ofstream(root_ / file, std::ios::binary) << text;
    }
    [[nodiscard]] std::string get(const std::string& file) const {
        std::ifstream in(root_ / file, std::ios::binary);
        std::ostringstream content;  // in blocks: some files are large
        content << in.rdbuf();
        return std::move(content).str();
    }
    [[nodiscard]] bool has(const std::string& file) const { return std::filesystem::exists(std::filesystem::symlink_status(root_ / file)); }

    void add_pool(const std::string& pool) {
        const auto control = "pools/" + pool + "/.varve/";
        put(control + "driver", "sim\n");
        put(control + "config", "{\"revisions_to_keep\":2}\n");
        put(control + "size", "1073741824\n");
        put(control + "usage", "1048576\n");
        put(control + "included_in", "\n");
        put(control + "revisions_to_keep", "2\n");
        put(control + "schedule", "24h 7d\n");
        put(control + "prune_below", "none\n");
    }

    // An origin volume that is halted and has these lines for revisions.
    void add_volume(const std::string& vm, const std::string& volume, const std::string& content, const std::string& revisions = "") {
        put(vm + "/" + volume + ".img", content);
        put(vm + "/.varve/ctl", "");
        const auto control = vm + "/.varve/" + volume + "/";
        put(control + "kind", "origin\n");
        put(control + "source", "\n");
        put(control + "state", "halted\n");
        put(control + "outdated", "0\n");
        put(control + "rw", "1\n");
        put(control + "size", std::to_string(content.size()) + "\n");
        put(control + "usage", "4096\n");
        put(control + "exclusive", "2048\n");
        put(control + "shares", "{\"state\":\"committed\",\"exclusive\":2048}\n");
        put(control + "revisions_to_keep", "2\n");
        put(control + "schedule", "24h 7d\n");
        put(control + "ephemeral", "0\n");
        put(control + "config", "{}\n");
        put(control + "revisions", revisions);
        put(control + "ctl", "");
        put(control + "blockers", "");
    }

private:
    std::filesystem::path root_;
};

}  // namespace varve::mount_client::testing
