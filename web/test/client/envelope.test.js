/** What counts as an event, and that everything else arrives untouched. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readArrival } from '../../client/envelope.js'
import { envelope } from './fakes.js'

const read = (payload, topic = 'ns/user/42') =>
  readArrival(
    topic,
    typeof payload === 'string' ? new TextEncoder().encode(payload) : payload,
    'ns'
  )

test('an envelope becomes an event with its address and a Date', () => {
  const { name, value: event, identity } = read(envelope('e1', { subject: 's', traceparent: '00-1' }))
  assert.deepEqual([name, identity], ['event', 'serverless-websockets/orders\ne1'])
  assert.deepEqual(
    [event.id, event.type, event.address, event.subject],
    ['e1', 'order.shipped', 'user:42', 's']
  )
  assert.equal(event.time.toISOString(), '2026-11-23T10:00:00.250Z')
  assert.deepEqual(event.data, { n: 'e1' })
  assert.equal(event.attributes.traceparent, '00-1')
})

test('an envelope without data or with a broken time is still an event', () => {
  const { value: event } = read(envelope('e1', { data: undefined, time: 'soon' }))
  assert.deepEqual([event.data, event.time], [null, null])
})

for (const [what, payload] of [
  ['plain text', 'Hi!'],
  ['a number', '42'],
  ['null', 'null'],
  ['an array', '[1]'],
  ['an object of somebody else', '{"specversion":"1.0","id":"1"}'],
  ['an envelope of another version', envelope('e', { specversion: '0.3' })],
  ['an envelope with an empty id', envelope('')],
  ['broken JSON', '{"specversion":"1.0"'],
  ['nothing', '']
]) {
  test(`${what} is a foreign message with its text`, () => {
    const { name, value: message } = read(payload)
    assert.equal(name, 'message')
    assert.equal(message.text, payload)
    assert.equal(message.address, 'user:42')
  })
}

test('bytes that are no UTF-8 are a foreign message without text', () => {
  const { value: message } = read(Uint8Array.of(0xff, 0xfe))
  assert.equal(message.text, null)
  assert.deepEqual([...message.bytes], [0xff, 0xfe])
})
