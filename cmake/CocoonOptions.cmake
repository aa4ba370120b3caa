# Warnings, sanitizers, linker and the shared precompiled headers: what every target gets.
option(COCOON_ASAN "AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
option(COCOON_TSAN "ThreadSanitizer" OFF)
option(COCOON_FUZZ "libFuzzer targets (clang)" OFF)
option(COCOON_WERROR "warnings are errors" ON)

add_library(cocoon_options INTERFACE)
target_compile_options(cocoon_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wno-missing-field-initializers -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual>)
if(COCOON_WERROR)
  target_compile_options(cocoon_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Werror>)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports these falsely from inside its own library when it inlines std::string, std::variant and coroutine frames.
  target_compile_options(cocoon_options INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-Wno-maybe-uninitialized -Wno-restrict -Wno-stringop-overflow -Wno-array-bounds -Wno-stringop-overread>)
  target_compile_options(cocoon_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fcoroutines>)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # libstdc++ 12 guards std::expected by a concepts version that clang reaches only in 19; what it uses is there.
  target_compile_options(cocoon_options INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-Wno-builtin-macro-redefined -U__cpp_concepts -D__cpp_concepts=202002L>)
endif()

set(COCOON_SANITIZERS "")
if(COCOON_ASAN)
  list(APPEND COCOON_SANITIZERS -fsanitize=address,undefined -fno-sanitize-recover=undefined)
endif()
if(COCOON_TSAN)
  list(APPEND COCOON_SANITIZERS -fsanitize=thread)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(cocoon_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-tsan>)
  endif()
endif()
if(COCOON_FUZZ)
  list(APPEND COCOON_SANITIZERS -fsanitize=fuzzer-no-link,address,undefined)
endif()
if(COCOON_SANITIZERS)
  target_compile_options(cocoon_options INTERFACE ${COCOON_SANITIZERS} -fno-omit-frame-pointer)
  target_link_options(cocoon_options INTERFACE ${COCOON_SANITIZERS})
endif()

find_program(COCOON_MOLD mold)
if(COCOON_MOLD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT COCOON_TSAN)
  target_link_options(cocoon_options INTERFACE -fuse-ld=mold)
endif()
find_program(COCOON_CCACHE ccache)
if(COCOON_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${COCOON_CCACHE})
  # The launcher carries ccache's settings, so that every checkout and preset shares one cache without a config file.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
    CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${COCOON_CCACHE})
endif()
