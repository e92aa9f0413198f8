# Compiler flags, sanitizers and the cache: one place for every target.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(KEYTURN_SANITIZE "" CACHE STRING "Sanitizers for every target, as in -fsanitize=")
option(KEYTURN_FUZZ "Build the libFuzzer targets" OFF)

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Werror
                    -fPIC -fstack-protector-strong -fno-omit-frame-pointer
                    -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_compile_options(-Wthread-safety -Wimplicit-fallthrough)
  add_link_options(-fuse-ld=lld-19)
  # A precompiled header without time stamps lets ccache find it again.
  add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
else()
  # GCC 12 reports dangling and uninitialised storage inside optimised std::variant and
  # std::optional that clang and both sanitizers find sound (GCC bugs 80635, 105562).
  add_compile_options(-Wno-maybe-uninitialized -Wno-restrict -Wno-dangling-reference
                      -Wno-missing-field-initializers)
  add_compile_options(-fpch-preprocess)
endif()
# One line of symbols is enough for a stack trace, and keeps a debug build small.
set(CMAKE_CXX_FLAGS_DEBUG "-g1 -O1")
set(CMAKE_CXX_FLAGS_RELEASE "-g1 -O2")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-g1 -O2")
set(CMAKE_C_FLAGS_DEBUG "-g1 -O1")
set(CMAKE_C_FLAGS_RELEASE "-g1 -O2")
# Every object is position-independent, so that rooms, tests and the binary share precompiled headers.
add_link_options(-pie)
add_compile_definitions(_GLIBCXX_ASSERTIONS)
if(NOT KEYTURN_SANITIZE STREQUAL "")
  add_compile_options(-fsanitize=${KEYTURN_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${KEYTURN_SANITIZE})
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_definitions(_FORTIFY_SOURCE=2)
endif()
if(KEYTURN_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

find_program(KEYTURN_CCACHE ccache)
if(KEYTURN_CCACHE)
  set(cache ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      ${KEYTURN_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${cache})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${cache})
endif()
