// SPDX-License-Identifier: LGPL-2.1-or-later
// Every command against every state a volume can be in.
#include "drivers/api/rules.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace varve::api {
namespace {

using base::Errc;

const base::VolumePath volume{base::VmName::parse("work").value(), base::VolumeName::parse("root").value()};
const base::VolumePath other{base::VmName::parse("fedora").value(), base::VolumeName::parse("root").value()};
const Capabilities everything{true, Method::Clone, Method::Clone, Method::Clone, true, true, true, true};

base::RevisionId name(std::string_view text) { return base::RevisionId::parse(text).value(); }
base::Label label(std::string_view text) { return base::Label::parse(text).value(); }

State state(std::uint64_t size = 4096) {
    State made{};
    made.size = {size};
    return made;
}

// The states that a volume can be in.
VolumeView halted(Kind kind = Origin{}) {
    VolumeView view;
    view.config.kind = std::move(kind);
    if (saves_on_stop(view.config.kind)) view.committed = state();
    if (std::holds_alternative<Volatile>(view.config.kind)) view.config.size = {4096};
    return view;
}

VolumeView with_revisions(VolumeView view) {
    view.revisions = {{name("2020-01-01T00:00:01Z"), 1, state(), {}}, {name("label"), 0, state(), {}}};
    return view;
}

VolumeView in_session(VolumeView view, Session::Phase phase) {
    view.session = Session{phase, {4096}, {}, false};
    return view;
}

VolumeView removed() {
    auto view = with_revisions(halted());
    view.committed.reset();
    return view;
}

VolumeView layerless(Session::Phase phase) {
    auto view = in_session(halted(), phase);
    view.committed.reset();
    view.session->no_snapshot_layer = true;
    view.config.revisions_to_keep = RevisionsToKeep::from(-1).value();
    return view;
}

const Kind snapshot = Snapshot{{other, {}}};
const Kind origin_snapshot = OriginSnapshot{{other, {}}};

const std::map<std::string, std::optional<VolumeView>>& situations() {
    static const std::map<std::string, std::optional<VolumeView>> all{
        {"missing", {}},
        {"halted", with_revisions(halted())},
        {"started", with_revisions(in_session(halted(), Session::Phase::Started))},
        {"dirty", with_revisions(in_session(halted(), Session::Phase::Dirty))},
        {"removed", removed()},
        {"layerless", with_revisions(layerless(Session::Phase::Started))},
        {"layerless dirty", with_revisions(layerless(Session::Phase::Dirty))},
        {"snapshot", halted(snapshot)},
        {"snapshot started", in_session(halted(snapshot), Session::Phase::Started)},
        {"snapshot dirty", in_session(halted(snapshot), Session::Phase::Dirty)},
        {"volatile", halted(Volatile{})},
        {"volatile started", in_session(halted(Volatile{}), Session::Phase::Started)},
    };
    return all;
}

using Outcomes = std::map<std::string, std::optional<Errc>>;

// What is not named must succeed.
void expect(const Command& command, const Outcomes& refusals) {
    for (const auto& [situation, view] : situations()) {
        const auto result = check(volume, view ? &*view : nullptr, command, everything);
        const auto due = refusals.find(situation);
        if (due == refusals.end()) {
            EXPECT_TRUE(result) << command_name(command) << " " << situation << ": " << (result ? "" : result.error().message());
            continue;
        }
        ASSERT_FALSE(result) << command_name(command) << " " << situation << " was let pass";
        EXPECT_EQ(result.error().code, *due->second) << command_name(command) << " " << situation << ": " << result.error().message();
        EXPECT_NE(result.error().context.find("work/root"), std::string::npos) << "a reason names the volume: " << result.error().message();
        EXPECT_NE(result.error().context.back(), '.');
    }
}

TEST(Rules, Create) {
    Outcomes refusals;
    for (const auto& [situation, view] : situations())
        if (view) refusals[situation] = Errc::Exists;
    expect(Create{}, refusals);
}

TEST(Rules, AReadOnlyDriverOnlyPrunes) {
    Capabilities kernels;
    kernels.read_only = true;
    const auto view = halted();
    const std::vector<Command> commands{Create{},
                                        RemoveCommitted{},
                                        RemoveRevision{label("x")},
                                        Start{},
                                        Stop{},
                                        Commit{},
                                        Revert{name("x")},
                                        Resize{{4096}},
                                        TakeSnapshot{label("x")},
                                        Configure{},
                                        Publish{},
                                        SetTime{},
                                        RenameRevision{name("x"), label("y")}};
    for (const auto* present : {&view, static_cast<const VolumeView*>(nullptr)})
        for (const auto& command : commands) {
            const auto checked = check(volume, present, command, kernels);
            ASSERT_FALSE(checked) << command_name(command);
            EXPECT_EQ(checked.error().code, Errc::Unsupported) << command_name(command);
        }
    EXPECT_TRUE(check(volume, &view, Prune{}, kernels));
}

TEST(Rules, RemoveCommitted) {
    expect(RemoveCommitted{}, {{"missing", Errc::NotFound},
                               {"started", Errc::Busy},
                               {"dirty", Errc::Busy},
                               {"removed", Errc::NotFound},
                               {"layerless", Errc::Busy},
                               {"layerless dirty", Errc::Busy},
                               {"snapshot started", Errc::Busy},
                               {"snapshot dirty", Errc::Busy},
                               {"volatile started", Errc::Busy}});
}

const Outcomes without_revisions{{"missing", Errc::NotFound},        {"snapshot", Errc::NotFound}, {"snapshot started", Errc::NotFound},
                                 {"snapshot dirty", Errc::NotFound}, {"volatile", Errc::NotFound}, {"volatile started", Errc::NotFound}};

TEST(Rules, RevisionsAreRemovedAndRenamedWheneverTheyExist) {
    expect(RemoveRevision{name("label")}, without_revisions);
    expect(RemoveRevision{name("2020-01-01T00:00:01Z")}, without_revisions);
    expect(RemoveRevision{name("2020-01-01T00:00:01Z.1")}, without_revisions);
    expect(RenameRevision{name("2020-01-01T00:00:01Z"), label("new")}, without_revisions);
    expect(SetTime{name("label"), {}}, without_revisions);
    auto clash = without_revisions;
    for (const auto* situation : {"halted", "started", "dirty", "removed", "layerless", "layerless dirty"}) clash[situation] = Errc::Exists;
    expect(RenameRevision{name("2020-01-01T00:00:01Z"), label("label")}, clash);
}

TEST(Rules, Start) {
    const auto source = halted();
    expect(Start{StartSource{{other, {}}, &source}}, {{"missing", Errc::NotFound},
                                                      {"started", Errc::Busy},
                                                      {"removed", Errc::NotFound},
                                                      {"layerless", Errc::Busy},
                                                      {"snapshot started", Errc::Busy},
                                                      {"volatile started", Errc::Busy}});
}

TEST(Rules, StartNeedsASourceThatCanBeStartedFrom) {
    const auto view = halted(snapshot);
    const auto refusal = [&](const VolumeView* source) {
        const auto from = source != nullptr ? std::optional(StartSource{{other, {}}, source}) : std::nullopt;
        const auto result = check(volume, &view, Start{from}, everything);
        return result ? std::optional<Errc>() : result.error().code;
    };
    const auto ready = halted();
    const auto running = in_session(halted(), Session::Phase::Started);
    const auto dirty = in_session(halted(), Session::Phase::Dirty);
    auto empty = halted();
    empty.committed = state(0);
    const auto gone = removed();
    const auto unlayered = layerless(Session::Phase::Started);
    EXPECT_EQ(refusal(&ready), std::nullopt);
    EXPECT_EQ(refusal(&running), std::nullopt) << "it starts from the state before";
    EXPECT_EQ(refusal(&dirty), std::nullopt);
    EXPECT_EQ(refusal(nullptr), Errc::NotFound);
    EXPECT_EQ(refusal(&gone), Errc::NotFound);
    EXPECT_EQ(refusal(&empty), Errc::InvalidArgument);
    EXPECT_EQ(refusal(&unlayered), Errc::Busy);
}

TEST(Rules, StartNeedsAFixedSourcesRevision) {
    const auto gone = removed();
    const auto fixed = halted(Snapshot{{other, name("label")}});
    EXPECT_TRUE(check(volume, &fixed, Start{StartSource{{other, name("label")}, &gone}}, everything));
    const auto missing = halted(Snapshot{{other, name("missing")}});
    ASSERT_FALSE(check(volume, &missing, Start{StartSource{{other, name("missing")}, &gone}}, everything));
    EXPECT_EQ(check(volume, &missing, Start{StartSource{{other, name("missing")}, &gone}}, everything).error().code, Errc::NotFound);
}

TEST(Rules, StartLooksAtTheEndOfTheChain) {
    const auto view = halted(snapshot);
    const auto gone = removed();
    EXPECT_TRUE(check(volume, &view, Start{StartSource{{volume, name("label")}, &gone}}, everything))
        << "the configured source is not asked";
    const auto refused = check(volume, &view, Start{StartSource{{volume, {}}, &gone}}, everything);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::NotFound);
    EXPECT_NE(refused.error().context.find(volume.str() + ", has no committed state"), std::string::npos);
}

