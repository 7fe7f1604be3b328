# clang-tidy over every target's C++ sources, as the target `lint` of the preset of that name (ADR 80).
#
# Nearly all of clang-tidy's time would go into headers. So the sources of a target are read as one, a file that includes
# them, and a plugin keeps the checks out of system headers. What was found clean is read again only when it, a header or
# .clang-tidy changes.

# leadline_lint(): called last, when all targets are known.
function(leadline_lint)
  if(NOT LEADLINE_LINT)
    return()
  endif()
  find_program(CLANG_TIDY NAMES clang-tidy-14 REQUIRED)
  leadline_all_targets(${CMAKE_SOURCE_DIR} targets)
  find_path(LLVM_INCLUDE NAMES clang/AST/ASTContext.h PATHS /usr/lib/llvm-14/include NO_DEFAULT_PATH REQUIRED)
  add_library(lint_own_code MODULE ${CMAKE_SOURCE_DIR}/cmake/lint/own_code.cc)
  target_include_directories(lint_own_code SYSTEM PRIVATE ${LLVM_INCLUDE})
  target_compile_options(lint_own_code PRIVATE -fno-rtti)
  set(stamps)
  foreach(target IN LISTS targets)
    leadline_lint_target(${target} stamp)
    list(APPEND stamps ${stamp})
  endforeach()
  add_custom_target(lint DEPENDS ${stamps})
endfunction()

function(leadline_all_targets folder out)
  get_property(all DIRECTORY ${folder} PROPERTY BUILDSYSTEM_TARGETS)
  get_property(subfolders DIRECTORY ${folder} PROPERTY SUBDIRECTORIES)
  foreach(subfolder IN LISTS subfolders)
    leadline_all_targets(${subfolder} below)
    list(APPEND all ${below})
  endforeach()
  set(${out} ${all} PARENT_SCOPE)
endfunction()

# The stamp that says that the target's sources are clean; nothing when it has none in C++ of ours.
function(leadline_lint_target target out)
  set(${out} "" PARENT_SCOPE)
  get_target_property(folder ${target} SOURCE_DIR)
  get_target_property(sources ${target} SOURCES)
  set(includes)
  foreach(source IN LISTS sources)
    cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY ${folder} NORMALIZE)
    cmake_path(IS_PREFIX CMAKE_BINARY_DIR ${source} is_generated)
    if(source MATCHES "\\.cc$" AND NOT is_generated)
      string(APPEND includes "#include \"${source}\"  // NOLINT(bugprone-suspicious-include)\n")
    endif()
  endforeach()
  if(NOT includes)
    return()
  endif()

  # The name is what tells clang's analyzer to look into the files that a file includes.
  set(unified ${CMAKE_BINARY_DIR}/lint/${target}/UnifiedSource.cc)
  set(stamp ${CMAKE_BINARY_DIR}/lint/${target}.clean)
  file(CONFIGURE OUTPUT ${unified} CONTENT "${includes}")
  get_property(generated GLOBAL PROPERTY LEADLINE_GENERATED)
  # Never built: it is how the compilation database learns the command for the file.
  add_library(lint_${target} OBJECT EXCLUDE_FROM_ALL ${unified})
  foreach(property INCLUDE_DIRECTORIES COMPILE_DEFINITIONS COMPILE_OPTIONS LINK_LIBRARIES)
    get_target_property(value ${target} ${property})
    if(value)
      set_target_properties(lint_${target} PROPERTIES ${property} "${value}")
    endif()
  endforeach()
  add_custom_command(
    OUTPUT ${stamp}
    COMMAND ${CMAKE_SOURCE_DIR}/cmake/lint/unit.sh ${CMAKE_BINARY_DIR} ${unified} ${stamp}
            ${CLANG_TIDY} --load=$<TARGET_FILE:lint_own_code>
    DEPENDS ${unified} ${CMAKE_SOURCE_DIR}/.clang-tidy ${CMAKE_SOURCE_DIR}/cmake/lint/unit.sh lint_own_code
            ${generated}
    DEPFILE ${stamp}.d
    VERBATIM COMMENT "lint ${target}")
  set(${out} ${stamp} PARENT_SCOPE)
endfunction()
