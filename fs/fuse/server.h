// SPDX-License-Identifier: LGPL-2.1-or-later
// Answers the kernel's requests: each method is one operation of fuse_lowlevel_ops and replies exactly once.
#pragma once

#include "fs/activity/event_log.h"
#include "fs/activity/traffic.h"
#include "fs/control/control_tree.h"
#include "fs/engine/failures.h"
#include "fs/engine/volumes.h"
#include "fs/engine/writes.h"
#include "fs/fuse/handle.h"
#include "fs/fuse/lowlevel.h"
#include "fs/fuse/negotiation.h"
#include "fs/fuse/node_table.h"
#include "fs/fuse/notifier.h"
#include "fs/fuse/passthrough.h"
#include "fs/fuse/tree.h"

#include <spdlog/fwd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace varve::fuse {

// What a server needs; all of it outlives the server.
struct Services {
    engine::Catalogue& catalogue;
    engine::Volumes& volumes;
    engine::Writes& writes;
    engine::Failures& failures;
    const engine::Processes& processes;
    control::ControlTree& control;
    activity::EventLog& events;
    activity::Traffic& traffic;
    NodeTable& nodes;
    Notifier& notifier;
    Negotiation& negotiation;
    Passthrough& passthrough;
    const base::Clock& clock;
    spdlog::logger& log;
};

// Thread-safe: libfuse calls it from many threads.
class Server {
public:
    explicit Server(const Services& services) : with_(services), tree_(services.catalogue, services.writes, services.control) {}

    // The table for fuse_session_new, whose userdata must be the Server.
    [[nodiscard]] static const fuse_lowlevel_ops& operations();

    void init(fuse_conn_info* connection);
    // FUSE_INIT was answered. The mountpoint is empty when the session is on no mount.
    void begin(const std::filesystem::path& mountpoint);
    // There is no session any more: nobody is to be told of anything.
    void end() { with_.events.forget_all(); }
    [[nodiscard]] Negotiation& negotiation() const { return with_.negotiation; }

    // ---- names to nodes (lookup.cpp)
    void lookup(fuse_req_t request, fuse_ino_t parent, const char* name);
    void forget(fuse_req_t request, fuse_ino_t node, std::uint64_t lookups);
    void forget_multi(fuse_req_t request, std::size_t count, fuse_forget_data* forgets);
    void readlink(fuse_req_t request, fuse_ino_t node);
    void statfs(fuse_req_t request, fuse_ino_t node);

    // ---- directories (directories.cpp)
    void opendir(fuse_req_t request, fuse_ino_t node, fuse_file_info* info);
    void readdir(fuse_req_t request, fuse_ino_t node, std::size_t size, off_t offset, fuse_file_info* info);
    void readdirplus(fuse_req_t request, fuse_ino_t node, std::size_t size, off_t offset, fuse_file_info* info);
    void releasedir(fuse_req_t request, fuse_ino_t node, fuse_file_info* info);

    // ---- attributes (setattr.cpp)
    void getattr(fuse_req_t request, fuse_ino_t node, fuse_file_info* info);
    void setattr(fuse_req_t request, fuse_ino_t node, struct stat* wanted, int which, fuse_file_info* info);

    // ---- open files (open.cpp)
    void open(fuse_req_t request, fuse_ino_t node, fuse_file_info* info);
    void create(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, fuse_file_info* info);
    void flush(fuse_req_t request, fuse_ino_t node, fuse_file_info* info);
    void release(fuse_req_t request, fuse_ino_t node, fuse_file_info* info);

    // ---- data (data.cpp)
    void read(fuse_req_t request, fuse_ino_t node, std::size_t size, off_t offset, fuse_file_info* info);
    void write(fuse_req_t request, fuse_ino_t node, const char* data, std::size_t size, off_t offset, fuse_file_info* info);
    void fsync(fuse_req_t request, fuse_ino_t node, int data_only, fuse_file_info* info);
    void fallocate(fuse_req_t request, fuse_ino_t node, int mode, off_t offset, off_t length, fuse_file_info* info);
    void lseek(fuse_req_t request, fuse_ino_t node, off_t offset, int whence, fuse_file_info* info);
    void copy_file_range(fuse_req_t request, fuse_ino_t from_node, off_t from_offset, fuse_file_info* from_info, fuse_ino_t to_node,
                         off_t to_offset, fuse_file_info* to_info, std::size_t length, int flags);

    // ---- events (events.cpp)
    void poll(fuse_req_t request, fuse_ino_t node, fuse_file_info* info, fuse_pollhandle* handle);

