// SPDX-License-Identifier: LGPL-2.1-or-later
// What a pool may be configured as, before anything of it is opened.
#include "drivers/registry.h"

#include <gtest/gtest.h>

namespace varve::registry {
namespace {

using Parameters = std::map<std::string, std::string>;

PoolSettings pool(const std::string& driver, Parameters parameters) {
    return {base::PoolName::parse("p").value(), driver, std::move(parameters), api::RevisionsToKeep::standard()};
}

void expect_good(const std::string& driver, const Parameters& parameters) {
    const auto checked = check_settings(pool(driver, parameters));
    EXPECT_TRUE(checked) << checked.error().message();
}

// Each of these is told in the one message.
void expect_wrong(const std::string& driver, const Parameters& parameters, const std::vector<std::string>& told) {
    const auto checked = check_settings(pool(driver, parameters));
    ASSERT_FALSE(checked) << driver;
    EXPECT_EQ(checked.error().code, base::Errc::InvalidArgument);
    EXPECT_TRUE(checked.error().context.starts_with("pool p: ")) << checked.error().context;
    for (const auto& part : told) EXPECT_NE(checked.error().context.find(part), std::string::npos) << checked.error().context;
}

TEST(PoolSettingsTest, EveryDriverHasItsParameters) {
    expect_good("file", {{"dir_path", "/srv/vms"}});
    expect_good("file-reflink", {{"dir_path", "/srv/vms"}, {"setup_check", "false"}});
    expect_good("linux-kernel", {{"dir_path", "/srv/kernels"}});
    expect_good("lvm_thin", {{"volume_group", "qubes_dom0"}, {"thin_pool", "pool00"}});
    expect_good("lvm_thin", {{"volume_group", "v"}, {"thin_pool", "p"}, {"data_watermark", "80%"}, {"metadata_watermark", "100%"}});
    expect_good("sim", {});
    expect_good("sim", {{"size", "4G"}});
}

TEST(PoolSettingsTest, WhatIsMissingWrongOrUnknownIsToldAtOnce) {
    expect_wrong("sym", {}, {"no driver 'sym'", "callback, file, file-reflink, linux-kernel, lvm_thin, sim"});
    expect_wrong("file", {}, {"dir_path is missing"});
    expect_wrong("file-reflink", {{"dir_path", "vms"}, {"setup_check", "maybe"}, {"x", "1"}},
                 {"'vms' and must be an absolute path", "'maybe' and must be true or false", "no parameter x"});
    expect_wrong("linux-kernel", {{"path", "/srv"}}, {"dir_path is missing", "no parameter path"});
    EXPECT_EQ(check_settings(pool("lvm_thin", {{"volume_group", "-x"}, {"thin_pool", "y"}})).error().code, base::Errc::InvalidName);
    expect_wrong("lvm_thin", {{"volume_group", "v"}, {"thin_pool", "p"}, {"data_watermark", "0%"}, {"metadata_watermark", "101%"}},
                 {"data_watermark: with '0%' nothing would ever start", "metadata_watermark: '101%' is more than 100%"});
    expect_wrong("lvm_thin", {{"volume_group", "v"}, {"thin_pool", "p"}, {"data_watermark", "80"}}, {"'80' is not a share such as 95%"});
    expect_wrong("sim", {{"size", "much"}}, {"size: "});
}

TEST(PoolSettingsTest, ACallbackPoolHasItsOwnAndTheWrappedDrivers) {
    expect_good("callback", {{"callback_driver", "file-reflink"},
                             {"callback_program", "/etc/varve/hook"},
                             {"callback_arguments", "--key /etc/key"},
                             {"callback_timeout", "3600"},
                             {"callback_steps", "setup before-start"},
                             {"dir_path", "/srv/vms"}});
    expect_wrong("callback", {{"callback_driver", "file-reflink"}, {"callback_program", "/etc/varve/hook"}}, {"dir_path is missing"});
    expect_wrong("callback", {{"callback_driver", "sim"}, {"callback_program", "/hook"}, {"dir_path", "/srv"}},
                 {"the driver sim has no parameter dir_path"});
    expect_wrong("callback", {{"callback_driver", "sym"}, {"callback_program", "/hook"}}, {"no driver 'sym'"});
    expect_wrong("callback", {{"callback_driver", "callback"}, {"callback_program", "/hook"}}, {"cannot be callback itself"});
    expect_wrong("callback",
                 {{"callback_program", "hook"}, {"callback_timeout", "0"}, {"callback_steps", "start,stop"}, {"callback_argument", "x"}},
                 {"callback_driver is missing", "'hook' and must be an absolute path", "seconds from 1 to 3600", "no step 'start,stop'",
                  "no parameter callback_argument"});
    for (const auto* seconds : {"", "0", "-1", "3601", "1.5", "1s", "99999999999999999999"})
        expect_wrong("callback", {{"callback_driver", "sim"}, {"callback_program", "/hook"}, {"callback_timeout", seconds}},
                     {"callback_timeout"});
}

TEST(PoolSettingsTest, ProblemsAreToldOneByOneWithTheirParameter) {
    const auto problems = [](const std::string& driver, const Parameters& parameters) {
        std::vector<std::string> keys;
        for (const auto& problem : problems_of(pool(driver, parameters))) {
            EXPECT_NE(problem.what, "");
            keys.push_back(problem.parameter);
        }
        return keys;
    };
    using Keys = std::vector<std::string>;
    EXPECT_EQ(problems("sim", {}), Keys{});
    EXPECT_EQ(problems("nodriver", {}), Keys{""});
    EXPECT_EQ(problems("file-reflink", {{"setup_check", "maybe"}, {"colour", "red"}}), (Keys{"dir_path", "setup_check", "colour"}));
    EXPECT_EQ(problems("lvm_thin", {{"volume_group", "/"}, {"thin_pool", "p"}}), Keys{""});
    EXPECT_EQ(problems("callback", {{"callback_driver", "sim"}, {"callback_timeout", "0"}, {"size", "much"}}),
              (Keys{"callback_program", "callback_timeout", "size"}));
    EXPECT_EQ(problems("callback", {{"callback_driver", "nodriver"}, {"callback_program", "/bin/true"}}), Keys{""});
    EXPECT_EQ(problems("plugin:/nowhere.so", {}), Keys{""});
}

}  // namespace
}  // namespace varve::registry
