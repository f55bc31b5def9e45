// SPDX-License-Identifier: LGPL-2.1-or-later
// Volumes of one pool: kinds, sources, and what cannot be.
#include "orchestrator/qubes_xml/adoptable.h"
#include "orchestrator/qubes_xml/pool_choice.h"
#include "orchestrator/qubes_xml/vid.h"

#include <gtest/gtest.h>

#include <set>

namespace varve::qubes_xml {
namespace {

Document document_of(std::vector<Domain> domains) { return {{{1, "p", "file-reflink", {}}, {2, "q", "lvm_thin", {}}}, std::move(domains)}; }

VolumeElement volume(std::size_t line, Attributes attributes) {
    attributes.emplace("pool", "p");
    return {line, std::move(attributes)};
}

Domain domain(std::string klass, std::string name, std::vector<VolumeElement> volumes, std::string template_name = {}) {
    return {1, std::move(klass), std::move(name), std::move(template_name), false, std::move(volumes)};
}

Domain fedora() {
    return domain("TemplateVM", "fedora",
                  {volume(10, {{"name", "root"}, {"vid", "vm-templates/fedora/root"}, {"save_on_stop", "True"}, {"rw", "True"}})});
}

std::string told(const Document& document) {
    const auto found = adoptable(document, "p");
    return found ? "nothing" : settings::in_one_line(found.error());
}

std::string told(VolumeElement element) { return told(document_of({fedora(), domain("AppVM", "work", {std::move(element)})})); }

TEST(QubesXmlVid, PlacesOfVolumes) {
    EXPECT_EQ(parse_vid("appvms/work/root")->str(), "work/root");
    EXPECT_EQ(parse_vid("vm-templates/debian-12/private")->str(), "debian-12/private");
    EXPECT_EQ(parse_vid("qubes_dom0/vm-a-b-root")->str(), "a-b/root");
    for (const auto* wrong : {"",
                              "root",
                              "appvms/work",
                              "appvms/work/root/x",
                              "appvms//root",
                              "appvms/../root",
                              "appvms/work/../root",
                              "../appvms/work/root",
                              "/appvms/work/root",
                              "servicevms/net/root",
                              "appvms/work/Root",
                              "appvms/1x/root",
                              "appvms/none/root",
                              "vg/work-root",
                              "vg/vm-root",
                              "vg/vm--root",
                              "6.6.48-1.fc37",
                              "appvms/work/ctl",
                              "appvms/wo rk/root",
                              "appvms/w\xc3\xb6rk/root"})
        EXPECT_FALSE(parse_vid(wrong)) << wrong;
    EXPECT_FALSE(parse_vid(std::string(1 << 20, '/')));
    EXPECT_FALSE(parse_vid("appvms/" + std::string(32, 'a') + "/root"));
}

TEST(QubesXmlKinds, FollowFromTheTwoFlags) {
    const auto kind = [](const char* snap, const char* save) {
        const auto found = adoptable(document_of({fedora(), domain("AppVM", "work",
                                                                   {volume(1, {{"name", "extra"},
                                                                               {"vid", "appvms/work/extra"},
                                                                               {"size", "512"},
                                                                               {"snap_on_start", snap},
                                                                               {"save_on_stop", save},
                                                                               {"source", "vm-templates/fedora/root"}})})}),
                                     "p");
        EXPECT_TRUE(found);
        return found ? std::string(name_of(found->volumes.at(1).kind)) +
                           (found->volumes[1].source ? " from " + found->volumes[1].source->str() : "")
                     : "";
    };
    EXPECT_EQ(kind("False", "False"), "volatile");
    EXPECT_EQ(kind("False", "True"), "origin");
    EXPECT_EQ(kind("True", "False"), "snapshot from fedora/root");
    EXPECT_EQ(kind("True", "True"), "origin_snapshot from fedora/root");
}

// R4.0 wrote no flags that are false; the class tells the others.
TEST(QubesXmlKinds, OfWhatIsLeftOpen) {
    const auto found = adoptable(document_of({fedora(),
                                              domain("AppVM", "work",
                                                     {volume(1, {{"name", "root"}, {"vid", "appvms/work/root"}}),
                                                      volume(2, {{"name", "private"}, {"vid", "appvms/work/private"}}),
                                                      volume(3, {{"name", "volatile"}, {"vid", "appvms/work/volatile"}, {"size", "1024"}})},
                                                     "fedora"),
                                              domain("DispVM", "usb",
                                                     {volume(4, {{"name", "root"}, {"vid", "appvms/usb/root"}}),
                                                      volume(5, {{"name", "private"}, {"vid", "appvms/usb/private"}})},
                                                     "work"),
                                              domain("StandaloneVM", "win", {volume(6, {{"name", "root"}, {"vid", "appvms/win/root"}})})}),
                                 "p");
    ASSERT_TRUE(found) << settings::in_one_line(found.error());
    std::string all;
    for (const auto& each : found->volumes)
        all += each.volume.str() + " " + std::string(name_of(each.kind)) + (each.source ? " " + each.source->str() : "") +
               (each.rw ? "" : " ro") + "\n";
    EXPECT_EQ(all,
              "fedora/root origin\nusb/private snapshot work/private\nusb/root snapshot fedora/root\nwin/root origin\nwork/private origin\n"
              "work/root snapshot fedora/root\nwork/volatile volatile\n");
}

TEST(QubesXmlMistakes, OfValues) {
    const auto with = [](Attributes attributes) {
        attributes.insert({{"name", "data"}, {"vid", "appvms/work/data"}});
        return told(volume(7, std::move(attributes)));
    };
    EXPECT_EQ(with({{"save_on_stop", "True"}}), "nothing");
    EXPECT_EQ(with({{"save_on_stop", "yes"}, {"size", "512"}}), "line 7: save_on_stop is 'yes', not True or False");
    EXPECT_EQ(with({{"save_on_stop", "True"}, {"size", "99999999999999999999999"}}),
              "line 7: size is '99999999999999999999999', not a number from 0 to 9223372036854775296");
    EXPECT_EQ(with({{"save_on_stop", "True"}, {"size", "-1"}}), "line 7: size is '-1', not a number from 0 to 9223372036854775296");
    EXPECT_EQ(with({{"save_on_stop", "True"}, {"size", "513"}}), "line 7: size is 513, not a multiple of 512");
    EXPECT_EQ(with({{"save_on_stop", "True"}, {"size", "1G"}}), "line 7: size is '1G', not a number from 0 to 9223372036854775296");
    EXPECT_EQ(with({{"save_on_stop", "True"}, {"revisions_to_keep", "-2"}}),
              "line 7: revisions_to_keep is '-2', not a number from -1 to 1000000");
    EXPECT_EQ(with({{"save_on_stop", "True"}, {"revisions_to_keep", ""}}),
              "line 7: revisions_to_keep is '', not a number from -1 to 1000000");
    EXPECT_EQ(with({{"save_on_stop", "True"}, {"ephemeral", "True"}}),
              "line 7: only a volatile volume that may be written can be ephemeral");
    EXPECT_EQ(with({}), "line 7: a volatile volume needs a size");
    const auto longest = with({{"save_on_stop", std::string(1000, 'x')}, {"size", "512"}});
    EXPECT_LT(longest.size(), 200U);
}

TEST(QubesXmlMistakes, OfPlacesAreAllTold) {
    EXPECT_NE(told(volume(3, {{"name", "root"}, {"vid", "appvms/../../etc/root"}})).find("line 3: the vid 'appvms/../../etc/root'"),
              std::string::npos);
    EXPECT_NE(told(volume(3, {{"name", "root"}, {"vid", "appvms/work/private"}})).find("is not that of a volume called 'root'"),
              std::string::npos);
    EXPECT_NE(told(volume(3, {{"name", "root"}})).find("line 3: the vid ''"), std::string::npos);
    const auto twice = told(document_of(
        {domain("StandaloneVM", "a",
                {volume(1, {{"name", "root"}, {"vid", "appvms/a/root"}}), volume(2, {{"name", "root"}, {"vid", "appvms/a/root"}})}),
         domain("StandaloneVM", "b", {volume(3, {{"name", "root"}, {"vid", "vm-templates/a/root"}})})}));
    EXPECT_EQ(twice,
              "line 2: 'a' has two volumes called 'root'; line 2: a second volume a/root in this pool; line 3: a second volume a/root in "
              "this pool");
}

TEST(QubesXmlMistakes, OfSources) {
    const auto from = [](const char* source) {
        return told(volume(3, {{"name", "root"}, {"vid", "appvms/work/root"}, {"source", source}}));
    };
    EXPECT_EQ(from("vm-templates/fedora/root"), "nothing");
    EXPECT_EQ(from("vm-templates/gone/root"), "line 3: work/root: its source 'vm-templates/gone/root' is no volume of the pool 'p'");
    EXPECT_EQ(from(""), "line 3: work/root: it starts from a source, and names none");
    EXPECT_EQ(from("appvms/work/root"), "line 3: work/root: its sources lead in a circle");
    const auto snapshot = [](std::size_t line, const std::string& vm, const std::string& source) {
        return domain("AppVM", vm,
                      {volume(line, {{"name", "root"}, {"vid", "appvms/" + vm + "/root"}, {"source", "appvms/" + source + "/root"}})});
    };
    const auto circle = told(document_of({snapshot(1, "a", "b"), snapshot(2, "b", "c"), snapshot(3, "c", "a"), snapshot(4, "d", "a")}));
    EXPECT_EQ(circle, "line 1: a/root: its sources lead in a circle");
    const auto chained = adoptable(
        document_of(
            {fedora(),
             domain("AppVM", "a", {volume(1, {{"name", "root"}, {"vid", "appvms/a/root"}, {"source", "vm-templates/fedora/root"}})}),
             snapshot(2, "b", "a")}),
        "p");
    ASSERT_TRUE(chained);
    EXPECT_EQ(chained->volumes.at(1).source->str(), "a/root") << "a snapshot of a snapshot";
    const auto of_volatile = told(
        document_of({domain("AppVM", "a", {volume(1, {{"name", "volatile"}, {"vid", "appvms/a/volatile"}, {"size", "512"}})}),
                     domain("AppVM", "b", {volume(2, {{"name", "root"}, {"vid", "appvms/b/root"}, {"source", "appvms/a/volatile"}})})}));
    EXPECT_NE(of_volatile.find("is volatile"), std::string::npos) << of_volatile;
}

TEST(QubesXmlMistakes, OfOtherPoolsAreNobodysHere) {
    auto document =
        document_of({fedora(), domain("AppVM", "work", {{9, {{"name", "data"}, {"pool", "q"}, {"vid", "../../etc"}, {"rw", "perhaps"}}}})});
    EXPECT_EQ(told(document), "nothing");
}

TEST(QubesXmlAdoptable, ALongChainOfTemplatesEnds) {
    std::vector<Domain> domains;
    for (int i = 0; i < 50; ++i) {
        const auto name = "v" + std::to_string(i);
        domains.push_back(domain("AppVM", name, {volume(1, {{"name", "root"}, {"vid", "appvms/" + name + "/root"}})},
                                 "v" + std::to_string((i + 1) % 50)));
    }
    EXPECT_NE(told(document_of(std::move(domains))).find("names none"), std::string::npos);
}

TEST(QubesXmlAdoptable, NoLayerIsForOriginsOnly) {
    const auto found = adoptable(
        document_of(
            {domain("AppVM", "work",
                    {volume(1, {{"name", "private"}, {"vid", "appvms/work/private"}, {"revisions_to_keep", "-1"}}),
                     volume(2, {{"name", "volatile"}, {"vid", "appvms/work/volatile"}, {"size", "512"}, {"revisions_to_keep", "-1"}})})}),
        "p");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->volumes.at(0).revisions_to_keep, -1);
    EXPECT_EQ(found->volumes.at(1).revisions_to_keep, std::nullopt);
}

TEST(QubesXmlPool, IsTheOneInTheSamePlaceElseOfTheSameName) {
    const Document document{{{1, "vms", "file-reflink", {{"dir_path", "/srv/vms/"}}},
                             {2, "vm-pool", "lvm_thin", {{"volume_group", "qubes_dom0"}, {"thin_pool", "vm-pool"}}},
                             {3, "kernels", "linux-kernel", {{"dir_path", "/srv/kernels"}}},
                             {4, "twin", "file", {{"dir_path", "/twin"}}},
                             {5, "twin2", "file", {{"dir_path", "/twin"}}}},
                            {}};
    const auto chosen = [&](PoolPlace place) {
        auto name = choose_pool(document, place);
        return name ? *name : std::string(base::name_of(name.error().code)) + ": " + name.error().message();
    };
    EXPECT_EQ(chosen({"fast", "file-reflink", {{"dir_path", "/srv//x/../vms"}}}), "vms");
    EXPECT_EQ(chosen({"fast", "lvm_thin", {{"volume_group", "qubes_dom0"}, {"thin_pool", "vm-pool"}}}), "vm-pool");
    EXPECT_EQ(chosen({"vms", "file", {{"dir_path", "/mnt/moved"}}}), "vms") << "one driver reads the other's images";
    EXPECT_NE(chosen({"kernels", "file", {{"dir_path", "/mnt"}}})
                  .find("there are: vms, vm-pool, kernels, twin, twin2; say which with --qubes-pool"),
              std::string::npos);
    EXPECT_NE(chosen({"fast", "lvm_thin", {{"volume_group", "other"}, {"thin_pool", "vm-pool"}}}).find("not-found"), std::string::npos);
    EXPECT_NE(chosen({"fast", "file", {{"dir_path", "/twin"}}}).find("several pools"), std::string::npos);
    EXPECT_TRUE(check_pool(document, "vms"));
    EXPECT_EQ(check_pool(document, "none").error().code, base::Errc::NotFound);
}

}  // namespace
}  // namespace varve::qubes_xml
