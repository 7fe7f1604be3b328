"""Requests to databases between pods, against what the real servers counted and logged themselves."""

import collections
import os
import re
import unittest

from minicluster import wait_for
from requests_case import RequestsCase

_SECRET = "s3cr3t"
_POSTGRES = "/opt/postgresql/usr/lib/postgresql/15/bin"  # psql is that of the machine
_NOBODY = "/usr/bin/setpriv --reuid=65534 --regid=65534 --clear-groups"

_REDIS_SERVER = """
exec -a redis-server /usr/bin/redis-check-rdb --bind 0.0.0.0 --protected-mode no --save '' --dir /web
"""
_REDIS_CLIENT = f"""
for i in $(seq 50); do echo "SET user:$i {_SECRET}$i"; done >/web/commands
for i in $(seq 70); do echo "GET user:$i"; done >>/web/commands
for i in $(seq 7); do echo "LPUSH user:1 {_SECRET}"; done >>/web/commands
redis-cli -h $SERVER </web/commands >/dev/null
redis-benchmark -h $SERVER -t set,incr -n 3000 -c 4 -q >/dev/null
redis-benchmark -h $SERVER -t get -n 3000 -c 4 -P 16 -q >/dev/null
redis-cli -h $SERVER info commandstats >/web/stats
"""

_MARIADB_SERVER = """
export TMPDIR=/web
mariadb-install-db --no-defaults --user=root --datadir=/web/data --skip-test-db \
  --auth-root-authentication-method=normal >/web/install.log 2>&1
exec mariadbd --no-defaults --user=root --datadir=/web/data --socket=/web/socket --pid-file=/web/pid \
  --skip-grant-tables --skip-name-resolve --general-log --general-log-file=/web/general.log
"""
_MARIADB_CLIENT = f"""
cat >/web/script.sql <<END
CREATE DATABASE shop;
USE shop;
CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(40));
END
for i in $(seq 60); do echo "INSERT INTO users VALUES ($i, '{_SECRET}$i');"; done >>/web/script.sql
for i in $(seq 80); do echo "SELECT name FROM users WHERE id = $i AND name <> '{_SECRET}';"; done >>/web/script.sql
for i in $(seq 9); do echo "UPDATE users SET name = '{_SECRET}' WHERE id = $i;"; done >>/web/script.sql
for i in $(seq 5); do echo "SELECT * FROM missing_$i;"; done >>/web/script.sql
mariadb --no-defaults --force -h $SERVER </web/script.sql >/dev/null 2>/web/errors
"""

_POSTGRES_SERVER = f"""
mkdir /web/data && chown 65534:65534 /web/data /web
{_NOBODY} {_POSTGRES}/initdb -D /web/data -U shop --auth=trust --no-locale -E UTF8 >/web/install.log
echo 'host all all all trust' >>/web/data/pg_hba.conf
exec {_NOBODY} {_POSTGRES}/postgres -D /web/data -c listen_addresses='*' -c unix_socket_directories=/web \
  -c log_statement=all -c log_error_verbosity=verbose -c fsync=off 2>/web/postgres.log
"""
_POSTGRES_CLIENT = f"""
export PGHOST=$SERVER PGUSER=shop PGDATABASE=postgres PATH={_POSTGRES}:/usr/lib/postgresql/15/bin:$PATH
psql -q -c 'CREATE TABLE users (id int PRIMARY KEY, name text)'
for i in $(seq 60); do echo "INSERT INTO users VALUES ($i, '{_SECRET}$i');"; done >/web/script.sql
for i in $(seq 80); do echo "SELECT name FROM users WHERE id = $i AND name <> '{_SECRET}';"; done >>/web/script.sql
for i in $(seq 5); do echo "SELECT * FROM missing_$i;"; done >>/web/script.sql
psql -q -f /web/script.sql >/dev/null 2>/web/errors
cat >/web/look.sql <<'END'
\\set id random(1, 60)
SELECT name FROM users WHERE id = :id;
UPDATE users SET name = '{_SECRET}' WHERE id = :id;
END
for mode in simple extended prepared; do
  pgbench -n -f /web/look.sql -M $mode -c 3 -t 40 >/dev/null 2>>/web/errors
done
"""


