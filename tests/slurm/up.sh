#!/bin/bash
# Start a real SLURM of one node on this machine, as root, in a folder; or stop it.
#
#   tests/slurm/up.sh FOLDER && export SLURM_CONF=FOLDER/slurm.conf
#   tests/slurm/up.sh FOLDER stop
#
# Needs Debian's slurmctld, slurmd, slurm-client and munge. It has its own configuration, key and ports, all in the folder: a
# SLURM that the machine may belong to is left alone. Only where the machine's own name is unknown, /etc/hosts gets it.
set -eu
folder=$(realpath -m "${1:?a folder}")
host=$(hostname -s)

for daemon in slurmctld slurmd munged; do
    if [ -s "$folder/$daemon.pid" ]; then
        kill "$(cat "$folder/$daemon.pid")" 2>/dev/null || true
    fi
done
[ "${2:-}" = stop ] && exit 0

mkdir -p "$folder"/{state,spool}
chmod go-w "$folder"
getent hosts "$host" >/dev/null || echo "127.0.0.1 $host" >>/etc/hosts

head -c 1024 /dev/urandom >"$folder/munge.key"
chmod 400 "$folder/munge.key"
# --force: a folder that only root can enter will do, since only root asks
munged --force --socket "$folder/munge.socket" --key-file "$folder/munge.key" --pid-file "$folder/munged.pid" \
    --log-file "$folder/munged.log" --seed-file "$folder/munged.seed"

export SLURM_CONF="$folder/slurm.conf"
cat >"$SLURM_CONF" <<CONF
ClusterName=zoo
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=26817
SlurmdPort=26818
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
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
echo 'CgroupAutomount=no' >"$folder/cgroup.conf"

slurmctld -f "$SLURM_CONF"
slurmd -f "$SLURM_CONF"
for _ in $(seq 40); do
    sinfo --noheader --format %T 2>/dev/null | grep -q idle && exit 0
    sleep 0.5
done
echo "SLURM did not come up; see $folder/*.log" >&2
exit 1
