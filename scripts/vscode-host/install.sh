#!/usr/bin/env bash
# A real VS Code (workbench and Node extension host) from the npm registry alone, for the e2e tests: half a minute and
# 680 MiB. It is no dev dependency, because its install script wants Kerberos headers.
# usage: install.sh DIR; what runs is DIR/node_modules/code-server
set -euo pipefail
case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) platform=linux-x64 ;;
  Linux-aarch64) platform=linux-arm64 ;;
  *) echo "The e2e tests run on Linux only (x64 or arm64), in a container if need be." >&2; exit 1 ;;
esac
# Built aside, so that an interrupted installation is never taken for a whole one.
to=$(realpath -m "$1"); dir=$to.partial
rm -rf "$dir"; mkdir -p "$dir"; cd "$dir"
echo '{"name":"vscode-host","private":true,"version":"0.0.0"}' > package.json
npm=(npm install --ignore-scripts --no-audit --no-fund --loglevel=error)
"${npm[@]}" "node-$platform@24.21.0" code-server@4.139.1
node24=$PWD/node_modules/node-$platform; export PATH=$node24/bin:$PATH
cd node_modules/code-server/lib/vscode
# `npm ci` fails in here, because its shrinkwrap lacks a package.
"${npm[@]}" --omit=dev --omit=optional
"${npm[@]}" --no-save --omit=dev --omit=optional "@parcel/watcher-$platform-glibc@2.5.6"
# Optional: without it one long stack trace appears in the server's log.
gyp=$(dirname "$(readlink -f "$(command -v npm)")")/../node_modules/node-gyp/bin/node-gyp.js
(cd node_modules/@vscode/native-watchdog && node "$gyp" rebuild --nodedir="$node24") >/dev/null 2>&1 || true
rm -rf "$to"; mv "$dir" "$to"
