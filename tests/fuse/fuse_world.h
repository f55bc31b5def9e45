// SPDX-License-Identifier: LGPL-2.1-or-later
// The real server of fs/fuse over a pool in memory and a wire whose other end the test holds.
#pragma once

#include "fs/fuse/session.h"
#include "tests/fakes/counting_backing_files.h"
#include "tests/fuse/wire.h"
#include "tests/unit/control/control_world.h"

#include <future>
#include <memory>
#include <optional>
#include <string>

namespace varve::fuse_test {

using engine::VolumeRef;
using engine_test::mebibytes;
using engine_test::succeeded;
using fuse::root_node;

// What a kernel of today offers: all that linux/fuse.h of protocol 7.38 knows.
inline constexpr std::uint64_t all_flags = 0xf7fff'ffff;
inline constexpr std::uint32_t minor_with_epochs = 44;
inline constexpr int notify_inc_epoch = 8;  // newer than Debian 12's header

class FuseWorld : public control_test::ControlWorld {
protected:
    FuseWorld();
    void TearDown() override;

    // A new session, without INIT.
    Wire& connect();
    // A new session that has said INIT as a kernel of today would.
    Wire& begin(std::uint32_t minor = minor_with_epochs);
    // The session's run() has returned: what it returned.
    [[nodiscard]] base::Result<> ended();
    // Hangs up and waits for the session's end.
    void end_session();

    // root.img of the VM `work`, committed with this text; its directory's node.
    VolumeRef work(std::string_view text = "first");
    [[nodiscard]] fuse::NodeId work_directory() { return wire().walk({"pools", "p", "work"}); }
    [[nodiscard]] Wire& wire() { return *wire_; }
    // Whether anything at all is open for writing in the VM.
    [[nodiscard]] bool nothing_is_written(const VolumeRef& volume) { return volume.vm->writes().files().empty(); }

    fuse::NodeTable nodes_;
    fuse::Notifier notifier_{nodes_};
    fuse::Negotiation negotiation_{true};
    fakes::CountingBackingFiles backing_files_;
    fuse::Passthrough passthrough_{backing_files_, *spdlog::default_logger()};
    fuse::Server server_{{catalogue_, volumes_, writes_, failures_, processes_, tree_, events_, traffic_, nodes_, notifier_, negotiation_,
                          passthrough_, clock_, *spdlog::default_logger()}};

private:
    std::unique_ptr<fuse::Session> session_;
    std::optional<std::future<base::Result<>>> running_;
    std::optional<Wire> wire_;
};

}  // namespace varve::fuse_test
