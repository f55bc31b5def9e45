// SPDX-License-Identifier: LGPL-2.1-or-later
// qemu-img(1), which is never left to guess a format and opens no file but those it is handed.
#pragma once

#include "drivers/base/result.h"
#include "orchestrator/image_formats/confined_program.h"
#include "orchestrator/image_formats/format.h"

#include <functional>
#include <string>
#include <vector>

namespace varve::image_formats {

enum class Locking {
    Off,   // the file is nobody else's
    Auto,  // refused while another QEMU has it open for writing
};

// Opens the handed file of this index in this format, whatever files it names: QEMU's JSON form of a file name.
[[nodiscard]] std::string image_in(std::size_t index, Format format, Locking locking);

// `qemu-img info`: bounded in time and memory; its JSON.
[[nodiscard]] base::Result<std::string> qemu_img_info(const HandedFile& file, Format format, const std::string& name,
                                                      const std::function<bool()>& interrupted);

// `qemu-img check`, which reads all tables of an image, but none of its data: InvalidArgument for what contradicts itself, and for what lacks more than a
// cluster at its end. For formats that it can check.
[[nodiscard]] base::Result<> qemu_img_check(const HandedFile& file, Format format, const std::string& name,
                                            const std::function<bool()>& interrupted);

struct Conversion {
    std::vector<std::string> arguments;  // behind `qemu-img convert -p`
    std::vector<HandedFile> files;
    std::string failure;  // what cannot be done, for messages: "cannot import 'x'"
    std::function<void(double percent)> progress = {};
    std::function<bool()> interrupted = {};
};

// Interrupted, with this failure, when `interrupted` says so; then it has ended.
[[nodiscard]] base::Result<> qemu_img_convert(const Conversion& conversion);

}  // namespace varve::image_formats
