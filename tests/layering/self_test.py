#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Proves that the checks can fail: each case plants one fault in a small tree or text and expects exactly that one."""
import os
import tempfile
import unittest

import check_layering
import check_try

LICENCE = "// SPDX-License-Identifier: LGPL-2.1-or-later\n"
CLEAN = {
    "drivers/base/result.h": "#include <string>\n",
    "drivers/base/names.h": '#include "drivers/base/result.h"\n',
    "drivers/api/pool.h": '#include "drivers/base/names.h"\n',
    "drivers/sim/pool.h": '#include "drivers/api/pool.h"\n',
    "drivers/file_reflink/pool.h": '#include "drivers/api/pool.h"\n',
    "drivers/registry.h": '#include "drivers/api/pool.h"\n',
    "drivers/registry/registry.cpp": '#include "drivers/registry.h"\n#include "drivers/sim/pool.h"\n',
    "fs/protocol/names.h": "",
    "fs/engine/engine.h": '#include "drivers/api/pool.h"\n',
    "fs/fuse/session.cpp": '#include "fs/engine/engine.h"\n#include <fuse_lowlevel.h>\n',
    "fs/main.cpp": '#include "drivers/registry.h"\n#include "fs/engine/engine.h"\n',
    "orchestrator/cli/main.cpp": '#include "fs/protocol/names.h"\n',
    "tests/unit/test_sim.cpp": '#include "drivers/sim/pool.h"\n#include <fuse.h>\n',
}


class Layering(unittest.TestCase):
    def faults_with(self, changes, licence=LICENCE):
        with tempfile.TemporaryDirectory() as root:
            for path, text in {**{k: LICENCE + v for k, v in CLEAN.items()}, **{k: licence + v for k, v in changes.items()}}.items():
                os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                    file.write(text)
            return list(check_layering.faults(root))

    def expect_one(self, changes, words, **how):
        found = self.faults_with(changes, **how)
        self.assertEqual(len(found), 1, found)
        self.assertIn(words, found[0])

    def test_a_clean_tree_passes(self):
        self.assertEqual(self.faults_with({}), [])

    def test_base_includes_nothing_of_ours(self):
        self.expect_one({"drivers/base/units.h": '#include "drivers/kernel/x.h"\n', "drivers/kernel/x.h": ""},
                        "drivers/base must not include drivers/kernel")

    def test_drivers_do_not_see_each_other(self):
        self.expect_one({"drivers/sim/x.cpp": '#include "drivers/file_reflink/pool.h"\n'}, "must not include drivers/file_reflink")

    def test_drivers_do_not_see_fs(self):
        self.expect_one({"drivers/sim/x.cpp": '#include "fs/protocol/names.h"\n'}, "must not include fs/protocol")

    def test_the_engine_names_no_driver(self):
        self.expect_one({"fs/engine/x.cpp": '#include "drivers/sim/pool.h"\n'}, "must not include drivers/sim")
        self.expect_one({"fs/engine/x.cpp": '#include "drivers/registry.h"\n'}, "must not include drivers/registry.h")

    def test_the_command_line_sees_only_the_protocol(self):
        self.expect_one({"orchestrator/cli/x.cpp": '#include "fs/engine/engine.h"\n'}, "must not include fs/engine")

    def test_only_fs_fuse_sees_libfuse(self):
        self.expect_one({"fs/engine/x.cpp": "#include <fuse_lowlevel.h>\n"}, "may be included only in fs/fuse")
        self.expect_one({"fs/engine/x.cpp": "#include <fuse3/fuse.h>\n"}, "may be included only in fs/fuse")

    def test_product_code_does_not_see_tests(self):
        self.expect_one({"fs/engine/x.cpp": '#include "tests/fakes/clock.h"\n', "tests/fakes/clock.h": ""}, "a file of no layer")

    def test_unknown_folders_are_refused(self):
        self.expect_one({"fs/stray/x.cpp": '#include "drivers/base/names.h"\n'}, "belongs to no layer")

    def test_includes_are_written_from_the_root(self):
        self.expect_one({"fs/engine/x.cpp": '#include "engine.h"\n'}, "not a file of the repository")
        self.expect_one({"fs/engine/x.cpp": "#include <drivers/api/pool.h>\n"}, "write it in quotes")

    def test_circles_are_found(self):
        self.expect_one({"fs/engine/a.h": '#include "fs/engine/b.h"\n', "fs/engine/b.h": '#include "fs/engine/a.h"\n'}, "in a circle")
        self.assertTrue(list(check_layering.check_cycles({"a": ("b",), "b": ("c",), "c": ("a",)}, "x")))

    def test_the_licence_line_comes_first(self):
        self.expect_one({"fs/engine/x.cpp": "int x;\n"}, "SPDX-License-Identifier", licence="")
        self.expect_one({"contrib/run": "#!/bin/sh\necho\n"}, "SPDX-License-Identifier", licence="")
        self.assertEqual(self.faults_with({"contrib/run": "#!/bin/sh\n# SPDX-License-Identifier: LGPL-2.1-or-later\n"}, licence=""), [])


class TryInBraces(unittest.TestCase):
    def expect(self, lines, text):
        self.assertEqual(list(check_try.faults_in(text)), lines, text)

    def test_behind_another_element(self):
        self.expect([1], "R f() { return Pair{a(), TRY(b())}; }")
        self.expect([1], "R f() { Pair p{a, g(TRY(b()))}; }")
        self.expect([1], "R f() { x->y = Pair{a, TRY(b())}; }")
        self.expect([1], "R f() { Pair p = {{a, TRY(b())}, {}}; }")
        self.expect([2], "R f() const {\n return {a, TRY(b())}; }")

    def test_elsewhere(self):
        self.expect([], "R f() { return Pair{TRY(a()), b}; }")
        self.expect([], "R f(int x, int y) { auto a = TRY(b(x, y)); return g(a, TRY(c())); }")
        self.expect([], "C::C(int x) : a(x), b(x) { TRY(g()); }")
        self.expect([], 'R f() { g("{a, ", TRY(b())); /* {a, */ }')
        self.expect([], "R f() { if (x) { TRY(g(a, b)); } S s{1, 2}; TRY(h()); }")
        self.expect([], "auto o = Overloaded{[](A a) { g(); }, [](B b) -> ns::Result<C> { TRY(g()); return {}; }};")
        self.expect([], "#define M(x) S{a, TRY(x)}\nint y;")


if __name__ == "__main__":
    unittest.main()
