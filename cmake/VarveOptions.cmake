# SPDX-License-Identifier: LGPL-2.1-or-later
# Language level, warnings and sanitizers that every target of the project is built with.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

option(VARVE_WERROR "Treat warnings as errors" ON)
set(VARVE_SANITIZE "" CACHE STRING "Sanitizers for the whole build: 'address,undefined' or 'thread'")

find_program(CCACHE ccache)
if(CCACHE)
  # One cache for all builds and checkouts: paths count from the source directory.
  add_compile_options(-fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} ${CCACHE})
endif()

add_library(varve_options INTERFACE)
target_compile_options(varve_options INTERFACE -Wall -Wextra -Wpedantic $<$<BOOL:${VARVE_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 is wrong about std::optional in std::variant (-O2) and about its own <regex> (sanitizers).
  target_compile_options(varve_options INTERFACE -Wno-maybe-uninitialized)
endif()
target_compile_definitions(varve_options INTERFACE _FILE_OFFSET_BITS=64 VARVE_VERSION="${PROJECT_VERSION}")
target_include_directories(varve_options INTERFACE ${CMAKE_SOURCE_DIR})
if(VARVE_SANITIZE)
  target_compile_options(varve_options INTERFACE -fsanitize=${VARVE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(varve_options INTERFACE -fsanitize=${VARVE_SANITIZE})
  if(VARVE_SANITIZE STREQUAL "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(varve_options INTERFACE -Wno-tsan)  # Boost.Asio's fences, which it cannot see; Asio takes a lock as well
  endif()
endif()
