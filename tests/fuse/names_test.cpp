// SPDX-License-Identifier: LGPL-2.1-or-later
// Names that the kernel would never send, or that only its own checks keep away, in every request that takes one.
#include "tests/fuse/fuse_world.h"

#include <fcntl.h>

#include <nlohmann/json.hpp>

#include <climits>

namespace varve::fuse_test {
namespace {

struct BadName {
    const char* what;
    std::string name;
};

std::vector<BadName> bad_names() {
    using namespace std::string_literals;
    return {
        {"empty", ""},
        {"dot", "."},
        {"dot dot", ".."},
        {"a path", "a/b.img"},
        {"a path out", "../root.img"},
        {"a hidden path", ".a/b"},
        {"256 bytes", std::string(252, 'a') + ".img"},
        {"256 bytes, hidden", "." + std::string(255, 'a')},
        {"4096 bytes", std::string(4092, 'a') + ".img"},
        {"4096 bytes, hidden", "." + std::string(4095, 'a')},
        {"no UTF-8", "\xff\xfe.img"},
        {"a revision, no UTF-8", "root.img@\xc3\x28"},
        {"a revision's path", "root.img@a/b"},
    };
}

class Names : public FuseWorld {
protected:
    Names() {
        (void)work();
        begin();
        directory_ = work_directory();
        pool_node_ = wire().walk({"pools", "p"});
        file_ = wire().lookup(directory_, "root.img").out.nodeid;
    }
    int ask(std::uint32_t opcode, NodeId node, const std::string& body) { return wire().call(opcode, node, body).error; }

    std::vector<std::string> listed() {
        const auto opened = wire().opendir(directory_);
        std::vector<std::string> names;
        for (const auto& entry : parse_entries(wire().readdir(directory_, opened.out.fh, 0, 1U << 14, false).body, false))
            if (entry.name != "." && entry.name != "..") names.push_back(entry.name);
        (void)wire().releasedir(directory_, opened.out.fh);  // never fails
        return names;
    }

