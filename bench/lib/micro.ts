const rounds = 7

/** Median of some rounds, in nanoseconds of CPU per call: a busy machine disturbs that less than time. */
export function measure (calls: number, work: (index: number) => void): number {
  const samples: number[] = []
  for (let round = 0; round < rounds; round++) {
    const start = process.cpuUsage()
    for (let index = 0; index < calls; index++) work(index)
    const { user, system } = process.cpuUsage(start)
    samples.push((user + system) * 1_000 / calls)
  }
  return Math.round((samples.sort((first, second) => first - second)[rounds >> 1] as number) * 10) / 10
}
