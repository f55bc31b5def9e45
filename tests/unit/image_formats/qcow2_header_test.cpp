// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/image_formats/qcow2_header.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>

namespace varve::image_formats {
namespace {

void put(std::string& text, std::size_t at, std::size_t bytes, std::uint64_t value) {
    for (std::size_t i = bytes; i-- > 0; value >>= 8U) text[at + i] = static_cast<char>(value & 0xffU);
}

// An image of version 3 without anything special, and 64 KiB of it.
std::string plain() {
    std::string text(qcow2_header_limit, '\0');
    text.replace(0, 4, "QFI\xfb");
    put(text, 4, 4, 3);
    put(text, 20, 4, 16);
    put(text, 24, 8, std::uint64_t{1} << 30);
    put(text, 100, 4, 104);
    return text;
}

std::string refusal(const std::string& text) {
    const auto checked = check_qcow2_header(text, "'x'");
    if (checked) return "";
    EXPECT_EQ(checked.error().code, base::Errc::InvalidArgument);
    return checked.error().message();
}

TEST(Qcow2HeaderTest, WholeImagesPass) {
    EXPECT_EQ(refusal(plain()), "");
    auto old = plain();
    put(old, 4, 4, 2);
    EXPECT_EQ(refusal(old.substr(0, 4096)), "");
    auto dirty = plain();
    put(dirty, 72, 8, 0x19);  // dirty, compression type, extended L2
    EXPECT_EQ(refusal(dirty), "");
    auto extended = plain();
    put(extended, 104, 4, 0x6803f857);  // names of features
    put(extended, 108, 4, 100);
    EXPECT_EQ(refusal(extended), "");
}

TEST(Qcow2HeaderTest, OtherFilesAreNotFollowed) {
    auto backed = plain();
    put(backed, 8, 8, 512);
    put(backed, 16, 4, 11);
    backed.replace(512, 11, "/etc/shadow");
    EXPECT_NE(refusal(backed).find("backing file ('/etc/shadow')"), std::string::npos) << refusal(backed);
    put(backed, 8, 8, UINT64_MAX);
    EXPECT_NE(refusal(backed).find("backing file"), std::string::npos);
    auto data = plain();
    put(data, 72, 8, 4);
    EXPECT_NE(refusal(data).find("in another file"), std::string::npos);
    for (const std::size_t before : {0, 24}) {
        auto named = plain();
        if (before != 0) {
            put(named, 104, 4, 0x6803f857);
            put(named, 108, 4, 13);  // padded to 16
        }
        put(named, 104 + before, 4, 0x44415441);
        EXPECT_NE(refusal(named).find("in another file"), std::string::npos) << before;
    }
}

TEST(Qcow2HeaderTest, EncryptedDamagedAndUnknownOnesAreRefused) {
    const auto with = [](std::size_t at, std::size_t bytes, std::uint64_t value) {
        auto text = plain();
        put(text, at, bytes, value);
        return refusal(text);
    };
    EXPECT_EQ(with(32, 4, 1), "'x' is encrypted: decrypt it with qemu-img convert first");
    EXPECT_EQ(with(32, 4, 2), with(32, 4, 1));
    EXPECT_EQ(with(104, 4, 0x0537be77), with(32, 4, 1));
    EXPECT_EQ(with(72, 8, 2), "'x' is marked as damaged: 'qemu-img check -r all' may repair it");
    EXPECT_EQ(with(72, 8, 32), "'x' has features of qcow2 that are not known here");
    EXPECT_EQ(with(72, 8, std::uint64_t{1} << 63), with(72, 8, 32));
    EXPECT_EQ(with(4, 4, 4), "'x' is a qcow2 image of version 4, not 2 or 3");
    EXPECT_EQ(with(0, 4, 0), "'x' is not a qcow2 image");
    const std::string form = "'x' has a header of a form that qcow2 images do not have";
    EXPECT_EQ(with(100, 4, 0), form);
    EXPECT_EQ(with(108, 4, UINT32_MAX), "") << "the end has no length";
    auto endless = plain();
    put(endless, 104, 4, 1);
    put(endless, 108, 4, UINT32_MAX);
    EXPECT_EQ(refusal(endless), form);
    for (const std::uint64_t bits : {0, 8, 22, 255}) EXPECT_NE(with(20, 4, bits), "") << bits;
}

TEST(Qcow2HeaderTest, ShortAndRandomTextDoesNoHarm) {
    const auto whole = plain();
    for (std::size_t size = 0; size < 104; ++size) EXPECT_NE(refusal(whole.substr(0, size)), "") << size;
    std::mt19937_64 random(7);
    for (int turn = 0; turn < 2000; ++turn) {
        auto text = plain().substr(0, 4096);
        for (int i = 0; i < 8; ++i) text[4 + random() % 120] = static_cast<char>(random());
        (void)refusal(text);  // that it comes back is what is tested
    }
}

}  // namespace
}  // namespace varve::image_formats
