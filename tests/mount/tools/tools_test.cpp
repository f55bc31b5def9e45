// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/mount/tools/tools_test.h"

#include <fcntl.h>

#include <functional>

namespace varve::test_support {

void ToolsTest::SetUp() {
    MountTest::SetUp();
    outside_ = stage().directory() / (vm() + "-outside");
    std::filesystem::create_directory(outside_);
}

void ToolsTest::TearDown() {
    std::error_code ignored;  // leftovers in a temporary directory hurt nobody
    std::filesystem::remove_all(outside_, ignored);
    MountTest::TearDown();
}

Finished ToolsTest::run_unchecked(std::vector<std::string> arguments) const {
    Program program;
    program.arguments = std::move(arguments);
    program.deadline = std::chrono::seconds(60);
    program.directory = present(vm_path()) ? vm_path() : pool();
    program.environment = environment_;
    const auto finished = run_program(program);
    EXPECT_TRUE(finished) << finished.error().message();
    return finished ? *finished : Finished{};
}

std::string ToolsTest::run(std::vector<std::string> arguments) const {
    std::string text;
    for (const auto& argument : arguments) text += argument + " ";
    const auto finished = run_unchecked(std::move(arguments));
    EXPECT_TRUE(finished.succeeded()) << text << ": " << finished.describe();
    return finished.output + finished.errors;
}

std::string ToolsTest::shell(const std::string& script) const { return run({"bash", "-c", script}); }

Path ToolsTest::make_plain_file(const std::string& name, std::string_view content, std::int64_t seconds) const {
    EXPECT_EQ(make_state(out(name), content, seconds), ok);
    return out(name);
}

void ToolsTest::make_rich_vm() const {
    ASSERT_EQ(make_state(data(), old_content_, first_time), ok);
    ASSERT_EQ(link_file(data(), at("data.img@golden")), ok);
    ASSERT_EQ(make_state(data(), new_content_, second_time), ok);
    {
        OpenFile sparse(at("sparse.img"), O_CREAT | O_WRONLY);
        ASSERT_EQ(sparse.truncate(32 << 20), ok);
        ASSERT_EQ(sparse.write_at(16 << 20, old_content_), ok);
        ASSERT_EQ(sparse.set_times({second_time, 500'000'000}), ok);
        ASSERT_EQ(sparse.close(), ok);
    }
    ASSERT_EQ(symlink_to("../" + vm() + "/data.img", at("root.img")), ok);
    ASSERT_EQ(names(), (Names{"data.img", data_old().filename(), "data.img@golden", "root.img", "sparse.img"}));
}

std::map<std::string, std::string> ToolsTest::describe_tree(const Path& top) {
    std::map<std::string, std::string> all;
    for (const auto& name : list_directory(top)) {
        const auto status = stat_of(top / name);
        if (S_ISDIR(status.st_mode)) {
            for (const auto& [below, text] : describe_tree(top / name)) all[name + "/" + below] = text;
        } else if (S_ISLNK(status.st_mode)) {
            all[name] = "-> " + link_target_of(top / name);
        } else {
            const bool sparse = status.st_blocks * 512 < status.st_size / 2;
            all[name] = "size " + std::to_string(status.st_size) + " time " + std::to_string(status.st_mtim.tv_sec) + "." +
                        std::to_string(status.st_mtim.tv_nsec) + (sparse ? " sparse " : " dense ") +
                        std::to_string(std::hash<std::string>{}(read_file(top / name)));
        }
    }
    return all;
}

void ToolsTest::expect_settled(const Path& directory) const {
    for (const auto& name : list_directory(directory)) {
        if (name.find('@') != std::string::npos) continue;
        EXPECT_TRUE(name.ends_with(".img")) << "a scratch file stays: " << name;
        const auto state = directory / ".varve" / name.substr(0, name.find('.')) / "state";
        EXPECT_TRUE(eventually([&] { return control_value(state) == "halted"; })) << name << " is " << control_value(state);
    }
}

void ToolsTest::expect_one_commit(const std::string& content) const {
    expect_settled(vm_path());
    EXPECT_EQ(read_file(data()), content);
    EXPECT_EQ(names(), (Names{"data.img", data_old().filename()}));
    EXPECT_EQ(read_file(data_old()), old_content_);
}

}  // namespace varve::test_support
