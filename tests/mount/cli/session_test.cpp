// SPDX-License-Identifier: LGPL-2.1-or-later
// start, stop and discard.
#include "tests/mount/cli/cli_test.h"

#include <fcntl.h>
#include <unistd.h>

namespace varve::test_support {
namespace {

using CliSessionTest = CliTest;

TEST_F(CliSessionTest, StartPrintsTheDeviceAndStopMakesARevision) {
    const auto device = (backing(vm()) / "data-dirty.img").string();
    EXPECT_EQ(must_varve({"start", data_name()}), data_name() + "  " + device + "\n");
    EXPECT_EQ(value("data", "state"), "started");
    EXPECT_EQ(link_target_of(control("data", "device")), device);
    guest_write("data", 0, new_content_);
    EXPECT_EQ(read_file(data()), old_content_) << "nothing is committed yet";
    const auto said = must_varve({"stop", data_name()});
    EXPECT_EQ(said, data_name() + "  committed, the state before is kept as " + first_name + "\n");
    EXPECT_EQ(names(), (Names{"data.img", data_old().filename()}));
    EXPECT_EQ(read_file(data()), new_content_);
    EXPECT_EQ(read_file(data_old()), old_content_);
}

TEST_F(CliSessionTest, JsonHasTheRepliesOfEachTarget) {
    const auto started = json_of({"start", data_name()});
    EXPECT_EQ(started.at("/results/0/ok"), "true") << started.text;
    EXPECT_EQ(started.at("/results/0/command"), "start");
    EXPECT_EQ(started.at("/results/0/volume"), data_name());
    EXPECT_EQ(started.at("/results/0/result/device"), link_target_of(control("data", "device")));
    guest_write("data", 0, new_content_);
    const auto stopped = json_of({"stop", vm_name()});
    EXPECT_EQ(stopped.at("/results/0/vm"), vm_name()) << stopped.text;
    EXPECT_EQ(stopped.at("/results/0/volumes/0/result/committed"), "true");
    EXPECT_EQ(stopped.at("/results/0/volumes/0/result/revision"), first_name);
    EXPECT_EQ(read_file(data()), new_content_);
}

TEST_F(CliSessionTest, AWholeVmPrintsADeviceForEachVolume) {
    ASSERT_EQ(make_state(at("more.img"), new_content_, second_time), ok);
    const auto said = must_varve({"start", vm_name()});
    EXPECT_TRUE(has(said, data_name() + "  " + link_target_of(control("data", "device")) + "\n")) << said;
    EXPECT_TRUE(has(said, vm_name() + "/more  " + link_target_of(control("more", "device")) + "\n")) << said;
    EXPECT_EQ(must_varve({"-q", "discard", vm_name()}), "");
    EXPECT_EQ(value("data", "state"), "halted");
    EXPECT_EQ(value("more", "state"), "halted");
}

TEST_F(CliSessionTest, DiscardDropsWhatWasWritten) {
    must_varve({"start", data().string()});
    guest_write("data", 0, new_content_);
    EXPECT_EQ(must_varve({"discard", data().string()}), data_name() + "  discarded\n");
    EXPECT_EQ(read_file(data()), old_content_);
    EXPECT_EQ(names(), Names{"data.img"});
    EXPECT_EQ(json_of({"start", data_name()}).at("/results/0/ok"), "true");
    EXPECT_EQ(json_of({"discard", data_name()}).at("/results/0/command"), "discard");
}

TEST_F(CliSessionTest, WhatRunsIsBusy) {
    must_varve({"start", data_name()});
    expect_refused_with(Exit::busy, {"start", data_name()}, {"started already"});
    expect_refused_with(Exit::busy, {"start", vm_name()}, {"data is started already", "nothing was started"});
    EXPECT_EQ(varve({"revert", data_name(), first_name}).exit_status, Exit::not_found);
    must_varve({"snapshot", data_name(), "kept"});
    expect_refused_with(Exit::busy, {"revert", data_name(), "kept"}, {"while its VM runs"});
    EXPECT_EQ(value("data", "state"), "started");
    must_varve({"discard", data_name()});
}

TEST_F(CliSessionTest, WhatAProgramWritesIsBusyAndNamesTheProgram) {
    OpenFile writer(data(), O_RDWR);
    ASSERT_EQ(writer.opened(), ok);
    const auto before = names();
    const auto refused = varve({"start", data_name()});
    EXPECT_EQ(refused.exit_status, Exit::busy) << refused.describe();
    EXPECT_TRUE(has(refused.errors, "open for writing by process " + std::to_string(::getpid()))) << refused.errors;
    EXPECT_EQ(json_of({"info", data_name()}).at("/state"), "writing");
    ASSERT_EQ(writer.close(), ok);
    EXPECT_EQ(names(), before) << "a close without a write is no state";
}

TEST_F(CliSessionTest, OneFailureHidesNoOtherTarget) {
    const auto ran = varve({"start", "fast/" + vm() + "x", data_name()});
    EXPECT_EQ(ran.exit_status, Exit::not_found);
    EXPECT_EQ(ran.errors, "varve: fast/" + vm() + "x does not exist\n");
    EXPECT_TRUE(has(ran.output, data_name() + "  /")) << ran.output;
    EXPECT_EQ(value("data", "state"), "started");
    must_varve({"discard", data_name()});
}

TEST_F(CliSessionTest, WhatIsNotThereIsNotFound) {
    for (const std::string verb : {"start", "stop", "discard"}) {
        expect_refused_with(Exit::not_found, {verb, vm_name() + "/none"}, {vm_name() + "/none does not exist"});
        expect_refused_with(Exit::not_found, {verb, "fast/absent"}, {"fast/absent does not exist"});
        expect_refused_with(Exit::not_found, {verb, "absent/vm"}, {"absent/vm does not exist"});
    }
    expect_refused_with(Exit::failed, {"stop", data_name()}, {"is not started"});
    expect_refused_with(Exit::failed, {"discard", data_name()}, {"is not started"});
    EXPECT_EQ(varve({"stop", vm_name()}).exit_status, 0) << "there is nothing to do";
}

}  // namespace
}  // namespace varve::test_support
