// SPDX-License-Identifier: LGPL-2.1-or-later
// What a hypervisor tells unasked.
#pragma once

#include "orchestrator/definitions/identifiers.h"

#include <string>
#include <variant>

namespace varve::hypervisor {

// Why a domain has gone.
enum class StopReason {
    Shutdown,   // the guest shut down
    Destroyed,  // somebody destroyed it
    Crashed,    // the guest or its emulator crashed
    Failed,     // the emulator could not start it
    Other,      // saved, migrated
};

struct DomainStarted {
    definitions::Uuid domain;
    std::string name;
};
struct DomainPaused {
    definitions::Uuid domain;
    bool by_disk_error = false;
};
struct DomainResumed {
    definitions::Uuid domain;
};
struct DomainStopped {
    definitions::Uuid domain;
    std::string name;
    StopReason reason;
};
// The guest agent took or left its channel.
struct AgentChanged {
    definitions::Uuid domain;
    bool connected;
};
// A guest's read or write of a disk failed on the host.
struct DiskError {
    definitions::Uuid domain;
    std::string source;
    std::string device;
    bool no_space = false;
};
// The hypervisor answers no more. Whatever happens until it answers again is never told.
struct Disconnected {
    std::string why;
};
// It answers (again): whoever keeps a picture of the domains takes a new one.
struct Resynchronise {};

using Event = std::variant<DomainStarted, DomainPaused, DomainResumed, DomainStopped, AgentChanged, DiskError, Disconnected, Resynchronise>;

}  // namespace varve::hypervisor
