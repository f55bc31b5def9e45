# SPDX-License-Identifier: LGPL-2.1-or-later
# One static library per folder: the folder is the namespace is the target.

# varve_folder(<target> SOURCES <files...> [USES <targets...>])
function(varve_folder target)
  cmake_parse_arguments(ARG "" "" "SOURCES;USES" ${ARGN})
  add_library(${target} STATIC ${ARG_SOURCES})
  target_link_libraries(${target} PUBLIC varve_options ${ARG_USES})
endfunction()
