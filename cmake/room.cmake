# room(NAME NEEDS … HEADERS … SOURCES … TESTS … LIBRARIES … [ASYNC])
#
# A room is a static library keyturn_NAME, a self-contained-header test, and a test program
# keyturn_NAME_test. NEEDS are other rooms; HEADERS are the public ones; LIBRARIES are third-party.
# ASYNC rooms compile with the precompiled Asio headers. The declared needs are written to
# rooms.json, against which the tidy test compares every #include and every undefined symbol.
set_property(GLOBAL PROPERTY KEYTURN_ROOMS "")

function(room name)
  cmake_parse_arguments(ROOM "ASYNC" "" "NEEDS;HEADERS;SOURCES;TESTS;TEST_SUPPORT;LIBRARIES" ${ARGN})
  set(library keyturn_${name})
  set(pch common)
  if(ROOM_ASYNC)
    set(pch async)
  endif()
  add_library(${library} STATIC ${ROOM_SOURCES})
  target_include_directories(${library} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(${library} PUBLIC fmt::fmt Threads::Threads ${ROOM_LIBRARIES})
  foreach(need IN LISTS ROOM_NEEDS)
    target_link_libraries(${library} PUBLIC keyturn_${need})
  endforeach()
  use_pch(${library} ${pch})

  # Each public header compiles on its own.
  set(header_tests "")
  foreach(header IN LISTS ROOM_HEADERS)
    string(MAKE_C_IDENTIFIER ${header} identifier)
    set(source ${CMAKE_CURRENT_BINARY_DIR}/header_${identifier}.cc)
    file(CONFIGURE OUTPUT ${source} CONTENT "#include \"${name}/${header}\"\n" @ONLY)
    list(APPEND header_tests ${source})
  endforeach()
  if(header_tests)
    add_library(${library}_headers OBJECT ${header_tests})
    target_link_libraries(${library}_headers PRIVATE ${library})
  endif()

  if(ROOM_TESTS)
    add_executable(${library}_test ${ROOM_TESTS} ${CMAKE_SOURCE_DIR}/src/base/test_main.cc)
    target_link_libraries(${library}_test PRIVATE ${library} GTest::gtest GTest::gmock)
    if(ROOM_TEST_SUPPORT)
      target_link_libraries(${library}_test PRIVATE ${ROOM_TEST_SUPPORT})
    endif()
    target_compile_definitions(${library}_test PRIVATE
      KEYTURN_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    use_pch(${library}_test test)
    add_test(NAME ${name} COMMAND ${library}_test)
    set_tests_properties(${name} PROPERTIES TIMEOUT 600)
  endif()
  list(JOIN ROOM_NEEDS "\", \"" needs)
  list(JOIN ROOM_HEADERS "\", \"" headers)
  set_property(GLOBAL APPEND PROPERTY KEYTURN_ROOMS
    "  \"${name}\": {\"needs\": [\"${needs}\"], \"headers\": [\"${headers}\"], \"archive\": \"$<TARGET_FILE:${library}>\"}")
endfunction()

function(write_room_list)
  get_property(rooms GLOBAL PROPERTY KEYTURN_ROOMS)
  list(JOIN rooms ",\n" text)
  file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/rooms.json CONTENT "{\n${text}\n}\n")
endfunction()
