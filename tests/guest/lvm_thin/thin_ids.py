# SPDX-License-Identifier: LGPL-2.1-or-later
"""Thin volumes that LVM knows nothing of: each takes a block of the pool's metadata.

thin_ids.py create|delete POOL-DEVICE COUNT     libdevmapper, as a program for each would take minutes in an emulated machine
"""
import ctypes
import sys

TARGET_MESSAGE = 17  # DM_DEVICE_TARGET_MSG in libdevmapper.h
FIRST = 100000  # LVM counts from 1

library = ctypes.CDLL("libdevmapper.so.1.02.1")
library.dm_task_create.restype = ctypes.c_void_p


def message(device, text):
    task = ctypes.c_void_p(library.dm_task_create(TARGET_MESSAGE))
    try:
        prepared = library.dm_task_set_name(task, device.encode()) and library.dm_task_set_message(task, text.encode())
        if not (prepared and library.dm_task_run(task)):
            sys.exit(f"thin_ids: {device} does not take {text}")
    finally:
        library.dm_task_destroy(task)


def main():
    what, device, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    for number in range(FIRST, FIRST + count):
        message(device, f"{'create_thin' if what == 'create' else 'delete'} {number}")


main()
