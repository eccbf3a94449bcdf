// Entry of the mock upstream's process; options as JSON in the first argument.
import type { MockUpstreamOptions } from '../../src/mock-upstream/options.ts'
import { startMockUpstream } from '../../src/mock-upstream/server.ts'

await startMockUpstream(JSON.parse(process.argv[2] ?? '{}') as Partial<MockUpstreamOptions>)
