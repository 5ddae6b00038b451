import { writePrivateFile } from '../write-private-file.js';
import type { PreparedRun } from './prepare-runs.js';

/** A run as the suite's runner takes it: `plan[variant=value]… file`. */
export function argumentsOf({ run, document: _document }: PreparedRun): readonly [string, string] {
  const variant = Object.entries(run.variant).map(([name, value]) => `[${name}=${value}]`);
  return [`${run.plan}${variant.join('')}`, `plans/${run.slug}.json`];
}

/** Writes what gives the suite's own runner every run, or those whose file's name matches a pattern. */
export async function writeScript(
  path: string,
  suite: URL,
  runs: readonly PreparedRun[],
): Promise<void> {
  const cases = runs.map((run) => {
    const [plan, file] = argumentsOf(run);
    return `  add '${plan}' '${file}'`;
  });
  await writePrivateFile(
    path,
    `#!/bin/sh
# Made by npm run conformance. Usage: sh run.sh SUITE [PATTERN]
#   SUITE    a checkout of the OpenID Foundation's conformance suite, which runs
#   PATTERN  of the files in plans/, e.g. 'fapi2-sp-*'; all of them by default
set -eu
suite=\${1:?a checkout of the conformance suite}
pattern=\${2:-*}
here=$(cd "$(dirname "$0")" && pwd)
export CONFORMANCE_SERVER="\${CONFORMANCE_SERVER:-${suite.href}}"
# A suite of one's own asks for no token; the Foundation's does (CONFORMANCE_TOKEN).
[ -n "\${CONFORMANCE_TOKEN:-}" ] || export CONFORMANCE_DEV_MODE=1
list=$(mktemp)
trap 'rm -f "$list"' EXIT
add() {
  name=\${2#plans/}
  case "\${name%.json}" in
    $pattern) printf '%s\\n%s\\n' "$1" "$here/$2" >>"$list" ;;
  esac
}
choose() {
${cases.join('\n')}
}
choose
if [ ! -s "$list" ]; then echo "no plan is called $pattern" >&2; exit 2; fi
set --
while IFS= read -r argument; do set -- "$@" "$argument"; done <"$list"
python3 "$suite/scripts/run-test-plan.py" "$@"
`,
  );
}
