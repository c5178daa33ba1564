#!/bin/sh
# Installs the agent: ./install.sh [--root DIR] [--no-start]. A configuration that is there already is kept.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=
start=1
while [ $# -gt 0 ]; do
  case "$1" in
    --root) root=${2:?--root needs a folder}; start=; shift ;;
    --no-start) start= ;;
    *) echo "install.sh: there is no option $1 (--root DIR, --no-start)" >&2; exit 2 ;;
  esac
  shift
done

cd "$here"
if command -v sha256sum >/dev/null 2>&1; then
  sha256sum -c SHA256SUMS >/dev/null || {
    echo 'install.sh: the package is damaged; download it again' >&2
    exit 1
  }
fi

lib=$root/usr/lib/watchpost-agent
etc=$root/etc/watchpost-agent
mkdir -p "$lib" "$etc" "$root/var/lib/watchpost-agent"
chmod 700 "$root/var/lib/watchpost-agent" "$etc"
for file in agent.js run supervise uninstall.sh manifest.json manifest.sig LICENSE; do
  cp "$file" "$lib/$file.new"
  mv -f "$lib/$file.new" "$lib/$file"
done
chmod 755 "$lib/run" "$lib/supervise" "$lib/uninstall.sh"
if [ -d runtime ]; then
  mkdir -p "$lib/runtime"
  cp runtime/node "$lib/runtime/node.new"
  mv -f "$lib/runtime/node.new" "$lib/runtime/node"
  chmod 755 "$lib/runtime/node"
fi
# What an earlier version downloaded must not run instead of this one.
rm -rf "$root/var/lib/watchpost-agent/update"
if [ -f "$etc/agent.json" ]; then
  cp agent.json "$etc/agent.json.new"
  chmod 600 "$etc/agent.json.new"
  echo "kept $etc/agent.json; the one of this package is $etc/agent.json.new"
else
  (umask 077 && cp agent.json "$etc/agent.json")
  chmod 600 "$etc/agent.json"
fi

init=busybox
if [ -d "$root/lib/systemd/system" ] || [ -d "$root/usr/lib/systemd/system" ]; then
  init=systemd
elif [ -e "$root/sbin/procd" ]; then
  init=procd
fi
case "$init" in
  systemd)
    mkdir -p "$root/etc/systemd/system"
    cp watchpost-agent.service "$root/etc/systemd/system/watchpost-agent.service"
    if [ -n "$start" ]; then
      systemctl daemon-reload
      systemctl enable --now watchpost-agent.service
      systemctl restart watchpost-agent.service
    fi
    ;;
  procd)
    cp watchpost-agent.procd "$root/etc/init.d/watchpost-agent"
    chmod 755 "$root/etc/init.d/watchpost-agent"
    if [ -n "$start" ]; then
      /etc/init.d/watchpost-agent enable
      /etc/init.d/watchpost-agent restart
    fi
    ;;
  busybox)
    mkdir -p "$root/etc/init.d"
    cp watchpost-agent.busybox "$root/etc/init.d/S96watchpost-agent"
    chmod 755 "$root/etc/init.d/S96watchpost-agent"
    [ -z "$start" ] || "$root/etc/init.d/S96watchpost-agent" restart
    ;;
esac
echo "installed for $init; configuration: $etc/agent.json"
