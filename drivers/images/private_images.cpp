// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/images/private_images.h"

namespace varve::images {

using base::Errc;
using base::Result;

PrivateImages::PrivateImages(Context& pool) : pool_(pool) {}

Result<api::PrivateImage> PrivateImages::make(VmDirectory vm, std::optional<int> content) {
    auto& port = pool_.files;
    const auto who = pool_.settings.name.str() + "/" + vm.name.str();
    auto name = pool_.temporaries.next("scratch.img");
    Temporary image(pool_, vm.fd.get(), name, TRY(port.create_file(vm.fd.get(), name)));
    if (content) {
        const auto method = TRY(fill_from(pool_, *content, image.fd()));
        const auto from = TRY(port.status(*content));
        if (from.type == kernel::FileType::Regular) TRY(port.set_modified(image.fd(), from.modified));  // a device's time says nothing
        pool_.log.operation(who, method == api::Method::Clone ? "cloned" : "copied", "a state", name);
    } else {
        pool_.log.operation(who, "created", name);
    }
    {
        const std::lock_guard lock(mutex_);
        directories_.emplace(name, std::make_shared<const VmDirectory>(std::move(vm)));
    }
    return api::PrivateImage(image.release(), std::move(name), [this](const std::string& handle) { discard(handle); });
}

Result<std::shared_ptr<const VmDirectory>> PrivateImages::directory_of(const api::PrivateImage& image) const {
    const std::lock_guard lock(mutex_);
    const auto found = directories_.find(image.handle());
    if (found == directories_.end())
        return base::fail(Errc::InvalidArgument,
                          "the private image " + image.handle() + " is not one of pool " + pool_.settings.name.str());
    return found->second;
}

void PrivateImages::forget(const std::string& handle) {
    const std::lock_guard lock(mutex_);
    directories_.erase(handle);
}

void PrivateImages::discard(const std::string& handle) {
    std::shared_ptr<const VmDirectory> vm;
    {
        const std::lock_guard lock(mutex_);
        const auto found = directories_.find(handle);
        if (found == directories_.end()) return;
        vm = std::move(found->second);
        directories_.erase(found);
    }
    const auto who = pool_.settings.name.str() + "/" + vm->name.str();
    if (const auto removed = pool_.files.unlink(vm->fd.get(), handle))
        pool_.log.operation(who, "removed", handle);
    else
        pool_.log.warning(who, handle + " stays until the next start: " + removed.error().message());
}

}  // namespace varve::images
