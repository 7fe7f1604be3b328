# leadline_proto(target file.proto...): a library of the messages and gRPC services, included as
# "<path>/<name>.pb.h" and "<path>/<name>.grpc.pb.h", by the path from the current folder.
function(leadline_proto target)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/generated)
  file(MAKE_DIRECTORY ${out})
  find_program(PROTOC protoc REQUIRED)
  find_program(GRPC_CPP_PLUGIN grpc_cpp_plugin REQUIRED)
  set(generated)
  foreach(proto IN LISTS ARGN)
    string(REGEX REPLACE "\\.proto$" "" stem ${proto})
    set(files ${out}/${stem}.pb.cc ${out}/${stem}.pb.h ${out}/${stem}.grpc.pb.cc ${out}/${stem}.grpc.pb.h)
    add_custom_command(
      OUTPUT ${files}
      COMMAND ${PROTOC} -I ${CMAKE_CURRENT_SOURCE_DIR} --cpp_out=${out} --grpc_out=${out}
              --plugin=protoc-gen-grpc=${GRPC_CPP_PLUGIN} ${CMAKE_CURRENT_SOURCE_DIR}/${proto}
      DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${proto}
      VERBATIM COMMENT "protoc ${proto}")
    list(APPEND generated ${files})
  endforeach()
  add_custom_target(${target}_headers DEPENDS ${generated})
  set_property(GLOBAL APPEND PROPERTY LEADLINE_GENERATED ${target}_headers)
  add_library(${target} STATIC ${generated})
  add_dependencies(${target} ${target}_headers)
  target_include_directories(${target} SYSTEM PUBLIC ${out})
  target_link_libraries(${target} PUBLIC gRPC::grpc++ protobuf::libprotobuf)
  target_compile_options(${target} PRIVATE -w)
endfunction()
