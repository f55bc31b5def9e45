// SPDX-License-Identifier: LGPL-2.1-or-later
// The images that open transactions and scratch files write to.
#pragma once

#include "drivers/api/private_image.h"
#include "drivers/images/volume_files.h"

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace varve::images {

// Knows the directory of each by its descriptor, so that an image follows its VM's rename. Thread-safe; its lock is held for the look-up only.
class PrivateImages {
public:
    explicit PrivateImages(Context& pool);

    // In the directory of `vm`; with the content and time of the open file `content` when given. The pool outlives the image.
    [[nodiscard]] base::Result<api::PrivateImage> make(VmDirectory vm, std::optional<int> content);
    // The image's directory; it stays open as long as the result is held. InvalidArgument for an image of another pool.
    [[nodiscard]] base::Result<std::shared_ptr<const VmDirectory>> directory_of(const api::PrivateImage& image) const;
    // It has become a state.
    void forget(const std::string& handle);

private:
    void discard(const std::string& handle);

    Context& pool_;
    mutable std::mutex mutex_;
    std::map<std::string, std::shared_ptr<const VmDirectory>> directories_;
};

}  // namespace varve::images
