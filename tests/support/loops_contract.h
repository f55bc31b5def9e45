// SPDX-License-Identifier: LGPL-2.1-or-later
// What every Loops promises: one suite for the fake and the real one. A program that builds loops_contract.cpp instantiates LoopsContract.
#pragma once

#include "drivers/base/unique_fd.h"
#include "drivers/kernel/loops.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>

namespace varve::test_support {

class LoopsWorld {
public:
    virtual ~LoopsWorld() = default;
    LoopsWorld() = default;
    LoopsWorld(const LoopsWorld&) = delete;
    LoopsWorld& operator=(const LoopsWorld&) = delete;

    [[nodiscard]] virtual kernel::Loops& loops() = 0;
    // A new file, open for reading and writing.
    [[nodiscard]] virtual base::UniqueFd make_file(base::Bytes size) = 0;
    // Another one opens the device, and closes it.
    virtual void open(const kernel::LoopDevice& loop) = 0;
    virtual void close(const kernel::LoopDevice& loop) = 0;
    [[nodiscard]] virtual base::Bytes size_of(const kernel::LoopDevice& loop) = 0;
};

struct MakeLoopsWorld {
    const char* name;
    std::function<std::unique_ptr<LoopsWorld>()> make;
    friend void PrintTo(const MakeLoopsWorld& maker, std::ostream* out) { *out << maker.name; }
};

class LoopsContract : public testing::TestWithParam<MakeLoopsWorld> {
protected:
    void SetUp() override { world_ = GetParam().make(); }
    [[nodiscard]] LoopsWorld& world() { return *world_; }
    [[nodiscard]] kernel::Loops& loops() { return world_->loops(); }
    [[nodiscard]] bool is_listed(const kernel::LoopDevice& loop);

private:
    std::unique_ptr<LoopsWorld> world_;
};

}  // namespace varve::test_support