    NodeId directory_ = 0;
    NodeId pool_node_ = 0;
    NodeId file_ = 0;
};

TEST_F(Names, BadOnesAreRefusedEverywhere) {
    for (const auto& [what, text] : bad_names()) {
        SCOPED_TRACE(what);
        const auto name = name_of(text);
        const int unfound = text.size() > NAME_MAX ? ENAMETOOLONG : ENOENT;
        EXPECT_EQ(ask(FUSE_LOOKUP, directory_, name), unfound);
        EXPECT_EQ(ask(FUSE_LOOKUP, pool_node_, name), unfound);
        EXPECT_EQ(ask(FUSE_LOOKUP, root_node, name), unfound);
        EXPECT_EQ(ask(FUSE_CREATE, directory_, raw(fuse_create_in{O_RDWR, S_IFREG | 0644, 0, 0}) + name), EINVAL);
        EXPECT_EQ(ask(FUSE_MKDIR, pool_node_, raw(fuse_mkdir_in{0755, 0}) + name), text.size() > NAME_MAX ? ENAMETOOLONG : EINVAL);
        EXPECT_EQ(ask(FUSE_MKNOD, directory_, raw(fuse_mknod_in{S_IFREG, 0, 0, 0}) + name), EPERM);  // whatever the name
        EXPECT_EQ(ask(FUSE_SYMLINK, directory_, name + name_of("../other/root.img")), EINVAL);
        EXPECT_EQ(ask(FUSE_LINK, directory_, raw(fuse_link_in{file_}) + name), EINVAL);
        EXPECT_EQ(ask(FUSE_RENAME, directory_, raw(fuse_rename_in{directory_}) + name + name_of("b.img")), ENOENT);
        EXPECT_EQ(ask(FUSE_RENAME, directory_, raw(fuse_rename_in{directory_}) + name_of("root.img") + name), EINVAL);
        EXPECT_EQ(ask(FUSE_RENAME2, directory_, raw(fuse_rename2_in{directory_, 0, 0}) + name + name_of("b.img")), ENOENT);
        EXPECT_EQ(ask(FUSE_RENAME2, directory_, raw(fuse_rename2_in{directory_, 1, 0}) + name_of("root.img") + name), EINVAL);
        EXPECT_EQ(ask(FUSE_RENAME2, pool_node_, raw(fuse_rename2_in{pool_node_, 0, 0}) + name_of("work") + name), EINVAL);
        EXPECT_EQ(ask(FUSE_UNLINK, directory_, name), EINVAL);
        EXPECT_EQ(ask(FUSE_RMDIR, pool_node_, name), ENOENT);
    }
    EXPECT_EQ(listed(), (std::vector<std::string>{"root.img"}));
    EXPECT_EQ(wire().content(directory_, "root.img"), "first");
}

TEST_F(Names, ALinkLeadsToAVolumeOnly) {
    const std::string longest(4096, 'a');
    for (const std::string target : {"", ".", "../work/root.img/..", "root.img@a/b", "../\xff/root.img", longest.c_str()})
        EXPECT_EQ(ask(FUSE_SYMLINK, directory_, name_of("snap.img") + name_of(target)), EINVAL) << target;
    for (const auto* elsewhere : {"/etc/passwd", "../../etc/passwd"})
        EXPECT_EQ(ask(FUSE_SYMLINK, directory_, name_of("snap.img") + name_of(elsewhere)), EXDEV) << elsewhere;
    EXPECT_EQ(listed(), (std::vector<std::string>{"root.img"}));
}

TEST_F(Names, ANulEndsThem) {
    using namespace std::string_literals;
    EXPECT_EQ(ask(FUSE_LOOKUP, directory_, "root.img\0/../x\0"s), 0);
    EXPECT_EQ(ask(FUSE_LOOKUP, directory_, "\0root.img\0"s), ENOENT);
    EXPECT_EQ(ask(FUSE_UNLINK, directory_, "\0root.img\0"s), EINVAL);
    EXPECT_EQ(ask(FUSE_RENAME, directory_, raw(fuse_rename_in{directory_}) + "root.img\0b.img\0c.img\0"s), 0);
    EXPECT_EQ(listed(), (std::vector<std::string>{"b.img"}));
    EXPECT_EQ(ask(FUSE_CREATE, directory_, raw(fuse_create_in{O_RDWR | O_EXCL, S_IFREG | 0644, 0, 0}) + "b.img\0a.img\0"s),
              ESTALE);  // look again
}

TEST_F(Names, TheLongestScratchFile) {
    const auto longest = "." + std::string(NAME_MAX - 1, 'a');
    const auto made = wire().create(directory_, longest, O_RDWR | O_EXCL);
    ASSERT_EQ(made.error, 0);
    EXPECT_EQ(wire().write(made.out.entry.nodeid, made.out.open.fh, 0, "x"), 0);
    EXPECT_EQ(wire().release(made.out.entry.nodeid, made.out.open.fh), 0);
    EXPECT_EQ(wire().content(directory_, longest), "x");
    EXPECT_EQ(listed(), (std::vector<std::string>{"root.img", longest}));
    EXPECT_EQ(wire().rename(directory_, longest, directory_, longest + "b"), EINVAL);
    EXPECT_EQ(wire().unlink(directory_, longest), 0);
}

// Whatever bytes a name has: the reasons stay one line of JSON for each refusal.
TEST_F(Names, RefusalsAreTold) {
    const std::vector<std::string> names = {"\xff\xfe.img", "a\nb.img", "a\"b.img", "\x01.img", "\xed\xa0\x80.img", "\xf0\x9f.img"};
    for (const auto& name : names) EXPECT_EQ(wire().create(directory_, name, O_RDWR).error, EINVAL);
    const auto control = wire().walk({".varve"});
    auto text = wire().content(control, "errors");
    std::size_t lines = 0;
    for (std::size_t end = 0; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1), ++lines)
        EXPECT_EQ(nlohmann::json::parse(text.substr(0, end)).at("name"), "EINVAL");
    EXPECT_EQ(lines, names.size());
}

}  // namespace
}  // namespace varve::fuse_test
