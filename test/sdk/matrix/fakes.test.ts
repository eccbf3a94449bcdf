import assert from 'node:assert/strict'
import { createSign } from 'node:crypto'
import { after, describe, test } from 'node:test'
import { loadConfig } from '../../../src/config/load.ts'
import { expected, features } from './cells.ts'
import type { Answer, Feature } from './cells.ts'
import { anthropicDirect } from './direct/anthropic.ts'
import { bedrockDirect, postSigned } from './direct/bedrock.ts'
import { azureDirect, ollamaCompatibleDirect } from './direct/chat-completions.ts'
import { cohereDirect } from './direct/cohere.ts'
import type { DirectPair } from './direct/direct.ts'
import { geminiDirect, vertexDirect } from './direct/google.ts'
import { mistralDirect } from './direct/mistral.ts'
import { ollamaDirect } from './direct/ollama.ts'
import { signingKey } from './providers/bedrock.ts'
import { accountOf } from './providers/vertex.ts'

const pairs: readonly DirectPair[] = [anthropicDirect, geminiDirect, vertexDirect, bedrockDirect, azureDirect, cohereDirect, mistralDirect, ollamaDirect, ollamaCompatibleDirect]

const answers: Readonly<Record<Exclude<Feature, 'errors'>, Answer>> = {
  text: { text: expected.text, usage: expected.usage },
  stream: { text: expected.text, usage: expected.usage, pieces: 4 },
  tools: { toolCalls: [{ name: expected.toolName, arguments: expected.toolArguments }] },
  'tool stream': { toolCalls: [{ name: expected.toolName, arguments: expected.toolArguments }] },
  'tool results': { text: expected.afterTools },
  structured: { structured: expected.structured },
  embeddings: { embeddings: expected.embeddings.map((values) => [...values]) }
}

/** Each fake is worth what its vendor's own SDK says of it, and what it refuses. */
for (const { name, provider, connect, post, malformed } of pairs) {
  describe(`${name} at the fake of ${provider.name}`, async () => {
    const server = await provider.start({ after })
    const run = connect(server)
    for (const feature of features) {
      if (provider.lacks.includes(feature)) continue
      test(feature, async () => {
        server.problems.length = 0
        const answer = await run[feature]?.({ url: server.url, model: provider.model, embeddingModel: provider.embeddingModel })
        assert.deepEqual(server.problems, [])
        if (feature !== 'errors') return assert.deepEqual(answer, answers[feature])
        assert.equal(answer?.error?.status, expected.errorStatus)
        assert.match(answer.error.message, new RegExp(expected.errorMessage))
      })
    }

    for (const { name: what, body, problem } of malformed) {
      test(`a request ${what} is refused`, async () => {
        server.problems.length = 0
        const response = await post(server, body)
        await response.text()
        assert.equal(response.status, 400)
        assert.equal(server.problems.length, 1)
        assert.match(server.problems[0] as string, problem)
      })
    }

    // Ollama takes everyone.
    if (provider.name !== 'ollama') {
      test('a request without credentials is refused', async () => {
        const { method = '', path = '' } = server.requests.at(-1) ?? {}
        assert.equal((await fetch(`${server.url}${path}`, { method, headers: { 'content-type': 'application/json', 'anthropic-version': '2026-10-21' }, body: '{}' })).status, 400)
        assert.match(server.problems.at(-1) as string, /key|credentials|authorization|token/i)
      })
    }

    test('its block of the config is one that the gateway takes', () => {
      const data = { providers: { [provider.name]: provider.toConfig(server) } }
      assert.doesNotThrow(() => loadConfig({ path: 'bifrost.config.json', data, environment: {}, overrides: {}, generation: 1 }))
    })
  })
}

describe('the signature of AWS', async () => {
  const server = await bedrockDirect.provider.start({ after })
  const body = { messages: [{ role: 'user', content: [{ text: 'Say hello.' }] }] }
  const refused = async (response: Response, problem: RegExp): Promise<void> => {
    assert.equal(response.status, 400)
    assert.match(server.problems.at(-1) as string, problem)
  }

  test('passes for the key, the body and the path that it is of', async () => {
    assert.equal((await postSigned(server.url, body, signingKey)).status, 200)
  })
  test('is refused when the secret is another one', async () => {
    await refused(await postSigned(server.url, body, { ...signingKey, secretKey: 'other' }), /does not match/)
  })
  test('is refused when the region is another one', async () => {
    await refused(await postSigned(server.url, body, { ...signingKey, region: 'us-east-1' }), /should be scoped/)
  })
  test('is refused when the body changed on its way', async () => {
    await refused(await postSigned(server.url, body, signingKey, { bytes: Buffer.from(JSON.stringify({ ...body, system: [] })) }), /does not match/)
  })
  test('is refused when the path is written otherwise than it was signed', async () => {
    await refused(await postSigned(server.url, body, signingKey, { path: `/model/${bedrockDirect.provider.model}/converse` }), /does not match/)
  })
  test('is refused when it is old', async () => {
    await refused(await postSigned(server.url, body, signingKey, { date: new Date(Date.now() - 3_600_000) }), /expired/)
  })
})

describe('the token endpoint of Google', async () => {
  const server = await vertexDirect.provider.start({ after })
  const account = accountOf(server)
  const nowSeconds = Math.floor(Date.now() / 1000)
  const claims = { iss: account.client_email, scope: 'https://www.googleapis.com/auth/cloud-platform', aud: account.token_uri, iat: nowSeconds, exp: nowSeconds + 3600 }
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')
  const exchange = (changes: object, tail = ''): Promise<Response> => {
    const unsigned = `${encode({ alg: 'RS256', typ: 'JWT', kid: account.private_key_id })}.${encode({ ...claims, ...changes })}`
    const assertion = `${unsigned}.${createSign('RSA-SHA256').update(unsigned + tail).sign(account.private_key, 'base64url')}`
    return fetch(account.token_uri, { method: 'POST', body: new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }) })
  }

  test('gives a token for an assertion that the account signed', async () => {
    const response = await exchange({})
    assert.equal(response.status, 200)
    assert.match((await response.json() as { access_token: string }).access_token, /^ya29\./)
  })
  const refusals: [string, object, string, RegExp][] = [
    ['another signature', {}, 'x', /Invalid JWT Signature/],
    ['another account', { iss: 'someone@example.com' }, '', /iss/],
    ['another audience', { aud: 'https://example.com' }, '', /aud/],
    ['no scope', { scope: '' }, '', /invalid_scope/],
    ['a life of a day', { exp: nowSeconds + 86_400 }, '', /exp/]
  ]
  for (const [what, changes, tail, problem] of refusals) {
    test(`refuses ${what}`, async () => {
      assert.equal((await exchange(changes, tail)).status, 400)
      assert.match(server.problems.at(-1) as string, problem)
    })
  }
})
