import { readFileSync, readdirSync } from 'node:fs'

/** Kernel ticks per second in /proc/<pid>/stat; 100 on every Linux that Node runs on. */
const ticksPerSecond = 100

export interface TreeUsage {
  /** User and system time of all processes that live now. */
  cpuUs: number
  rssBytes: number
  processes: number
}

/** The process and everything below it, parents first. */
export function processTree (rootPid: number): number[] {
  const childrenOf = new Map<number, number[]>()
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry)
    const stat = Number.isInteger(pid) ? readStat(pid) : null
    if (stat === null) continue
    const siblings = childrenOf.get(stat.parentPid)
    if (siblings === undefined) childrenOf.set(stat.parentPid, [pid])
    else siblings.push(pid)
  }
  const tree = [rootPid]
  for (const pid of tree) tree.push(...childrenOf.get(pid) ?? [])
  return tree
}

export function directChildren (pid: number): number[] {
  return processTree(pid).filter((candidate) => readStat(candidate)?.parentPid === pid)
}

export function treeUsage (rootPid: number): TreeUsage {
  const usage: TreeUsage = { cpuUs: 0, rssBytes: 0, processes: 0 }
  for (const pid of processTree(rootPid)) {
    const stat = readStat(pid)
    if (stat === null) continue
    usage.cpuUs += stat.cpuTicks * 1e6 / ticksPerSecond
    usage.rssBytes += readRssBytes(pid)
    usage.processes += 1
  }
  return usage
}

/** Null when the process has ended. */
function readStat (pid: number): { parentPid: number, cpuTicks: number } | null {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return null
  }
  // The second field is the command in brackets and may hold blanks: count fields after the last bracket.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { parentPid: Number(fields[1]), cpuTicks: Number(fields[11]) + Number(fields[12]) }
}

function readRssBytes (pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}
