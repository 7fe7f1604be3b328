"""A gRPC server and a client with generic methods: bytes in, bytes out."""

from concurrent import futures

import grpc

NAME = "shop.v1.Orders"


class Handler(grpc.GenericRpcHandler):
    def service(self, details):
        method = details.method.rsplit("/", 1)[1]
        if method == "Get":
            return grpc.unary_unary_rpc_method_handler(lambda request, context: b"s3cr3t" + request)
        if method == "List":
            return grpc.unary_stream_rpc_method_handler(
                lambda request, context: (b"s3cr3t" for _ in range(3))
            )
        if method == "Fail":

            def fail(request, context):
                context.abort(grpc.StatusCode.NOT_FOUND, "no order s3cr3t")

            return grpc.unary_unary_rpc_method_handler(fail)
        return None


class Server:
    def __init__(self):
        self.server = grpc.server(futures.ThreadPoolExecutor(4))
        self.server.add_generic_rpc_handlers((Handler(),))
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def stop(self):
        self.server.stop(0).wait()


def call(port):
    metadata = [("authorization", "Bearer s3cr3t"), ("x-trace-bin", b"s3cr3t")]
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        get = channel.unary_unary(f"/{NAME}/Get")
        for _ in range(3):
            get(b"s3cr3t", metadata=metadata)
        list(channel.unary_stream(f"/{NAME}/List")(b"", metadata=metadata))
        for method in ("Fail", "Missing"):
            try:
                channel.unary_unary(f"/{NAME}/{method}")(b"", metadata=metadata)
            except grpc.RpcError:
                pass
