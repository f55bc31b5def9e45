#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Rejects TRY(...) inside braces behind another element: `Pair{make_a(), TRY(make_b())}`.

TRY leaves the function from the middle of the initialisation, and neither g++ 12 nor clang 14 destroys the elements that were
made before it: memory and descriptors leak. Take the value into a variable first. Arguments in parentheses are safe.

Usage: check_try.py REPOSITORY. Prints one line for each fault, `file:line: what`; exit status 1 when there is one.
"""
import os
import re
import sys

from check_layering import PRODUCT, files_below

TOKEN = re.compile(r"""//[^\n]*|/\*.*?\*/|R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'"""
                   r"""|\#[ \t]*define(?:\\\n|[^\n])*|\w+|[^\w\s]""", re.DOTALL)
# What stands before the brace of a block; before that of an initialiser stands a type, a variable, `=`, `return`, `(`, `,` or `{`.
BEFORE_BLOCK = {")", ";", "}", ":", "]", "else", "do", "try", "const", "noexcept", "override", "final", "mutable", None}
ARROW_ENDS = set("=;,(){}[]?.+") | {"return"}


def faults_in(text):
    """The lines of TRYs that stand behind a comma in an enclosing initialiser."""
    levels, previous = [], None  # each level: [opening bracket, is it a block, was there a comma]
    arrow = False  # a `->` that may begin the type that a lambda returns
    for found in TOKEN.finditer(text):
        token = found.group()
        if token.startswith(("//", "/*", "#", '"')) or found.group("mark") is not None:
            continue
        if token in ("(", "[", "{"):
            levels.append([token, token == "{" and (arrow or previous in BEFORE_BLOCK), False])
        elif token in (")", "]", "}") and levels:
            levels.pop()
        elif token == "," and levels:
            levels[-1][2] = True
        elif token == ";" and levels:
            levels[-1][2] = False
        elif token == "TRY":
            for bracket, block, comma in reversed(levels):
                if block:
                    break
                if bracket == "{" and comma:
                    yield text.count("\n", 0, found.start()) + 1
                    break
        arrow = (previous, token) == ("-", ">") or (arrow and token not in ARROW_ENDS)
        previous = token


def faults(root):
    for path in files_below(root, (*PRODUCT, "tests")):
        if path.endswith((".h", ".cpp")):
            with open(os.path.join(root, path), encoding="utf-8") as file:
                for line in faults_in(file.read()):
                    yield f"{path}:{line}: TRY behind another element in braces leaks that element; take the value into a variable first"


def main():
    found = list(faults(sys.argv[1]))
    for fault in found:
        print(fault)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