TEST(Rules, AnEmptyVolumeDoesNotStart) {
    auto empty = halted();
    empty.committed = state(0);
    EXPECT_EQ(check(volume, &empty, Start{}, everything).error().code, Errc::InvalidArgument);
    auto nothing = halted(Volatile{});
    nothing.config.size = {};
    EXPECT_EQ(check(volume, &nothing, Start{}, everything).error().code, Errc::InvalidArgument);
}

TEST(Rules, Stop) {
    Outcomes refusals{{"missing", Errc::NotFound},
                      {"halted", Errc::InvalidArgument},
                      {"removed", Errc::InvalidArgument},
                      {"snapshot", Errc::InvalidArgument},
                      {"volatile", Errc::InvalidArgument}};
    expect(Stop{}, refusals);
    refusals["layerless"] = Errc::Unsupported;
    refusals["layerless dirty"] = Errc::Unsupported;
    expect(Stop{Stop::Outcome::Discard, {}}, refusals);
}

TEST(Rules, Commit) {
    expect(Commit{}, {{"missing", Errc::NotFound},
                      {"halted", Errc::InvalidArgument},
                      {"dirty", Errc::InvalidArgument},
                      {"removed", Errc::InvalidArgument},
                      {"layerless", Errc::Unsupported},
                      {"layerless dirty", Errc::InvalidArgument},
                      {"snapshot", Errc::InvalidArgument},
                      {"snapshot started", Errc::InvalidArgument},
                      {"snapshot dirty", Errc::InvalidArgument},
                      {"volatile", Errc::InvalidArgument},
                      {"volatile started", Errc::InvalidArgument}});
    auto only_stops = everything;
    only_stops.commit_running = false;
    const auto started = in_session(halted(), Session::Phase::Started);
    EXPECT_EQ(check(volume, &started, Commit{}, only_stops).error().code, Errc::Unsupported);
}

