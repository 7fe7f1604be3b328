# leadline_proto(file.proto...): a library of the messages and gRPC services, included as
# "leadline/v1/<name>.pb.h" and "leadline/v1/<name>.grpc.pb.h".
function(leadline_proto)
  set(out ${CMAKE_BINARY_DIR}/proto)
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
  add_library(leadline_proto STATIC ${generated})
  target_include_directories(leadline_proto SYSTEM PUBLIC ${out})
  target_link_libraries(leadline_proto PUBLIC gRPC::grpc++ protobuf::libprotobuf)
  target_compile_options(leadline_proto PRIVATE -w)
endfunction()
