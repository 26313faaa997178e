"""A machine to install packages on: an overlay of this one's files, with systemd as its first process, on
the network of a lab's router. What is installed there is gone with it.

systemd starts nothing that would touch what the two machines share: the kernel's settings, /dev, modules."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess

from namespace import is_alive, wait_until

SYSTEMD = pathlib.Path("/lib/systemd/systemd")
_BOOTED_WITHIN = 60

# Arguments: a directory, the name of a control group.
_BOOT = r"""
set -e
mount -t tmpfs -o mode=755 machine "$1"
mkdir -p "$1/upper" "$1/work" "$1/root" "$1/cgroup"
mount -t cgroup2 cgroup2 "$1/cgroup"
mkdir "$1/cgroup/$2"
echo $$ >"$1/cgroup/$2/cgroup.procs"
umount "$1/cgroup"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
exec unshare --cgroup --uts --ipc --pid --fork --kill-child sh -ec '
  cd "$1/root"
  for directory in run tmp dev; do mount -t tmpfs -o mode=755 $directory $directory; done
  chmod 1777 tmp
  for node in null:3 zero:5 full:7 random:8 urandom:9; do
    mknod -m 666 dev/${node%:*} c 1 ${node#*:}
  done
  mknod -m 666 dev/tty c 5 0
  mkdir dev/shm dev/pts old
  ln -s pts/ptmx dev/ptmx
  mount -t devpts devpts dev/pts
  mount -t proc proc proc
  mount -t sysfs sysfs sys
  mount -t cgroup2 cgroup2 sys/fs/cgroup
  rm -f etc/machine-id usr/sbin/policy-rc.d
  echo 5e1b0d4e6d2b4a6f9d380a8c1f2e3d4c >etc/machine-id
  units=etc/systemd/system
  for unit in lib/systemd/system/*.target.wants/* $units/*.wants/*; do
    case "$unit" in *journald*) ;; *) ln -sf /dev/null $units/${unit##*/} ;; esac
  done
  printf "[Unit]\nRequires=basic.target\nAfter=basic.target\n" >$units/machine.target
  pivot_root . old
  umount -l /old
  exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin "$2" --system --unit=machine.target --log-target=journal
' sh "$1" "$3"
"""
# A group goes when it is empty, from the inside out.
_CLEAN = r"""mount -t cgroup2 cgroup2 "$1" && find "$1/$2" -depth -type d -exec rmdir {} +"""


def why_not():
    """Why such a machine cannot be had here; None when it can."""
    for tool in (str(SYSTEMD), "dpkg", "dh"):
        if not shutil.which(tool):
            return f"{tool} is not installed"
    return None


class Machine:
    """Runs until stop(). `directory` is an empty one."""

    def __init__(self, lab, directory):
        self._directory = str(directory)
        self._first = None
        self._group = f"upnpd-test-{os.getpid()}"
        self._process = lab.router.start("unshare", "--mount", "sh", "-c", _BOOT, "sh", self._directory, self._group,
                                         str(SYSTEMD), output=subprocess.PIPE)
        lab.at_end(self.stop)
        wait_until(self._is_up, _BOOTED_WITHIN, "systemd has started")

    def _is_up(self):
        assert self._process.poll() is None, self._process.stdout.read()
        with contextlib.suppress(OSError), \
                open(f"/proc/{self._process.pid}/task/{self._process.pid}/children") as children:
            first = children.read().strip()
            # Before the last step it is a shell or one of its tools, which go.
            if os.path.basename(os.readlink(f"/proc/{first}/exe")) == "systemd":
                self._first = first
                return self.run("systemctl", "is-active", "machine.target").stdout.strip() == "active"
        return False

    def run(self, *words):
        """Runs a command there; output and errors together in `.stdout`."""
        return subprocess.run(
            ["nsenter", "--target", self._first, "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--wd",
             "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8",
             "SYSTEMD_COLORS=0", *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)

    def check(self, *words):
        """What a command that succeeds printed."""
        result = self.run(*words)
        assert result.returncode == 0, f"{' '.join(words)}: {result.stdout}"
        return result.stdout

    @property
    def root(self):
        """Its files, as seen from here."""
        return pathlib.Path(f"/proc/{self._first}/root")

    def unit(self, name, prop):
        """A property of a unit, as systemd has it."""
        return self.check("systemctl", "show", "--value", "--property", prop, name).strip()

    def stop(self):
        if self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait()
        if self._first:
            wait_until(lambda: not is_alive(int(self._first)), 10, "the machine is off")
        subprocess.run(["unshare", "--mount", "sh", "-c", _CLEAN, "sh", self._directory, self._group],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
