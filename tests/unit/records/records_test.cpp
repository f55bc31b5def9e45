// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/records/intent.h"
#include "drivers/records/vm_record.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace varve::records {
namespace {

using base::Errc;

base::VmName vm(const char* name) { return base::VmName::parse(name).value(); }
base::VolumeName volume(const char* name) { return base::VolumeName::parse(name).value(); }
base::VolumePath path(const char* vm_name, const char* volume_name) { return {vm(vm_name), volume(volume_name)}; }

VmRecord full_record() {
    VmRecord record;
    record.ownership = api::Ownership{1000, 4294967294U, 0750};
    record.created = base::Timestamp{-1, 999'999'999};
    api::VolumeConfig origin;
    origin.revisions_to_keep = api::RevisionsToKeep::from(-1).value();
    origin.created = {std::numeric_limits<std::int64_t>::max(), 1};
    record.volumes.emplace(volume("private"), origin);
    api::VolumeConfig snapshot;
    snapshot.kind = api::Snapshot{{path("fedora", "root"), base::RevisionId::parse("2018-01-02T03:04:05Z.7").value()}};
    snapshot.rw = false;
    record.volumes.emplace(volume("root"), snapshot);
    api::VolumeConfig both;
    both.kind = api::OriginSnapshot{{path("fedora", "root"), {}}};
    both.schedule = api::Schedule::parse("24h 7d 5y").value();
    record.volumes.emplace(volume("home"), both);
    api::VolumeConfig scratch;
    scratch.kind = api::Volatile{};
    scratch.size = base::largest_volume;
    scratch.ephemeral = true;
    record.volumes.emplace(volume("volatile"), scratch);
    return record;
}

// A record whose only volume is this.
std::string with_volume(const std::string& name, const std::string& config) {
    return R"({"version":1,"volumes":{")" + name + R"(":)" + config + "}}";
}
const std::string legal = R"("size":0,"rw":true,"ephemeral":false,"created":{"seconds":0,"nanoseconds":0}})";

void expect_refused(const std::string& text, const std::string& why) {
    const auto record = parse_record(text);
    ASSERT_FALSE(record) << text.substr(0, 200);
    EXPECT_EQ(record.error().code, Errc::Corrupt);
    EXPECT_NE(record.error().context.find(why), std::string::npos) << record.error().context;
}

TEST(VmRecord, ComesBackAsItWas) {
    EXPECT_TRUE(parse_record(format_record(full_record())).value() == full_record());
    EXPECT_TRUE(parse_record(format_record(VmRecord{})).value() == VmRecord{});
}

TEST(VmRecord, RefusesWhatIsNoRecord) {
    for (const auto* text : {"", "{", "null", "[]", "1", "{}x", "\xff", R"({"version":1,"volumes":{})"})
        EXPECT_FALSE(parse_record(text)) << text;
    expect_refused("[]", "not a JSON object");
    expect_refused(std::string(100'000, '['), "nests too deep");
    expect_refused(std::string(largest_record.count + 1, ' '), "larger than");
}

TEST(VmRecord, NamesTheFieldAtFault) {
    expect_refused(R"({"volumes":{}})", "'version' is missing");
    expect_refused(R"({"version":2,"volumes":{}})", "'version' is 2");
    expect_refused(R"({"version":"1","volumes":{}})", "'version'");
    expect_refused(R"({"version":1})", "'volumes' is missing");
    expect_refused(R"({"version":1,"volumes":[]})", "'volumes' is not an object");
    expect_refused(R"({"version":1,"volumes":{},"extra":0})", "'extra' is an unknown field");
    expect_refused(R"({"version":1,"version":1,"volumes":{}})", "'version' twice");
    expect_refused(with_volume("root", R"({"kind":"origin","color":1,)" + legal), "'volumes.root.color' is an unknown field");
    expect_refused(with_volume("root", "7"), "'volumes.root' is not an object");
}

TEST(VmRecord, RefusesIllegalNames) {
    expect_refused(with_volume("../root", R"({"kind":"origin",)" + legal), "not a legal volume name");
    expect_refused(with_volume("root", R"({"kind":"snapshot","source":{"volume":"../x/root"},)" + legal), "not a legal V");
    expect_refused(with_volume("root", R"({"kind":"snapshot","source":{"volume":"fedora"},)" + legal), "vm/volume");
    expect_refused(with_volume("root", R"({"kind":"snapshot","source":{"volume":"fedora/root","revision":"a/b"},)" + legal), "label");
}

TEST(VmRecord, RefusesImpossibleVolumes) {
    expect_refused(with_volume("root", R"({"kind":"qcow2",)" + legal), "'volumes.root.kind'");
    expect_refused(with_volume("root", R"({"kind":"snapshot",)" + legal), "'volumes.root.source' is missing");
    expect_refused(with_volume("root", R"({"kind":"origin","source":{"volume":"fedora/root"},)" + legal), "belongs to no origin volume");
    const auto sized = [](const std::string& size) {
        return with_volume(
            "root", R"({"kind":"volatile","rw":true,"ephemeral":false,"created":{"seconds":0,"nanoseconds":0},"size":)" + size + "}");
    };
    for (const auto* size : {"-512", "1", "511", "1.5", "1e3", "\"512\"", "9223372036854775808", "18446744073709551616", "null"})
        expect_refused(sized(size), "'volumes.root.size'");
    EXPECT_TRUE(parse_record(sized("512")));
    expect_refused(with_volume("root", R"({"kind":"origin","revisions_to_keep":-2,)" + legal), "revisions_to_keep");
    expect_refused(with_volume("root", R"({"kind":"origin","size":0,"rw":true,"ephemeral":true,"created":{"seconds":0,"nanoseconds":0}})"),
                   "not volatile");
    expect_refused(with_volume("root", R"({"kind":"origin","size":0,"rw":1,"ephemeral":false,"created":{"seconds":0,"nanoseconds":0}})"),
                   "'volumes.root.rw'");
    expect_refused(
        with_volume("root", R"({"kind":"origin","size":0,"rw":true,"ephemeral":false,"created":{"seconds":0,"nanoseconds":1000000000}})"),
        "nanoseconds");
}

TEST(Intent, ComesBackAsItWas) {
    const Intent volume_intent = RenameVolume{path("work", "root"), path("home", "data"), {path("a", "root"), path("b", "root")}};
    const Intent vm_intent = RenameVm{vm("work"), vm("office"), {path("disp1", "root")}};
    EXPECT_TRUE(parse_intent(format_intent(volume_intent)).value() == volume_intent);
    EXPECT_TRUE(parse_intent(format_intent(vm_intent)).value() == vm_intent);
}

TEST(Intent, RefusesWhatItCouldNotHaveWritten) {
    for (const auto* text : {"", "{}", R"({"version":1,"operation":"remove vm","from":"a","to":"b","children":[]})",
                             R"({"version":1,"operation":"rename vm","from":"a/b","to":"b","children":[]})",
                             R"({"version":1,"operation":"rename vm","from":"a","to":"b","children":[1]})",
                             R"({"version":1,"operation":"rename vm","from":"a","to":"b","children":["../x"]})",
                             R"({"version":1,"operation":"rename volume","from":"a/b","to":"..","children":[]})"}) {
        const auto intent = parse_intent(text);
        ASSERT_FALSE(intent) << text;
        EXPECT_EQ(intent.error().code, Errc::Corrupt);
    }
}

}  // namespace
}  // namespace varve::records
