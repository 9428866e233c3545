#!/bin/bash
# Start a real SLURM of one node on this machine, as root, in a folder; or stop it.
#
#   tests/slurm/up.sh FOLDER
#   tests/slurm/up.sh FOLDER stop
#
# Needs Debian's slurmctld, slurmd, slurm-client and munge, and writes /etc/slurm and /etc/munge: for a throw-away machine.
set -eu
folder=$(realpath -m "${1:?a folder}")
host=$(hostname -s)

for daemon in slurmctld slurmd; do
    if [ -s "$folder/$daemon.pid" ]; then
        kill "$(cat "$folder/$daemon.pid")" 2>/dev/null || true
    fi
done
[ "${2:-}" = stop ] && exit 0

mkdir -p "$folder"/{state,spool} /etc/slurm /run/munge
getent hosts "$host" >/dev/null || echo "127.0.0.1 $host" >>/etc/hosts

if ! munge -n 2>/dev/null | unmunge >/dev/null 2>&1; then # munged runs as a user of its own, and minds who owns what
    [ -s /etc/munge/munge.key ] || head -c 1024 /dev/urandom >/etc/munge/munge.key
    chown munge:munge /etc/munge /etc/munge/munge.key /var/lib/munge /var/log/munge /run/munge
    chmod 400 /etc/munge/munge.key
    chmod 755 /run/munge
    rm -f /run/munge/munge.socket*
    setpriv --reuid munge --regid munge --clear-groups /usr/sbin/munged
fi

cat >/etc/slurm/slurm.conf <<CONF
ClusterName=zoo
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
JobRequeue=1
SchedulerParameters=batch_sched_delay=1,sched_interval=2,requeue_delay=1
KillWait=10
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 RealMemory=2000 State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=60 State=UP
CONF
echo 'CgroupAutomount=no' >/etc/slurm/cgroup.conf

slurmctld
slurmd
for _ in $(seq 40); do
    sinfo --noheader --format %T 2>/dev/null | grep -q idle && exit 0
    sleep 0.5
done
echo "SLURM did not come up; see $folder/*.log" >&2
exit 1
