/** Addresses and topics translate both ways; filters cover by IoT Core's rule. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressOf, covers, topicOf } from '../../client/topic.js'

for (const [address, topic] of [
  ['client:ns.42.phone', 'ns/client/ns.42.phone'],
  ['user:42', 'ns/user/42'],
  ['group:orders/eu', 'ns/group/orders/eu'],
  ['everyone', 'ns/everyone'],
  ['user:a:b', 'ns/user/a:b']
]) {
  test(`${address} is ${topic}`, () => {
    assert.equal(topicOf(address, 'ns'), topic)
    assert.equal(addressOf(topic, 'ns'), address)
  })
}

test('a subtree filter is shown as the grant writes it', () => {
  assert.equal(addressOf('ns/group/orders/#', 'ns'), 'group:orders/*')
})

test('what is no address is refused, and topics of others have none', () => {
  for (const text of ['', 'user', 'user:', 'robot:1', 'Everyone'])
    assert.throws(() => topicOf(text, 'ns'), TypeError)
  for (const topic of ['other/user/42', 'ns/', 'ns/user/', 'ns/robot/1', 'ns', 'ns/group:x/y', 'ns/everyone/x'])
    assert.equal(addressOf(topic, 'ns'), null)
})

for (const [filter, topic, expected] of [
  ['a/b', 'a/b', true],
  ['a/b', 'a', false],
  ['a/b', 'a/b/c', false],
  ['a/#', 'a/b/c', true],
  ['a/#', 'a/', true],
  ['a/#', 'a', false],
  ['a/#', 'ab/c', false],
  ['a/#', 'a/b/#', true],
  ['a/b/#', 'a/#', false]
]) {
  test(`${filter} ${expected ? 'covers' : 'does not cover'} ${topic}`, () =>
    assert.equal(covers(filter, topic), expected))
}
