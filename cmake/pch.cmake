# Precompiled headers that live in the cache folder, named by what they are made from: compiler, flags and
# text. Every checkout on a machine shares them, and ccache, which takes their path and content into its
# key, finds what another checkout has compiled. CMake's own would differ with each folder.
set(KEYTURN_PCH "$ENV{HOME}/.cache/keyturn/pch" CACHE PATH "Folder for precompiled headers")

# The flags that every translation unit gets, as a list.
function(common_flags out)
  get_directory_property(options COMPILE_OPTIONS)
  get_directory_property(definitions COMPILE_DEFINITIONS)
  set(flags "")
  foreach(option IN LISTS options)
    if(option MATCHES "^SHELL:")
      string(REPLACE "SHELL:" "" option "${option}")
      separate_arguments(option UNIX_COMMAND "${option}")
    endif()
    if(NOT option MATCHES "^-ffile-prefix-map")
      list(APPEND flags ${option})
    endif()
  endforeach()
  foreach(definition IN LISTS definitions)
    list(APPEND flags -D${definition})
  endforeach()
  string(TOUPPER "${CMAKE_BUILD_TYPE}" type)
  separate_arguments(by_type UNIX_COMMAND "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${type}}")
  set(${out} ${flags} ${by_type} -std=c++20 PARENT_SCOPE)
endfunction()

# shared_pch(NAME TEXT LIBRARY…): a target pch_NAME that makes the header, whose path is in the target's
# KEYTURN_HEADER. LIBRARIES lend their definitions.
function(shared_pch name text)
  common_flags(flags)
  foreach(library IN LISTS ARGN)
    get_target_property(definitions ${library} INTERFACE_COMPILE_DEFINITIONS)
    if(definitions)
      list(TRANSFORM definitions PREPEND -D)
      list(APPEND flags ${definitions})
    endif()
    get_target_property(options ${library} INTERFACE_COMPILE_OPTIONS)
    if(options)
      list(APPEND flags ${options})
    endif()
  endforeach()
  list(REMOVE_DUPLICATES flags)
  # A package upgrade changes the headers inside.
  execute_process(COMMAND dpkg-query -W libfmt-dev libexpected-dev libboost1.81-dev libgtest-dev
                          libstdc++-12-dev OUTPUT_VARIABLE versions ERROR_QUIET)
  string(SHA256 key "${versions} ${CMAKE_CXX_COMPILER} ${CMAKE_CXX_COMPILER_VERSION} ${flags} ${text}")
  string(SUBSTRING ${key} 0 16 key)
  set(header ${KEYTURN_PCH}/${key}/${name}.h)
  if(NOT EXISTS ${header})
    file(WRITE ${header} "${text}")
  endif()
  set(compiled ${header}.gch)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    set(compiled ${header}.pch)
  endif()
  # Made once for all checkouts, aside and then moved into place, since two may build at once. Made
  # again it would have other bytes (GCC's do), and nothing compiled with it would be found again.
  string(MD5 aside ${CMAKE_BINARY_DIR})
  list(JOIN flags " " flags)
  add_custom_command(OUTPUT ${compiled}
    COMMAND sh -c "[ -f ${compiled} ] || { ${CMAKE_CXX_COMPILER} ${flags} -x c++-header ${header} -o ${compiled}.${aside} && mv ${compiled}.${aside} ${compiled}; }"
    DEPENDS ${header} COMMENT "Precompiling ${name}.h" VERBATIM)
  add_custom_target(pch_${name} DEPENDS ${compiled})
  set_target_properties(pch_${name} PROPERTIES KEYTURN_HEADER ${header})
endfunction()

function(use_pch target name)
  get_target_property(header pch_${name} KEYTURN_HEADER)
  target_compile_options(${target} PRIVATE "SHELL:-include ${header}" -Winvalid-pch)
  add_dependencies(${target} pch_${name})
endfunction()

# Standard headers that almost each file includes; Asio and GoogleTest take seconds to read.
set(pch_text "#include <fmt/format.h>\n#include <tl/expected.hpp>\n")
foreach(header IN ITEMS algorithm array chrono cstdint functional map memory optional span string
                        string_view unordered_map utility variant vector)
  string(APPEND pch_text "#include <${header}>\n")
endforeach()
shared_pch(common "${pch_text}" fmt::fmt)
shared_pch(async "${pch_text}\n#include <boost/asio.hpp>\n" fmt::fmt)
shared_pch(test "${pch_text}\n#include <gtest/gtest.h>\n" fmt::fmt GTest::gtest)
