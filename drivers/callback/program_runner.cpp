// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/callback/program_runner.h"

#include "drivers/callback/trusted_program.h"

namespace varve::callback {

base::Result<> ProgramRunner::check() const { return check_trusted(program_); }

base::Result<kernel::Finished> ProgramRunner::run(const Call& call) {
    constexpr std::size_t output_limit = 64UL * 1024;
    TRY(check());
    kernel::Program program;
    program.arguments = {program_.string()};
    program.arguments.insert(program.arguments.end(), arguments_.begin(), arguments_.end());
    program.arguments.insert(program.arguments.end(), call.arguments.begin(), call.arguments.end());
    program.environment = {{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, {"HOME", "/"}};
    program.environment.insert(program.environment.end(), call.environment.begin(), call.environment.end());
    program.inherits = false;
    program.directory = "/";
    program.deadline = deadline_;
    program.grace = grace_;
    program.output_limit = output_limit;
    return kernel::run_program(program);
}

}  // namespace varve::callback
