// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/service/json_of.h"

#include "orchestrator/definitions/definition_text.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace varve::service {
namespace {

TEST(ServiceJson, ADefinitionComesBackThroughJson) {
    const auto name = base::VmName::parse("work").value();
    const auto vm = definitions::parse(
                        name,
                        "class = \"app\"\ntemplate = \"fedora\"\ntemplate_for_dispvms = true\npreload-dispvm-max = 2\nneeds = [\"net\"]\n"
                        "[boot]\nkernel = \"/k\"\n[features]\nx = \"y\"\n[[volume]]\nname = \"root\"\npool = \"p\"\n"
                        "[[volume]]\nname = \"private\"\npool = \"p\"\nrw = false\n[[interface]]\nbridge = \"br0\"\n")
                        .value();
    const auto table = table_of(json_of(vm));
    ASSERT_TRUE(table);
    EXPECT_EQ(definitions::from_table(name, *table).value(), vm);
}

TEST(ServiceJson, WhatTomlHasNoPlaceForIsRefused) {
    for (const auto* text : {"{\"a\":null}", "{\"a\":1.5}", "{\"a\":[1]}", "{\"a\":[[]]}", "{\"a\":[{},1]}", "{\"a\":18446744073709551615}",
                             "{\"a\":{\"b\":null}}"})
        EXPECT_FALSE(table_of(nlohmann::json::parse(text))) << text;
}

}  // namespace
}  // namespace varve::service