TEST(Rules, Revert) {
    auto refusals = without_revisions;
    for (const auto* situation : {"started", "dirty", "layerless", "layerless dirty"}) refusals[situation] = Errc::Busy;
    expect(Revert{name("label")}, refusals);
    const auto view = with_revisions(halted());
    EXPECT_EQ(check(volume, &view, Revert{name("missing")}, everything).error().code, Errc::NotFound);
}

TEST(Rules, Resize) {
    expect(Resize{{8192}}, {{"missing", Errc::NotFound},
                            {"dirty", Errc::Busy},
                            {"removed", Errc::NotFound},
                            {"layerless dirty", Errc::Busy},
                            {"snapshot", Errc::InvalidArgument},
                            {"snapshot dirty", Errc::Busy}});
}

TEST(Rules, ResizeLooksAtTheSize) {
    const auto view = halted();
    const auto refusal = [&](std::uint64_t size) {
        const auto result = check(volume, &view, Resize{{size}}, everything);
        return result ? std::optional<Errc>() : result.error().code;
    };
    EXPECT_EQ(refusal(4096), std::nullopt) << "the same size is no shrinking";
    EXPECT_EQ(refusal(4608), std::nullopt);
    for (const std::uint64_t size :
         {std::uint64_t{0}, std::uint64_t{512}, std::uint64_t{3584}, std::uint64_t{4097}, (std::uint64_t{1} << 63) - 1})
        EXPECT_EQ(refusal(size), Errc::InvalidArgument) << size;
    EXPECT_EQ(refusal(base::largest_volume.count), std::nullopt);
    EXPECT_EQ(refusal(std::uint64_t{1} << 63), Errc::TooLarge);
}

