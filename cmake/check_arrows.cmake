cmake_minimum_required(VERSION 3.25)
# Fails when a file of FOLDER includes a header of a project folder that is not among its DEPS.
foreach(file IN LISTS FILES)
  file(STRINGS ${file} includes REGEX "^#include \"[a-z].*/.*\"")
  foreach(line IN LISTS includes)
    string(REGEX REPLACE "^#include \"(.*)/[^/]*\".*" "\\1" from "${line}")
    if(from IN_LIST ALL AND NOT from STREQUAL FOLDER AND NOT from IN_LIST DEPS)
      message(FATAL_ERROR "${file}: ${line}: ${FOLDER} does not depend on ${from}; "
                          "add it to DEPS in ${FOLDER}/CMakeLists.txt only if that arrow is wanted")
    endif()
  endforeach()
endforeach()
file(TOUCH ${STAMP})
