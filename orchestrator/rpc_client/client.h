// SPDX-License-Identifier: LGPL-2.1-or-later
// Calls the orchestrator (docs/orchestrator-api.md).
#pragma once

#include "drivers/base/result.h"
#include "drivers/base/unique_fd.h"

#include <sys/types.h>
#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace varve::rpc_client {

// For one thread.
class Client {
public:
    // What the orchestrator tells while a method runs.
    using Listener = std::function<void(std::string_view method, const nlohmann::json& params)>;

    // NotFound, with what to do, when nobody serves the socket.
    [[nodiscard]] static base::Result<Client> connect(const std::filesystem::path& socket);

    // The result, or the error that the orchestrator answered. TimedOut when nothing at all comes for so long; Interrupted when a signal came
    // and `interrupted` says so; Io when the connection ends; Corrupt when what comes is no answer. After any of these the connection is of no more use.
    [[nodiscard]] base::Result<nlohmann::json> call(std::string_view method, const nlohmann::json& params, const Listener& listener = {});

    // Hands notifications to the listener until it returns false, the connection ends (Io) or a signal came (Interrupted). No deadline.
    [[nodiscard]] base::Result<> listen(const std::function<bool(std::string_view method, const nlohmann::json& params)>& listener);

    // What came with an answer since it was last asked for; of several only the last. Not valid: nothing came.
    [[nodiscard]] base::UniqueFd take_descriptor() { return std::move(descriptor_); }

    void set_patience(std::chrono::milliseconds patience) { patience_ = patience; }
    void set_interrupted(std::function<bool()> interrupted) { interrupted_ = std::move(interrupted); }

private:
    explicit Client(base::UniqueFd socket) : socket_(std::move(socket)) {}
    // `deadline` negative: none.
    [[nodiscard]] base::Result<> wait(short events, std::chrono::milliseconds deadline);
    [[nodiscard]] base::Result<> send(std::string_view text);
    // As recv(2), without waiting; keeps a descriptor that comes with it.
    [[nodiscard]] ssize_t receive_some(std::span<char> buffer);
    [[nodiscard]] base::Result<nlohmann::json> receive(std::chrono::milliseconds deadline);

    base::UniqueFd socket_;
    std::chrono::milliseconds patience_ = std::chrono::minutes(15);  // a start of many VMs, each until its own deadline
    std::function<bool()> interrupted_;
    std::string input_;
    base::UniqueFd descriptor_;
    std::int64_t last_id_ = 0;
};

}  // namespace varve::rpc_client
