import { renameSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { toConfig } from './config.ts'
import type { UpstreamPorts } from './config.ts'
import { takeSample } from './samples.ts'
import type { Sample } from './samples.ts'
import type { SoakTraffic } from './traffic.ts'
import { upstreamFaultNames } from './upstreams.ts'
import type { SoakUpstream } from './upstreams.ts'

export interface SoakSetting {
  port: number
  pid: number
  socketPath: string
  configFile: string
  upstreams: Record<keyof UpstreamPorts, SoakUpstream>
  traffic: SoakTraffic
  random: () => number
}

export interface CourseResult {
  samples: Sample[]
  reloads: number
  /** How often each kind was drawn. */
  faults: Record<string, number>
}

const requestsPerSecond = 200
const reloadEverySeconds = 20
const requestsHarmedMax = 20
const restMsMax = 20_000
/** What the system does with a socket after both sides have closed it. */
const settleMs = 500

/** Everything ends: the gateway as it is when nobody uses it. */
export async function takeSampleAtRest (setting: SoakSetting, seconds: number, isAtRest: (sample: Sample) => boolean): Promise<Sample> {
  await setting.traffic.stop()
  const deadlineMs = performance.now() + restMsMax
  for (;;) {
    for (const upstream of Object.values(setting.upstreams)) upstream.closeConnections()
    await delay(settleMs)
    const sample = await takeSample(setting, seconds)
    if (isAtRest(sample) || performance.now() > deadlineMs) return sample
  }
}

export const isIdle = ({ open }: Sample): boolean => Object.values(open).every((value) => value === 0)

/** Steady load, one fault a second, a reload every 20 s; ends with the config it began with. */
export async function runCourse (setting: SoakSetting, { seconds, sampleEverySeconds, onSample }: { seconds: number, sampleEverySeconds: number, onSample: (sample: Sample) => void }): Promise<CourseResult> {
  const result: CourseResult = { samples: [], reloads: 0, faults: {} }
  const startMs = performance.now()
  setting.traffic.start(requestsPerSecond)
  for (let second = 1; second <= seconds; second++) {
    await delay(Math.max(0, startMs + second * 1_000 - performance.now()))
    const fault = drawFault(setting)
    result.faults[fault] = (result.faults[fault] ?? 0) + 1
    // Not at the end: the file watch must see this one before the last takes its place.
    if (second % reloadEverySeconds === 0 && second < seconds) changeConfig(setting, ++result.reloads)
    if (second % sampleEverySeconds !== 0) continue
    const sample = await takeSample(setting, (performance.now() - startMs) / 1_000)
    result.samples.push(sample)
    onSample(sample)
  }
  await setting.traffic.stop()
  // Version 0 would be the same as what runs when nothing was changed, and then not be a reload.
  if (result.reloads > 0) {
    changeConfig(setting, 0)
    result.reloads++
  }
  return result
}

/** Told by SIGHUP, or found by the file watch. */
function changeConfig ({ configFile, pid, upstreams: { alpha, beta, gamma } }: SoakSetting, version: number): void {
  writeFileSync(`${configFile}.new`, toConfig({ alpha: alpha.port, beta: beta.port, gamma: gamma.port }, version))
  renameSync(`${configFile}.new`, configFile)
  if (version % 2 === 0) process.kill(pid, 'SIGHUP')
}

function drawFault ({ random, upstreams, traffic }: SoakSetting): string {
  const count = 1 + Math.floor(random() * requestsHarmedMax)
  const names = [...upstreamFaultNames, 'exit-thread', 'client-aborts'] as const
  const fault = names[Math.floor(random() * names.length)] as typeof names[number]
  const upstream = Object.values(upstreams)[Math.floor(random() * 3)] as SoakUpstream
  if (fault === 'exit-thread') traffic.endThread()
  else if (fault === 'client-aborts') traffic.leaversLeft = count
  else upstream.harm(fault, count)
  return String(fault)
}
