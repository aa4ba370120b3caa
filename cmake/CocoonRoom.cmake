# cocoon_room(NAME <name> [DIR <dir>] [DEPS <targets>] [PRIVATE <targets>] [PCH std|asio])
#
# One room, one target: library <name> from <dir>/*.cpp, test program <name>_test from <dir>/*_test.cpp.
# A room's headers are reached as "<name of folder>/file.hpp" through a link made for that room alone, so a target sees
# only the headers of rooms it depends on. TEST_DEPS are for the test program only; SANITIZERS (asan, tsan) says under
# which presets that is built.
include(GoogleTest)

function(cocoon_room)
  cmake_parse_arguments(R "" "NAME;DIR;AS;PCH" "DEPS;PRIVATE;TEST_DEPS;SANITIZERS" ${ARGN})
  # What the sanitizer presets reach in CI's time: ASan every room that reads bytes, decides or keeps money (all without
  # sockets, and net), TSan those that name it.
  if(NOT R_SANITIZERS AND NOT R_PCH STREQUAL "asio")
    set(R_SANITIZERS asan)
  endif()
  if((COCOON_ASAN AND NOT asan IN_LIST R_SANITIZERS) OR (COCOON_TSAN AND NOT tsan IN_LIST R_SANITIZERS))
    set(test_here FALSE)
  else()
    set(test_here TRUE)
  endif()
  if(NOT R_DIR)
    set(R_DIR ${CMAKE_CURRENT_SOURCE_DIR})
  endif()
  if(NOT R_AS)
    file(RELATIVE_PATH R_AS ${CMAKE_SOURCE_DIR}/src ${R_DIR})
  endif()
  set(gate ${CMAKE_BINARY_DIR}/rooms/${R_NAME})
  get_filename_component(parent ${gate}/${R_AS} DIRECTORY)
  file(MAKE_DIRECTORY ${parent})
  file(CREATE_LINK ${R_DIR} ${gate}/${R_AS} SYMBOLIC)

  file(GLOB sources CONFIGURE_DEPENDS ${R_DIR}/*.cpp)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")

  if(sources)
    add_library(${R_NAME} STATIC ${sources})
    target_include_directories(${R_NAME} PUBLIC ${gate})
    target_link_libraries(${R_NAME} PUBLIC ${R_DEPS} PRIVATE cocoon_options ${R_PRIVATE})
    # Our room "crypto" must not be taken for OpenSSL's library of that name.
    set_target_properties(${R_NAME} PROPERTIES OUTPUT_NAME cocoon_${R_NAME})
    cocoon_pch(${R_NAME} "${R_PCH}")
  else()
    add_library(${R_NAME} INTERFACE)
    target_include_directories(${R_NAME} INTERFACE ${gate})
    target_link_libraries(${R_NAME} INTERFACE ${R_DEPS})
  endif()

  if(tests AND test_here AND NOT COCOON_FUZZ)
    add_executable(${R_NAME}_test ${tests})
    target_compile_definitions(${R_NAME}_test PRIVATE COCOON_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    target_link_libraries(${R_NAME}_test PRIVATE ${R_NAME} cocoon_options ${R_PRIVATE} ${R_TEST_DEPS}
      GTest::gtest GTest::gmock GTest::gtest_main)
    cocoon_pch(${R_NAME}_test "${R_PCH}")
    add_test(NAME ${R_NAME} COMMAND ${R_NAME}_test --gtest_brief=1)
    set_tests_properties(${R_NAME} PROPERTIES TIMEOUT 300 LABELS unit)
  endif()
endfunction()

# Two precompiled headers for the whole house: the standard library, and the standard library with Asio.
function(cocoon_pch target kind)
  if(kind STREQUAL "none" OR CMAKE_CXX_CLANG_TIDY)
    return()
  endif()
  if(kind STREQUAL "asio")
    set(owner cocoon_pch_asio)
  else()
    set(owner cocoon_pch_std)
  endif()
  target_precompile_headers(${target} REUSE_FROM ${owner})
endfunction()
