"""Real servers on loopback ports of their own, in a folder that goes with them."""

import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import time

START_TIMEOUT_S = 30


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def program(name):
    """Where Debian has it: not all of it is in a user's PATH."""
    folders = [os.environ.get("PATH", ""), "/usr/sbin", "/sbin"]
    folders += [str(folder) for folder in sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))]
    found = shutil.which(name, path=os.pathsep.join(folders))
    if found is None:
        raise SystemExit(f"record: no {name} on this machine")
    return found


class Server:
    def __init__(self, folder, command, port, **options):
        self.port = port
        self.folder = folder
        self.process = subprocess.Popen(
            command,
            stdout=(folder / "log").open("w"),
            stderr=subprocess.STDOUT,
            **options,
        )
        self._wait()

    def _wait(self):
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit(f"record: it did not start:\n{(self.folder / 'log').read_text()}")

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=START_TIMEOUT_S)


def nginx(folder, backend_port=9):
    port = free_port()
    (folder / "index.html").write_text("<html>hello</html>\n")
    (folder / "big.txt").write_text("0123456789abcdef" * 4096)
    (folder / "nginx.conf").write_text(
        f"""daemon off; pid {folder}/pid; error_log stderr; master_process off;
        events {{}}
        http {{
          access_log off; gzip on; gzip_min_length 1; gzip_types text/plain;
          client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
          uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
          server {{
            listen 127.0.0.1:{port}; listen 127.0.0.1:{port + 1} http2; root {folder};
            location /api/ {{ add_header Set-Cookie "sid=s3cr3t"; return 200 "s3cr3t"; }}
            location /gone/ {{ return 410; }}
            location /behind/ {{ proxy_pass http://127.0.0.1:{backend_port}; }}
          }}
        }}
        """
    )
    return Server(folder, [program("nginx"), "-p", folder, "-c", folder / "nginx.conf"], port)


def redis(folder):
    port = free_port()
    command = [program("redis-server"), "--port", str(port), "--save", "", "--dir", str(folder)]
    return Server(folder, command, port)


def postgres(folder):
    """As the user postgres where this is root, which the server refuses."""
    port = free_port()
    user = {}
    if os.geteuid() == 0:
        account = pwd.getpwnam("postgres")
        os.chown(folder, account.pw_uid, account.pw_gid)
        user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    data = folder / "data"
    subprocess.run(
        [program("initdb"), "-D", data, "-U", "leadline", "-A", "trust", "--no-sync"],
        check=True,
        stdout=subprocess.DEVNULL,
        **user,
    )
    command = [program("postgres"), "-D", data, "-p", str(port), "-k", folder, "-h", "127.0.0.1"]
    return Server(folder, [*command, "-F"], port, **user)


def mariadb(folder, share):
    port = free_port()
    data = folder / "data"
    data.mkdir()
    options = [
        "--no-defaults",
        f"--datadir={data}",
        f"--lc-messages-dir={share}",
        f"--character-sets-dir={share}/charsets",
        "--plugin-dir=/nonexistent",
        f"--socket={folder}/socket",
        "--user=root",
        "--skip-grant-tables",
    ]
    system = "CREATE DATABASE mysql;\nUSE mysql;\n" + "\n".join(
        (share / name).read_text() for name in ("mysql_system_tables.sql",)
    )
    subprocess.run(
        [program("mariadbd"), *options, "--bootstrap", "--loose-skip-log-bin"],
        input=system,
        text=True,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    command = [program("mariadbd"), *options, f"--port={port}", "--bind-address=127.0.0.1"]
    return Server(folder, command, port)


def unbound(folder):
    port = free_port()
    (folder / "unbound.conf").write_text(
        f"""server:
          interface: 127.0.0.1@{port}
          username: ""
          chroot: ""
          directory: "{folder}"
          pidfile: ""
          use-syslog: no
          do-not-query-localhost: yes
          local-zone: "cluster.local." static
          local-data: "shop.default.svc.cluster.local. A 10.0.0.7"
          local-data: "shop.default.svc.cluster.local. AAAA fd00::7"
          local-data: "secret.default.svc.cluster.local. TXT 's3cr3t'"
          local-data: "_http._tcp.shop.default.svc.cluster.local. SRV 0 5 80 shop.default.svc.cluster.local."
          local-zone: "refused.example." refuse
          local-zone: "." static
        """
    )
    return Server(folder, [program("unbound"), "-d", "-c", folder / "unbound.conf"], port)


def nghttpd(folder):
    port = free_port()
    (folder / "hello.txt").write_text("hello s3cr3t\n")
    command = [program("nghttpd"), "--no-tls", "-d", folder, str(port)]
    return Server(folder, command, port)


def nghttpx(folder, backend_port):
    """Takes HTTP/1.1 that asks for h2c, which nginx does not."""
    port = free_port()
    command = [program("nghttpx"), f"--frontend=127.0.0.1,{port};no-tls"]
    command += [f"--backend=127.0.0.1,{backend_port}", "--conf=/dev/null", "--workers=1"]
    return Server(folder, command, port)
