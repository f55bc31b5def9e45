// SPDX-License-Identifier: LGPL-2.1-or-later
// Real guests and states of volumes: an earlier one that is plugged in, and one that is committed while a file system on it is mounted.
#include "tests/libvirt/host.h"
#include "tests/support/run_program.h"

#include <algorithm>
#include <fstream>
#include <sstream>

namespace varve::libvirt_test {
namespace {

using base::VmName;
using vm::VmState;

std::string content_of(const std::filesystem::path& file) {
    std::ostringstream text;
    text << std::ifstream(file, std::ios::binary).rdbuf();
    return std::move(text).str();
}

// What the program says on its standard output; it must succeed.
std::string run(const std::vector<std::string>& arguments) {
    const auto finished = test_support::run_program(arguments);
    EXPECT_TRUE(finished && finished->succeeded())
        << arguments[0] << ": " << (finished ? finished->describe() : finished.error().message());
    return finished ? finished->output : "";
}

// What the ext4 in an image has in its file note.
std::string note_in(const std::filesystem::path& image) { return run({"debugfs", "-R", "cat /note", image.string()}); }

class GuestsAndStates : public LibvirtTest {
protected:
    // The volume's revision in whose second sector the text stands.
    [[nodiscard]] std::filesystem::path revision_with(const std::string& vm, const std::string& text) const {
        for (const auto& name : revisions(vm)) {
            const auto path = host().pool() / vm / name;
            if (content_of(path).substr(512, text.size() + 1) == text + '\0') return path;
        }
        ADD_FAILURE() << "no revision of " << vm << " holds " << text;
        return {};
    }
    // Its guest counts, and shuts down.
    [[nodiscard]] bool counts_to(const std::string& vm, const std::string& number) {
        return machines->start(named<VmName>(vm), {}) && eventually([&] { return control(vm, "state") == "halted"; }) &&
               committed_text(vm) == number;
    }
};

TEST_F(GuestsAndStates, ARevisionThatIsPluggedInIsReadAndNeverWritten) {
    define("counter", "count");
    ASSERT_TRUE(counts_to("counter", "1"));
    ASSERT_TRUE(counts_to("counter", "2"));
    const auto revision = revision_with("counter", "1");
    const auto before = content_of(revision);
    define("reader", "probe");
    const auto reader = named<VmName>("reader");
    const auto started = machines->start(reader, {});
    ASSERT_TRUE(started) << started.error().message();

    EXPECT_FALSE(machines->attach(reader, {revision, {}, true})) << "nobody may write an earlier state";
    const auto target = machines->attach(reader, {revision, {}, false});
    ASSERT_TRUE(target) << target.error().message();
    const auto disks = machines->disks(reader).value();
    ASSERT_EQ(disks.size(), 2U);
    EXPECT_EQ(disks[1].source, revision);
    EXPECT_TRUE(disks[1].read_only);
    EXPECT_TRUE(says("reader", "disk " + target->str() + " 16777216 ro=1"));
    EXPECT_TRUE(says("reader", target->str() + " holds: 1\r\n"));
    EXPECT_TRUE(says("reader", target->str() + " cannot be written"));

    // Its volume goes on meanwhile, and the state in the guest's hands is the same.
    EXPECT_TRUE(counts_to("counter", "3"));
    const auto detached = machines->detach(reader, *target);
    EXPECT_TRUE(detached) << detached.error().message();
    EXPECT_EQ(machines->disks(reader).value().size(), 1U);
    EXPECT_EQ(console_text("reader").find("was written"), std::string::npos);
    EXPECT_EQ(content_of(revision), before);
    ASSERT_TRUE(machines->kill(reader, {}));
}

TEST_F(GuestsAndStates, ACommitOfARunningGuestHasWhatItsFileSystemKeptInMemory) {
    const std::string text = "written-and-never-flushed";
    define("noting", "note-" + text);
    const auto noting = named<VmName>("noting");
    const auto image = host().directory() / "ext4.img";
    std::ofstream(image).flush();
    std::filesystem::resize_file(image, std::uint64_t{16} << 20);
    const auto volume = host().pool() / "noting" / "data.img";
    (void)run({"mkfs.ext4", "-q", "-F", image.string()});
    (void)run({"cp", image.string(), volume.string()});
    const auto started = machines->start(noting, {});
    ASSERT_TRUE(started) << started.error().message();
    ASSERT_TRUE(says("noting", "noted"));
    const auto domain = machines->info(noting).value().domain.value();
    ASSERT_TRUE(eventually([&] { return host().hypervisor()->ping_agent(domain, std::chrono::seconds(10)).has_value(); }));
    const auto device = std::filesystem::canonical(host().pool() / "noting" / ".varve" / "data" / "device");
    ASSERT_EQ(content_of(device).find(text), std::string::npos) << "it is in the guest's memory alone";

    const auto committed = machines->commit(noting);
    ASSERT_TRUE(committed) << committed.error().message();
    EXPECT_TRUE(committed->frozen) << committed->not_frozen;
    EXPECT_EQ(note_in(volume), text);
    EXPECT_EQ(machines->info(noting).value().state, VmState::Running);
    EXPECT_EQ(host().hypervisor()->thaw(domain, std::chrono::seconds(60)).value(), 0) << "it is thawed";
    // A whole file system: nothing to be repaired.
    (void)run({"e2fsck", "-f", "-n", volume.string()});

    const auto stopped = machines->stop(noting, {}, {});
    ASSERT_TRUE(stopped) << stopped.error().message();
    EXPECT_FALSE(stopped->killed);
    EXPECT_EQ(note_in(volume), text);
}

}  // namespace
}  // namespace varve::libvirt_test
