# Language level, warnings, sanitizers and the compiler cache, for every target.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
# Line tables are what profiles and stack traces need; full debug information costs a third of the build.
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")

add_compile_options(-Wall -Wextra -Wshadow -Werror -Wno-missing-field-initializers -fno-omit-frame-pointer)
# Paths in binaries and diagnostics are relative to the source tree, so builds of two clones are alike.
add_compile_options(-ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # GCC 12's flow analysis sees what cannot happen in optimised Abseil and libstdc++ code.
  add_compile_options(-Wno-free-nonheap-object -Wno-error=array-bounds -Wno-error=maybe-uninitialized
                      -Wno-error=restrict -Wno-error=stringop-overflow -Wno-error=stringop-overread)
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wthread-safety>)
endif()

# For folders whose code runs for each request, called before their targets are made: nobody replaces our functions when
# the program is loaded, so that the compiler may put those of a file into each other. With -fPIC alone GCC does not.
macro(leadline_hot_code)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    add_compile_options(-fno-semantic-interposition)
  endif()
endmacro()

set(LEADLINE_SANITIZE "" CACHE STRING "Sanitizers for every target, as in -fsanitize=")
set(LEADLINE_UNITY 0 CACHE STRING "How many sources of a library are compiled as one; 0: each alone")
option(LEADLINE_FUZZ "Build the libFuzzer targets" OFF)
option(LEADLINE_LINT "Make the target lint" OFF)
if(LEADLINE_SANITIZE)
  # Optimised less, what is instrumented compiles in a fifth less time, which is most of what ./dev test --deep takes.
  add_compile_options(-O1 -fsanitize=${LEADLINE_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${LEADLINE_SANITIZE})
endif()
if(LEADLINE_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()
