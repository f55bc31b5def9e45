// SPDX-License-Identifier: LGPL-2.1-or-later
// A control tree over an engine in memory.
#pragma once

#include "fs/activity/event_log.h"
#include "fs/control/control_tree.h"
#include "tests/unit/engine/world.h"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace varve::control_test {

using base::Errc;
using engine::VolumeRef;
using engine_test::failed;
using engine_test::mebibytes;
using engine_test::revision;
using engine_test::succeeded;
using nlohmann::json;

class RecordingAdministration final : public control::PoolAdministration {
public:
    base::Result<> add(const std::vector<std::string>& words) override {
        added = words;
        return {};
    }
    base::Result<> remove(const std::string& name) override { return base::fail(Errc::NotFound, "there is no pool " + name); }
    base::Result<> convert(const std::string& name) override {
        converted = name;
        return {};
    }
    base::Result<control::Reloaded> reload() override {
        ++reloads;
        return reloaded;
    }
    base::Result<std::optional<base::PoolName>> included_in(const engine::OpenPool&) const override { return outer; }

    std::vector<std::string> added;
    std::string converted;
    int reloads = 0;
    control::Reloaded reloaded;
    std::optional<base::PoolName> outer;
};

class ControlWorld : public engine_test::World {
protected:
    explicit ControlWorld(engine::Settings settings = quick(), std::optional<base::Bytes> size = {}) : World(settings, size) {
        EXPECT_TRUE(catalogue_.add(pool_));
        heard_.pass_on_to(events_);
        heard_.pass_on_to(now_running_);
        heard_.pass_on_to(metrics_);
    }

    [[nodiscard]] control::Place pool_place() const { return {pool_, nullptr, {}}; }
    [[nodiscard]] control::Place place(const engine::VmPtr& vm) const { return {pool_, vm, {}}; }
    [[nodiscard]] control::Place place(const VolumeRef& volume) const { return {pool_, volume.vm, volume.volume}; }

    [[nodiscard]] std::string value(const control::Place& at, std::string_view name) const {
        const auto text = tree_.read(at, name, 0);
        return text ? *text : "(" + std::string(base::name_of(text.error().code)) + ")";
    }
    // The reply, which is one line, and its error agree.
    json command(const control::Place& at, std::string_view text) {
        const auto reply = tree_.command(at, text);
        EXPECT_TRUE(reply.json.ends_with('\n'));
        EXPECT_EQ(reply.json.find('\n'), reply.json.size() - 1);
        auto object = json::parse(reply.json);
        EXPECT_EQ(object.at("ok").get<bool>(), !reply.error.has_value());
        if (reply.error) {
            EXPECT_EQ(object.at("error").at("code"), base::name_of(reply.error->code));
        }
        return object;
    }

    engine::Failures failures_;
    engine::Catalogue catalogue_;
    activity::EventLog events_{4096};
    activity::RunningOperations now_running_;
    activity::Traffic traffic_;
    activity::Metrics metrics_{catalogue_, traffic_, clock_.now()};
    RecordingAdministration administration_;
    control::ControlTree tree_{volumes_, failures_, administration_, {now_running_, metrics_}, [] { return std::string("speed high\n"); }};
};

}  // namespace varve::control_test