TEST(Rules, TakeSnapshot) {
    expect(TakeSnapshot{label("new")}, {{"missing", Errc::NotFound},
                                        {"removed", Errc::NotFound},
                                        {"layerless", Errc::Busy},
                                        {"layerless dirty", Errc::Busy},
                                        {"snapshot", Errc::NotFound},
                                        {"snapshot started", Errc::NotFound},
                                        {"snapshot dirty", Errc::NotFound},
                                        {"volatile", Errc::NotFound},
                                        {"volatile started", Errc::NotFound}});
    const auto view = with_revisions(halted());
    EXPECT_EQ(check(volume, &view, TakeSnapshot{label("label")}, everything).error().code, Errc::Exists);
}

TEST(Rules, Publish) {
    const Outcomes busy{{"started", Errc::Busy},
                        {"dirty", Errc::Busy},
                        {"layerless", Errc::Busy},
                        {"layerless dirty", Errc::Busy},
                        {"snapshot", Errc::InvalidArgument},
                        {"snapshot started", Errc::InvalidArgument},
                        {"snapshot dirty", Errc::InvalidArgument},
                        {"volatile", Errc::InvalidArgument},
                        {"volatile started", Errc::InvalidArgument}};
    expect(api::Publish{nullptr, api::Publish::AsCommitted{}}, busy);
    expect(api::Publish{nullptr, api::Publish::AsAmendment{}}, busy);
    Outcomes kinds;
    for (const auto* situation : {"snapshot", "snapshot started", "snapshot dirty", "volatile", "volatile started"})
        kinds[situation] = Errc::InvalidArgument;
    expect(api::Publish{nullptr, api::Publish::AsRevision{name("new")}}, kinds);
    auto clash = kinds;
    for (const auto* situation : {"halted", "started", "dirty", "removed", "layerless", "layerless dirty"}) clash[situation] = Errc::Exists;
    for (const auto* taken : {"label", "2020-01-01T00:00:01Z", "2020-01-01T00:00:01Z.1"})
        expect(api::Publish{nullptr, api::Publish::AsRevision{name(taken)}}, clash);
}

TEST(Rules, SetTimeOfTheCommittedState) {
    expect(SetTime{{}, {}}, {{"missing", Errc::NotFound},
                             {"started", Errc::Busy},
                             {"dirty", Errc::Busy},
                             {"layerless", Errc::Busy},
                             {"layerless dirty", Errc::Busy},
                             {"snapshot started", Errc::Busy},
                             {"snapshot dirty", Errc::Busy},
                             {"volatile started", Errc::Busy}});
}

TEST(Rules, Prune) { expect(api::Prune{}, {{"missing", Errc::NotFound}}); }

TEST(Rules, SwitchingTheSnapshotLayerNeedsAHaltedVolume) {
    for (const auto phase : {Session::Phase::Started, Session::Phase::Dirty}) {
        auto config = halted().config;
        config.revisions_to_keep = RevisionsToKeep::from(-1).value();
        const auto on = in_session(halted(), phase);
        EXPECT_EQ(check(volume, &on, Configure{config}, everything).error().code, Errc::Busy);
        const auto off = layerless(phase);
        EXPECT_EQ(check(volume, &off, Configure{halted().config}, everything).error().code, Errc::Busy);
        config.revisions_to_keep = RevisionsToKeep::from(3).value();
        EXPECT_TRUE(check(volume, &on, Configure{config}, everything)) << "another count may change at any time";
    }
}

