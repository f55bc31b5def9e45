// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/reply.h"

#include <gtest/gtest.h>

namespace varve::mount_client {
namespace {

using base::Errc;

TEST(Reply, Success) {
    const auto reply =
        parse_reply(
            R"({"ok":true,"command":"stop","volume":"fast/work/root","result":{"committed":true,"revision":"2018-01-02T03:04:05Z","removed":["a","b"]}})"
            "\n")
            .value();
    EXPECT_TRUE(reply.ok);
    EXPECT_EQ(reply.command, "stop");
    EXPECT_EQ(reply.subject, "fast/work/root");
    EXPECT_TRUE(reply.committed);
    EXPECT_EQ(reply.revision, "2018-01-02T03:04:05Z");
    EXPECT_EQ(reply.removed, (std::vector<std::string>{"a", "b"}));
}

TEST(Reply, FindingsOfVerify) {
    const auto reply =
        parse_reply(R"({"ok":true,"command":"verify","vm":"fast/work","result":{"findings":[{"object":"x","what":"y"},5,{"what":1}]}})")
            .value();
    ASSERT_EQ(reply.findings.size(), 3U) << "what is broken is shown, too";
    EXPECT_EQ(reply.findings[0].object, "x");
    EXPECT_EQ(reply.findings[0].what, "y");
    EXPECT_EQ(reply.findings[1].object + reply.findings[2].what, "");
    EXPECT_TRUE(parse_reply(R"({"ok":true,"result":{"findings":"none"}})").value().findings.empty());
}

TEST(Reply, FailureKeepsTheSentence) {
    const auto reply =
        parse_reply(
            R"({"ok":false,"command":"revert","volume":"v","error":{"code":"not-found","errno":2,"name":"ENOENT","message":"no such revision"}})")
            .value();
    EXPECT_FALSE(reply.ok);
    EXPECT_EQ(reply.error.code, Errc::NotFound);
    EXPECT_EQ(reply.error.message(), "no such revision");
}

TEST(Reply, AnUnknownCodeIsChosenByErrno) {
    const auto code = [](const std::string& error) { return parse_reply("{\"ok\":false,\"error\":" + error + "}").value().error.code; };
    EXPECT_EQ(code(R"({"code":"newer","errno":16,"message":"m"})"), Errc::Busy);
    EXPECT_EQ(code(R"({"code":7,"errno":"x"})"), Errc::Io);
    EXPECT_EQ(code(R"({"errno":99999999999999999999})"), Errc::Io);
    EXPECT_EQ(code(R"({"errno":-16})"), Errc::Io);
}

TEST(Reply, WholeVm) {
    const auto reply =
        parse_reply(
            R"({"ok":false,"command":"start","vm":"p/v","volumes":[{"ok":true,"command":"start","volume":"p/v/a","result":{"device":"/dev/x"}},
        {"ok":false,"command":"start","volume":"p/v/b","error":{"code":"busy","errno":16,"message":"b is busy"}}],"error":{"code":"busy","errno":16,"message":"b is busy"}})")
            .value();
    ASSERT_EQ(reply.volumes.size(), 2U);
    EXPECT_EQ(reply.subject, "p/v");
    EXPECT_EQ(reply.volumes[0].device, "/dev/x");
    EXPECT_EQ(reply.volumes[1].error.code, Errc::Busy);
}

TEST(Reply, HostileTextIsCorruptAndNeverMore) {
    const std::string nested = R"({"ok":true,"volumes":[{"ok":true,"volumes":[{"ok":true}]}]})";
    for (const std::string& text :
         {std::string(), std::string("{"), std::string("[]"), std::string("null"), std::string("{}"), std::string(R"({"ok":1})"),
          std::string(R"({"ok":"true"})"), std::string(R"({"ok":false})"), std::string(R"({"ok":false,"error":"x"})"),
          std::string(R"({"ok":true,"volumes":{}})"), nested, std::string("{\"ok\":true,\"command\":\"\xff\"}"),
          std::string(R"({"ok":true} {"ok":true})"), std::string(200000, '[')}) {
        const auto reply = parse_reply(text);
        ASSERT_FALSE(reply) << text.substr(0, 80);
        EXPECT_EQ(reply.error().code, Errc::Corrupt);
    }
}

TEST(Reply, FieldsOfAnotherTypeAreAbsent) {
    const auto reply =
        parse_reply(R"({"ok":true,"command":5,"volume":[],"result":{"device":{},"committed":"yes","removed":[1,null,"a"]}})").value();
    EXPECT_EQ(reply.command + reply.subject + reply.device, "");
    EXPECT_FALSE(reply.committed);
    EXPECT_EQ(reply.removed, (std::vector<std::string>{"a"}));
}

}  // namespace
}  // namespace varve::mount_client
