// SPDX-License-Identifier: LGPL-2.1-or-later
// The fixture of the contract suite: one pool of the driver under test, and a catalogue of what it has told, as the engine keeps one.
#pragma once

#include "drivers/api/pool.h"
#include "tests/contract/driver.h"
#include "tests/support/manual_clock.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace varve::contract {

// `text` must be legal: these are the names tests use.
[[nodiscard]] base::VmName vm_name(std::string_view text);
[[nodiscard]] base::VolumePath path(std::string_view vm, std::string_view volume);
[[nodiscard]] base::RevisionId revision(std::string_view text);
[[nodiscard]] base::Label label(std::string_view text);
[[nodiscard]] api::RevisionsToKeep keep(long long count);
[[nodiscard]] constexpr base::Bytes mebibytes(std::uint64_t count) { return {count << 20}; }

// 2020-01-01T00:00:00Z plus so many seconds: the times of states in these tests.
[[nodiscard]] constexpr base::Timestamp at(std::int64_t seconds) { return {1577836800 + seconds, 0}; }
[[nodiscard]] base::RevisionId revision_at(std::int64_t seconds);

[[nodiscard]] api::VolumeConfig origin(base::Bytes size = mebibytes(1));
[[nodiscard]] api::VolumeConfig volatile_volume(base::Bytes size = mebibytes(1));
[[nodiscard]] api::VolumeConfig snapshot_of(const base::VolumePath& source, std::optional<base::RevisionId> fixed = {});
[[nodiscard]] api::VolumeConfig origin_snapshot_of(const base::VolumePath& source);

enum class Ids { Shown, Hidden };
// Everything a view says but how much is allocated, one line per state: for comparing.
[[nodiscard]] std::string describe(const std::optional<api::VolumeView>& view, Ids ids);

template <class T>
[[nodiscard]] testing::AssertionResult succeeded(const base::Result<T>& result) {
    if (result) return testing::AssertionSuccess();
    return testing::AssertionFailure() << base::name_of(result.error().code) << ": " << result.error().message();
}

// Failed with this code and a reason in words.
template <class T>
[[nodiscard]] testing::AssertionResult failed(const base::Result<T>& result, base::Errc code) {
    if (result) return testing::AssertionFailure() << "succeeded, where " << base::name_of(code) << " was due";
    if (result.error().code != code)
        return testing::AssertionFailure() << base::name_of(result.error().code) << " (" << result.error().message() << "), where "
                                           << base::name_of(code) << " was due";
    const auto& why = result.error().context;
    if (why.empty() || why.back() == '.') return testing::AssertionFailure() << "'" << why << "' is not a reason without a final stop";
    return testing::AssertionSuccess();
}

class ContractTest : public testing::TestWithParam<Driver> {
protected:
    void SetUp() override;

    // ---- the pool's life
    void reopen();  // in the same boot: the daemon was restarted
    void reboot();  // in another boot
    void open_pool();

    // ---- commands, with the view that the catalogue has
    base::Result<std::optional<api::VolumeView>> execute(const base::VolumePath& volume, const api::Command& command);
    // Must succeed.
    void run(const base::VolumePath& volume, const api::Command& command);
    // Must fail with this code and change nothing.
    void refuse(const base::VolumePath& volume, const api::Command& command, base::Errc code);

    void create(const base::VolumePath& volume, const api::VolumeConfig& config);  // and its VM when it has no place yet
    base::Result<std::optional<api::VolumeView>> try_start(const base::VolumePath& volume);
    void start(const base::VolumePath& volume);
    void stop(const base::VolumePath& volume, const api::Retention& retention = unlimited());
    void discard(const base::VolumePath& volume);
    void set_time(const base::VolumePath& volume, base::Timestamp modified);

    // Keeps everything.
    static api::Retention unlimited();
    api::Retention retention(long long count, std::int64_t grace_seconds = 0) const;

    // ---- what is there
    [[nodiscard]] bool exists(const base::VolumePath& volume) const { return views_.contains(volume); }
    [[nodiscard]] const api::VolumeView& view(const base::VolumePath& volume) const;
    [[nodiscard]] const api::State& committed(const base::VolumePath& volume) const;
    [[nodiscard]] const api::Revision& found(const base::VolumePath& volume, const base::RevisionId& id) const;
    [[nodiscard]] std::vector<std::string> revisions(const base::VolumePath& volume) const;  // names, in the view's order
    [[nodiscard]] std::vector<std::string> contents(const base::VolumePath& volume) const;   // the texts of the revisions, oldest first

    // ---- data: tests put a short text at the start of a state
    [[nodiscard]] std::string read(const base::VolumePath& volume, const api::StateRef& state = api::CommittedState{}) const;
    [[nodiscard]] base::Result<base::UniqueFd> open_state(const base::VolumePath& volume,
                                                          const api::StateRef& state = api::CommittedState{}) const;
    // Writes as the VM does, through the device.
    void write_device(const base::VolumePath& volume, std::string_view text);
    [[nodiscard]] std::string read_device(const base::VolumePath& volume) const;
    // A private image that holds the text and has this size and time.
    api::PrivateImage image(const base::VmName& vm, std::string_view text, base::Bytes size, base::Timestamp modified);
    using Target = decltype(api::Publish::target);
    void publish(const base::VolumePath& volume, std::string_view text, base::Timestamp modified,
                 const Target& target = api::Publish::AsCommitted{}, base::Bytes size = mebibytes(1));
    // A whole session: start, write, stop, and then the state's time set.
    void session(const base::VolumePath& volume, std::string_view text, base::Timestamp modified,
                 const api::Retention& retention = unlimited());

    api::StateIds ids_;
    test_support::ManualClock clock_{at(1'000'000)};
    kernel::BootId boot_{"11111111-1111-1111-1111-111111111111"};
    api::RevisionsToKeep pool_keep_ = api::RevisionsToKeep::standard();
    std::unique_ptr<Place> place_;
    std::unique_ptr<api::Pool> pool_;
    std::map<base::VolumePath, api::VolumeView> views_;
    std::map<base::VmName, api::VmView> vms_;  // as loaded last

    const base::VolumePath root_ = path("fedora", "root");
    const base::VolumePath app_ = path("work", "root");
};

// Only for drivers whose Place has directories.
class FileContractTest : public ContractTest {};

// Ephemeral volatile volumes: `app_` is one. Whether they can be is the kernel's to say, too.
class EphemeralContractTest : public ContractTest {
protected:
    // False, after a look at the refusal, where they cannot be.
    bool can_encrypt();
    [[nodiscard]] base::UniqueFd open_device() const;
    void write_behind_the_zeroes(std::string_view text) const;
    [[nodiscard]] std::string read_behind_the_zeroes() const;
    [[nodiscard]] std::uint64_t device_size() const;
};

// The first bytes of an open file, up to the first zero.
[[nodiscard]] std::string text_of(int file, std::uint64_t offset = 0);
void put_text(int file, std::string_view text, std::uint64_t offset = 0);
void put_image_text(api::PrivateImage& image, std::string_view text, std::uint64_t offset = 0);

}  // namespace varve::contract
