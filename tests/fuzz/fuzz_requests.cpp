// SPDX-License-Identifier: LGPL-2.1-or-later
// What the kernel may send to the server, in any order and with any content: each request is answered once, and the root is there at the end.
// Handles are those that the server gave out, and a message is as long as it says: the kernel is trusted with both.
#include "tests/fuse/fuse_world.h"
#include "tests/fuzz/require.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace varve;
using fuse_test::NodeId;

enum class Takes { Nothing, File, TwoFiles, Directory };
struct Shape {
    std::uint32_t opcode;
    std::size_t head;  // bytes of the structure that the body begins with
    int names;
    Takes takes = Takes::Nothing;
    bool answered = true;
};

// No INTERRUPT: libfuse 3.14 alone deals with it, and leaks those that match nothing when the session ends.
constexpr std::array shapes = {
    Shape{FUSE_LOOKUP, 0, 1},
    Shape{FUSE_GETATTR, sizeof(fuse_getattr_in), 0},
    Shape{FUSE_SETATTR, sizeof(fuse_setattr_in), 0},
    Shape{FUSE_READLINK, 0, 0},
    Shape{FUSE_SYMLINK, 0, 2},
    Shape{FUSE_MKNOD, sizeof(fuse_mknod_in), 1},
    Shape{FUSE_MKDIR, sizeof(fuse_mkdir_in), 1},
    Shape{FUSE_UNLINK, 0, 1},
    Shape{FUSE_RMDIR, 0, 1},
    Shape{FUSE_RENAME, sizeof(fuse_rename_in), 2},
    Shape{FUSE_RENAME2, sizeof(fuse_rename2_in), 2},
    Shape{FUSE_LINK, sizeof(fuse_link_in), 1},
    Shape{FUSE_OPEN, sizeof(fuse_open_in), 0},
    Shape{FUSE_CREATE, sizeof(fuse_create_in), 1},
    Shape{FUSE_READ, sizeof(fuse_read_in), 0, Takes::File},
    Shape{FUSE_WRITE, sizeof(fuse_write_in), 0, Takes::File},
    Shape{FUSE_FLUSH, sizeof(fuse_flush_in), 0, Takes::File},
    Shape{FUSE_FSYNC, sizeof(fuse_fsync_in), 0, Takes::File},
    Shape{FUSE_FALLOCATE, sizeof(fuse_fallocate_in), 0, Takes::File},
    Shape{FUSE_LSEEK, sizeof(fuse_lseek_in), 0, Takes::File},
    Shape{FUSE_RELEASE, sizeof(fuse_release_in), 0, Takes::File},
    Shape{FUSE_COPY_FILE_RANGE, sizeof(fuse_copy_file_range_in), 0, Takes::TwoFiles},
    Shape{FUSE_OPENDIR, sizeof(fuse_open_in), 0},
    Shape{FUSE_READDIR, sizeof(fuse_read_in), 0, Takes::Directory},
    Shape{FUSE_READDIRPLUS, sizeof(fuse_read_in), 0, Takes::Directory},
    Shape{FUSE_RELEASEDIR, sizeof(fuse_release_in), 0, Takes::Directory},
    Shape{FUSE_STATFS, 0, 0},
    Shape{FUSE_FORGET, sizeof(fuse_forget_in), 0, Takes::Nothing, false},
    Shape{FUSE_ACCESS, sizeof(fuse_access_in), 0},
    Shape{FUSE_GETXATTR, sizeof(fuse_getxattr_in), 1},
};

constexpr std::array<std::string_view, 20> known_names = {"root.img",         "pools",         "p",       "work",     "vms",
                                                          ".varve",           "ctl",           "root",    "size",     "revisions_to_keep",
                                                          "root.img@current", "root.img@kept", "new.img", ".scratch", "sedAbCd12",
                                                          "../work/root.img", "other",         "errors",  ".",        "snapshot kept"};

