// SPDX-License-Identifier: LGPL-2.1-or-later
// A file that belongs to no volume: `.anything`, and the temporary names of coreutils and sed.
#pragma once

#include "drivers/api/private_image.h"
#include "drivers/api/volume_config.h"
#include "drivers/base/result.h"
#include "drivers/base/timestamp.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>

namespace varve::engine {

// An image that rename makes a state, or a symbolic link that rename makes a snapshot volume. Lives in memory by name and on disk as a
// private image: a restart of the daemon removes it. Thread-safe.
class ScratchFile {
public:
    struct Link {
        std::string target;
    };

    ScratchFile(api::PrivateImage image, base::Timestamp created)
        : content_(std::move(image)), created_(created), touched_(created.seconds) {}
    ScratchFile(Link link, base::Timestamp created) : content_(std::move(link)), created_(created), touched_(created.seconds) {}

    [[nodiscard]] api::PrivateImage* image() { return std::get_if<api::PrivateImage>(&content_); }
    [[nodiscard]] const Link* link() const { return std::get_if<Link>(&content_); }
    [[nodiscard]] base::Timestamp created() const { return created_; }

    // ---- open files; one that is open for writing cannot become a state, and one that becomes a state cannot be opened for writing
    [[nodiscard]] bool opened(bool for_writing) {
        for (int writers = writers_; for_writing;) {
            if (writers < 0) return false;
            if (writers_.compare_exchange_weak(writers, writers + 1)) break;
        }
        ++handles_;
        return true;
    }
    void released(bool for_writing, std::int64_t now) {
        if (for_writing) --writers_;
        --handles_;
        touched_ = now;
    }
    // Reserves it for becoming a state: false while it is open for writing.
    [[nodiscard]] bool claim() {
        int none = 0;
        return writers_.compare_exchange_strong(none, claimed);
    }
    void unclaim() { writers_ = 0; }
    [[nodiscard]] bool stale(std::int64_t now, std::chrono::seconds age) const { return handles_ == 0 && touched_ + age.count() < now; }

    // A write failed or its writer was killed: what is there is not what somebody wanted.
    void spoil() { spoiled_ = true; }
    [[nodiscard]] bool spoiled() const { return spoiled_; }

private:
    static constexpr int claimed = -1;

    std::variant<api::PrivateImage, Link> content_;
    base::Timestamp created_;
    std::atomic<std::int64_t> touched_;
    std::atomic<int> handles_ = 0;
    std::atomic<int> writers_ = 0;  // or `claimed`
    std::atomic<bool> spoiled_ = false;
};

}  // namespace varve::engine
