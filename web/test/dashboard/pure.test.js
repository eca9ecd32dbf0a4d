/** The dashboard's pure parts: reading the stream, columns for charts, numbers, rows, the key. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failureRows, MOST } from '../../dashboard/failures.js'
import { age, clock, milliseconds, perSecond } from '../../dashboard/figures.js'
import { readKey, writeKey } from '../../dashboard/key.js'
import { isFinal, Link } from '../../dashboard/link.js'
import { inMs, KEPT, paceOf, Series, tookOf } from '../../dashboard/series.js'
import { MAX_EVENT_CHARS, ServerSentReader } from '../../dashboard/server-sent.js'
import { FakeStorage } from '../client/fakes.js'

const STREAM =
  'event: hello\ndata: {"service":"ops"}\n\n: still here\n\nevent: settled\ndata: {"text":"ü\\n\\n"}\n\n'

test('a stream reads the same however it was cut', () => {
  const whole = new ServerSentReader().push(STREAM)
  assert.deepEqual(whole, [
    { name: 'hello', data: { service: 'ops' } },
    { name: 'settled', data: { text: 'ü\n\n' } }
  ])
  for (let cut = 0; cut <= STREAM.length; cut++) {
    const reader = new ServerSentReader()
    assert.deepEqual([...reader.push(STREAM.slice(0, cut)), ...reader.push(STREAM.slice(cut))], whole)
  }
})

test('an event without an end does not fill the memory', () => {
  const reader = new ServerSentReader()
  assert.throws(() => reader.push('x'.repeat(MAX_EVENT_CHARS + 1)), /has no end/)
})

/** @param {number} second @param {Record<string, any>} [more] */
function snapshot(second, more = {}) {
  const at = new Date(second * 1_000).toISOString()
  return { at, total: { accepted: second }, services: { shop: { accepted: 1 } }, ...more }
}

test('snapshots become columns, the oldest first and bounded', () => {
  const series = new Series()
  for (let second = 0; second < KEPT + 5; second++) series.add(snapshot(second))
  const [moments, accepted] = series.columns([(it) => it.total.accepted])
  assert.equal(moments.length, KEPT)
  assert.deepEqual([moments[0], accepted?.[0], moments.at(-1)], [5, 5, KEPT + 4])
})

test('a snapshot that came before is not shown twice', () => {
  const series = new Series()
  series.replace([snapshot(1), snapshot(2)])
  series.add(snapshot(2))
  series.add(snapshot(3))
  assert.deepEqual(series.columns([])[0], [1, 2, 3])
})

test('a pause breaks the line', () => {
  const series = new Series()
  series.replace([snapshot(1), snapshot(60)])
  assert.deepEqual(series.columns([(it) => it.total.accepted]), [
    [1, 2, 60],
    [1, null, 60]
  ])
})

test('one service or all', () => {
  assert.equal(paceOf(snapshot(7), '').accepted, 7)
  assert.equal(paceOf(snapshot(7), 'shop').accepted, 1)
  assert.deepEqual(paceOf(snapshot(7), 'quiet'), {})
  assert.equal(tookOf({ published: 2, delivered: 3 }), 5)
  assert.equal(tookOf({}), 0)
  assert.deepEqual([inMs(0.25), inMs(null), inMs(undefined)], [250, null, null])
})

test('numbers are short', () => {
  assert.deepEqual(
    [undefined, 0, 0.25, 7, 123.4, 12_345].map(perSecond),
    ['0', '0', '0.3', '7', '123', '12k']
  )
  assert.deepEqual(
    [null, 0, 1.25, 42.4, 2_500, 90_000].map(milliseconds),
    ['–', '0', '1.3 ms', '42 ms', '2.5 s', '2 min']
  )
  assert.deepEqual([0, 59.6, 7_200, 200_000].map(age), ['0', '60 s', '2 h', '2 d'])
  assert.match(clock('2026-01-31T12:34:56Z'), /^\d\d:34:56$/)
  assert.equal(clock(undefined), '–')
})

/** @param {string} id @param {string} settledAt */
function receipt(id, settledAt) {
  const error = { code: 'denied', detail: 'no', retryable: false }
  return {
    id,
    status: 'failed',
    addresses: {
      'user:1': { state: 'published', attempts: 1 },
      'user:2': { state: 'failed', attempts: 3, settledAt, error }
    }
  }
}

test('failures of all services are one list, the newest first', () => {
  const rows = failureRows([
    { service: 'shop', events: [receipt('a', '2026-01-31T12:00:01Z')] },
    { service: 'bank', events: [receipt('b', '2026-01-31T12:00:02Z'), { id: 'pruned' }] }
  ])
  assert.deepEqual(
    rows.map((it) => it.id),
    ['b', 'a', 'pruned']
  )
  const { service, addresses, code, detail, attempts } = rows[1] ?? assert.fail()
  assert.deepEqual([service, addresses, code, detail, attempts], ['shop', ['user:2'], 'denied', 'no', 3])
})

test('the list is bounded', () => {
  const events = Array.from({ length: MOST + 9 }, (_, at) => receipt(String(at), '2026-01-31T12:00:00Z'))
  assert.equal(failureRows([{ service: 'shop', events }]).length, MOST)
})

test('the key is kept, forgotten, and missed by no browser without storage', () => {
  const storage = /** @type {Storage} */ (/** @type {unknown} */ (new FakeStorage()))
  assert.equal(readKey(storage), null)
  writeKey(storage, 'swk_1')
  assert.equal(readKey(storage), 'swk_1')
  writeKey(storage, null)
  assert.equal(readKey(storage), null)
  const none = /** @type {Storage} */ (/** @type {unknown} */ (null))
  writeKey(none, 'swk_1')
  assert.equal(readKey(none), null)
})

test('a refused key is refused for good, trouble is not', () => {
  assert.deepEqual([400, 401, 403, 429, 408, 503, 0].map(isFinal), [
    true,
    true,
    true,
    false,
    false,
    false,
    false
  ])
})

test('a link tells its states and gives up on a refused key', async () => {
  const told = /** @type {unknown[]} */ ([])
  const gateway = {
    /** @param {{onEvent: (event: {name: string, data: unknown}) => void}} options */
    stream({ onEvent }) {
      onEvent({ name: 'hello', data: {} })
      return Promise.resolve({ ok: false, status: 401, body: { detail: 'unknown key' } })
    }
  }
  await new Promise((done) => {
    const link = new Link(/** @type {any} */ (gateway), {
      onState: (state) => told.push(state),
      onEvent: (event) => told.push(event.name),
      onRefused: (why) => done(told.push(why))
    })
    link.open()
  })
  assert.deepEqual(told, ['connecting', 'connected', 'hello', 'unknown key'])
})
