/** One device id per tab and client: kept over a reload, never shared by two living tabs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DeviceShelf, isDevice } from '../../client/device.js'
import { FakeStorage } from './fakes.js'

/** A page of a tab: its own events, the tab's storage. */
function page(storage) {
  const events = new EventTarget()
  const document = new EventTarget()
  const shelf = new DeviceShelf({ storage, page: events, document, random: Math.random })
  const claim = (device = null, seenAt = null) => shelf.claim(device, () => seenAt)
  return { events, document, shelf: { claim, release: (it) => shelf.release(it) } }
}

test('a reload gets the same ids in the same order', () => {
  const storage = new FakeStorage()
  const before = page(storage)
  const ids = [before.shelf.claim().device, before.shelf.claim().device]
  before.events.dispatchEvent(new Event('pagehide'))
  const after = page(storage)
  assert.deepEqual([after.shelf.claim().device, after.shelf.claim().device], ids)
})

test('a tab duplicated while alive gets another id', () => {
  const storage = new FakeStorage()
  const { device } = page(storage).shelf.claim()
  const copy = new FakeStorage()
  for (const [key, value] of storage.values) copy.setItem(key, value)
  assert.notEqual(page(copy).shelf.claim().device, device)
})

test('two clients of a page never share an id, and a released one is used again', () => {
  const { shelf } = page(new FakeStorage())
  const [first, second] = [shelf.claim(), shelf.claim()]
  assert.notEqual(first.device, second.device)
  shelf.release(first)
  assert.equal(shelf.claim().device, first.device)
})

test('back from the cache, the ids are taken out of storage again', () => {
  const storage = new FakeStorage()
  const { events, shelf } = page(storage)
  shelf.claim()
  events.dispatchEvent(new Event('pagehide'))
  assert.equal(storage.values.size, 1)
  events.dispatchEvent(new Event('pageshow'))
  assert.equal(storage.values.size, 0)
})

test('a frozen page, which may be thrown away without another word, leaves its ids, too', () => {
  const storage = new FakeStorage()
  const before = page(storage)
  const { device } = before.shelf.claim()
  before.document.dispatchEvent(new Event('freeze'))
  assert.equal(storage.values.size, 1)
  assert.equal(page(storage).shelf.claim().device, device)
  before.document.dispatchEvent(new Event('resume'))
  assert.equal(storage.values.size, 0)
})

test('the next page learns when the last was connected, with a made and with a chosen id', () => {
  const storage = new FakeStorage()
  const before = page(storage)
  const first = before.shelf.claim(null, 123)
  before.shelf.claim('mine', 456)
  assert.equal(first.lastSeenAt, null)
  before.events.dispatchEvent(new Event('pagehide'))
  const after = page(storage)
  assert.deepEqual(
    [after.shelf.claim().lastSeenAt, after.shelf.claim('mine').lastSeenAt],
    [123, 456]
  )
})

test('what was released has no session to resume', () => {
  const storage = new FakeStorage()
  const before = page(storage)
  for (const device of [null, 'mine']) before.shelf.release(before.shelf.claim(device, 123))
  before.events.dispatchEvent(new Event('pagehide'))
  const after = page(storage)
  assert.deepEqual(
    [after.shelf.claim().lastSeenAt, after.shelf.claim('mine').lastSeenAt],
    [null, null]
  )
})

test('forbidden or meddled storage only costs the memory', () => {
  const forbidden = {
    getItem() {
      throw new Error()
    },
    setItem() {
      throw new Error()
    },
    removeItem() {
      throw new Error()
    }
  }
  const { events, shelf } = page(forbidden)
  assert.ok(isDevice(shelf.claim().device))
  events.dispatchEvent(new Event('pagehide'))
  const meddled = new FakeStorage()
  meddled.setItem('push-client.0', 'a.b/../#')
  assert.ok(isDevice(page(meddled).shelf.claim().device))
})
