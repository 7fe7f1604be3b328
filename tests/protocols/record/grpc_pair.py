"""A gRPC server and a client with generic methods: bytes in, bytes out."""

import threading
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
        if method == "Put":
            return grpc.stream_unary_rpc_method_handler(
                lambda requests, context: b"s3cr3t" * len(list(requests))
            )
        if method == "Talk":
            return grpc.stream_stream_rpc_method_handler(lambda requests, context: requests)
        if method == "Late":

            def late(request, context):
                yield b"s3cr3t"
                done = threading.Event()
                context.add_callback(done.set)
                done.wait()

            return grpc.unary_stream_rpc_method_handler(late)
        return None


class Server:
    def __init__(self):
        self.server = grpc.server(futures.ThreadPoolExecutor(4))
        self.server.add_generic_rpc_handlers((Handler(),))
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def stop(self):
        self.server.stop(0).wait()


METADATA = [("authorization", "Bearer s3cr3t"), ("x-trace-bin", b"s3cr3t")]


def call(port):
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        get = channel.unary_unary(f"/{NAME}/Get")
        for _ in range(3):
            get(b"s3cr3t", metadata=METADATA)
        list(channel.unary_stream(f"/{NAME}/List")(b"", metadata=METADATA))
        for method in ("Fail", "Missing"):
            try:
                channel.unary_unary(f"/{NAME}/{method}")(b"", metadata=METADATA)
            except grpc.RpcError:
                pass


def stream(port):
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        put = channel.stream_unary(f"/{NAME}/Put")
        put(iter([b"s3cr3t" * 10, b"s3cr3t" * 20]), metadata=METADATA)
        list(channel.stream_stream(f"/{NAME}/Talk")(iter([b"s3cr3t", b"2"]), metadata=METADATA))
        channel.unary_unary(f"/{NAME}/Get")(b"s3cr3t" * 100, metadata=METADATA)
        try:
            list(channel.unary_stream(f"/{NAME}/Late")(b"", timeout=0.2, metadata=METADATA))
        except grpc.RpcError:
            pass
        channel.unary_unary(f"/{NAME}/Get")(b"s3cr3t", metadata=METADATA)
