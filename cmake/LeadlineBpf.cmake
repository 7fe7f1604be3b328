# leadline_bpf_objects(program.bpf.c...): compiles each program and makes its libbpf skeleton,
# included as "<program>.skel.h" by whoever links leadline_bpf.
#
# Programs are compiled for every processor that they know, into bpf/<processor>/ of the build; the
# skeletons have those of the processor that is built for.
set(LEADLINE_BPF_PROCESSORS x86 arm64 CACHE INTERNAL "as libbpf names them: __TARGET_ARCH_…")

# Writes a header that includes the rules of every row of agent/protocols/base/protocols.def, for the programs that
# tell protocols by them; `rules` becomes all files that they are in.
function(leadline_protocol_rules header rules)
  set(protocols ${CMAKE_SOURCE_DIR}/agent/protocols)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${protocols}/base/protocols.def)
  file(STRINGS ${protocols}/base/protocols.def rows REGEX "^LL_PROTOCOL\\(")
  set(text "/* Made from agent/protocols/base/protocols.def. */\n#pragma once\n\n")
  set(files ${header} ${protocols}/base/protocols.def ${protocols}/base/detect.h)
  foreach(row IN LISTS rows)
    string(REGEX REPLACE "^LL_PROTOCOL\\([^,]*, ([^,]*),.*" "\\1" name "${row}")
    string(APPEND text "#include \"agent/protocols/${name}/detect.h\"\n")
    list(APPEND files ${protocols}/${name}/detect.h)
  endforeach()
  file(CONFIGURE OUTPUT ${header} CONTENT "${text}" @ONLY)
  set(${rules} ${files} PARENT_SCOPE)
endfunction()

function(leadline_bpf_objects)
  find_program(BPF_CLANG NAMES clang-14 clang-16 clang REQUIRED)
  find_program(LLVM_STRIP NAMES llvm-strip-14 llvm-strip-16 llvm-strip REQUIRED)
  find_program(BPFTOOL NAMES bpftool PATHS /usr/sbin /sbin REQUIRED)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
    set(own arm64)
  else()
    set(own x86)
  endif()
  set(out ${CMAKE_BINARY_DIR}/bpf)
  leadline_protocol_rules(${out}/protocol_rules.h rules)
  file(GLOB headers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/bpf/lib/*.h ${CMAKE_SOURCE_DIR}/bpf/shared/*.h)
  set(made)
  foreach(source IN LISTS ARGN)
    get_filename_component(name ${source} NAME)
    string(REGEX REPLACE "\\.bpf\\.c$" "" name ${name})
    foreach(processor IN LISTS LEADLINE_BPF_PROCESSORS)
      file(MAKE_DIRECTORY ${out}/${processor})
      set(object ${out}/${processor}/${name}.bpf.o)
      add_custom_command(
        OUTPUT ${object}
        COMMAND ${BPF_CLANG} -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_${processor} -Wall -Wextra -Wno-unused-parameter -Werror
                -I ${CMAKE_SOURCE_DIR} -I ${out} -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=
                -c ${CMAKE_SOURCE_DIR}/bpf/${source} -o ${object}
        COMMAND ${LLVM_STRIP} -g ${object}
        DEPENDS ${CMAKE_SOURCE_DIR}/bpf/${source} ${headers} ${rules}
        VERBATIM COMMENT "bpf ${processor} ${source}")
      list(APPEND made ${object})
    endforeach()
    set(skeleton ${out}/${name}.skel.h)
    add_custom_command(
      OUTPUT ${skeleton}
      COMMAND ${BPFTOOL} gen skeleton ${out}/${own}/${name}.bpf.o name ${name}_bpf > ${skeleton}
      DEPENDS ${out}/${own}/${name}.bpf.o
      VERBATIM COMMENT "bpf skeleton ${name}")
    list(APPEND made ${skeleton})
  endforeach()
  add_custom_target(leadline_bpf_skeletons ALL DEPENDS ${made})
  set_property(GLOBAL APPEND PROPERTY LEADLINE_GENERATED leadline_bpf_skeletons)
  add_library(leadline_bpf INTERFACE)
  add_dependencies(leadline_bpf leadline_bpf_skeletons)
  target_include_directories(leadline_bpf SYSTEM INTERFACE ${out})
  target_include_directories(leadline_bpf INTERFACE ${CMAKE_SOURCE_DIR})
  target_link_libraries(leadline_bpf INTERFACE PkgConfig::libbpf)
endfunction()