class Input {
public:
    explicit Input(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
    [[nodiscard]] bool empty() const { return bytes_.empty(); }
    // Zeros where the input has ended.
    std::string take(std::size_t count) {
        std::string taken(count, '\0');
        const auto available = std::min(count, bytes_.size());
        std::copy_n(bytes_.begin(), available, taken.begin());
        bytes_ = bytes_.subspan(available);
        return taken;
    }
    std::uint8_t byte() { return static_cast<std::uint8_t>(take(1)[0]); }
    std::string text() {
        constexpr std::uint8_t own = 0x80;
        const auto which = byte();
        return which < own ? std::string(known_names[which % known_names.size()]) : take(which - own);
    }

private:
    std::span<const std::uint8_t> bytes_;
};

template <class T>
T get(const std::string& body, std::size_t offset = 0) {
    T value{};
    std::memcpy(&value, body.data() + offset, sizeof value);
    return value;
}
template <class T>
void put(std::string& body, std::size_t offset, T value) {
    std::memcpy(body.data() + offset, &value, sizeof value);
}

// An answer must fit the wire, and what is allocated is memory here.
void limit(const Shape& shape, std::string& head) {
    const auto most = [&](std::size_t offset, auto largest) { put(head, offset, std::min(get<decltype(largest)>(head, offset), largest)); };
    if (shape.opcode == FUSE_READ || shape.opcode == FUSE_READDIR || shape.opcode == FUSE_READDIRPLUS)
        most(offsetof(fuse_read_in, size), std::uint32_t{1} << 16);
    if (shape.opcode == FUSE_FALLOCATE) most(offsetof(fuse_fallocate_in, length), std::uint64_t{1} << 20);
}

class Requests final : public fuse_test::FuseWorld {
public:
    void run(Input input) {
        const auto volume = work();
        begin();
        const auto pools = wire().lookup(fuse::root_node, "pools").out.nodeid;
        const auto pool = wire().lookup(pools, "p").out.nodeid;
        const auto directory = wire().lookup(pool, "work").out.nodeid;
        nodes_seen_ = {fuse::root_node, pools, pool, directory, wire().lookup(directory, "root.img").out.nodeid};
        constexpr int most_requests = 64;
        for (int i = 0; i < most_requests && !input.empty(); ++i) request(input);
        fuzz::require(wire().getattr(fuse::root_node).error == 0, "the root is there");
        for (const auto handle : files_) (void)wire().release(directory, handle);  // a RELEASE's outcome reaches nobody
        for (const auto handle : directories_) (void)wire().releasedir(directory, handle);
        end_announced();
        TearDown();
    }

private:
    static constexpr pid_t threads = 4;
    void TestBody() override {}

    // An open that was announced and never came is waited for, which would outlive this world.
    void end_announced() {
        for (const auto& each : pool_->vms())
            for (const auto& file : each->writes().files())
                for (pid_t thread = 0; thread < threads; ++thread)
                    if (const auto announced = writes_.announced(*each, file, thread);
                        announced != nullptr && writes_.open_announced(announced, thread))
                        (void)announced->released();  // nobody waits for the outcome
    }

    // One of those there are; `fallback` when there are none.
    template <class T>
    static T pick(const std::vector<T>& from, std::uint8_t index, T fallback) {
        return from.empty() ? fallback : from[index % from.size()];
    }

    void request(Input& input) {
        const auto& shape = shapes[input.byte() % shapes.size()];
        const auto node = pick(nodes_seen_, input.byte(), NodeId{0});
        wire().act_as(input.byte() % threads);
        auto body = input.take(shape.head);
        limit(shape, body);
        const auto& handles = shape.takes == Takes::Directory ? directories_ : files_;
        std::uint64_t handle = 0;
        if (shape.takes != Takes::Nothing) {
            if (handles.empty()) return;
            handle = pick(handles, input.byte(), handle);
            put(body, 0, handle);
        }
        if (shape.takes == Takes::TwoFiles) put(body, offsetof(fuse_copy_file_range_in, fh_out), pick(handles, input.byte(), handle));
        if (shape.opcode == FUSE_RENAME || shape.opcode == FUSE_RENAME2 || shape.opcode == FUSE_LINK)
            put(body, 0, pick(nodes_seen_, input.byte(), NodeId{0}));
        for (int i = 0; i < shape.names; ++i) body += fuse_test::name_of(input.text());
        if (shape.opcode == FUSE_WRITE) {
            const auto data = input.text();
            put(body, offsetof(fuse_write_in, size), static_cast<std::uint32_t>(data.size()));
            body += data;
        }
        const auto unique = wire().send(shape.opcode, node, body);
        if (shape.opcode == FUSE_RELEASE) std::erase(files_, handle);
        if (shape.opcode == FUSE_RELEASEDIR) std::erase(directories_, handle);
        if (!shape.answered) return;
        const auto answer = wire().wait(unique);
        if (answer.error == 0) remember(shape.opcode, answer.body);
    }

    void remember(std::uint32_t opcode, const std::string& answer) {
        switch (opcode) {
            case FUSE_LOOKUP:
            case FUSE_SYMLINK:
            case FUSE_MKDIR:
            case FUSE_LINK: nodes_seen_.push_back(get<fuse_entry_out>(answer).nodeid); break;
            case FUSE_CREATE:
                nodes_seen_.push_back(get<fuse_test::Created>(answer).entry.nodeid);
                files_.push_back(get<fuse_test::Created>(answer).open.fh);
                break;
            case FUSE_OPEN: files_.push_back(get<fuse_open_out>(answer).fh); break;
            case FUSE_OPENDIR: directories_.push_back(get<fuse_open_out>(answer).fh); break;
            default: break;
        }
    }

    std::vector<NodeId> nodes_seen_;
    std::vector<std::uint64_t> files_;
    std::vector<std::uint64_t> directories_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Requests requests;
    requests.run(Input({data, size}));
    return 0;
}
