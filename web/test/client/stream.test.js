/** Async iteration: order, waiting readers, the end, and the bound. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAX_WAITING, Stream } from '../../client/stream.js'

async function all(stream) {
  const items = []
  for await (const item of stream.read()) items.push(item)
  return items
}

test('what waits and what comes is read in order, until the end', async () => {
  const stream = new Stream(() => {})
  stream.push(1)
  const read = all(stream)
  await null
  stream.push(2)
  stream.push(3)
  stream.end(null)
  stream.push(4)
  assert.deepEqual(await read, [1, 2, 3])
})

test('an error comes after what still waits, once', async () => {
  const stream = new Stream(() => {})
  stream.push(1)
  stream.end(new Error('kicked'))
  const reader = stream.read()
  assert.deepEqual(await reader.next(), { value: 1, done: false })
  await assert.rejects(reader.next(), /kicked/)
  assert.deepEqual(await reader.next(), { value: undefined, done: true })
})

test('readers that wait hear of the error', async () => {
  const stream = new Stream(() => {})
  const reader = stream.read()
  const next = reader.next()
  stream.end(new Error('kicked'))
  await assert.rejects(next, /kicked/)
  assert.equal((await reader.next()).done, true)
})

test('leaving the loop ends it, and its listener is taken away', async () => {
  let ended = 0
  const stream = new Stream(() => (ended += 1))
  for (const item of [1, 2, 3]) stream.push(item)
  const reader = stream.read()
  for await (const item of reader) if (item === 2) break
  stream.end(null)
  assert.equal(ended, 1)
  assert.equal((await reader.next()).done, true)
})

test('one that is too far behind ends with an error rather than lose something silently', async () => {
  const stream = new Stream(() => {})
  for (let item = 0; item <= MAX_WAITING; item += 1) stream.push(item)
  const read = []
  await assert.rejects(
    async () => {
      for await (const item of stream.read()) read.push(item)
    },
    { code: 'stream_overflow', limit: MAX_WAITING }
  )
  assert.equal(read.length, MAX_WAITING)
})
