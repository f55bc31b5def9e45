// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/crash/scenarios.h"

#include "tests/crash/world.h"

namespace varve::crash_tests {
namespace {

using base::Result;
using Act = std::function<Result<>(World&)>;

constexpr base::Bytes small{8192};
constexpr base::Bytes larger{16384};

api::VolumeConfig config(World& world, api::Kind kind, base::Bytes size = {}) {
    return {.kind = std::move(kind), .size = size, .revisions_to_keep = {}, .rw = true, .ephemeral = false, .created = world.clock().now()};
}

api::Source source(const std::string& volume) { return {volume_path(volume), std::nullopt}; }

base::Label label(const std::string& text) { return base::Label::parse(text).value(); }

Act keep(const std::string& volume, long long count) {
    return [=](World& world) -> Result<> {
        auto changed = world.view(volume)->config;
        changed.revisions_to_keep = TRY(api::RevisionsToKeep::from(count));
        return world.execute(volume, api::Configure{changed});
    };
}

// The newest timed revision.
base::RevisionId newest(World& world, const std::string& volume) {
    base::RevisionId found = label("there-is-none");
    for (const auto& revision : world.view(volume)->revisions)
        if (revision.id.timed() != nullptr) found = revision.id;
    return found;
}

Act all(std::vector<Act> acts) {
    return [acts = std::move(acts)](World& world) -> Result<> {
        for (const auto& act : acts) TRY(act(world));
        return {};
    };
}

Act start(const std::string& volume) {
    return [=](World& world) { return world.start_volume(volume); };
}

Act write(const std::string& volume) {
    return [=](World& world) { return world.guest_writes(volume, "the guest was here"); };
}

Act stop(const std::string& volume, api::Stop::Outcome outcome = api::Stop::Outcome::Commit) {
    return [=](World& world) { return world.stop_volume(volume, outcome); };
}

// Without marks a session is dirty for the next process, until it is started again.
Act go_on(const std::string& volume) {
    return [=](World& world) -> Result<> {
        if (world.view(volume)->session->phase == api::Session::Phase::Started) return {};
        return world.start_volume(volume);
    };
}

Act prepare(const std::string& volume) {
    return [=](World& world) { return world.prepare_start(volume); };
}

Act publish(const std::string& volume, const std::string& text, decltype(api::Publish::target) target = api::Publish::AsCommitted{}) {
    return [=](World& world) { return world.publish(volume, text, target); };
}

Act create(const std::string& volume, const api::Kind& kind, base::Bytes size = {}) {
    return [=](World& world) { return world.execute(volume, api::Create{config(world, kind, size)}); };
}

Act execute(const std::string& volume, const api::Command& command) {
    return [=](World& world) { return world.execute(volume, command); };
}

Act revert(api::Revert::Revision revision, api::Revert::Present present) {
    return [=](World& world) { return world.execute("work/private", api::Revert{newest(world, "work/private"), revision, present}); };
}

Act revert_label() {
    return execute("work/private", api::Revert{label("kept"), api::Revert::Revision::Keep, api::Revert::Present::KeepAsRevision});
}

Act commit_running(const std::string& volume, long long count) {
    return [=](World& world) {
        api::Commit command;
        command.retention.keep = api::RevisionsToKeep::from(count).value();
        command.retention.now = world.clock().now();
        return world.execute(volume, command);
    };
}

Act prune(std::size_t count) {
    return [=](World& world) -> Result<> {
        const auto limit = TRY(api::RevisionsToKeep::from(static_cast<long long>(count)));
        return world.execute("work/private", api::Prune{{.keep = limit, .now = world.clock().now(), .grace_seconds = 0, .sources = {}}});
    };
}

base::RevisionId moment(const std::string& text) { return base::RevisionId::parse(text).value(); }

void add_lifecycle(std::vector<Scenario>& list) {
    list.push_back({"create_origin", {"work/data"}, create("work/data", api::Origin{}, small)});
    list.push_back({"create_volatile", {"work/swap"}, create("work/swap", api::Volatile{}, small)});
    list.push_back({"create_snapshot", {"work/other"}, create("work/other", api::Snapshot{source("base/root")})});
    list.push_back(
        {"create_vm", {}, [](World& world) { return world.pool().create_vm(base::VmName::parse("fresh").value(), api::Ownership{}); }});
    list.push_back({"remove_vm", {}, [](World& world) { return world.pool().remove_vm(base::VmName::parse("empty").value()); }});
    list.push_back({"own_vm", {}, [](World& world) {
                        return world.pool().set_ownership(base::VmName::parse("work").value(),
                                                          api::Ownership{.uid = 7, .gid = 8, .mode = 0750});
                    }});
    list.push_back({"remove_committed", {"work/private"}, execute("work/private", api::RemoveCommitted{})});
    list.push_back(
        {"remove_last_state", {"work/data"}, execute("work/data", api::RemoveCommitted{}), create("work/data", api::Origin{}, small)});
    list.push_back({"remove_snapshot", {"work/root"}, execute("work/root", api::RemoveCommitted{})});
    list.push_back({"remove_volatile", {"work/volatile"}, execute("work/volatile", api::RemoveCommitted{})});
    list.push_back({"remove_revision", {"work/private"}, [](World& world) {
                        return world.execute("work/private", api::RemoveRevision{newest(world, "work/private")});
                    }});
    list.push_back({"remove_label", {"work/private"}, execute("work/private", api::RemoveRevision{label("kept")})});
    list.push_back(
        {"remove_last_revision",
         {"work/data"},
         [](World& world) { return world.execute("work/data", api::RemoveRevision{world.view("work/data")->revisions.front().id}); },
         all({create("work/data", api::Origin{}, small), publish("work/data", "second"), execute("work/data", api::RemoveCommitted{})})});
    list.push_back({"rename_volume", {"base/root", "base/system"}, [](World& world) {
                        return world.rename_volume("base/root", "base/system", {"work/root", "work/both"});
                    }});
    list.push_back({"rename_volume_with_revisions", {"work/private", "work/home"}, [](World& world) {
                        return world.rename_volume("work/private", "work/home", {});
                    }});
    list.push_back({"rename_vm", {"base/root", "tmpl/root"}, [](World& world) {
                        return world.rename_vm("base", "tmpl", {{"work/root"}, {"work/both"}});
                    }});
    list.push_back(
        {"rename_vm_of_children", {"work/private", "job/private"}, [](World& world) { return world.rename_vm("work", "job", {}); }});
}

void add_sessions(std::vector<Scenario>& list) {
    const auto outcome = api::Stop::Outcome::Discard;
    list.push_back({"prepare_start", {"work/private"}, prepare("work/private")});
    list.push_back({"start_origin", {"work/private"}, start("work/private")});
    list.push_back({"start_from_precache", {"work/private"}, start("work/private"), prepare("work/private")});
    list.push_back({"start_snapshot", {"work/root"}, start("work/root")});
    list.push_back({"start_volatile", {"work/volatile"}, start("work/volatile")});
    list.push_back({"start_origin_snapshot", {"work/both"}, start("work/both")});
    list.push_back({"start_without_layer", {"work/private"}, start("work/private"), keep("work/private", -1), {}, true});
    list.push_back({"stop_keep_0",
                    {"work/private"},
                    stop("work/private"),
                    all({keep("work/private", 0), start("work/private")}),
                    write("work/private"),
                    true});
    list.push_back({"stop_keep_1",
                    {"work/private"},
                    stop("work/private"),
                    all({keep("work/private", 1), start("work/private")}),
                    write("work/private"),
                    true});
    list.push_back({"stop_keep_9",
                    {"work/private"},
                    stop("work/private"),
                    all({keep("work/private", 9), start("work/private")}),
                    write("work/private")});
    list.push_back({"stop_without_layer",
                    {"work/private"},
                    stop("work/private"),
                    all({keep("work/private", -1), start("work/private")}),
                    write("work/private"),
                    true});
    list.push_back({"stop_unwritten", {"work/private"}, stop("work/private"), start("work/private"), {}, true});
    list.push_back({"stop_origin_snapshot", {"work/both"}, stop("work/both"), start("work/both"), write("work/both"), true});
    list.push_back({"stop_snapshot", {"work/root"}, stop("work/root"), start("work/root"), write("work/root")});
    list.push_back({"stop_volatile", {"work/volatile"}, stop("work/volatile"), start("work/volatile"), write("work/volatile")});
    list.push_back({"commit_running",
                    {"work/private"},
                    commit_running("work/private", 9),
                    start("work/private"),
                    all({go_on("work/private"), write("work/private")}),
                    false,
                    true});
    list.push_back({"commit_running_keep_1",
                    {"work/private"},
                    commit_running("work/private", 1),
                    start("work/private"),
                    all({go_on("work/private"), write("work/private")}),
                    true,
                    true});
    list.push_back({"commit_running_again",
                    {"work/private"},
                    commit_running("work/private", 9),
                    all({start("work/private"), write("work/private"), commit_running("work/private", 9)}),
                    all({go_on("work/private"), write("work/private")}),
                    false,
                    true});
    list.push_back({"commit_running_origin_snapshot",
                    {"work/both"},
                    commit_running("work/both", 9),
                    start("work/both"),
                    all({go_on("work/both"), write("work/both")}),
                    false,
                    true});
    list.push_back({"discard", {"work/private"}, stop("work/private", outcome), start("work/private"), write("work/private")});
    list.push_back({"discard_snapshot", {"work/root"}, stop("work/root", outcome), start("work/root")});
    list.push_back({"source_commits_under_snapshot",
                    {"base/root", "work/root"},
                    stop("base/root"),
                    all({start("work/root"), start("base/root")}),
                    write("base/root"),
                    true});
    list.push_back({"configure_to_no_layer", {"work/private"}, keep("work/private", -1)});
    list.push_back({"configure_from_no_layer", {"work/private"}, keep("work/private", 3), keep("work/private", -1)});
    list.push_back({"configure", {"work/private"}, keep("work/private", 5)});
    list.push_back({"resize", {"work/private"}, execute("work/private", api::Resize{larger})});
    list.push_back(
        {"resize_running", {"work/private"}, execute("work/private", api::Resize{larger}), start("work/private"), go_on("work/private")});
    list.push_back({"resize_volatile", {"work/volatile"}, execute("work/volatile", api::Resize{larger})});
    list.push_back({"resize_running_volatile",
                    {"work/volatile"},
                    execute("work/volatile", api::Resize{larger}),
                    start("work/volatile"),
                    go_on("work/volatile")});
    list.push_back({"resize_under_snapshot", {"base/root", "work/root"}, execute("base/root", api::Resize{larger}), start("work/root")});
}

void add_states(std::vector<Scenario>& list) {
    const auto amend = api::Publish::AsAmendment{};
    list.push_back({"publish", {"work/private"}, publish("work/private", "transaction")});
    list.push_back({"publish_new", {"work/data"}, publish("work/data", "transaction")});
    list.push_back(
        {"publish_returned", {"work/private"}, publish("work/private", "transaction"), execute("work/private", api::RemoveCommitted{})});
    list.push_back(
        {"publish_amendment", {"work/private"}, publish("work/private", "amended", amend), publish("work/private", "transaction")});
    list.push_back({"publish_under_snapshot", {"base/root", "work/root"}, publish("base/root", "transaction"), start("work/root")});
    list.push_back({"publish_revision",
                    {"work/private"},
                    publish("work/private", "restored", api::Publish::AsRevision{moment("2018-01-02T03:04:05Z")})});
    list.push_back({"publish_label", {"work/private"}, publish("work/private", "restored", api::Publish::AsRevision{moment("restored")})});
    list.push_back({"publish_revision_of_new",
                    {"work/data"},
                    publish("work/data", "restored", api::Publish::AsRevision{moment("2018-01-02T03:04:05Z")})});
    list.push_back({"publish_beside_precache", {"work/private"}, publish("work/private", "transaction"), prepare("work/private")});
    using Revision = api::Revert::Revision;
    using Present = api::Revert::Present;
    list.push_back({"revert_move", {"work/private"}, revert(Revision::Move, Present::KeepAsRevision)});
    list.push_back({"revert_keep", {"work/private"}, revert(Revision::Keep, Present::KeepAsRevision)});
    list.push_back({"revert_move_drop", {"work/private"}, revert(Revision::Move, Present::Drop)});
    list.push_back({"revert_keep_drop", {"work/private"}, revert(Revision::Keep, Present::Drop)});
    list.push_back({"revert_label", {"work/private"}, revert_label()});
    list.push_back({"revert_removed",
                    {"work/private"},
                    revert(Revision::Move, Present::KeepAsRevision),
                    execute("work/private", api::RemoveCommitted{})});
    list.push_back({"snapshot", {"work/private"}, execute("work/private", api::TakeSnapshot{label("now")})});
    list.push_back({"pin", {"work/private"}, [](World& world) {
                        return world.execute("work/private", api::RenameRevision{newest(world, "work/private"), label("pinned")});
                    }});
    list.push_back({"rename_label", {"work/private"}, execute("work/private", api::RenameRevision{label("kept"), label("renamed")})});
    list.push_back({"set_time", {"work/private"}, execute("work/private", api::SetTime{std::nullopt, {1'600'000'000, 5}})});
    list.push_back({"set_time_of_revision", {"work/private"}, [](World& world) {
                        const auto revision = newest(world, "work/private");  // whose second is its name
                        return world.execute("work/private", api::SetTime{revision, {revision.timed()->seconds, 5}});
                    }});
    list.push_back({"set_time_of_label", {"work/private"}, execute("work/private", api::SetTime{label("kept"), {1'600'000'000, 5}})});
    list.push_back({"prune_all", {"work/private"}, prune(0), {}, {}, true});
    list.push_back({"prune_some", {"work/private"}, prune(1), {}, {}, true});
}

}  // namespace

Result<> furnish(World& world) {
    TRY(world.create_vm("base"));
    TRY(world.create_vm("work"));
    TRY(world.create_vm("empty"));
    TRY(create("base/root", api::Origin{}, small)(world));
    TRY(world.publish("base/root", "system"));
    TRY(create("work/root", api::Snapshot{source("base/root")})(world));
    TRY(create("work/both", api::OriginSnapshot{source("base/root")})(world));
    TRY(create("work/volatile", api::Volatile{}, small)(world));
    TRY(create("work/private", api::Origin{}, small)(world));
    TRY(keep("work/private", 4)(world));
    for (const std::string text : {"first", "second", "third"}) {
        world.clock().advance(100);
        TRY(start("work/private")(world));
        TRY(world.guest_writes("work/private", text));
        TRY(stop("work/private")(world));
        if (text == "first") TRY(world.execute("work/private", api::TakeSnapshot{label("kept")}));
    }
    TRY(all({start("work/both"), write("work/both"), stop("work/both")})(world));
    world.clock().advance(100);
    return {};
}

std::vector<Scenario> scenarios() {
    std::vector<Scenario> list;
    add_lifecycle(list);
    add_sessions(list);
    add_states(list);
    return list;
}

}  // namespace varve::crash_tests
