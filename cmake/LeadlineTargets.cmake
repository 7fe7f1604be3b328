# One library target a folder, and the arrows between folders.
include(GoogleTest)

# leadline_library([DEPS folder...] [LIBS target...] [TEST_DEPS folder...] [TEST_LIBS target...])
#
# Makes a static library of the *.cc files in the current folder. DEPS are the project's folders that
# its sources may include from (a build step fails on any other), LIBS third-party targets. The
# tests of the folder are tests/unit/<folder>/*_test.cc; they may use TEST_DEPS and TEST_LIBS too.
function(leadline_library)
  cmake_parse_arguments(ARG "" "" "DEPS;LIBS;TEST_DEPS;TEST_LIBS" ${ARGN})
  cmake_path(RELATIVE_PATH CMAKE_CURRENT_SOURCE_DIR BASE_DIRECTORY ${CMAKE_SOURCE_DIR} OUTPUT_VARIABLE folder)
  leadline_target_name(${folder} target)

  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  list(FILTER sources EXCLUDE REGEX "/main\\.cc$")
  file(GLOB headers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.h)
  if(sources)
    add_library(${target} STATIC ${sources})
    leadline_unity(${target})
    set(scope PUBLIC)
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(${target} ${scope} ${CMAKE_SOURCE_DIR})
  foreach(dep IN LISTS ARG_DEPS)
    leadline_target_name(${dep} dep_target)
    target_link_libraries(${target} ${scope} ${dep_target})
  endforeach()
  target_link_libraries(${target} ${scope} ${ARG_LIBS})

  set_property(GLOBAL APPEND PROPERTY LEADLINE_FOLDERS ${folder})
  set_property(GLOBAL PROPERTY LEADLINE_DEPS_${folder} ${ARG_DEPS})
  set_property(GLOBAL PROPERTY LEADLINE_FILES_${folder} ${sources} ${headers})
  leadline_unit_tests(${folder} ${target} "${ARG_TEST_DEPS}" "${ARG_TEST_LIBS}")
endfunction()

# LEADLINE_UNITY sources of a library or of its tests are compiled as one: headers are most of what a compiler reads here.
# So names of a folder's unnamed namespaces are unique in it.
function(leadline_unity target)
  if(NOT LEADLINE_UNITY)
    return()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${LEADLINE_UNITY})
  # A local of one file may be called as a constant of another is; and unnamed namespaces are in included files here.
  target_compile_options(${target} PRIVATE -Wno-shadow
                         "$<$<CXX_COMPILER_ID:GNU>:-Wshadow=local;-Wno-subobject-linkage>")
endfunction()

# leadline_executable(name): builds main.cc of the current folder, linked with the folder's library.
function(leadline_executable name)
  cmake_path(RELATIVE_PATH CMAKE_CURRENT_SOURCE_DIR BASE_DIRECTORY ${CMAKE_SOURCE_DIR} OUTPUT_VARIABLE folder)
  leadline_target_name(${folder} target)
  add_executable(${name} main.cc)
  target_link_libraries(${name} PRIVATE ${target})
endfunction()

function(leadline_target_name folder out)
  string(REPLACE "/" "_" name ${folder})
  set(${out} leadline_${name} PARENT_SCOPE)
endfunction()

function(leadline_unit_tests folder target deps libs)
  file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/${folder}/*_test.cc)
  if(NOT tests)
    return()
  endif()
  file(GLOB helpers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/${folder}/*.cc)
  add_executable(${target}_test ${helpers})
  target_link_libraries(${target}_test PRIVATE ${target} GTest::gmock GTest::gtest_main ${libs})
  foreach(dep IN LISTS deps)
    leadline_target_name(${dep} dep_target)
    target_link_libraries(${target}_test PRIVATE ${dep_target})
  endforeach()
  target_compile_definitions(${target}_test PRIVATE LEADLINE_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  # What is tested is optimised, the tests themselves need not be: that halves their build.
  target_compile_options(${target}_test PRIVATE -O0)
  leadline_unity(${target}_test)
  gtest_discover_tests(${target}_test TEST_PREFIX "${folder}: " DISCOVERY_TIMEOUT 60 PROPERTIES LABELS unit)
  if(NOT TARGET unit_tests)
    add_custom_target(unit_tests)
  endif()
  add_dependencies(unit_tests ${target}_test)
endfunction()

# Called last: every folder's files may include only from the folder itself and from its DEPS.
function(leadline_check_arrows)
  get_property(folders GLOBAL PROPERTY LEADLINE_FOLDERS)
  foreach(folder IN LISTS folders)
    get_property(deps GLOBAL PROPERTY LEADLINE_DEPS_${folder})
    get_property(files GLOBAL PROPERTY LEADLINE_FILES_${folder})
    if(NOT files)
      continue()
    endif()
    leadline_target_name(${folder} target)
    set(stamp ${CMAKE_BINARY_DIR}/arrows/${target}.stamp)
    add_custom_command(
      OUTPUT ${stamp}
      COMMAND ${CMAKE_COMMAND} "-DFOLDER=${folder}" "-DDEPS=${deps}" "-DALL=${folders}" "-DFILES=${files}"
              -DSTAMP=${stamp} -P ${CMAKE_SOURCE_DIR}/cmake/check_arrows.cmake
      DEPENDS ${files} ${CMAKE_SOURCE_DIR}/cmake/check_arrows.cmake
      VERBATIM COMMENT "arrows of ${folder}")
    add_custom_target(${target}_arrows ALL DEPENDS ${stamp})
    add_dependencies(${target} ${target}_arrows)
  endforeach()
endfunction()
