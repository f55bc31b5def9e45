// SPDX-License-Identifier: LGPL-2.1-or-later
// Which middle devices stay. The rule, which holds whenever nobody changes the devices of an image:
//
//   no origin runs over the image: each of its middle devices goes with its last user, by itself;
//   one runs: none goes by itself. Its own (with the COW file of its session) stays in any case, the others until tidy_image finds them unused.
//
// Because "when loading or unloading the snapshot target, the corresponding snapshot-origin or snapshot-merge target must be suspended. A
// failure to suspend the origin target could result in data corruption" (Documentation/admin-guide/device-mapper/snapshot.rst), and
// the kernel suspends nothing when a device goes by itself.
#pragma once

#include "drivers/file/device_steps.h"

#include <utility>

namespace varve::file {

// Makes the rule true again. May be repeated.
[[nodiscard]] base::Result<> tidy_image(Ports& ports, FileId image);

// Before an origin is made: from here on nothing goes by itself.
[[nodiscard]] base::Result<> keep_middles(Ports& ports, const PoolDevices& devices, FileId image);

// Tidies when a step ends, however it ends. Declared before the guards of what the step makes.
class TidyAtEnd {
public:
    TidyAtEnd(Ports& ports, FileId image) : ports_(ports), image_(image) {}
    ~TidyAtEnd() {
        if (!done_) (void)tidy_image(ports_, image_);  // the error that counts came before; the next step tidies again
    }
    TidyAtEnd(const TidyAtEnd&) = delete;
    TidyAtEnd& operator=(const TidyAtEnd&) = delete;

    [[nodiscard]] base::Result<> now() {
        TRY(tidy_image(ports_, image_));
        done_ = true;
        return {};
    }

private:
    Ports& ports_;
    FileId image_;
    bool done_ = false;
};

// Lets go of a view's device when a step ends, however it ends.
class LetGoAtEnd {
public:
    LetGoAtEnd(Ports& ports, kernel::DmName name) : ports_(ports), name_(std::move(name)) {}
    ~LetGoAtEnd() {
        if (!done_) (void)let_go_with_last_user(ports_, name_);  // the error that counts came before; recover() finds it
    }
    LetGoAtEnd(const LetGoAtEnd&) = delete;
    LetGoAtEnd& operator=(const LetGoAtEnd&) = delete;

    [[nodiscard]] base::Result<> now() {
        TRY(let_go_with_last_user(ports_, name_));
        done_ = true;
        return {};
    }

private:
    Ports& ports_;
    kernel::DmName name_;
    bool done_ = false;
};

}  // namespace varve::file
