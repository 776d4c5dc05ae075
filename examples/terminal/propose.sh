#!/usr/bin/env bash
# Proposes work, waits until a person has decided (here, in the editor, anywhere), runs what was approved and ends as
# the run does: 0 if it is done, 1 if it was rejected or failed.
#
#   examples/terminal/propose.sh "Plan a health check for the API"
#
# Needs bash 4.4 or newer, node, and `gimo` on the PATH. Run it in the workspace.
set -euo pipefail

field() { node -p "JSON.parse(require('fs').readFileSync(0, 'utf8')).$1"; }

# Watching starts first, so that nothing that happens falls between. Its first line says that it is there.
exec 3< <(exec gimo watch --json)
watcher=$!
trap 'kill "$watcher" 2>/dev/null || true' EXIT

draft=$(gimo generate "$1" --json | field id)
echo "Draft $draft waits for a yes. Review it with: gimo approve $draft"

status=draft
while [ "$status" = draft ] && read -r _event <&3; do
  status=$(gimo draft show "$draft" --json | field status)
done
if [ "$status" != approved ]; then
  echo "Draft $draft is $status; nothing runs." >&2
  exit 1
fi

approved=$(gimo draft show "$draft" --json | field approved_id)
gimo run "$approved" -f
