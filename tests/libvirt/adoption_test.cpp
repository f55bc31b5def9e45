// SPDX-License-Identifier: LGPL-2.1-or-later
// A domain that somebody else defined at libvirt, with a raw and with a qcow2 disk, becomes a VM and runs.
#include "orchestrator/definitions/definition_text.h"
#include "orchestrator/service/json_of.h"
#include "orchestrator/service/methods.h"
#include "tests/libvirt/host.h"
#include "tests/support/run_program.h"
#include "tests/unit/rpc/served.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <fstream>
#include <sstream>

namespace varve::libvirt_test {
namespace {

using base::Errc;
using base::Result;
using base::VmName;
using definitions::VmDefinition;
using nlohmann::json;

constexpr std::size_t disk_size = std::size_t{16} << 20;
constexpr std::size_t sector = 512;

class AdoptedGuests : public LibvirtTest {
protected:
    void SetUp() override {
        LibvirtTest::SetUp();
        std::string pattern = (host().directory() / "adopted-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        own_ = pattern;
        connection_.reset(::virConnectOpen(host().uri().c_str()), [](virConnectPtr connection) { (void)::virConnectClose(connection); });
        ASSERT_NE(connection_, nullptr);
        // As the orchestrator does it, without preloaded disposables, which this test has none of.
        access_ = std::make_unique<service::Access>(rights_, *definitions, [](const base::VmName&) { return false; });
        service::add_domain_methods(
            methods_, [](const auto&) { return host().hypervisor(); }, *access_);
        methods_.add("vm.info", rpc::Length::Short, [this](const json& params, const rpc::Call&) -> Result<json> {
            return service::json_of(TRY(definitions->find(named<VmName>(params.at("vm").get<std::string>()))));
        });
        methods_.add("vm.create", rpc::Length::Short, [this](const json& params, const rpc::Call&) -> Result<json> {
            const auto vm = definitions::parse(named<VmName>(params.at("vm").get<std::string>()), params.at("toml").get<std::string>());
            TRY(definitions->create(vm.value()));
            return service::json_of(*vm);
        });
    }

    // Its second sector says "theirs".
    [[nodiscard]] std::string disk(const std::string& name, const std::string& format) const {
        const auto raw = own_ / (name + ".raw");
        std::string content(disk_size, '\0');
        content.replace(sector, 6, "theirs");
        std::ofstream(raw, std::ios::binary) << content;
        if (format == "raw") return raw;
        const auto file = own_ / (name + "." + format);
        run({"qemu-img", "convert", "-O", format, raw, file}, 0);
        return file;
    }
    void define_theirs(const std::string& name, const std::string& format, const std::string& job) const {
        const auto xml =
            "<domain type='qemu'><name>" + name + "</name><memory unit='MiB'>192</memory><vcpu>1</vcpu>" +
            "<os><type arch='x86_64' machine='q35'>hvm</type><kernel>" VM_DIRECTORY "/vmlinuz</kernel><initrd>" VM_DIRECTORY
            "/initramfs</initrd><cmdline>console=ttyS0 panic=-1 no_timer_check quiet job=" +
            job + "</cmdline></os><features><acpi/></features><devices><disk type='file' device='disk'><driver name='qemu' type='" +
            format + "'/><source file='" + disk(name, format) +
            "'/><target dev='vda' bus='virtio'/></disk><disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk>" +
            "<serial type='pty'/><video><model type='vga'/></video></devices></domain>";
        virDomainPtr domain = ::virDomainDefineXML(connection_.get(), xml.c_str());
        ASSERT_NE(domain, nullptr) << ::virGetLastErrorMessage();
        (void)::virDomainFree(domain);
    }
    std::string run(std::vector<std::string> arguments, int status) const {
        test_support::Program program;
        program.arguments = std::move(arguments);
        program.directory = own_;
        const auto finished = test_support::run_program(program);
        EXPECT_TRUE(finished && finished->exit_status == status) << (finished ? finished->describe() : finished.error().message());
        return finished ? finished->output + finished->errors : "";
    }
    std::string varve(std::vector<std::string> arguments, int status = 0) const {
        const rpc::tests::Served served(methods_);
        arguments.insert(arguments.begin(), {VARVE_BINARY, "--socket", served.path(), "--mount", host().mountpoint()});
        return run(std::move(arguments), status);
    }
    // Its readiness is what its console says.
    void start(const std::string& vm) const {
        const auto changed = definitions->find(named<VmName>(vm));
        ASSERT_TRUE(changed);
        auto with_console = *changed;
        with_console.readiness = {definitions::SerialLineReady{named<definitions::TextLine>("guest ready")}, std::chrono::seconds(90)};
        ASSERT_TRUE(definitions->replace(with_console));
        const auto started = machines->start(named<VmName>(vm), {});
        ASSERT_TRUE(started) << started.error().message();
    }
    [[nodiscard]] std::string second_sector(const std::filesystem::path& image) const {
        std::string text(sector, '\0');
        std::ifstream file(image, std::ios::binary);
        file.seekg(sector).read(text.data(), sector);
        return text.substr(0, text.find('\0'));
    }

    std::filesystem::path own_;
    std::shared_ptr<std::remove_pointer_t<virConnectPtr>> connection_;
    const orchestrator::Rights rights_{{}, 0};
    std::unique_ptr<service::Access> access_;
    rpc::MethodTable methods_;
};

TEST_F(AdoptedGuests, TakenOverFromLibvirtWithARawDisk) {
    define_theirs("takenover", "raw", "write-ours");
    EXPECT_NE(varve({"vm", "adopt", "takenover"}, 1).find("--undefine"), std::string::npos);
    const auto said = varve({"vm", "adopt", "--undefine", "takenover"});
    EXPECT_NE(said.find("/domain/devices/video"), std::string::npos) << said;
    EXPECT_EQ(host().hypervisor()->definition("takenover").error().code, Errc::NotFound);
    start("takenover");
    EXPECT_TRUE(says("takenover", "disk holds: theirs"));
    ASSERT_TRUE(comes_to("takenover", vm::VmState::Halted));
    EXPECT_EQ(second_sector(host().pool() / "takenover" / "vda.img"), "ours") << "what the guest wrote is committed";
    EXPECT_EQ(second_sector(own_ / "takenover.raw"), "theirs") << "the domain's own disk is as it was";
}

TEST_F(AdoptedGuests, ACopyOfAQcow2DiskRunsWhileTheDomainIsStillDefined) {
    define_theirs("original", "qcow2", "deaf");
    const auto plan = json::parse(varve({"--json", "vm", "adopt", "--name", "copied", "original"}), nullptr, false);
    ASSERT_TRUE(plan.is_object());
    EXPECT_EQ(plan["disks"][0]["size"], disk_size);
    start("copied");
    EXPECT_TRUE(says("copied", "disk holds: theirs"));
    const auto theirs = host().hypervisor()->definition("original");
    ASSERT_TRUE(theirs) << theirs.error().message();
    EXPECT_NE(theirs->domain.uuid, machines->info(named<VmName>("copied")).value().domain);
    EXPECT_TRUE(machines->kill(named<VmName>("copied"), {}));
    ASSERT_TRUE(host().hypervisor()->undefine(theirs->domain.uuid));
}

}  // namespace
}  // namespace varve::libvirt_test
