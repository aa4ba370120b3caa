# Libraries from the system; why each was chosen: docs/dependencies.md.
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(tomlplusplus REQUIRED)
find_package(CLI11 REQUIRED)
if(NOT COCOON_FUZZ)
  find_package(GTest REQUIRED)
  find_package(benchmark REQUIRED)
endif()

add_library(cocoon_asio INTERFACE)
target_link_libraries(cocoon_asio INTERFACE Boost::boost Threads::Threads OpenSSL::SSL OpenSSL::Crypto)
target_compile_definitions(cocoon_asio INTERFACE
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_ARRAY BOOST_ASIO_HAS_CO_AWAIT=1 BOOST_ASIO_HAS_STD_COROUTINE=1
  # Two, its default, are for one operation at a time; a request has half a dozen coroutine frames.
  BOOST_ASIO_RECYCLING_ALLOCATOR_CACHE_SIZE=32)

foreach(kind IN ITEMS std asio)
  add_library(cocoon_pch_${kind} STATIC ${CMAKE_SOURCE_DIR}/cmake/pch_${kind}.cpp)
  target_link_libraries(cocoon_pch_${kind} PRIVATE cocoon_options)
  target_precompile_headers(cocoon_pch_${kind} PRIVATE ${CMAKE_SOURCE_DIR}/cmake/pch_${kind}.hpp)
endforeach()
target_link_libraries(cocoon_pch_asio PUBLIC cocoon_asio)
