"""A SLURM of this one machine for tests: munge, slurmctld, two slurmd; no accounting, no system service, any user."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
COMMANDS = ("srun", "sbatch", "squeue", "scancel", "scontrol", "sinfo", "sacct", "sacctmgr", "sshare")
NODES = ("n1", "n2")
SEARCH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
CONFIG = """\
ClusterName=mini
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock,cred_expire=5
CredType=cred/munge
SlurmctldPort={ports[0]}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmdLogFile={folder}/slurmd-%n.log
SlurmdSpoolDir={folder}/spool/%n
StateSaveLocation={folder}/state
SwitchType=switch/none
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill,NoShared
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=1,batch_sched_delay=0,sched_min_interval=0
ReturnToService=2
SlurmdTimeout=5
KillWait=1
MinJobAge=86400
SlurmdParameters=config_overrides
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=16 RealMemory={memory} State=UNKNOWN
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=16 RealMemory={memory} State=UNKNOWN
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE DefMemPerCPU=200 LLN=YES State=UP
"""
"""linuxproc and OverMemoryKill need no cgroup; config_overrides: a node may claim more than the machine has."""


def missing() -> list[str]:
    """Programs of SLURM this machine lacks."""
    return [name for name in (*DAEMONS, "srun", "sbatch") if shutil.which(name, path=SEARCH) is None]


@dataclass
class Cluster:
    """A running cluster. folder: its state and logs. environment: for every program that talks to it."""

    folder: Path
    environment: dict[str, str]
    daemons: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *command: str) -> None:
        program = str(shutil.which(command[0], path=SEARCH))
        with (self.folder / f"{name}.out").open("ab") as out:
            self.daemons[name] = subprocess.Popen(
                [program, *command[1:]], env=self.environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )

    def start_node(self, node: str) -> None:
        (self.folder / "spool" / node).mkdir(parents=True, exist_ok=True)
        self.start(node, "slurmd", "-D", "-N", node, "-f", str(self.folder / "slurm.conf"))

    def kill_node(self, node: str) -> None:
        """A node that loses power: its slurmd and all that it started, at once."""
        self.daemons[node].kill()
        self.daemons[node].wait()
        self._end_jobs(node)

    def _end_jobs(self, node: str) -> None:
        for pid in self._of_node(node):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _of_node(self, node: str) -> set[int]:
        """Processes of the jobs of a node, which carry its name, and the slurmstepd above each of them."""
        found = set()
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                words = (entry / "environ").read_bytes().split(b"\0")
                if {f"SLURMD_NODENAME={node}".encode(), f"SLURM_CONF={self.folder}/slurm.conf".encode()} <= set(words):
                    found.add(int(entry.name))
                    parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                    if (Path("/proc") / str(parent) / "comm").read_text().strip() == "slurmstepd":
                        found.add(parent)
            except OSError:  # gone meanwhile
                continue
        return found

    def ask(self, *command: str) -> str:
        """What a command of SLURM prints."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        return done.stdout

    def jobs(self, states: str = "all") -> list[dict[str, str]]:
        """Jobs the cluster knows: id, state, node, comment (rule and wildcards), memory asked for, minutes asked for."""
        names = ("id", "state", "node", "comment", "memory", "minutes", "restarts")
        shown = self.ask(
            "squeue",
            "-h",
            "-a",
            "-t",
            states,
            "-O",
            "JobID:|,State:|,NodeList:|,Comment:|,MinMemory:|,TimeLimit:|,RestartCnt:|",
        )
        return [dict(zip(names, line.split("|"), strict=False)) for line in shown.splitlines()]

    def wait_for(self, state: str, seconds: float = 3_600) -> list[dict[str, str]]:
        """The jobs in a state, as soon as there is one."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := self.jobs(state):
                return found
            time.sleep(0.2)
        raise AssertionError(f"no job became {state} in {seconds} s: {self.jobs()}\n{self.logs()}")

    def wait_until_ready(self, seconds: float = 3_600) -> None:
        end = time.monotonic() + seconds
        while len(set(self.ask("sinfo", "-h", "-N", "-t", "idle", "-o", "%N").split())) < len(NODES):
            assert time.monotonic() < end, f"SLURM did not start:\n{self.logs()}"
            time.sleep(0.1)

    def logs(self) -> str:
        """The end of what every daemon said."""
        files = [*self.folder.glob("*.out"), *self.folder.glob("*.log")]
        return "\n".join(f"== {file.name}\n{file.read_text(errors='replace')[-1500:]}" for file in files)

    def stop(self) -> None:
        self.ask("scancel", "--state=PENDING", "--state=RUNNING", "--user", str(os.getuid()))
        end = time.monotonic() + 3_600
        while self.jobs("RUNNING,COMPLETING") and time.monotonic() < end:
            time.sleep(0.2)
        for name in reversed(self.daemons):
            self.daemons[name].terminate()
        for daemon in self.daemons.values():
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
        for node in NODES:
            self._end_jobs(node)


@contextmanager
def cluster(folder: Path, memory: int = 32_000) -> Iterator[Cluster]:
    """A cluster of two nodes while the block runs. folder: short, since a socket in it has a limited path.

    memory: MB of a node. Whatever happens in the block, every process of the cluster ends with it.
    """
    user, host = pwd.getpwuid(os.getuid()).pw_name, socket.gethostname().split(".")[0]
    (folder / "munge.key").write_bytes(os.urandom(1024))
    (folder / "munge.key").chmod(0o600)
    (folder / "state").mkdir()
    (folder / "bin").mkdir()
    config = folder / "slurm.conf"
    config.write_text(CONFIG.format(host=host, user=user, folder=folder, ports=_ports(3), memory=memory))
    # The executor drops SLURM_CONF inside jobs, where a real cluster has its file in /etc: these stand before the real.
    for command in COMMANDS:
        wrapper = folder / "bin" / command
        wrapper.write_text(f'#!/bin/sh\nSLURM_CONF={config} exec {shutil.which(command, path=SEARCH)} "$@"\n')
        wrapper.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLURM")}
    environment |= {"SLURM_CONF": str(config), "PATH": f"{folder}/bin{os.pathsep}{SEARCH}"}
    running = Cluster(folder, environment)
    with ExitStack() as stack:
        stack.callback(running.stop)
        files = {"key-file": "munge.key", "socket": "munge.sock", "pid-file": "munged.pid", "seed-file": "munge.seed"}
        running.start(
            "munged",
            "munged",
            "--foreground",
            "--force",
            *(f"--{name}={folder / file}" for name, file in files.items()),
        )
        while not (folder / "munge.sock").exists():
            assert running.daemons["munged"].poll() is None, running.logs()
            time.sleep(0.05)
        running.start("slurmctld", "slurmctld", "-D", "-c", "-f", str(config))
        for node in NODES:
            running.start_node(node)
        running.wait_until_ready()
        yield running


def _ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    for free in sockets:
        free.bind(("127.0.0.1", 0))
    ports = [int(free.getsockname()[1]) for free in sockets]
    for free in sockets:
        free.close()
    return ports
