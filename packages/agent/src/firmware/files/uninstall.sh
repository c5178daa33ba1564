#!/bin/sh
# Removes the agent: uninstall.sh [--root DIR] [--purge]. Configuration and identity stay unless --purge is given.
set -eu
root=
purge=
while [ $# -gt 0 ]; do
  case "$1" in
    --root) root=${2:?--root needs a folder}; shift ;;
    --purge) purge=1 ;;
    *) echo "uninstall.sh: there is no option $1 (--root DIR, --purge)" >&2; exit 2 ;;
  esac
  shift
done
if [ -z "$root" ]; then
  if [ -f /etc/systemd/system/watchpost-agent.service ]; then
    systemctl disable --now watchpost-agent.service || true
  fi
  if [ -x /etc/init.d/watchpost-agent ]; then
    /etc/init.d/watchpost-agent stop || true
    /etc/init.d/watchpost-agent disable || true
  fi
  [ ! -x /etc/init.d/S96watchpost-agent ] || /etc/init.d/S96watchpost-agent stop || true
fi
rm -f "$root/etc/systemd/system/watchpost-agent.service" "$root/etc/init.d/watchpost-agent" \
  "$root/etc/init.d/S96watchpost-agent"
rm -rf "$root/usr/lib/watchpost-agent" "$root/var/lib/watchpost-agent/update"
if [ -n "$purge" ]; then
  rm -rf "$root/etc/watchpost-agent" "$root/var/lib/watchpost-agent"
fi
echo 'removed'
