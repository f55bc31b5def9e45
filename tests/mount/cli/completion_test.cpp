// SPDX-License-Identifier: LGPL-2.1-or-later
// contrib/completion/varve.bash in a bash without anything else.
#include "tests/mount/cli/completion.h"

#include <algorithm>
#include <regex>
#include <sstream>

namespace varve::test_support {
namespace {

TEST_F(CliCompletionTest, Subcommands) {
    EXPECT_EQ(
        complete("varve "),
        (Names{"clone", "commit",    "create", "diff",   "discard", "disp",     "events", "export", "import",    "info",   "ls",
               "mv",    "partition", "pin",    "pool",   "preload", "prune",    "reload", "resize", "retention", "revert", "revisions",
               "rm",    "snapshot",  "start",  "status", "stop",    "template", "top",    "unpin",  "usage",     "verify", "vm"}));
    EXPECT_EQ(complete("varve st"), (Names{"start", "status", "stop"}));
    EXPECT_EQ(complete("varve --json re"), (Names{"reload", "resize", "retention", "revert", "revisions"}));
    EXPECT_EQ(complete("varve pool "), (Names{"add", "adopt-qubes", "convert", "info", "ls", "rm"}));
    EXPECT_EQ(complete("varve vm a"), (Names{"adopt", "attach"}));
    EXPECT_EQ(complete("varve pool add new "), (Names{"callback", "file", "file-reflink", "linux-kernel", "lvm_thin", "plugin:", "sim"}));
    EXPECT_EQ(complete("varve nonsense x"), Names{});
}

TEST_F(CliCompletionTest, EverySubcommandOfTheProgramIsThere) {
    const auto help = must_varve({"--help"});
    for (const auto& name : complete("varve ")) EXPECT_TRUE(has(help, "\n  " + name + " ")) << name;
    for (const auto& name : complete("varve pool ")) EXPECT_TRUE(has(must_varve({"pool", "--help"}), "\n  " + name + " ")) << name;
    for (const std::string command : {"clone", "import", "export", "ls"})
        for (const auto& option : complete("varve " + command + " --"))
            EXPECT_TRUE(has(must_varve({command, "--help"}) + help, option)) << option;
}

TEST_F(CliCompletionTest, Options) {
    EXPECT_EQ(complete("varve --"), (Names{"--bytes", "--help", "--json", "--mount", "--quiet", "--socket", "--version"}));
    EXPECT_EQ(complete("varve ls --r"), Names{"--revisions"});
    EXPECT_EQ(complete("varve clone --f"), Names{"--force"});
    EXPECT_EQ(complete("varve import --"), (Names{"--bytes", "--force", "--format", "--help", "--json", "--mount", "--parents", "--quiet",
                                                  "--raw", "--size", "--socket", "--spool", "--version"}));
    EXPECT_EQ(complete("varve export --spa"), Names{"--sparse"});
    EXPECT_EQ(complete("varve import --format v"), (Names{"vdi", "vhdx", "vpc"}));
    EXPECT_EQ(complete("varve export --format "), (Names{"qcow2", "raw"}));
    EXPECT_EQ(complete("varve pool adopt-qubes --dr"), Names{"--dry-run"});
    EXPECT_EQ(complete("varve pool adopt-qubes --q"), (Names{"--qubes-pool", "--quiet"}));
    EXPECT_EQ(complete("varve vm adopt --"),
              (Names{"--bytes", "--dry-run", "--format", "--help", "--json", "--keep-mac", "--mount", "--name", "--pool", "--quiet",
                     "--skip", "--socket", "--undefine", "--uri", "--version"}));
    for (const auto& option : complete("varve vm adopt --"))
        EXPECT_TRUE(has(must_varve({"vm", "adopt", "--help"}) + must_varve({"--help"}), option)) << option;
    EXPECT_EQ(complete("varve vm adopt --format "), Names{});
    EXPECT_EQ(complete("varve vm stop --"),
              (Names{"--bytes", "--force", "--help", "--json", "--mount", "--no-kill", "--quiet", "--socket", "--timeout", "--version"}));
    for (const auto& option : complete("varve vm stop --"))
        EXPECT_TRUE(has(must_varve({"vm", "stop", "--help"}) + must_varve({"--help"}), option)) << option;
    EXPECT_EQ(complete("varve vm adopt --uri qemu:///se"), Names{"///session"});
    EXPECT_EQ(complete("varve start --f"), Names{});
}

// What the driver's manual has as a parameter, and what all pools have.
Names keys_in_manuals(const std::string& driver) {
    Names keys;
    const auto take = [&](const std::string& page, const std::string& heading) {
        const auto manual = read_file(std::string(VARVE_MANUALS) + "/" + page);
        bool inside = false;
        std::istringstream lines(manual);
        for (std::string line; std::getline(lines, line);) {
            if (line.starts_with('#')) inside = line == heading;
            if (!inside || !line.starts_with("**")) continue;
            static const std::regex key(R"(\*\*([a-z_]+)\*\*)");
            for (std::sregex_iterator found(line.begin(), line.end(), key), end; found != end; ++found)
                if ((*found)[1] != "name" && (*found)[1] != "driver") keys.push_back((*found)[1].str() + "=");
        }
    };
    take("varve.toml.5.md", "# POOLS");
    take("varve-" + driver + ".7.md", "# PARAMETERS");
    std::ranges::sort(keys);
    return keys;
}

TEST_F(CliCompletionTest, DriversAndTheirKeys) {
    const auto help = must_varve({"pool", "add", "--help"});
    const auto refused = varve({"pool", "add", "new", "nonsense"}).errors;
    for (const auto& driver : complete("varve pool add new ")) {
        EXPECT_TRUE(has(help, driver)) << driver;
        EXPECT_TRUE(has(refused, driver)) << driver << " is no driver: " << refused;
        if (driver == "plugin:") continue;
        auto keys = complete("varve pool add new " + driver + " ");
        EXPECT_EQ(std::erase(keys, "compopt -o nospace"), 1U);
        EXPECT_EQ(keys, keys_in_manuals(driver)) << driver;
        for (const auto& key : keys)
            EXPECT_FALSE(has(varve({"pool", "add", "new", driver, key + "\x01"}).errors, "has no parameter")) << driver << " " << key;
    }
    const auto known = refused.substr(refused.find("there are "));
    EXPECT_EQ(std::ranges::count(known, ','), 6) << "as many as are completed: " << known;
    EXPECT_EQ(complete("varve pool add new callback callback_driver=lvm_thin thin"), (Names{"compopt -o nospace", "thin_pool="}));
    EXPECT_EQ(complete("varve pool add new file dir_path=./da"), (Names{"./data.img", "compopt -o filenames"}));
    EXPECT_EQ(complete("varve pool add new plugin:/x.so o"), (Names{"compopt -o nospace", "owner="}));
    EXPECT_EQ(complete("varve export -c " + vm_name() + "/"), Names{data_name()}) << "a flag there, a number in top";
}

TEST_F(CliCompletionTest, PoolsVmsAndVolumes) {
    forget_other_mounts();
    EXPECT_EQ(complete("varve ls "), (Names{"fast/", "other/"}));
    EXPECT_EQ(complete("varve ls fa"), (Names{"compopt -o nospace", "fast/"}));
    EXPECT_EQ(complete("varve pool info o"), Names{"other"});
    EXPECT_EQ(complete("varve vm adopt --pool o"), Names{"other"});
    // Libvirt's test driver has one domain, which runs.
    EXPECT_EQ(complete("varve vm adopt --uri test:///default "), Names{});
    EXPECT_EQ(complete("varve start fast/" + vm()), (Names{"compopt -o nospace", vm_name() + "/"}));
    ASSERT_EQ(make_state(at("more.img"), new_content_, second_time), ok);
    EXPECT_EQ(complete("varve start " + vm_name() + "/"), (Names{data_name(), vm_name() + "/more"}));
    EXPECT_EQ(complete("varve stop " + data_name() + " " + vm_name() + "/m"), Names{vm_name() + "/more"}) << "one target after another";
    EXPECT_EQ(complete("varve resize " + data_name() + " "), Names{});
    EXPECT_EQ(complete("varve info absent/"), Names{});
    EXPECT_EQ(complete("varve --mount " + mount().string() + " ls f", "/nonexistent"), (Names{"compopt -o nospace", "fast/"}));
    EXPECT_EQ(complete("varve --mount=" + mount().string() + " ls f", "/nonexistent"), (Names{"compopt -o nospace", "fast/"}));
    EXPECT_EQ(complete("varve ls f", ""), (Names{"compopt -o nospace", "fast/"})) << "the only mount there is";
    EXPECT_EQ(complete("varve ls f", "/nonexistent"), Names{});
}

// Only what stands behind the last ':', '=' or '@' is replaced on the line.
TEST_F(CliCompletionTest, Revisions) {
    ASSERT_EQ(link_file(data(), at("data.img@kept")), ok);
    ASSERT_EQ(make_state(data(), new_content_, second_time), ok);
    EXPECT_EQ(complete("varve revert " + data_name() + " "), (Names{first_name, "kept"}));
    EXPECT_EQ(complete("varve revert " + data_name() + " 2017-07-14T02:"), Names{"40:00Z"});
    EXPECT_EQ(complete("varve revert " + data_name() + "@"), (Names{first_name, "kept"}));
    EXPECT_EQ(complete("varve revert " + data_name() + "@k"), Names{"kept"});
    EXPECT_EQ(complete("varve clone " + data_name() + "@2017-07-14T02:40:"), Names{"00Z"});
    EXPECT_EQ(complete("varve clone " + vm_name() + "/da"), (Names{data_name(), data_name() + "@" + first_name, data_name() + "@kept"}));
    EXPECT_EQ(complete("varve info " + vm_name() + "/da"), Names{data_name()}) << "info takes no revision";
    EXPECT_EQ(complete("varve mv " + data_name() + " " + vm_name() + "/da"), Names{data_name()}) << "nor does mv";
    EXPECT_EQ(complete("varve clone " + data_name() + "@kept " + vm_name() + "/da").size(), 3U);
}

TEST_F(CliCompletionTest, PathsOnTheMount) {
    ASSERT_EQ(link_file(data(), at("data.img@kept")), ok);
    const auto path = vm_path().string();
    EXPECT_EQ(complete("varve ls " + path + "/d"), (Names{path + "/data.img", path + "/data.img@kept", "compopt -o filenames"}));
    EXPECT_EQ(complete("varve revert ./data.img@"), (Names{"compopt -o filenames", "kept"}));
    EXPECT_EQ(complete("varve start ./"), (Names{"./data.img", "./data.img@kept", "compopt -o filenames"}));
    EXPECT_EQ(complete("varve --mount " + (mount() / "po").string()), (Names{(mount() / "pools").string(), "compopt -o filenames"}));
}

// FILE is any file, VOLUME what is on the mount; the word behind --size is neither.
TEST_F(CliCompletionTest, ImagesOutside) {
    const auto outside = stage().directory() / (vm() + "-outside");
    ASSERT_EQ(make_directory(outside), ok);
    ASSERT_EQ(touch_new(outside / "disk.raw"), ok);
    const Names file{(outside / "disk.raw").string(), "compopt -o filenames"};
    const auto start = (outside / "di").string();
    EXPECT_EQ(complete("varve import " + start), file);
    EXPECT_EQ(complete("varve import --size 10G " + start), file);
    EXPECT_EQ(complete("varve import --size "), Names{});
    EXPECT_EQ(complete("varve import disk.raw " + vm_name() + "/"), Names{data_name()});
    EXPECT_EQ(complete("varve import --size 10G - " + vm_name() + "/"), Names{data_name()});
    EXPECT_EQ(complete("varve export " + data_name() + "@"), Names{});
    EXPECT_EQ(complete("varve export " + vm_name() + "/"), Names{data_name()});
    EXPECT_EQ(complete("varve export " + data_name() + " " + start), file);
    EXPECT_EQ(complete("varve export " + data_name() + " x y"), Names{});
    EXPECT_EQ(complete("varve pool adopt-qubes f"), Names{"fast"});
    EXPECT_EQ(complete("varve pool adopt-qubes --qubes-pool vm-pool fast " + start), file);
}

}  // namespace
}  // namespace varve::test_support
