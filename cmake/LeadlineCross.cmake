# leadline_compiles_for_arm64(folder...): a test that compiles the folders' sources for arm64 with
# Debian's cross compiler, where it is installed. They are not linked: that takes libraries of arm64.
# Headers of other libraries are this machine's, behind the compiler's own.
function(leadline_compiles_for_arm64)
  find_program(ARM64_CXX aarch64-linux-gnu-g++)
  if(NOT ARM64_CXX)
    return()
  endif()
  set(objects)
  foreach(folder IN LISTS ARGN)
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.cc)
    file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/arm64/${folder})
    foreach(source IN LISTS sources)
      get_filename_component(name ${source} NAME_WE)
      set(object ${CMAKE_BINARY_DIR}/arm64/${folder}/${name}.o)
      add_custom_command(
        OUTPUT ${object}
        COMMAND ${CMAKE_CXX_COMPILER_LAUNCHER} ${ARM64_CXX} -std=c++20 -Wall -Wextra -Werror -Wno-missing-field-initializers
                -I ${CMAKE_SOURCE_DIR} -isystem ${CMAKE_BINARY_DIR}/bpf -idirafter /usr/include
                -MD -MF ${object}.d -c ${source} -o ${object}
        DEPENDS ${source} leadline_bpf_skeletons
        DEPFILE ${object}.d
        VERBATIM COMMENT "arm64 ${folder}/${name}.cc")
      list(APPEND objects ${object})
    endforeach()
  endforeach()
  add_custom_target(leadline_arm64 DEPENDS ${objects})
  add_test(NAME "tests/cross: compiles for arm64" COMMAND ${CMAKE_COMMAND} --build ${CMAKE_BINARY_DIR} --target leadline_arm64 -j 2)
  set_tests_properties("tests/cross: compiles for arm64" PROPERTIES TIMEOUT 600)
endfunction()
