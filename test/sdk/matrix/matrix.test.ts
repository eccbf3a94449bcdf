import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { startTestGateway } from '../../helpers/gateway.ts'
import { features } from './cells.ts'
import type { Feature, SdkClient } from './cells.ts'
import { wanted } from './wanted.ts'
import { openAiClient } from './clients/openai.ts'
import type { FakeProvider } from './fake-provider.ts'
import type { FakeServer } from './fake-server.ts'
import { openAiProvider } from './providers/openai.ts'

const clients: readonly SdkClient[] = [openAiClient]
const providers: readonly FakeProvider[] = [openAiProvider]

/** Vendors' own SDKs, unmodified, to every provider through a gateway of its own config. The table at the end says what was seen. */
const results = new Map<string, Partial<Record<Feature, string>>>()
const servers = new Map<FakeProvider, FakeServer>()
for (const provider of providers) servers.set(provider, await provider.start({ after }))
const gateway = await startTestGateway({ after }, { providers: Object.fromEntries(providers.map((provider) => [provider.name, provider.toConfig(servers.get(provider) as FakeServer)])) })

for (const client of clients) {
  for (const provider of providers) {
    describe(`${client.name} to ${provider.name}`, () => {
      const row: Partial<Record<Feature, string>> = {}
      results.set(`${client.name} | ${provider.name}`, row)
      const server = servers.get(provider) as FakeServer
      for (const feature of features) {
        const run = client.run[feature]
        row[feature] = run === undefined ? 'no such call' : provider.lacks.includes(feature) ? 'not offered' : 'FAIL'
        if (run === undefined || provider.lacks.includes(feature)) continue
        test(feature, async () => {
          server.problems.length = 0
          const answer = await run({ url: gateway.url, model: `${provider.name}/${provider.model}`, embeddingModel: `${provider.name}/${provider.embeddingModel}` })
          assert.deepEqual(server.problems, [])
          wanted[feature](answer)
          row[feature] = 'ok'
        })
      }
    })
  }
}

after(() => {
  console.log(`| SDK | provider | ${features.join(' | ')} |\n|${'---|'.repeat(features.length + 2)}`)
  for (const [name, row] of results) console.log(`| ${name} | ${features.map((feature) => row[feature]).join(' | ')} |`)
})
