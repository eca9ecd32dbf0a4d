/** Publishes until the broker has them: over connections, refusals, timeouts and bounds. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAX_PAYLOAD_BYTES, MAX_UNDER_WAY, Publishing } from '../../client/publishing.js'
import { FakeTimers, settled } from './fakes.js'

const DATA = Uint8Array.of(1)

/** A connection that keeps what it is given until it is told the answer. */
function connection() {
  const answers = []
  return { answers, publish: (topic) => new Promise((answer) => answers.push({ topic, answer })) }
}

function publishing() {
  const timers = new FakeTimers()
  return { timers, it: new Publishing(timers, 30_000) }
}

test('it resolves once the broker has it', async () => {
  const { it, timers } = publishing()
  const wire = connection()
  it.over(wire)
  const done = it.publish('a', DATA)
  wire.answers[0].answer(0x10)
  await done
  assert.equal(timers.pending, 0)
})

test('what waits goes out with the next connection, and again with the one after', async () => {
  const { it } = publishing()
  const done = it.publish('a', DATA)
  const [first, second] = [connection(), connection()]
  it.over(first)
  it.over(null)
  it.over(second)
  assert.deepEqual([first.answers.length, second.answers.length], [1, 1])
  second.answers[0].answer(0)
  await done
})

test('a refusal tells the code', async () => {
  const { it } = publishing()
  const wire = connection()
  it.over(wire)
  const done = it.publish('a', DATA)
  wire.answers[0].answer(0x87)
  await assert.rejects(done, { code: 'publish_failed', reason: 'refused', reasonCode: 0x87 })
})

test('one that ends three connections is taken for refused', async () => {
  const { it } = publishing()
  const done = it.publish('a', DATA)
  for (let turn = 0; turn < 4; turn += 1) it.over(connection())
  await assert.rejects(done, { reason: 'refused' })
})

test('it is given up after a time, on closing, when too large, when too many', async () => {
  const { it, timers } = publishing()
  const late = it.publish('a', DATA)
  timers.advance(30_000)
  await assert.rejects(late, { code: 'timed_out' })

  const large = it.publish('a', new Uint8Array(MAX_PAYLOAD_BYTES + 1))
  await assert.rejects(large, { reason: 'too_large', retry: false })

  const many = Array.from({ length: MAX_UNDER_WAY }, () => it.publish('a', DATA))
  await assert.rejects(it.publish('a', DATA), { reason: 'full', retry: true })
  it.end()
  for (const one of many) await assert.rejects(one, { reason: 'closed' })
  await settled()
  assert.equal(timers.pending, 0)
})
