import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface Process {
  pid: number;
  args: string;
}

/**
 * Processes that belong to a place: it stands in their arguments, in their environment or is where they work. Where there
 * is no /proc, only arguments are looked at.
 */
export function processesOf(place: string): Process[] {
  return listed().filter(({ pid, args }) => {
    if (pid === process.pid) return false;
    const told = [args, ofProc(() => readFileSync(`/proc/${pid}/environ`, 'utf8'))];
    told.push(ofProc(() => readlinkSync(`/proc/${pid}/cwd`)));
    return told.some((text) => text.includes(place));
  });
}

function listed(): Process[] {
  try {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    return pids.map((pid) => ({
      pid: Number(pid),
      args: ofProc(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' '),
    }));
  } catch {
    const lines = execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' }).split('\n');
    return lines.map((line) => ({ pid: Number.parseInt(line, 10), args: line.trim() }));
  }
}

/** Empty where the process is gone by now, or is somebody else's. */
function ofProc(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
