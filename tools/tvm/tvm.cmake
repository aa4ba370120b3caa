# Target `tvm`: the official TVM as a static library (see tools/tvm/README.md).
#
# It is built once per machine into build/tvm/KEY, where KEY names everything that goes into it, and shared by all
# presets: sanitizers and optimisation of the rest do not touch it. Once it is there, this costs one file check.
if(TARGET tvm)
  return()
endif()

find_program(COCOON_NODE node REQUIRED)
find_program(COCOON_TVM_CC gcc REQUIRED)
set(COCOON_TVM_ROOT ${CMAKE_SOURCE_DIR}/build/tvm CACHE PATH "where prebuilt TVMs are kept")

set(tvm_scripts build.mjs bind-names.mjs lower-atomics.mjs split-c.mjs)
list(TRANSFORM tvm_scripts PREPEND ${CMAKE_SOURCE_DIR}/tools/tvm/)
list(APPEND tvm_scripts ${CMAKE_SOURCE_DIR}/tools/npm-tarballs.json)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${tvm_scripts})
execute_process(
  COMMAND ${COCOON_NODE} ${CMAKE_SOURCE_DIR}/tools/tvm/build.mjs --key --cc ${COCOON_TVM_CC}
  OUTPUT_VARIABLE tvm_key OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
set(COCOON_TVM_DIR ${COCOON_TVM_ROOT}/${tvm_key})
file(MAKE_DIRECTORY ${COCOON_TVM_DIR}/include)

# flock: two presets that build at once wait for one another instead of both doing the work.
add_custom_command(
  OUTPUT ${COCOON_TVM_DIR}/libtonemu.a
    ${COCOON_TVM_DIR}/include/emu.h ${COCOON_TVM_DIR}/include/emu_names.inc ${COCOON_TVM_DIR}/include/emu_imports.inc
  COMMAND flock ${COCOON_TVM_ROOT}/${tvm_key}.lock
    ${COCOON_NODE} ${CMAKE_SOURCE_DIR}/tools/tvm/build.mjs --out ${COCOON_TVM_DIR} --cc ${COCOON_TVM_CC}
  DEPENDS ${tvm_scripts}
  COMMENT "TVM ${tvm_key}"
  USES_TERMINAL VERBATIM)
add_custom_target(tvm_library DEPENDS ${COCOON_TVM_DIR}/libtonemu.a)

add_library(tvm STATIC IMPORTED GLOBAL)
set_target_properties(tvm PROPERTIES
  IMPORTED_LOCATION ${COCOON_TVM_DIR}/libtonemu.a
  INTERFACE_INCLUDE_DIRECTORIES ${COCOON_TVM_DIR}/include)
add_dependencies(tvm tvm_library)