TEST(Rules, AKindIsForGood) {
    const std::vector<Kind> kinds{Volatile{}, snapshot, Origin{}, origin_snapshot};
    for (const auto& from : kinds)
        for (const auto& to : kinds) {
            const auto view = halted(from);
            auto config = view.config;
            config.kind = to;
            const auto result = check(volume, &view, Configure{config}, everything);
            EXPECT_EQ(result.has_value(), from.index() == to.index()) << kind_name(from) << " to " << kind_name(to);
        }
}

TEST(Rules, ConfigurationsThatMakeNoSenseAreRefused) {
    const auto refusal = [&](const VolumeConfig& config) {
        const auto result = check(volume, nullptr, Create{config}, everything);
        return result ? std::optional<Errc>() : result.error().code;
    };
    VolumeConfig config;
    config.size = {511};
    EXPECT_EQ(refusal(config), Errc::InvalidArgument);
    config.size = {std::uint64_t{1} << 63};
    EXPECT_EQ(refusal(config), Errc::TooLarge);
    config.size = base::largest_volume;
    EXPECT_EQ(refusal(config), std::nullopt);
    for (const Kind& kind : {snapshot, Kind(Origin{}), origin_snapshot}) {
        VolumeConfig ephemeral;
        ephemeral.kind = kind;
        ephemeral.ephemeral = true;
        EXPECT_EQ(refusal(ephemeral), Errc::InvalidArgument);
    }
    for (const Kind& kind : {snapshot, Kind(Volatile{}), origin_snapshot}) {
        VolumeConfig unlayered;
        unlayered.kind = kind;
        unlayered.revisions_to_keep = RevisionsToKeep::from(-1).value();
        EXPECT_EQ(refusal(unlayered), Errc::InvalidArgument);
    }
}

TEST(Rules, WhatADriverCannotDoIsUnsupported) {
    const Capabilities nothing{};
    const auto view = with_revisions(halted());
    const auto refusal = [&](const VolumeView* present, const Command& command) {
        const auto result = check(volume, present, command, nothing);
        return result ? std::optional<Errc>() : result.error().code;
    };
    EXPECT_EQ(refusal(&view, Revert{name("label")}), Errc::Unsupported);
    EXPECT_EQ(refusal(&view, TakeSnapshot{label("new")}), Errc::Unsupported);
    EXPECT_EQ(refusal(&view, RenameRevision{name("label"), label("new")}), Errc::Unsupported);
    EXPECT_EQ(refusal(&view, api::Publish{nullptr, api::Publish::AsCommitted{}}), Errc::Unsupported);
    Capabilities no_revisions = everything;
    no_revisions.revisions = false;
    EXPECT_EQ(check(volume, nullptr, api::Publish{nullptr, api::Publish::AsRevision{name("new")}}, no_revisions).error().code,
              Errc::Unsupported);
    VolumeConfig config;
    config.kind = origin_snapshot;
    EXPECT_EQ(refusal(nullptr, Create{config}), Errc::Unsupported);
    config = {};
    config.revisions_to_keep = RevisionsToKeep::from(-1).value();
    EXPECT_EQ(refusal(nullptr, Create{config}), Errc::Unsupported);
    config = {};
    config.kind = Volatile{};
    config.ephemeral = true;
    EXPECT_EQ(refusal(nullptr, Create{config}), Errc::Unsupported);
    config.size = {512};
    VolumeView ephemeral;
    ephemeral.config = config;
    EXPECT_EQ(refusal(&ephemeral, Start{}), Errc::Unsupported) << "never unencrypted instead";
    ephemeral.session = Session{};
    EXPECT_EQ(refusal(&ephemeral, Stop{}), std::nullopt);
}

TEST(Rules, WhyAVolumeCannotBeEphemeralIsSaid) {
    Capabilities unable = everything;
    unable.ephemeral = false;
    unable.why_not_ephemeral = "the kernel has no dm-crypt: modprobe dm-crypt";
    VolumeConfig config;
    config.kind = Volatile{};
    config.ephemeral = true;
    EXPECT_EQ(check(volume, nullptr, Create{config}, unable).error().message(),
              volume.str() + " cannot be ephemeral: the kernel has no dm-crypt: modprobe dm-crypt");
}

}  // namespace
}  // namespace varve::api
