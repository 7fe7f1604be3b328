#!/usr/bin/env python3
"""Writes down what real clients and servers say, as transcripts for tests/golden/protocols.

    record.py FOLDER [SCENARIO...]

Needs what a scenario uses: nginx, redis, PostgreSQL, MariaDB, unbound, nghttp2's programs, gRPC for Python, curl,
sysbench and dig. A golden is a transcript with the records that come of it (LEADLINE_REWRITE_GOLDENS, golden_test.cc): take those that
say something new, and keep them short.
"""

import pathlib
import socket
import subprocess
import sys
import tempfile

import grpc_pair
import servers
from proxy import TcpProxy, UdpProxy


def run(*command, text=None, check=True):
    subprocess.run(
        [servers.program(command[0]), *map(str, command[1:])],
        input=text,
        text=True,
        check=check,
        stdout=subprocess.DEVNULL,
        stderr=None if check else subprocess.DEVNULL,
    )


def http_keep_alive(folder):
    server = servers.nginx(folder)
    proxy = TcpProxy(("127.0.0.1", server.port), 80, capture=2000)
    base = f"http://127.0.0.1:{proxy.port}"
    urls = [f"{base}/{path}" for path in ("", "api/users/42?token=s3cr3t", "gone/s3cr3t", "big.txt")]
    run("curl", "-sS", "-H", "Cookie: s3cr3t", *urls)
    run("curl", "-sS", "--compressed", f"{base}/big.txt")
    run("curl", "-sS", "-I", f"{base}/big.txt")
    run("curl", "-sS", "-d", "password=s3cr3t", f"{base}/api/login")
    return server, proxy


def http_heads_only(folder):
    server = servers.nginx(folder)
    proxy = TcpProxy(("127.0.0.1", server.port), 80, capture=300)
    base = f"http://127.0.0.1:{proxy.port}"
    run("curl", "-sS", f"{base}/big.txt", f"{base}/", f"{base}/big.txt")
    run("curl", "-sS", "--compressed", f"{base}/big.txt", f"{base}/api/x")
    return server, proxy


