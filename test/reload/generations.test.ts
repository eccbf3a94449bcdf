import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProviderSettings, Settings } from '../../src/api/settings.ts'
import { Generations, liveGenerationsMax } from '../../src/reload/generations.ts'
import type { ReloadablePool } from '../../src/reload/generations.ts'
import { createProvider, createSettings } from '../router/settings.ts'

class FakePool implements ReloadablePool {
  applied: ProviderSettings[] = []
  closed = false
  finishClose: () => void = () => {}
  /** Its last job has ended. */
  becomeIdle: () => void = () => {}
  readonly name: string
  settings: ProviderSettings

  constructor (settings: ProviderSettings) {
    this.name = settings.name
    this.settings = settings
  }

  submit (): never { throw new Error('not used') }
  cancel (): void {}
  credit (): void {}
  countTimeout (): void {}
  observe (): void {}
  apply (settings: ProviderSettings): void {
    this.settings = settings
    this.applied.push(settings)
  }

  whenIdle (): Promise<void> {
    return new Promise((resolve) => { this.becomeIdle = resolve })
  }

  close (): Promise<void> {
    this.closed = true
    return new Promise((resolve) => { this.finishClose = resolve })
  }

  async destroy (): Promise<void> {}
}

const settingsOf = (...names: string[]): Settings => createSettings(names.map((name) => createProvider(name)))

function create (settings: Settings): { generations: Generations<FakePool>, gone: string[], pool: (name: string) => FakePool } {
  const gone: string[] = []
  const generations = new Generations<FakePool>(settings, {
    createPool: (provider) => new FakePool(provider),
    onPoolGone: (name) => { gone.push(name) },
    onPublished: () => {}
  })
  return { generations, gone, pool: (name) => generations.current.pools.get(name) as FakePool }
}

const turn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve) })

test('a provider that did not change keeps its settings and its pool; one that did gets the new ones', () => {
  const { generations, pool } = create(settingsOf('a', 'b'))
  const [a, b] = [pool('a'), pool('b')]
  const before = generations.current.settings
  const changed = settingsOf('a', 'b')
  generations.publish({ ...changed, providers: changed.providers.map((provider) => provider.name === 'b' ? { ...provider, concurrency: 77 } : provider) })
  assert.equal(generations.current.settings.providers[0], before.providers[0])
  assert.notEqual(generations.current.settings.providers[1], before.providers[1])
  assert.deepEqual([pool('a'), pool('b')], [a, b])
  assert.equal(b.applied.at(-1)?.concurrency, 77)
})

test('the pool of a removed provider closes when the last request that may use it has ended, and only then is gone', async () => {
  const { generations, gone, pool } = create(settingsOf('a', 'b'))
  const b = pool('b')
  const first = generations.current
  first.enter()
  first.enter()
  generations.publish(settingsOf('a'))
  first.leave()
  b.becomeIdle()
  await turn()
  assert.equal(b.closed, false)
  first.leave()
  // Attempts that nobody waits for may still be ending.
  await turn()
  assert.equal(b.closed, false)
  b.becomeIdle()
  await turn()
  assert.equal(b.closed, true)
  assert.deepEqual(gone, [])
  b.finishClose()
  await turn()
  assert.deepEqual(gone, ['b'])
})

test('a provider that changes to another wire format gets another pool; the one before ends with its last job, and the provider is not gone', async () => {
  const { generations, gone, pool } = create(settingsOf('a'))
  const before = pool('a')
  generations.publish(createSettings([createProvider('a', { kind: 'anthropic' })]))
  const after = pool('a')
  assert.notEqual(after, before)
  assert.equal(after.settings.kind, 'anthropic')
  assert.deepEqual(before.applied, [])
  assert.deepEqual(generations.all, [before, after])
  before.becomeIdle()
  await turn()
  before.finishClose()
  await turn()
  assert.deepEqual([before.closed, after.closed, gone], [true, false, []])
})

test('without requests and jobs a removed provider closes at once', async () => {
  const { generations, pool } = create(settingsOf('a', 'b'))
  const b = pool('b')
  generations.publish(settingsOf('a'))
  b.becomeIdle()
  await turn()
  assert.equal(b.closed, true)
})

test('a provider that comes back while its last attempts end keeps its pool: its limit holds over both', async () => {
  const { generations, gone, pool } = create(settingsOf('a', 'b'))
  const b = pool('b')
  generations.publish(settingsOf('a'))
  generations.publish(settingsOf('a', 'b'))
  assert.equal(pool('b'), b)
  b.becomeIdle()
  await turn()
  assert.deepEqual([b.closed, gone], [false, []])
  // And goes as any other when it is removed again.
  generations.publish(settingsOf('a'))
  b.becomeIdle()
  await turn()
  assert.equal(b.closed, true)
})

test('a generation that ends without requests keeps a removed provider for an earlier one that has some', async () => {
  const { generations, pool } = create(settingsOf('a', 'b'))
  const b = pool('b')
  const first = generations.current
  first.enter()
  generations.publish(settingsOf('a'))
  generations.publish(settingsOf('a', 'c'))
  // A request between two attempts has no job.
  b.becomeIdle()
  await turn()
  assert.equal(b.closed, false)
  first.leave()
  b.becomeIdle()
  await turn()
  assert.equal(b.closed, true)
})

test('a provider that comes back before its pool has closed keeps it', () => {
  const { generations, pool } = create(settingsOf('a', 'b'))
  const b = pool('b')
  const first = generations.current
  first.enter()
  generations.publish(settingsOf('a'))
  generations.publish(settingsOf('a', 'b'))
  first.leave()
  assert.equal(pool('b'), b)
  assert.equal(b.closed, false)
})

test('a provider that comes back while its pool closes gets a new one, and is not forgotten', async () => {
  const { generations, gone, pool } = create(settingsOf('a', 'b'))
  const b = pool('b')
  generations.publish(settingsOf('a'))
  b.becomeIdle()
  await turn()
  generations.publish(settingsOf('a', 'b'))
  assert.notEqual(pool('b'), b)
  b.finishClose()
  await turn()
  assert.deepEqual(gone, [])
})

test('earlier generations with requests are bounded', () => {
  const { generations } = create(settingsOf('a'))
  for (let index = 1; index < liveGenerationsMax; index++) {
    generations.current.enter()
    assert.ok(generations.hasRoom)
    generations.publish(settingsOf('a'))
  }
  assert.equal(generations.hasRoom, false)
})