def _with_errors(counts, errors):
    """{(operation, error): count}, of counts by operation and of those among them that failed."""
    want = {(operation, ""): count for operation, count in counts.items()}
    for (operation, error), count in errors.items():
        want[operation, error] = count
        want[operation, ""] -= count
    return {key: count for key, count in want.items() if count}


def _first_words(statements):
    return collections.Counter(re.match(r"\s*(\w+)", s)[1].upper() for s in statements)


class Databases(RequestsCase):
    def run_pods(self, name, port, server, client):
        """A server and its client, with a folder each, once the client is done; both folders."""
        server_folder, server_pod = self.run_pod(name, server, {})
        address = server_pod["status"]["podIP"]
        client_folder, client_pod = self.run_pod(
            f"{name}-client",
            f"SERVER={address}\n"
            f"until (exec 3<>/dev/tcp/{address}/{port}) 2>/dev/null; do sleep 0.1; done\n"
            f"{client}\ntouch /web/done; exec sleep infinity",
            {},
        )
        wait_for(
            lambda: os.path.exists(os.path.join(client_folder, "done")),
            lambda: "\n".join(
                self.cluster.pod_log("shop", pod["metadata"]["name"]) for pod in (server_pod, client_pod)
            ),
            60,
            0.1,
        )
        return server_folder, client_folder

    def told(self, side, controller, *by):
        return self.collector.by(
            f"sum by ({', '.join(by)}) (histogram_count(db_{side}_operation_duration_seconds"
            f'{{namespace="shop",cluster="{self.cluster.name}",controller="{controller}"}}))',
            *by,
        )

    def wait_both_ends(self, name, want, *by):
        for side, controller in (("client", f"{name}-client"), ("server", name)):
            wait_for(
                lambda s=side, c=controller: self.told(s, c, *by) == want,
                lambda s=side, c=controller: f"{c}: {want}; it is {self.told(s, c, *by)}",
                30,
                0.2,
            )

    def test_redis(self):
        _, folder = self.run_pods("redis", 6379, _REDIS_SERVER, _REDIS_CLIENT)
        rows = re.findall(r"cmdstat_(\w+).*:calls=(\d+).*failed_calls=(\d+)", _read(folder, "stats"))
        counts = {command.upper(): int(calls) for command, calls, _ in rows}
        failed = {(command.upper(), "WRONGTYPE"): int(calls) for command, _, calls in rows if int(calls)}
        self.assertEqual(failed, {("LPUSH", "WRONGTYPE"): 7})
        want = _with_errors({**counts, "INFO": 1}, failed)  # which does not count itself
        self.wait_both_ends("redis", want, "db_operation_name", "error_type")
        self.assert_is_not_told(_SECRET, but_in=self.web)

    def test_mariadb(self):
        server, client = self.run_pods("mariadb", 3306, _MARIADB_SERVER, _MARIADB_CLIENT)
        log = _read(server, "general.log")
        counts = _first_words(re.findall(r"\bQuery\t(.*)", log))
        counts["USE"] += len(re.findall(r"\bInit DB\t", log))  # a command of the protocol
        errors = collections.Counter(
            ("SELECT", code) for code in re.findall(r"(?m)^ERROR (\d+)", _read(client, "errors"))
        )
        self.assertEqual(errors, {("SELECT", "1146"): 5})
        self.wait_both_ends("mariadb", _with_errors(counts, errors), "db_operation_name", "error_type")
        tables = self.told("server", "mariadb", "db_query_summary")
        self.assertEqual(tables["SELECT users",], 80)
        self.assert_is_not_told(_SECRET, but_in=self.web)

    def test_postgresql(self):
        server, _ = self.run_pods("postgres", 5432, _POSTGRES_SERVER, _POSTGRES_CLIENT)
        log = _read(server, "postgres.log")
        counts = _first_words(re.findall(r"LOG: .*(?:statement|execute [^:]*): (.*)", log))
        errors = collections.Counter(("SELECT", code) for code in re.findall(r"ERROR:  (\w{5}):", log))
        self.assertEqual(errors, {("SELECT", "42P01"): 5})
        self.wait_both_ends("postgres", _with_errors(counts, errors), "db_operation_name", "error_type")
        tables = self.told("server", "postgres", "db_query_summary")
        self.assertEqual(tables["SELECT users",], 80 + 3 * 3 * 40)
        self.assert_is_not_told(_SECRET, but_in=self.web)


def _read(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as f:
        return f.read()


if __name__ == "__main__":
    unittest.main()
