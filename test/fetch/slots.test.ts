import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Slots } from '../../src/fetch/slots.ts'
import { createSignal } from '../helpers/wait.ts'
import { createRandom } from '../helpers/random.ts'

const never = new AbortController().signal

describe('slots', () => {
  test('no more than the maximum run, the others in their order', async () => {
    const slots = new Slots(2)
    const gates = Array.from({ length: 5 }, () => createSignal())
    const begun: number[] = []
    const all = gates.map((gate, index) => slots.run(async () => { begun.push(index); await gate.promise; return index }, never))
    assert.deepEqual(begun, [0, 1])
    gates[1]?.resolve()
    assert.equal(await all[1], 1)
    assert.deepEqual(begun, [0, 1, 2])
    for (const gate of gates) gate.resolve()
    assert.deepEqual(await Promise.all(all), [0, 1, 2, 3, 4])
    assert.deepEqual(begun, [0, 1, 2, 3, 4])
  })

  test('a task that fails gives its slot back', async () => {
    const slots = new Slots(1)
    const failing = slots.run(async () => { throw new Error('no') }, never)
    const next = slots.run(async () => 'yes', never)
    await assert.rejects(failing, /no/)
    assert.equal(await next, 'yes')
  })

  test('who leaves while waiting takes no slot along', async () => {
    const slots = new Slots(1)
    const gate = createSignal()
    const controller = new AbortController()
    const first = slots.run(() => gate.promise, never)
    const left = slots.run(async () => { throw new Error('must not run') }, controller.signal)
    const last = slots.run(async () => 'last', never)
    controller.abort(new Error('gone'))
    await assert.rejects(left, /gone/)
    gate.resolve()
    await first
    assert.equal(await last, 'last')
    assert.equal(await slots.run(async () => 'free', never), 'free')
  })

  test('any mix of tasks, failures and departures keeps the limit and loses no slot', async () => {
    const random = createRandom(7)
    const slots = new Slots(3)
    let running = 0
    let most = 0
    const all = Array.from({ length: 500 }, () => {
      const controller = new AbortController()
      if (random() < 0.3) setTimeout(() => { controller.abort(new Error('gone')) }, random() * 20)
      return slots.run(async () => {
        most = Math.max(most, ++running)
        await new Promise((resolve) => { setTimeout(resolve, random() * 3) })
        running--
        if (random() < 0.2) throw new Error('no')
      }, controller.signal)
    })
    await Promise.allSettled(all)
    assert.deepEqual({ running, most }, { running: 0, most: 3 })
    const gates = Array.from({ length: 3 }, () => createSignal())
    let begun = 0
    const after = gates.map((gate) => slots.run(async () => { begun++; await gate.promise }, never))
    assert.equal(begun, 3)
    for (const gate of gates) gate.resolve()
    await Promise.all(after)
  })
})
