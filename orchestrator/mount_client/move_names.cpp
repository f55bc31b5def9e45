// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/move_names.h"

#include "drivers/base/overloaded.h"

#include <boost/crc.hpp>

#include <array>
#include <charconv>

namespace varve::mount_client {
namespace {

std::string digits_of(const std::string& text) {
    boost::crc_32_type sum;
    sum.process_bytes(text.data(), text.size());
    std::array<char, 8> digits{};
    const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), sum.checksum(), 16);
    const auto length = static_cast<std::size_t>(written.ptr - digits.data());
    return std::string(digits.size() - length, '0') + std::string(digits.data(), length);
}

base::VmName vm_name(const std::string& text) { return base::VmName::parse(text).value(); }

}  // namespace

VmReference vm_of(const Movable& what) {
    return std::visit(base::Overloaded{[](const VmReference& vm) { return vm; },
                                       [](const base::VolumeId& volume) {
                                           return VmReference{volume.pool, volume.vm};
                                       }},
                      what);
}

std::string to_string(const Movable& what) {
    return std::visit([](const auto& reference) { return reference.str(); }, what);
}

MoveNames names_of_move(const Movable& from, const Movable& to) {
    const auto digits = digits_of(to_string(from) + " " + to_string(to));
    return {{vm_of(to).pool, vm_name("varve-move-" + digits)}, {vm_of(from).pool, vm_name("varve-moved-" + digits)}};
}

}  // namespace varve::mount_client
