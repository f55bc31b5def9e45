// SPDX-License-Identifier: LGPL-2.1-or-later
// Files that Qubes did not write.
#include "orchestrator/qubes_xml/document.h"

#include <gtest/gtest.h>

namespace varve::qubes_xml {
namespace {

std::string with_domains(const std::string& domains) {
    return "<qubes>\n<pools><pool name=\"p\" driver=\"file\" dir_path=\"/d\"/></pools>\n<domains>" + domains + "</domains>\n</qubes>\n";
}

std::string told(const std::string& text) {
    const auto document = read_document(text);
    if (document) return "nothing";
    EXPECT_FALSE(document.error().empty());
    return settings::in_one_line(document.error());
}

TEST(QubesXmlDocument, ADoctypeIsRefusedWhateverItDefines) {
    const auto laughs = R"(<?xml version="1.0"?>
<!DOCTYPE qubes [
 <!ENTITY lol "lol">
 <!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">
 <!ENTITY lol3 "&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;">
]>
)" + with_domains("&lol3;");
    EXPECT_NE(told(laughs).find("a DOCTYPE is refused"), std::string::npos) << told(laughs);
    const auto external = R"(<!DOCTYPE qubes SYSTEM "file:///etc/passwd"><qubes><domains/></qubes>)";
    EXPECT_NE(told(external).find("a DOCTYPE is refused"), std::string::npos);
    const auto parameter = R"(<!DOCTYPE r [<!ENTITY % x SYSTEM "http://localhost/x"> %x;]><qubes><domains/></qubes>)";
    EXPECT_NE(told(parameter).find("a DOCTYPE is refused"), std::string::npos);
}

TEST(QubesXmlDocument, AnEntityThatNobodyDefinedStaysText) {
    const auto document = read_document(with_domains(
        R"(<domain class="AppVM"><properties><property name="name">&xxe;</property></properties><volume-config><volume name="a"/></volume-config></domain>)"));
    ASSERT_TRUE(document);
    EXPECT_EQ(document->domains.at(0).name, "&xxe;");
}

TEST(QubesXmlDocument, SizeAndDepthHaveLimits) {
    EXPECT_NE(told(std::string(100 << 20, ' ')).find("larger than 16777216 bytes"), std::string::npos);
    std::string deep = "<qubes><domains>";
    for (int i = 0; i < 1'000'000; ++i) deep += "<domain>";
    for (int i = 0; i < 1'000'000; ++i) deep += "</domain>";
    deep += "</domains></qubes>";
    EXPECT_NE(told(deep).find("larger than"), std::string::npos);
    std::string deep_and_short = "<qubes><domains>";
    for (int i = 0; i < 1'000'000; ++i) deep_and_short += "<d>";
    for (int i = 0; i < 1'000'000; ++i) deep_and_short += "</d>";
    EXPECT_NE(told(deep_and_short + "</domains></qubes>").find("nested deeper than 32"), std::string::npos);
}

TEST(QubesXmlDocument, WhatIsNoQubesXml) {
    EXPECT_NE(told("").find("it is no XML"), std::string::npos);
    EXPECT_NE(told("not xml at all").find("it is no XML"), std::string::npos);
    EXPECT_EQ(told("<qubes>\n<domains>\n</qubes>"), "line 3: it is no XML: Start-end tags mismatch");
    EXPECT_EQ(told("<domain/>"), "line 1: the outermost element is not 'qubes': this is no qubes.xml");
    EXPECT_NE(told("<QubesVmCollection/>").find("R3 or older"), std::string::npos);
    EXPECT_NE(told("<qubes/>").find("no element 'domains'"), std::string::npos);
    EXPECT_NE(told("<qubes><domains/></qubes><qubes/>").find("follows the outermost element"), std::string::npos);
    EXPECT_NE(told("<qubes><domains/><domains/></qubes>").find("a second element 'domains'"), std::string::npos);
    EXPECT_NE(told(std::string("<qubes><domains/></qubes>\0<", 27)).find("NUL"), std::string::npos);
}

TEST(QubesXmlDocument, AllMistakesAtOnceWithTheirLines) {
    const auto text = with_domains(R"(
<domain class="AppVM"><properties/><volume-config><volume name="a"/></volume-config></domain>
<domain class="AppVM"><properties><property name="name">x</property></properties><volume-config><volume name="a" name="b"/></volume-config></domain>
<domain class="AppVM"><properties><property name="name">x</property></properties><volume-config><volume/></volume-config></domain>
<domain class="AppVM"/>
)");
    EXPECT_EQ(told(text), "line 4: a VM without a name; line 5: the attribute 'name' is there twice; line 6: a second VM 'x'");
    EXPECT_EQ(
        told("<qubes><pools><pool name='a' driver='file'/><pool name='a' driver='file'/><pool driver='x'/></pools><domains/></qubes>"),
        "line 1: a second pool 'a'; line 1: a pool without a name or a driver");
}

TEST(QubesXmlDocument, DeclarationCommentsAndCharacterDataAreRead) {
    const auto document =
        read_document("<?xml version='1.0' encoding='utf-8'?>\n<!-- saved -->\n" +
                      with_domains("<domain class='AppVM'><properties><property name='name'><![CDATA[x]]></property></properties>"
                                   "<volume-config><volume name='a&amp;b'/></volume-config></domain>"));
    ASSERT_TRUE(document) << told("");
    ASSERT_EQ(document->domains.size(), 1U);
    EXPECT_EQ(document->domains[0].name, "x");
    EXPECT_EQ(document->domains[0].volumes.at(0).value("name"), "a&b");
    EXPECT_EQ(document->domains[0].volumes[0].line, 5U);
    EXPECT_FALSE(document->domains[0].volumes[0].has("vid"));
}

}  // namespace
}  // namespace varve::qubes_xml
