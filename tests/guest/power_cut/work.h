// SPDX-License-Identifier: LGPL-2.1-or-later
// What goes on until the power fails: VMs that start, write and stop, templates that change under running children, reverts, resizes, labels.
#pragma once

#include "tests/guest/power_cut/guest_pool.h"
#include "tests/guest/power_cut/journal.h"

#include <functional>
#include <random>

namespace varve::power_cut {

// How the driver keeps states with a time: as many as are not pruned, or only the one before the present.
enum class TimedRevisions { Many, One };

// Makes the volumes in an empty pool, makes them durable, then does one random thing after the other and tells the journal.
class Work {
public:
    [[nodiscard]] static base::Result<Work> begin(GuestPool& pool, TimedRevisions timed, std::uint64_t seed, const std::string& journal);

    // One operation, from begin to acknowledgement. An error too when the driver does another thing than it was told.
    [[nodiscard]] base::Result<> step();

private:
    struct Choice {
        unsigned weight;
        std::function<base::Result<>()> run;
    };
    Work(GuestPool& pool, TimedRevisions timed, std::uint64_t seed, Journal journal)
        : pool_(pool), timed_(timed), random_(seed), journal_(std::move(journal)) {}

    [[nodiscard]] std::vector<Choice> choices_of_running(const base::VolumePath& volume);
    [[nodiscard]] std::vector<Choice> choices_of_halted(const base::VolumePath& volume);
    [[nodiscard]] std::vector<Choice> choices_of_child(const base::VolumePath& volume);
    [[nodiscard]] base::Result<> choose(const std::vector<Choice>& choices);

    // Tells, does, compares with what the driver says is there now, and tells.
    [[nodiscard]] base::Result<> perform(const std::string& operation, const base::VolumePath& volume, const States& after,
                                         const std::function<base::Result<>()>& effect);
    [[nodiscard]] base::Result<> execute(const std::string& operation, const base::VolumePath& volume, const States& after,
                                         const api::Command& command);
    [[nodiscard]] base::Result<> learn(const base::VolumePath& volume, const States& after);

    [[nodiscard]] base::Result<> start(const base::VolumePath& volume);
    [[nodiscard]] base::Result<> start_child(const base::VolumePath& volume);
    [[nodiscard]] base::Result<> write(const base::VolumePath& volume, bool flush);
    [[nodiscard]] base::Result<> commit(const base::VolumePath& volume);
    [[nodiscard]] base::Result<> discard(const base::VolumePath& volume);
    [[nodiscard]] base::Result<> resize(const base::VolumePath& volume);
    [[nodiscard]] base::Result<> revert(const base::VolumePath& volume);
    [[nodiscard]] base::Result<> label(const base::VolumePath& volume);
    [[nodiscard]] base::Result<> remove_revision(const base::VolumePath& volume);
    [[nodiscard]] base::Result<> publish(const base::VolumePath& volume);

    [[nodiscard]] const States& states(const base::VolumePath& volume) const { return journal_.record().acknowledged.at(volume); }
    [[nodiscard]] const api::VolumeView& view(const base::VolumePath& volume) const { return pool_.views().at(volume); }
    [[nodiscard]] std::size_t blocks(ContentId content) const { return journal_.record().contents[content].size(); }
    [[nodiscard]] std::size_t below(std::size_t limit) { return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_); }
    [[nodiscard]] Change change_in(std::size_t blocks);
    [[nodiscard]] base::Result<ContentId> grown(ContentId content, std::size_t blocks);
    [[nodiscard]] api::Revision any_revision(const base::VolumePath& volume);
    void displace(States& states) const;
    void take(States& states, const api::Revision& revision) const;

    GuestPool& pool_;
    TimedRevisions timed_;
    std::mt19937_64 random_;
    Journal journal_;
    std::map<api::StateId, ContentId> known_;  // what the states hold that the driver names
    std::uint64_t generation_ = 0;
    std::uint64_t labels_ = 0;
};

}  // namespace varve::power_cut