def http_pipelined(folder):
    server = servers.nginx(folder)
    proxy = TcpProxy(("127.0.0.1", server.port), 80)
    with socket.create_connection(("127.0.0.1", proxy.port)) as client:
        requests = [f"GET /api/{i} HTTP/1.1\r\nHost: a\r\n\r\n" for i in range(4)]
        requests.append("GET /gone/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        client.sendall("".join(requests).encode())
        while client.recv(4096):
            pass
    return server, proxy


REDIS = """SET user:1 s3cr3t EX 100
GET user:1
get user:2
LPUSH list s3cr3t b c
LRANGE list 0 -1
INCR list
HSET h f s3cr3t g 2
HGETALL h
EVAL "return redis.error_reply('S3CR3T x')" 0
EVAL "return {1,2,{3,'s3cr3t'}}" 0
MULTI
INCR n
EXEC
NOSUCH s3cr3t
"""


def redis_cli(folder):
    server = servers.redis(folder)
    proxy = TcpProxy(("127.0.0.1", server.port), 6379, capture=300)  # it asks for all of COMMAND
    run("redis-cli", "-p", proxy.port, text=REDIS)
    return server, proxy


def redis_cli_resp3(folder):
    server = servers.redis(folder)
    proxy = TcpProxy(("127.0.0.1", server.port), 6379, capture=300)  # it asks for all of COMMAND
    run("redis-cli", "-3", "-p", proxy.port, text=REDIS)
    return server, proxy


def redis_benchmark(folder):
    server = servers.redis(folder)
    proxy = TcpProxy(("127.0.0.1", server.port), 6379)
    run("redis-benchmark", "-p", proxy.port, "-c", 1, "-n", 24, "-P", 8, "-q", "-t", "set,get,lrange")
    return server, proxy


SQL = """CREATE TABLE users (id int primary key, name varchar(40), secret varchar(40));
INSERT INTO users VALUES (1, 'ann', 's3cr3t'), (2, 'bob', 's3cr3t');
SELECT * FROM users WHERE name = 'ann' AND secret <> 's3cr3t''s';
SELECT u.name, count(*) FROM users u JOIN users v ON u.id = v.id WHERE u.id IN (1,2,3) GROUP BY u.name;
UPDATE users SET secret = 's3cr3t' WHERE id = 1;
SELECT * FROM nowhere WHERE x = 's3cr3t';
"""


def postgres_simple(folder):
    server = servers.postgres(folder)
    proxy = TcpProxy(("127.0.0.1", server.port), 5432)
    where = ("-h", "127.0.0.1", "-p", proxy.port, "-U", "leadline", "-d", "postgres")
    run("psql", *where, "-X", text=SQL + "COPY users FROM STDIN;\n7\ts3cr3t\ts3cr3t\n\\.\n")
    return server, proxy


def _pgbench(folder, mode, script):
    server = servers.postgres(folder)
    direct = ("-h", "127.0.0.1", "-p", server.port, "-U", "leadline", "-d", "postgres")
    run("psql", *direct, "-X", text=SQL, check=False)
    proxy = TcpProxy(("127.0.0.1", server.port), 5432)
    where = ("-h", "127.0.0.1", "-p", proxy.port, "-U", "leadline")
    (folder / "script.sql").write_text(script)
    run(
        "pgbench", *where, "-n", "-M", mode, "-c", 1, "-t", 3, "-f", folder / "script.sql", "postgres",
        check=False,
    )
    return server, proxy


PGBENCH = """\\set id random(1, 2)
BEGIN;
SELECT name FROM users WHERE id = :id;
UPDATE users SET secret = 's3cr3t' WHERE id = :id;
END;
"""


def postgres_extended(folder):
    return _pgbench(folder, "extended", PGBENCH)


def postgres_prepared(folder):
    return _pgbench(folder, "prepared", PGBENCH)


def postgres_pipeline(folder):
    return _pgbench(
        folder,
        "prepared",
        "\\startpipeline\nSELECT 1;\nSELECT secret FROM users WHERE id = 1;\n\\endpipeline\n",
    )


def postgres_pipeline_error(folder):
    return _pgbench(
        folder,
        "extended",
        "\\startpipeline\nSELECT 1;\nSELECT 's3cr3t'::int;\nSELECT 3;\n\\endpipeline\n",
    )


def _mariadb(folder):
    share = pathlib.Path(servers.program("mariadbd")).parents[1] / "share/mysql"
    return servers.mariadb(folder, share)


def mysql_text(folder):
    server = _mariadb(folder)
    proxy = TcpProxy(("127.0.0.1", server.port), 3306)
    where = ("--no-defaults", "-h", "127.0.0.1", "-P", proxy.port, "--protocol=tcp", "-f", "--skip-ssl")
    text = "CREATE DATABASE shop;\nUSE shop;\n" + SQL + "SELECT 1; SELECT 's3cr3t', 2;\n"
    run("mariadb", *where, text=text, check=False)
    return server, proxy


def mysql_prepared(folder):
    server = _mariadb(folder)
    direct = ("--no-defaults", "-h", "127.0.0.1", "-P", server.port, "--protocol=tcp", "--skip-ssl")
    run("mariadb", *direct, text="CREATE DATABASE sbtest;\n")
    script = pathlib.Path(servers.program("sysbench")).parents[1] / "share/sysbench/oltp_read_write.lua"
    options = (script, "--mysql-host=127.0.0.1", "--mysql-user=root", "--tables=1", "--table-size=20")
    run("sysbench", *options, f"--mysql-port={server.port}", "prepare")
    proxy = TcpProxy(("127.0.0.1", server.port), 3306)
    run(
        "sysbench", *options, f"--mysql-port={proxy.port}", "--events=2",
        "--point-selects=2", "--range-size=3", "run",
    )
    return server, proxy


def _dig(proxy, *more):
    for question in (
        ("shop.default.svc.cluster.local", "A"),
        ("shop.default.svc.cluster.local", "AAAA"),
        ("secret.default.svc.cluster.local", "TXT"),
        ("_http._tcp.shop.default.svc.cluster.local", "SRV"),
        ("s3cr3t4711deadbeef.shop.default.svc.cluster.local", "A"),
        ("www.refused.example", "A"),
        ("7.0.0.10.in-addr.arpa", "PTR"),
    ):
        run("dig", "@127.0.0.1", "-p", proxy.port, "+tries=1", *more, *question, check=False)


def dns_udp(folder):
    server = servers.unbound(folder)
    proxy = UdpProxy(("127.0.0.1", server.port), 53)
    _dig(proxy)
    return server, proxy


def dns_tcp(folder):
    server = servers.unbound(folder)
    proxy = TcpProxy(("127.0.0.1", server.port), 53)
    run(
        "dig", "@127.0.0.1", "-p", proxy.port, "+tcp", "+keepopen", "+tries=1",
        "shop.default.svc.cluster.local", "A", "secret.default.svc.cluster.local", "TXT",
    )
    return server, proxy


def http2_nghttpd(folder):
    server = servers.nghttpd(folder)
    proxy = TcpProxy(("127.0.0.1", server.port), 80)
    base = f"http://127.0.0.1:{proxy.port}"
    run(
        "nghttp", "-n", "-H", "cookie: s3cr3t", f"{base}/hello.txt?token=s3cr3t",
        f"{base}/user/4711/s3cr3t", f"{base}/hello.txt",
    )
    run(
        "h2load", "-n", 6, "-c", 1, "-m", 3, "-H", "authorization: s3cr3t", f"{base}/hello.txt",
    )
    return server, proxy


def http2_nginx(folder):
    server = servers.nginx(folder)
    proxy = TcpProxy(("127.0.0.1", server.port + 1), 80, capture=1000)
    base = f"http://127.0.0.1:{proxy.port}"
    run(
        "nghttp", "-n", "-H", "Cookie: s3cr3t", f"{base}/api/users/42?s3cr3t", f"{base}/gone/",
        f"{base}/big.txt", f"{base}/",
    )
    return server, proxy


def http2_curl(folder):
    server = servers.nginx(folder)
    proxy = TcpProxy(("127.0.0.1", server.port + 1), 80, capture=1000)
    base = f"http://127.0.0.1:{proxy.port}"
    options = ("-sS", "--http2-prior-knowledge", "-H", "Cookie: s3cr3t")
    run("curl", *options, f"{base}/big.txt")
    run("curl", *options, "-d", "password=s3cr3t", f"{base}/api/login")
    run("curl", *options, "-I", f"{base}/gone/s3cr3t?s3cr3t")
    return server, proxy


class _Chain:
    """Servers behind each other."""

    def __init__(self, *all_of_them):
        self.all = all_of_them

    def stop(self):
        for server in self.all:
            server.stop()


def http2_upgrade(folder):
    behind = servers.nginx(folder)
    server = servers.nghttpx(folder, behind.port)
    proxy = TcpProxy(("127.0.0.1", server.port), 80, capture=1000)
    base = f"http://127.0.0.1:{proxy.port}"
    run(
        "curl", "-sS", "--http2", "-H", "Cookie: s3cr3t", f"{base}/api/users/42?token=s3cr3t",
        f"{base}/gone/s3cr3t", f"{base}/big.txt",
    )
    return _Chain(server, behind), proxy


def _grpc(call):
    server = grpc_pair.Server()
    proxy = TcpProxy(("127.0.0.1", server.port), 50051)
    call(proxy.port)
    return server, proxy


def grpc(folder):
    return _grpc(grpc_pair.call)


def grpc_stream(folder):
    return _grpc(grpc_pair.stream)


SCENARIOS = [
    http_keep_alive, http_heads_only, http_pipelined, redis_cli, redis_cli_resp3, redis_benchmark, postgres_simple,
    postgres_extended, postgres_prepared, postgres_pipeline, postgres_pipeline_error, mysql_text, mysql_prepared,
    dns_udp, dns_tcp, http2_nghttpd, http2_nginx, http2_curl, http2_upgrade, grpc, grpc_stream,
]


def main():
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    names = sys.argv[2:] or [scenario.__name__ for scenario in SCENARIOS]
    for scenario in SCENARIOS:
        if scenario.__name__ not in names:
            continue
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder).chmod(0o755)
            server, proxy = scenario(pathlib.Path(folder))
            proxy.stop()
            server.stop()
        spoken = [transcript for transcript in proxy.transcripts if transcript.lines]
        for i, transcript in enumerate(spoken):
            name = scenario.__name__ + (f"_{i + 1}" if len(spoken) > 1 else "")
            (out / f"{name}.txt").write_text(transcript.text(f"Recorded: {scenario.__name__}."))
        print(f"{scenario.__name__}: {len(spoken)} connections")


if __name__ == "__main__":
    main()
