// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/contract/contract_test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <sstream>

namespace varve::contract {
namespace {

std::string describe(const api::State& state, Ids ids) {
    std::ostringstream text;
    if (ids == Ids::Shown) text << "#" << state.id.value << " ";
    text << state.size.count << " bytes, modified " << state.modified.seconds << "." << state.modified.nanoseconds << ", changed "
         << state.changed.seconds << "." << state.changed.nanoseconds;
    return text.str();
}

std::string describe(const api::VolumeConfig& config) {
    std::ostringstream text;
    text << api::kind_name(config.kind);
    if (const auto* source = api::source_of(config.kind))
        text << " of " << source->volume.str() << (source->fixed ? "@" + source->fixed->str() : "");
    if (std::holds_alternative<api::Volatile>(config.kind))
        text << ", " << config.size.count << " bytes";  // the others' size is their state's
    if (config.revisions_to_keep) text << ", keeps " << config.revisions_to_keep->count();
    text << (config.rw ? ", rw" : ", ro") << (config.ephemeral ? ", ephemeral" : "") << ", created " << config.created.seconds << "."
         << config.created.nanoseconds;
    return text.str();
}

}  // namespace

base::VmName vm_name(std::string_view text) { return base::VmName::parse(text).value(); }
base::VolumePath path(std::string_view vm, std::string_view volume) { return {vm_name(vm), base::VolumeName::parse(volume).value()}; }
base::RevisionId revision(std::string_view text) { return base::RevisionId::parse(text).value(); }
base::Label label(std::string_view text) { return base::Label::parse(text).value(); }
api::RevisionsToKeep keep(long long count) { return api::RevisionsToKeep::from(count).value(); }
base::RevisionId revision_at(std::int64_t seconds) { return base::TimedName{at(seconds).seconds, {}}; }

api::VolumeConfig origin(base::Bytes size) {
    api::VolumeConfig config;
    config.size = size;
    config.created = at(0);
    return config;
}

api::VolumeConfig volatile_volume(base::Bytes size) {
    auto config = origin(size);
    config.kind = api::Volatile{};
    return config;
}

api::VolumeConfig snapshot_of(const base::VolumePath& source, std::optional<base::RevisionId> fixed) {
    auto config = origin({});
    config.kind = api::Snapshot{{source, std::move(fixed)}};
    return config;
}

api::VolumeConfig origin_snapshot_of(const base::VolumePath& source) {
    auto config = origin({});
    config.kind = api::OriginSnapshot{{source, {}}};
    return config;
}

std::string describe(const std::optional<api::VolumeView>& view, Ids ids) {
    if (!view) return "nothing";
    std::ostringstream text;
    text << describe(view->config) << "\n";
    if (view->committed) text << "committed: " << describe(*view->committed, ids) << "\n";
    for (const auto& revision : view->revisions) {
        text << revision.id.str() << " (" << revision.number << "): " << describe(revision.state, ids);
        if (revision.replaced) text << ", replaced " << revision.replaced->seconds;
        text << "\n";
    }
    if (const auto& session = view->session) {
        text << (session->phase == api::Session::Phase::Started ? "started" : "dirty") << ", " << session->size.count << " bytes"
             << (session->no_snapshot_layer ? ", no layer" : "") << "\n";
        if (session->base) text << "base: " << session->base->size.count << " bytes, modified " << session->base->modified.seconds << "\n";
    }
    return text.str();
}

std::string text_of(int file, std::uint64_t offset) {
    std::array<char, 64> buffer{};
    const auto count = ::pread(file, buffer.data(), buffer.size() - 1, static_cast<off_t>(offset));
    EXPECT_GE(count, 0) << std::strerror(errno);
    return buffer.data();
}

void put_text(int file, std::string_view text, std::uint64_t offset) {
    std::string padded(text);
    padded.resize(64);
    ASSERT_EQ(::pwrite(file, padded.data(), padded.size(), static_cast<off_t>(offset)), 64) << std::strerror(errno);
}

void put_image_text(api::PrivateImage& image, std::string_view text, std::uint64_t offset) {
    std::string padded(text);
    padded.resize(64);
    EXPECT_TRUE(succeeded(image.storage().write(padded, {offset})));
}

void ContractTest::SetUp() {
    auto place = GetParam().make_place();
    ASSERT_TRUE(succeeded(place));
    place_ = std::move(*place);
    open_pool();
}

void ContractTest::open_pool() {
    pool_.reset();
    views_.clear();
    vms_.clear();
    auto opened = place_->open(ids_, clock_, boot_, pool_keep_);
    ASSERT_TRUE(succeeded(opened));
    pool_ = std::move(*opened);
    ASSERT_TRUE(succeeded(pool_->recover()));
    const auto names = pool_->list_vms();
    ASSERT_TRUE(succeeded(names));
    for (const auto& name : *names) {
        const auto vm = pool_->load_vm(name);
        ASSERT_TRUE(succeeded(vm));
        vms_.insert_or_assign(name, *vm);
        for (const auto& [volume, volume_view] : vm->volumes) views_.insert_or_assign({name, volume}, *volume_view);
    }
}

void ContractTest::reopen() { open_pool(); }

void ContractTest::reboot() {
    pool_.reset();
    place_->reboot();
    boot_.text.front() = boot_.text.front() == '9' ? '1' : static_cast<char>(boot_.text.front() + 1);
    open_pool();
}

base::Result<std::optional<api::VolumeView>> ContractTest::execute(const base::VolumePath& volume, const api::Command& command) {
    const auto known = views_.find(volume);
    auto result = pool_->execute(volume, known == views_.end() ? nullptr : &known->second, command);
    if (!result) return result;
    if (*result) {
        views_.insert_or_assign(volume, **result);
    } else {
        views_.erase(volume);
    }
    return result;
}

void ContractTest::run(const base::VolumePath& volume, const api::Command& command) {
    ASSERT_TRUE(succeeded(execute(volume, command))) << api::command_name(command) << " " << volume.str();
}

void ContractTest::refuse(const base::VolumePath& volume, const api::Command& command, base::Errc code) {
    const auto known = views_.find(volume);
    const auto* present = known == views_.end() ? nullptr : &known->second;
    const auto before = present != nullptr ? std::optional(*present) : std::nullopt;
    EXPECT_TRUE(failed(execute(volume, command), code)) << api::command_name(command) << " " << volume.str();
    const auto after = pool_->load_volume(volume, present);
    if (!after && !before) return;  // not even a place for it
    ASSERT_TRUE(succeeded(after));
    EXPECT_EQ(describe(before, Ids::Shown), describe(*after, Ids::Shown))
        << "a refused " << api::command_name(command) << " changed something";
}

void ContractTest::create(const base::VolumePath& volume, const api::VolumeConfig& config) {
    const auto made = pool_->create_vm(volume.vm, api::Ownership{});
    ASSERT_TRUE(made || made.error().code == base::Errc::Exists) << made.error().message();
    run(volume, api::Create{config});
}

base::Result<std::optional<api::VolumeView>> ContractTest::try_start(const base::VolumePath& volume) {
    const auto known = views_.find(volume);
    const auto* source = known != views_.end() ? api::source_of(known->second.config.kind) : nullptr;
    api::Start command;
    while (source != nullptr && !command.source) {  // to the end of the chain, as the engine does
        const auto there = views_.find(source->volume);
        if (there == views_.end()) break;
        const auto* snapshot = std::get_if<api::Snapshot>(&there->second.config.kind);
        if (source->fixed || snapshot == nullptr)
            command.source = api::StartSource{*source, &there->second};
        else
            source = &snapshot->source;
    }
    return execute(volume, command);
}

void ContractTest::start(const base::VolumePath& volume) { ASSERT_TRUE(succeeded(try_start(volume))) << "start " << volume.str(); }

void ContractTest::stop(const base::VolumePath& volume, const api::Retention& retention) {
    run(volume, api::Stop{api::Stop::Outcome::Commit, retention});
}

void ContractTest::discard(const base::VolumePath& volume) { run(volume, api::Stop{api::Stop::Outcome::Discard, unlimited()}); }

void ContractTest::set_time(const base::VolumePath& volume, base::Timestamp modified) { run(volume, api::SetTime{{}, modified}); }

api::Retention ContractTest::unlimited() {
    api::Retention all;
    all.keep = keep(1'000'000);
    return all;
}

api::Retention ContractTest::retention(long long count, std::int64_t grace_seconds) const {
    return {keep(count), clock_.now(), grace_seconds, {}};
}

const api::VolumeView& ContractTest::view(const base::VolumePath& volume) const {
    static const api::VolumeView nothing;
    const auto known = views_.find(volume);
    EXPECT_NE(known, views_.end()) << "there is no " << volume.str();
    return known == views_.end() ? nothing : known->second;
}

const api::State& ContractTest::committed(const base::VolumePath& volume) const {
    static const api::State nothing{};
    const auto& state = view(volume).committed;
    EXPECT_TRUE(state) << volume.str() << " has no committed state";
    return state ? *state : nothing;
}

const api::Revision& ContractTest::found(const base::VolumePath& volume, const base::RevisionId& id) const {
    static const api::Revision nothing{base::TimedName{}, 0, {}, {}};
    const auto* there = view(volume).revisions.find(id);
    EXPECT_NE(there, nullptr) << volume.str() << " has no " << id.str() << ":\n" << describe(view(volume), Ids::Shown);
    return there == nullptr ? nothing : *there;
}

std::vector<std::string> ContractTest::revisions(const base::VolumePath& volume) const {
    std::vector<std::string> names;
    for (const auto& there : view(volume).revisions) names.push_back(there.id.str());
    return names;
}

std::vector<std::string> ContractTest::contents(const base::VolumePath& volume) const {
    std::vector<std::string> texts;
    for (const auto& there : view(volume).revisions) texts.push_back(read(volume, there.id));
    return texts;
}

base::Result<base::UniqueFd> ContractTest::open_state(const base::VolumePath& volume, const api::StateRef& state) const {
    return pool_->open_state(volume, view(volume), state);
}

std::string ContractTest::read(const base::VolumePath& volume, const api::StateRef& state) const {
    const auto opened = open_state(volume, state);
    EXPECT_TRUE(succeeded(opened));
    return opened ? text_of(opened->get()) : "(not there)";
}

void ContractTest::write_device(const base::VolumePath& volume, std::string_view text) {
    const auto device = pool_->device(volume, view(volume));
    ASSERT_TRUE(succeeded(device));
    const base::UniqueFd opened(::open(device->c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_TRUE(opened.valid()) << *device << ": " << std::strerror(errno);
    put_text(opened.get(), text);
    ASSERT_EQ(::fsync(opened.get()), 0);
}

std::string ContractTest::read_device(const base::VolumePath& volume) const {
    const auto device = pool_->device(volume, view(volume));
    EXPECT_TRUE(succeeded(device));
    if (!device) return "(not there)";
    const base::UniqueFd opened(::open(device->c_str(), O_RDONLY | O_CLOEXEC));
    EXPECT_TRUE(opened.valid()) << *device << ": " << std::strerror(errno);
    return text_of(opened.get());
}

api::PrivateImage ContractTest::image(const base::VmName& vm, std::string_view text, base::Bytes size, base::Timestamp modified) {
    auto made = pool_->create_image(vm, {});
    EXPECT_TRUE(succeeded(made));
    if (!made) return {base::UniqueFd(), "", nullptr};
    if (!text.empty()) put_image_text(*made, text);
    EXPECT_TRUE(succeeded(made->storage().set_size(size)));
    EXPECT_TRUE(succeeded(made->storage().set_modified(modified)));
    return std::move(*made);
}

void ContractTest::publish(const base::VolumePath& volume, std::string_view text, base::Timestamp modified, const Target& target,
                           base::Bytes size) {
    auto written = image(volume.vm, text, size, modified);
    run(volume, api::Publish{&written, target});
}

void ContractTest::session(const base::VolumePath& volume, std::string_view text, base::Timestamp modified,
                           const api::Retention& retention) {
    start(volume);
    write_device(volume, text);
    stop(volume, retention);
    set_time(volume, modified);
}

}  // namespace varve::contract
