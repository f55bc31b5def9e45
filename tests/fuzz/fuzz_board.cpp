// SPDX-License-Identifier: LGPL-2.1-or-later
// Status boards: any file in the place of one gives a snapshot within its bounds, or a reason. What is too short for a board is laid over an empty good one,
// so that inputs need not be as long as a board.
#include "orchestrator/board_reader/board_reader.h"
#include "tests/fuzz/require.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

namespace varve::fuzz {
namespace {

class Nobody final : public board_reader::Machine {
public:
    [[nodiscard]] bool lives(const protocol::BoardWriter& /*writer*/) const override { return false; }
};

// The first byte says where in a good board the rest goes, in 256ths of it.
std::string file_of(const std::uint8_t* data, std::size_t size) {
    const auto board = std::make_unique<protocol::Board>();
    board->writer.magic = protocol::board_magic;
    board->writer.layout = protocol::board_layout;
    board->writer.size = sizeof(protocol::Board);
    board->writer.pid = 1;
    board->writer.mountpoint = "/varve";
    std::string file(reinterpret_cast<const char*>(board.get()), sizeof(protocol::Board));
    if (size == 0) return {};
    const auto at = (file.size() / 256 * data[0]) & ~std::size_t{7};
    std::memcpy(file.data() + at, data + 1, std::min(size - 1, file.size() - at));
    return file;
}

void check(const board_reader::BoardSnapshot& snapshot) {
    require(snapshot.pools.size() <= protocol::board_pools && snapshot.volumes.size() <= protocol::board_volumes &&
                snapshot.operations.size() <= protocol::board_operations && snapshot.verbs.size() <= protocol::board_verbs,
            "there is no more than the slots hold");
    require(snapshot.writer.pid > 0 && !snapshot.writer.mountpoint.empty(), "a board that is read says whose it is");
    for (const auto& volume : snapshot.volumes) require(volume.name.text().size() <= sizeof(volume.name), "texts stay in their places");
}

}  // namespace
}  // namespace varve::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = varve::fuzz::file_of(data, size);
    const varve::base::UniqueFd file(::memfd_create("board", MFD_CLOEXEC));
    varve::fuzz::require(file.valid() && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()),
                         "the file is made");
    varve::fuzz::require(::fchmod(file.get(), 0644) == 0, "the file is made");
    const auto reader = varve::board_reader::BoardReader::over(varve::base::UniqueFd(::fcntl(file.get(), F_DUPFD_CLOEXEC, 0)), "board");
    if (reader)
        varve::fuzz::check(reader->read(varve::fuzz::Nobody()));
    else
        varve::fuzz::require(!reader.error().context.empty(), "a refusal says why");
    return 0;
}
