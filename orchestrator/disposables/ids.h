// SPDX-License-Identifier: LGPL-2.1-or-later
// What unnamed disposables are called: disp0 to disp9999, and disp10000 to disp49999 when none of these is left.
#pragma once

#include "drivers/base/names.h"
#include "drivers/base/timestamp.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>

namespace varve::disposables {

inline constexpr std::uint32_t usual_ids = 10000;
// Noted all, they still fit into a file that settings::read_text() takes: 17 bytes each, in 1 MiB.
inline constexpr std::uint32_t all_ids = 50000;
inline constexpr std::int64_t seconds_of_rest = std::int64_t{7} * 24 * 60 * 60;

// Random, so that nobody can tell from one what came before, and not given again for a week, so that what remembers a name does not meet
// another VM under it. For one thread. What was given is remembered in a file (one line each: number, blank, seconds since the epoch).
class Ids {
public:
    using Random = std::function<std::uint32_t(std::uint32_t below)>;
    using Taken = std::function<bool(const base::VmName& name)>;

    // The file may be missing. Corrupt when it cannot be understood.
    [[nodiscard]] static base::Result<Ids> open(std::filesystem::path file, const base::Clock& clock, Random random);

    // Durable when it returns. NoSpace when all were given within the week or are taken.
    [[nodiscard]] base::Result<base::VmName> allocate(const Taken& taken);

private:
    Ids(std::filesystem::path file, const base::Clock& clock, Random random)
        : file_(std::move(file)), clock_(&clock), random_(std::move(random)) {}
    [[nodiscard]] base::Result<> read();
    [[nodiscard]] base::Result<> write() const;
    void forget_the_old();
    // From `first` on, and below `end`; nullopt when none is left.
    [[nodiscard]] base::Result<std::optional<std::uint32_t>> find_free(std::uint32_t first, std::uint32_t end, const Taken& taken) const;
    [[nodiscard]] base::Result<base::VmName> give(std::uint32_t id);

    std::filesystem::path file_;
    const base::Clock* clock_;
    Random random_;
    std::map<std::uint32_t, std::int64_t> given_;  // when
};

// From the kernel.
[[nodiscard]] std::uint32_t random_below(std::uint32_t below);

}  // namespace varve::disposables
