// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/own_disk.h"

#include <fcntl.h>

#include <filesystem>

namespace varve::test_support {

OwnDisk::OwnDisk(Stage& stage, const std::string& name)
    : filesystem_(LoopFileSystem::make(FileSystemType::Xfs, base::Bytes{320ULL << 20}).value()),
      daemon_(
          DaemonSettings{stage.directory() / (name + "-own"), {{"small", filesystem_.path() / "pool", 1}}, "24h", stage.passthrough()}) {
    EXPECT_TRUE(daemon_.start());
    EXPECT_EQ(make_directory(vm_path()), ok);
}

OwnDisk::~OwnDisk() { EXPECT_EQ(daemon_.terminate(), 0); }

void OwnDisk::fill(std::uint64_t left) const {
    OpenFile file(filler(), O_CREAT | O_WRONLY);
    ASSERT_EQ(file.opened(), ok);
    off_t size = 0;
    for (std::uint64_t step = 64 << 20; step >= 4096;) {
        const auto free = std::filesystem::space(filesystem_.path()).available;
        if (free > left + step && ::fallocate(file.fd(), 0, size, static_cast<off_t>(step)) == 0)
            size += static_cast<off_t>(step);
        else
            step /= 2;
    }
    ASSERT_EQ(file.sync(), ok);
}

void OwnDisk::empty() const { ASSERT_EQ(remove_file(filler()), ok); }

}  // namespace varve::test_support
