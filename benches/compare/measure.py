"""Runs one process at a time, and takes what it cost; and the one server that everybody's database is on."""

import json
import os
import pathlib
import resource
import subprocess
import tempfile
import time


class Failed(Exception):
    """A process that didn't do its work, and its last words."""


class Missing(Exception):
    """Something that this machine doesn't have, and why."""


def run(arguments, stdin=None, cwd=None, env=None, good=(0,)):
    """Runs a process to its end; returns its output and what it cost.

    Wall and CPU time are in seconds; the CPU time is that of the process and of all its children. `peak_mib` is
    the most memory that the largest of these processes held; `peak_is_ours` where that is no more than this process
    has, from which the kernel counts on.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        source = open(stdin, "rb") if stdin else subprocess.DEVNULL
        began = time.perf_counter()
        child = subprocess.Popen([str(part) for part in arguments], stdin=source, stdout=out, stderr=err, cwd=cwd, env=env)
        try:
            _, status, usage = os.wait4(child.pid, 0)
        except BaseException:
            child.kill()
            child.wait()
            raise
        wall = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        if stdin:
            source.close()
        out.seek(0)
        err.seek(0)
        text = out.read().decode(errors="replace")
        if child.returncode not in good:
            words = (err.read().decode(errors="replace").strip() or text.strip())[-2000:]
            raise Failed(f"{pathlib.Path(str(arguments[0])).name} ended with {child.returncode}: {words}")
    ours = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return text, {
        "wall_s": wall,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_mib": usage.ru_maxrss / 1024,
        "peak_is_ours": usage.ru_maxrss <= ours,
    }


class Server:
    """A PostgreSQL that muster makes and starts in a scratch folder."""

    def __init__(self, muster, home):
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        self.environment.pop("DATABASE_URL", None)
        self.environment["MUSTER_HOME"] = str(home)
        self.muster = muster
        self.home = home
        run([muster, "db", "start"], env=self.environment)
        self.base = run([muster, "db", "url"], env=self.environment)[0].strip()
        self.socket = self.base.split("host=")[1].split("&")[0]
        self.pid = int((home / "data" / "postmaster.pid").read_text().split()[0])
        self.version = self.ask("muster", "show server_version")

    def stop(self):
        """Ends the server."""
        run([self.muster, "db", "stop"], env=self.environment)

    def url(self, database):
        """The address of a database."""
        return self.base.replace(":///muster?", f":///{database}?")

    def psql(self, database, *more):
        """The command line of a psql that stops at the first error."""
        return ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", self.url(database), *more]

    def ask(self, database, query):
        """The answer to one query, as text."""
        return run(self.psql(database, "-c", query), env=self.environment)[0].strip()

    def fresh(self, database, template="template0"):
        """Makes a database anew."""
        self.drop(database)
        self.ask("muster", f"create database {database} template {template}")

    def drop(self, database):
        """Removes a database, if it is there."""
        self.ask("muster", f"drop database if exists {database} with (force)")

    def timed(self, arguments, **more):
        """As `run`, on a server that has nothing left to do; adds what the server spent, as `server_s`."""
        self.ask("muster", "checkpoint")
        before = self.cpu()
        text, cost = run(arguments, env=self.environment, **more)
        # a backend ends a moment after its client, and only then counts as its parent's
        time.sleep(0.3)
        cost["server_s"] = self.cpu() - before
        return text, cost

    def cpu(self):
        """CPU time in seconds of the server, of the processes that it has and of those that ended."""
        ticks = 0
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                # behind the name, which may hold spaces: state, parent, …; see proc(5)
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(stat.parent.name) == self.pid:
                ticks += sum(map(int, fields[11:15]))
            elif int(fields[1]) == self.pid:
                ticks += sum(map(int, fields[11:13]))
        return ticks / os.sysconf("SC_CLK_TCK")


def machine(server_version):
    """What the figures were taken on; no name of the machine."""
    model = "unknown"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cpu": model,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory, 1),
        "postgresql": server_version,
        "date": time.strftime("%Y-%m-%d"),
        # somebody may have started this with less than its share
        "nice": os.nice(0),
    }


def counts_of(summary_text):
    """The counts of muster's `--json`."""
    return json.loads(summary_text)["counts"]
