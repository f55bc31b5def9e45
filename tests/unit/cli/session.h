// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs whole command lines of `varve` on a fake tree.
#pragma once

#include "orchestrator/cli/run.h"
#include "tests/unit/mount_client/fake_tree.h"

#include <sstream>
#include <string>
#include <vector>

namespace varve::cli::testing {

struct Ran {
    ExitCode code;
    std::string out;
    std::string err;
};

class Session : public ::testing::Test {
protected:
    void SetUp() override {
        tree.add_pool("p");
        tree.add_volume("pools/p/v", "root", std::string(4096, 'r'));
    }

    Ran run(std::vector<std::string> arguments) {
        std::ostringstream out;
        std::ostringstream err;
        const World world{
            out,   err,    false, variable, directory.empty() ? "/" : directory, tree.at("mountinfo"), {}, [&] { return interrupted; },
            input, output, {},    runtime};
        const auto code = cli::run(std::move(arguments), world);
        return {code, out.str(), err.str()};
    }

    mount_client::testing::FakeTree tree;
    std::string variable = tree.root();
    std::string directory;
    bool interrupted = false;
    int input = -1;  // descriptors of the test
    int output = -1;
    std::string runtime = tree.at("run");  // where the boards would be
};

}  // namespace varve::cli::testing
