# Sourced by ./run and ./test (from the root of the clone): installs what is missing, says what it does, and does
# nothing the second time.

say() {
  printf '%s\n' "» $*" >&2
}

fail() {
  printf '%s\n' "✘ $*" >&2
  exit 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null 2>&1; then
    sudo "$@"
  else
    fail "This needs root: $*"
  fi
}

# need_debian PACKAGE…: installs those that are missing.
need_debian() {
  missing=
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing="$missing $package"
  done
  [ -z "$missing" ] && return 0
  command -v apt-get >/dev/null 2>&1 || fail "Please install, with this system's own package manager:$missing"
  say "Installing Debian packages:$missing"
  as_root apt-get update -qq </dev/null || say 'The package lists could not be refreshed; trying with the old ones.'
  # shellcheck disable=SC2086
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing </dev/null >/dev/null ||
    fail "apt-get could not install:$missing"
}

need_npm() {
  version=$(npm --version 2>/dev/null || echo 0)
  [ "${version%%.*}" -ge 9 ] && return 0
  [ "$version" = 0 ] || say "npm $version is too old; 9 or newer is needed."
  need_debian npm
}

# need_packages run|all: node_modules as the lock file says; "run" leaves out what only checks and tests use.
need_packages() {
  stamp=node_modules/.installed-$1
  for fresh in "$stamp" node_modules/.installed-all; do
    if [ -f "$fresh" ] && [ ! package-lock.json -nt "$fresh" ]; then return 0; fi
  done
  need_npm
  omit=
  if [ "$1" = run ] && [ ! -f node_modules/.installed-all ]; then
    omit=--omit=dev
    say 'Installing npm packages (about 130 MB)'
  else
    stamp=node_modules/.installed-all
    say 'Installing npm packages (about 250 MB)'
  fi
  # "ci" begins by deleting node_modules; an installation that is only out of date is brought up to date.
  if [ -d node_modules ]; then set -- install --no-save; else set -- ci; fi
  # shellcheck disable=SC2086
  npm "$@" $omit --no-progress --loglevel=error </dev/null >&2 || fail "npm $1 failed; its message stands above."
  touch "$stamp"
}

# Puts a Node that is new enough first on PATH.
use_node() {
  node=$(packages/server/bin/find-node) || exit 1
  PATH=$(dirname -- "$node"):$PATH
  export PATH
}

need_console() {
  [ -f packages/console/package.json ] && [ -f packages/console/index.html ] || return 0
  built=packages/console/dist/index.html
  if [ -f "$built" ] && [ -z "$(find packages/console -type f -newer "$built" ! -path '*/dist/*' ! -path '*/node_modules/*' | head -n 1)" ]; then
    return 0
  fi
  say 'Building the console'
  output=$(npm run --silent build -w packages/console </dev/null 2>&1) || fail "The console could not be built:
$output"
}
