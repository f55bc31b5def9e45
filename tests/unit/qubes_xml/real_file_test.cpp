// SPDX-License-Identifier: LGPL-2.1-or-later
// A qubes.xml as Qubes OS R4.2 writes it.
#include "orchestrator/qubes_xml/adoptable.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace varve::qubes_xml {
namespace {

Document document_on_disk() {
    std::ifstream file(QUBES_XML_DATA "/qubes-r4.2.xml");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    auto document = read_document(text);
    if (!document) ADD_FAILURE() << settings::in_one_line(document.error());
    return document.value_or(Document{});
}

std::string lines_of(const Adoptable& found) {
    std::string all;
    for (const auto& each : found.volumes) {
        all += each.volume.str() + " " + std::string(name_of(each.kind)) + " " + std::to_string(each.size.count >> 30U) + "G";
        if (each.source) all += " <- " + each.source->str();
        if (each.revisions_to_keep) all += " keep " + std::to_string(*each.revisions_to_keep);
        all += std::string(each.rw ? "" : " ro") + (each.ephemeral ? " ephemeral" : "") + "\n";
    }
    for (const auto& [qube, why] : found.omissions) all += "not " + qube + "\n";
    return all;
}

TEST(RealQubesXml, AllVolumesOfAReflinkPool) {
    const auto found = adoptable(document_on_disk(), "varlibqubes");
    ASSERT_TRUE(found) << settings::in_one_line(found.error());
    EXPECT_EQ(lines_of(*found), R"(debian-12-xfce/private origin 2G keep 2
debian-12-xfce/root origin 20G keep 2
debian-12-xfce/volatile volatile 10G keep 0
default-dvm/private origin 2G keep 2
default-dvm/root snapshot 20G <- debian-12-xfce/root keep 0
default-dvm/volatile volatile 10G keep 0
sys-usb/private snapshot 2G <- default-dvm/private keep 0
sys-usb/root snapshot 20G <- debian-12-xfce/root keep 0
sys-usb/volatile volatile 12G keep 0
win10/private origin 2G keep -1
win10/root origin 20G keep -1
win10/volatile volatile 10G keep 0 ephemeral
work/private origin 2G keep 5
work/root snapshot 20G <- debian-12-xfce/root keep 5
work/volatile volatile 10G keep 0
not disp1234
)");
}

TEST(RealQubesXml, AllVolumesOfAThinPool) {
    const auto found = adoptable(document_on_disk(), "vm-pool");
    ASSERT_TRUE(found) << settings::in_one_line(found.error());
    EXPECT_EQ(lines_of(*found), R"(a-b/private origin 2G keep 2
a-b/root snapshot 20G <- fedora-40-xfce/root keep 0
a-b/volatile volatile 10G keep 0 ephemeral
fedora-40-xfce/private origin 2G keep 2
fedora-40-xfce/root origin 20G keep 2
fedora-40-xfce/volatile volatile 10G keep 0 ephemeral
)") << "the pool encrypts what is volatile";
}

}  // namespace
}  // namespace varve::qubes_xml
