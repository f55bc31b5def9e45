// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/plugin/library.h"

#include "drivers/base/unique_fd.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace varve::plugin {
namespace {

using base::Errc;
using base::fail;
using base::fail_errno;
using base::Result;
using base::UniqueFd;

Result<UniqueFd> open_trusted(const std::filesystem::path& file) {
    if (!file.is_absolute() || !file.has_filename())
        return fail(Errc::InvalidArgument, "a driver's shared object '" + file.string() + "' must be given by its absolute path");
    // Without O_NONBLOCK a pipe would be waited for.
    UniqueFd opened(::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!opened.valid() && errno == ELOOP)
        return fail(Errc::Denied, file.string() + " is a symbolic link; name the file that it points to");
    if (!opened.valid()) return fail_errno(errno, "cannot open the driver's shared object " + file.string());
    struct stat status {};
    if (::fstat(opened.get(), &status) != 0) return fail_errno(errno, "cannot look at " + file.string());
    if (!S_ISREG(status.st_mode)) return fail(Errc::Denied, file.string() + " is no regular file");
    if (status.st_uid != 0 && status.st_uid != ::geteuid()) return fail(Errc::Denied, file.string() + " must belong to root (chown root)");
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return fail(Errc::Denied, file.string() + " can be written by others than its owner (chmod go-w)");
    return opened;
}

// A path to the open file for dlopen(3). glibc takes an object that it has loaded by the same name for the same, without a look at the file, and numbers of
// descriptors come again: so the file's own number is a part of the name, in slashes and dots that mean nothing to the kernel.
Result<std::string> name_for_loader(const UniqueFd& file) {
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return fail_errno(errno, "cannot look at a driver's shared object");
    std::string name = "/proc/self/fd/";
    for (std::uint64_t number : {std::uint64_t{status.st_dev}, std::uint64_t{status.st_ino}})
        for (int bit = 0; bit < 64; ++bit, number >>= 1) name += (number & 1) != 0 ? "./" : "/";
    return name + std::to_string(file.get());
}

// What the loader says names that path, which nobody knows.
std::string why(const std::string& loaded_as) {
    const char* const text = ::dlerror();  // NOLINT(concurrency-mt-unsafe): glibc's is per thread
    std::string said = text == nullptr ? "no reason given" : text;
    if (said.starts_with(loaded_as + ": ")) said.erase(0, loaded_as.size() + 2);
    return said;
}

struct Close {
    void operator()(void* library) const { (void)::dlclose(library); }  // it was loaded for nothing
};

}  // namespace

Result<> check_descriptor(const api::DriverDescriptor& descriptor, const std::filesystem::path& file) {
    using Descriptor = api::DriverDescriptor;
    if (descriptor.magic != Descriptor::right_magic)
        return fail(Errc::Unsupported, file.string() + " is no driver of Varve: its symbol varve_driver is something else");
    if (descriptor.version != Descriptor::right_version)
        return fail(Errc::Unsupported, file.string() + " is for version " + std::to_string(descriptor.version) +
                                           " of the driver interface, and this varvefs has " + std::to_string(Descriptor::right_version) +
                                           "; build it anew with this varvefs's headers");
    if (descriptor.size != sizeof(Descriptor) || descriptor.sizes != api::sizes_of_what_is_passed())
        return fail(Errc::Unsupported, file.string() + " was built with other headers than this varvefs; build it anew");
    if (std::string_view(descriptor.binary_interface) != api::binary_interface)
        return fail(Errc::Unsupported, file.string() + " was built by a compiler that this varvefs does not fit to (" +
                                           descriptor.binary_interface + " instead of " + api::binary_interface + "); build it anew");
    if (descriptor.check == nullptr || descriptor.open == nullptr)
        return fail(Errc::Unsupported, file.string() + " is an incomplete driver: functions are missing");
    return {};
}

Result<const api::DriverDescriptor*> load(const std::filesystem::path& file) {
    const auto opened = TRY(open_trusted(file));
    const auto path = TRY(name_for_loader(opened));
    std::unique_ptr<void, Close> library(::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL));
    if (!library) return fail(Errc::Unsupported, file.string() + " cannot be loaded as a shared object: " + why(path));
    const auto* const descriptor = static_cast<const api::DriverDescriptor*>(::dlsym(library.get(), "varve_driver"));
    if (descriptor == nullptr) return fail(Errc::Unsupported, file.string() + " is no driver of Varve: it has no symbol varve_driver");
    TRY(check_descriptor(*descriptor, file));
    (void)library.release();  // see above
    return descriptor;
}

}  // namespace varve::plugin