    // ---- making and removing names (names.cpp), rename.cpp
    void mknod(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, dev_t device);
    void mkdir(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode);
    void unlink(fuse_req_t request, fuse_ino_t parent, const char* name);
    void rmdir(fuse_req_t request, fuse_ino_t parent, const char* name);
    void symlink(fuse_req_t request, const char* target, fuse_ino_t parent, const char* name);
    void link(fuse_req_t request, fuse_ino_t node, fuse_ino_t new_parent, const char* new_name);
    void rename(fuse_req_t request, fuse_ino_t parent, const char* name, fuse_ino_t new_parent, const char* new_name, unsigned int flags);

private:
    // Long, since the notifier tells the kernel of every change that the kernel did not ask for itself.
    static constexpr double cached_seconds = 3600;

    // One operation, for what its failure says.
    struct Operation {
        std::string_view name;  // as in syscalls: "open", "rename"
        std::string path;
    };

    // ---- replies (server.cpp)
    [[nodiscard]] engine::Writer writer(fuse_req_t request) const;
    [[nodiscard]] base::Result<NodePtr> node(fuse_ino_t id) const;
    // Replies with the errno and leaves the reason in `.varve/errors`.
    void refuse(fuse_req_t request, const Operation& operation, const base::Error& error) const;
    void remember_failure(fuse_req_t request, const Operation& operation, const base::Error& error) const;
    void done(fuse_req_t request, const Operation& operation, const base::Result<>& result) const;
    // The entry that stands under this name now, counted as a look-up.
    void reply_entry(fuse_req_t request, const Operation& operation, const Node& parent, std::string_view name) const;
    [[nodiscard]] base::Result<fuse_entry_param> entry_for(const Found& found) const;
    [[nodiscard]] static std::string path_in(const Node& parent, std::string_view name);

    // ---- parts of operations
    using FindState = std::optional<api::StateRef> (*)(const api::VolumeView&, const api::State&);
    [[nodiscard]] base::Result<OpenFile> open_node(const Node& node, const engine::Writer& writer, uid_t user, int flags);
    [[nodiscard]] base::Result<OpenFile> open_state(const engine::VolumeRef& volume, const api::State& state, FindState find) const;
    [[nodiscard]] bool without_page_cache(const OpenFile& file, int flags) const;
    void reply_opened(fuse_req_t request, NodeId id, NodePtr what, OpenFile file, fuse_file_info* info,
                      const fuse_entry_param* entry) const;
    void announce_write(fuse_req_t request, const Operation& operation, const StateFile& file, int flags);
    [[nodiscard]] base::Result<> apply_attributes(const Node& node, const struct stat& wanted, int which);
    [[nodiscard]] base::Result<> set_file_size(const Node& node, base::Bytes size);
    [[nodiscard]] base::Result<> set_file_time(const Node& node, base::Timestamp time);
    [[nodiscard]] base::Result<> set_owner(const engine::VmPtr& vm, const struct stat& wanted, int which);
    [[nodiscard]] base::Result<OpenFile> create_file(const engine::VmPtr& vm, std::string_view name, const engine::Writer& writer);
    [[nodiscard]] base::Result<> make_link(const Node& from, const engine::VmPtr& vm, std::string_view name);
    [[nodiscard]] base::Result<> remove_name(const engine::VmPtr& vm, std::string_view name);
    [[nodiscard]] base::Result<> rename_entry(const Node& parent, std::string_view name, const Node& new_parent, std::string_view new_name,
                                              unsigned int flags);
    [[nodiscard]] base::Result<> rename_in_vms(const engine::VmPtr& vm, std::string_view name, const engine::VmPtr& new_vm,
                                               std::string_view new_name);
    void after_rename(const Node& moved, const Node& new_parent, std::string_view new_name);
    void pools_changed();
    [[nodiscard]] std::string read_events(EventsHandle& events, std::size_t size, off_t offset) const;
    // Whether there are some to read; else `wanted`, if there is one, is told when some come.
    [[nodiscard]] bool wait_for_events(EventsHandle& events, const std::shared_ptr<fuse_pollhandle>& wanted) const;
    [[nodiscard]] base::Result<struct stat> attributes(const Node& node) const;
    void run_command(fuse_req_t request, const Operation& operation, CommandHandle& handle, std::string_view text);

    Services with_;
    Tree tree_;
    bool direct_writes_ = false;  // set once, by init()
};

}  // namespace varve::fuse
