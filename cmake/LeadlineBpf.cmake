# leadline_bpf_objects(program.bpf.c...): compiles each program and makes its libbpf skeleton,
# included as "<program>.skel.h" by whoever links leadline_bpf.
function(leadline_bpf_objects)
  find_program(BPF_CLANG NAMES clang-14 clang-16 clang REQUIRED)
  find_program(LLVM_STRIP NAMES llvm-strip-14 llvm-strip-16 llvm-strip REQUIRED)
  find_program(BPFTOOL NAMES bpftool PATHS /usr/sbin /sbin REQUIRED)
  set(out ${CMAKE_BINARY_DIR}/bpf)
  file(MAKE_DIRECTORY ${out})
  file(GLOB headers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/bpf/lib/*.h ${CMAKE_SOURCE_DIR}/bpf/shared/*.h)
  set(skeletons)
  foreach(source IN LISTS ARGN)
    get_filename_component(name ${source} NAME)
    string(REGEX REPLACE "\\.bpf\\.c$" "" name ${name})
    set(object ${out}/${name}.bpf.o)
    set(skeleton ${out}/${name}.skel.h)
    add_custom_command(
      OUTPUT ${skeleton}
      COMMAND ${BPF_CLANG} -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_x86 -Wall -Wextra -Wno-unused-parameter -Werror
              -I ${CMAKE_SOURCE_DIR} -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=
              -c ${CMAKE_SOURCE_DIR}/bpf/${source} -o ${object}
      COMMAND ${LLVM_STRIP} -g ${object}
      COMMAND ${BPFTOOL} gen skeleton ${object} name ${name}_bpf > ${skeleton}
      DEPENDS ${CMAKE_SOURCE_DIR}/bpf/${source} ${headers}
      VERBATIM COMMENT "bpf ${source}")
    list(APPEND skeletons ${skeleton})
  endforeach()
  add_custom_target(leadline_bpf_skeletons DEPENDS ${skeletons})
  set_property(GLOBAL APPEND PROPERTY LEADLINE_GENERATED leadline_bpf_skeletons)
  add_library(leadline_bpf INTERFACE)
  add_dependencies(leadline_bpf leadline_bpf_skeletons)
  target_include_directories(leadline_bpf SYSTEM INTERFACE ${out})
  target_include_directories(leadline_bpf INTERFACE ${CMAKE_SOURCE_DIR})
  target_link_libraries(leadline_bpf INTERFACE PkgConfig::libbpf)
endfunction()
