// SPDX-License-Identifier: LGPL-2.1-or-later
// The table of a device-mapper device: its targets, in order and without gaps.
#pragma once

#include "drivers/kernel/dm_targets.h"

#include <string_view>
#include <utility>
#include <vector>

namespace varve::kernel {

struct DmTarget {
    base::SectorCount start;
    base::SectorCount length;
    DmTargetKind kind;
    friend bool operator==(const DmTarget&, const DmTarget&) = default;
};

class DmTable {
public:
    // InvalidArgument when there is no target, one is empty, the first does not begin at 0, one does not begin where the one before
    // it ends, or a text would not be one word of the table.
    [[nodiscard]] static base::Result<DmTable> make(std::vector<DmTarget> targets);
    // One target over the whole of a device.
    [[nodiscard]] static base::Result<DmTable> of(base::SectorCount size, DmTargetKind kind);
    // Lines "start length type parameters", as the kernel gives them and `dmsetup table` shows them. Corrupt quotes the line, but
    // never that of a crypt target.
    [[nodiscard]] static base::Result<DmTable> parse(std::string_view lines);

    [[nodiscard]] const std::vector<DmTarget>& targets() const { return targets_; }
    [[nodiscard]] base::SectorCount size() const { return {targets_.back().start.count + targets_.back().length.count}; }
    // Every device that the table stands on, each once.
    [[nodiscard]] std::vector<DeviceNumber> devices() const;
    [[nodiscard]] bool holds_key() const;
    // One line for each target, each with its newline.
    [[nodiscard]] WipedText text() const;

    friend bool operator==(const DmTable&, const DmTable&) = default;

private:
    explicit DmTable(std::vector<DmTarget> targets) : targets_(std::move(targets)) {}
    std::vector<DmTarget> targets_;
};

}  // namespace varve::kernel
